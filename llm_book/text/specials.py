"""Special tokens: strings such as `<|endoftext|>` that stand for one id and are never cut."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import regex

from llm_book.text.utf8 import utf8


def checked_specials(specials: Collection[str]) -> list[str]:
    """The specials as a list. Raises TypeError for a lone string; ValueError for a special that
    is empty, stands twice, or holds a lone surrogate.
    """
    if isinstance(specials, str):
        raise TypeError(f"specials is the string {specials!r}; give a list: [{specials!r}]")
    found: list[str] = []
    for special in specials:
        if not special:
            raise ValueError("a special token is empty and would stand everywhere; write it out")
        if special in found:
            raise ValueError(f"the special token {special!r} stands twice; give it once")
        utf8(special)
        found.append(special)
    return found


class SpecialFinder:
    """Finds special tokens in a stream: the leftmost, of several at one place the longest."""

    def __init__(self, specials: Collection[str]) -> None:
        longest_first = sorted(specials, key=len, reverse=True)
        self._any = regex.compile("|".join(map(regex.escape, longest_first))) if specials else None
        self._beginnings = {s[:n] for s in specials for n in range(1, len(s))}
        self._longest_beginning = max(map(len, self._beginnings), default=0)

    def marked(self, chunks: Iterable[str]) -> Iterator[tuple[str, bool]]:
        """The stream as pairs (text, whether it is a special), in order; no text is empty.

        A special that spans chunks is found: the end of a chunk that may be the beginning of a
        special waits for the next chunk. Raises TypeError for a chunk that is not a string.
        """
        held = ""
        for number, chunk in enumerate(chunks):
            if not isinstance(chunk, str):
                raise TypeError(
                    f"chunk {number} of the stream is {type(chunk).__name__}, not text; "
                    "decode it first, for instance by open(path, encoding='utf-8')"
                )
            held += chunk
            end = 0
            for start, end, special in self._runs(held, self._open_places(held)):
                yield held[start:end], special
            held = held[end:]
        for start, end, special in self._runs(held, []):
            yield held[start:end], special

    def _open_places(self, text: str) -> list[int]:
        """Where a special may have begun whose end has not come yet."""
        nearest = range(max(0, len(text) - self._longest_beginning), len(text))
        return [place for place in nearest if text[place:] in self._beginnings]

    def _runs(self, text: str, open_places: list[int]) -> Iterator[tuple[int, int, bool]]:
        """Runs (start, end, whether special) up to the first open place outside a special."""
        start = 0
        while True:
            stop = next((place for place in open_places if place >= start), len(text))
            found = self._any.search(text, start) if self._any else None
            if found is None or found.start() >= stop:
                break
            if found.start() > start:
                yield start, found.start(), False
            yield found.start(), found.end(), True
            start = found.end()
        if stop > start:
            yield start, stop, False
