"""三国演义 (Romance of the Three Kingdoms), the Chinese novel: its text and its chapters."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llm_book.data.download import fetch
from llm_book.data.reading import lines, malformed, read_text

CHAPTER = re.compile(r"第([零〇一二三四五六七八九十百]+)回 (\S.*)")


@dataclass(frozen=True)
class NovelChapter:
    """A chapter of a novel: its number, counted from 1, its title, its paragraphs."""

    number: int
    title: str
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The paragraphs, one a line."""
        return "\n".join(self.paragraphs)


def load_sanguo(progress: bool = True) -> str:
    """The novel: 120 chapters in 596,940 characters.

    A chapter is a line with its number and title, then a paragraph a line. Raises DataUnavailable
    where the file cannot be had.
    """
    return read_text(fetch("sanguo", progress=progress))


def chapters(text: str, name: str = "sanguo_body.txt") -> tuple[NovelChapter, ...]:
    """The chapters of a Chinese novel whose headings read 第…回 and a title.

    Raises ValueError where the text does not begin with one, or their numbers do not follow each
    other; `name` is the file that the refusal names.
    """
    found: list[tuple[str, list[str]]] = []
    for row, line in enumerate(lines(text), start=1):
        if heading := CHAPTER.fullmatch(line):
            if (number := chinese_number(heading[1])) != len(found) + 1:
                raise malformed(name, row, f"chapter {number} where {len(found) + 1} must come")
            found.append((heading[2], []))
        elif not found:
            raise malformed(name, row, f"{line[:20]!r} where the first chapter's heading must come")
        else:
            found[-1][1].append(line)
    return tuple(
        NovelChapter(number, title, tuple(paragraphs))
        for number, (title, paragraphs) in enumerate(found, start=1)
    )


def chinese_number(numeral: str) -> int:
    """The whole number, 1 to 999, that a Chinese numeral such as 一百二十 writes.

    Raises ValueError for any other text.
    """
    parts = re.fullmatch(
        r"(?:([一二三四五六七八九])百)?[零〇]?(?:([一二三四五六七八九])?(十))?([一二三四五六七八九])?",
        numeral,
    )
    if not numeral.strip("零〇") or parts is None:
        raise ValueError(f"{numeral!r} is no Chinese numeral from 一 to 九百九十九; write one such")
    hundreds, tens, ten, ones = parts.groups()
    digit = {sign: value for value, sign in enumerate("一二三四五六七八九", start=1)}
    in_tens = digit.get(tens, 1) if ten else 0
    return 100 * digit.get(hundreds, 0) + 10 * in_tens + digit.get(ones, 0)
