"""WikiText-2: articles of the English Wikipedia in the forms in which they are published."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from llm_book.data.archives import open_member
from llm_book.data.download import fetch
from llm_book.data.reading import decoded, read_text

HEADING = re.compile(r" = (?!= )(.+)(?<! =) = ?")
PARTS = ("valid", "test")
SPLITS = ("train", *PARTS)


@dataclass(frozen=True)
class Article:
    """An article: its title, and its text without the title's line, as it was published."""

    title: str
    text: str


def load_wikitext2(split: str = "test", progress: bool = True) -> str:
    """The validation or the test text, cut into words by spaces; rare words are `<unk>`.

    The lines' ends count as words where perplexities are compared: 217,646 and 245,569 of them.
    Raises ValueError for another split, DataUnavailable where the file cannot be had. Source:
    Merity et al. (2017).
    """
    return read_text(fetch(f"wikitext2/{_checked(split, PARTS)}.txt", progress=progress))


def load_wikitext2_raw(split: str = "train", progress: bool = True) -> str:
    """The training, validation or test text with every word as it was written.

    Raises ValueError for another split, DataUnavailable where the file cannot be had. Source:
    Merity et al. (2017).
    """
    return read_wikitext_raw(fetch("wikitext2_raw", progress=progress), split)


def read_wikitext_raw(path: str | Path, split: str) -> str:
    """One split's text in `wikitext-2-raw-v1.zip`. Raises ValueError for another split."""
    name = f"wikitext-2-raw/wiki.{_checked(split, SPLITS)}.raw"
    with open_member(path, name) as file:
        return decoded(file.read(), name)


def articles(text: str) -> tuple[Article, ...]:
    """The text's articles, in order: each begins at a title ` = … = ` between two empty lines.

    Raises ValueError where there is none.
    """
    lines = text.split("\n")
    starts = [
        i
        for i in range(1, len(lines) - 1)
        if HEADING.fullmatch(lines[i]) and not lines[i - 1].strip() and not lines[i + 1].strip()
    ]
    if not starts:
        raise ValueError("the text holds no title of the form ' = Title = '; give WikiText's own")
    ends = [*starts[1:], len(lines)]
    return tuple(
        Article(lines[start].strip(" ="), "\n".join(lines[start + 1 : end]))
        for start, end in zip(starts, ends, strict=True)
    )


def _checked(split: str, splits: tuple[str, ...]) -> str:
    if split not in splits:
        raise ValueError(f"WikiText-2 has no split {split!r} in this form; choose one of {splits}")
    return split
