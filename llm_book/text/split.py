"""The split pattern: cuts a text into pre-tokens, inside which byte-pair encoding merges.

No merge reaches across two pre-tokens, so that " dog" and "." never become one token, and a long
text is encoded by looking each of its pre-tokens up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import regex

from llm_book.text.unicode_age import as_in_unicode_16

# Radford et al. (2019): contractions; a word, a number or a run of marks, each with the space
# before it; white space, whose last character is left to the word that follows.
GPT2_SPLIT = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"

# GPT-4's: any case in contractions, any one mark or space before a word, numbers by three digits,
# line ends of their own. As released; `tiktoken` now spells it in another way, which differs where
# a text ends in a line end and further white space.
CL100K_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# Where both patterns begin a new pre-token, whatever stands further left or right: after the last
# letter of a word, after the last digit of a number, before a space that follows a mark.
SAFE_CUT = r"(?<=\p{L})(?=\P{L})|(?<=\p{N})(?=\P{N})|(?<=\S)(?=[^\S\r\n])"
STREAMED = (GPT2_SPLIT, CL100K_SPLIT)


@dataclass(frozen=True)
class Splitter:
    """Cuts texts by one pattern of the `regex` library, a stream of chunks like the whole text.

    `\\p{L}` and `\\p{N}` mean the letters and numbers of Unicode 16. Raises ValueError for a
    pattern that cannot be compiled or that holds a capturing group.
    """

    pattern: str = GPT2_SPLIT

    def __post_init__(self) -> None:
        try:
            groups = _compiled(self.pattern).groups
        except regex.error as error:
            raise ValueError(
                f"the split pattern {self.pattern!r} is no regular expression ({error}); correct it"
            ) from error
        if groups:
            raise ValueError(
                f"the split pattern {self.pattern!r} captures a group; write (?:…) instead of (…)"
            )

    def pieces(self, text: str) -> list[str]:
        """The pre-tokens of `text`; joined they are `text`.

        Raises ValueError where the pattern leaves something out.
        """
        dated = as_in_unicode_16(text)
        pieces = _compiled(self.pattern).findall(dated)
        if sum(map(len, pieces)) != len(text):
            raise ValueError(
                f"the split pattern {self.pattern!r} leaves out a part of the text "
                f"{text[:40]!r}; add an alternative that takes any character: |(?s:.)"
            )
        return pieces if dated == text else _recut(text, pieces)

    def blocks(self, chunks: Iterable[str]) -> Iterator[str]:
        """The stream in blocks whose pre-tokens are those of the whole text, cut where it is safe.

        Holds back what follows the last safe place, usually a word. A run without such a place (a
        million letters in a row) is held until it ends, and so is the whole stream where the
        pattern is neither GPT-2's nor GPT-4's, because nothing is known about it.
        """
        held: list[str] = []
        before = ""
        for chunk in chunks:
            place = self._last_safe_place(before, chunk)
            if place is not None:
                yield "".join(held) + chunk[:place]
                held, chunk = [], chunk[place:]
            held.append(chunk)
            before = chunk[-1:] or before
        if rest := "".join(held):
            yield rest

    def _last_safe_place(self, before: str, chunk: str) -> int | None:
        """Where in `chunk` the last safe cut is; `before` is the one character before it."""
        if self.pattern not in STREAMED:
            return None
        found = _backwards(SAFE_CUT).search(as_in_unicode_16(before + chunk))
        return None if found is None else found.start() - len(before)


def _recut(text: str, pieces: list[str]) -> list[str]:
    """`text` cut into pieces as long as `pieces`."""
    cut, start = [], 0
    for piece in pieces:
        cut.append(text[start : start + len(piece)])
        start += len(piece)
    return cut


@cache
def _compiled(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern)


@cache
def _backwards(pattern: str) -> regex.Pattern[str]:
    """The pattern searched from the end of the text."""
    return regex.compile(f"(?r){pattern}")
