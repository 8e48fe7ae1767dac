"""Learning byte-pair merges: join the most frequent pair of neighbours, again and again.

Sennrich et al. (2016), section 3.2, on bytes as in Radford et al. (2019), section 2.2. Of equally
frequent pairs the lexicographically greatest pair of byte strings is joined first, so that the
result depends on the counts alone.
"""

from __future__ import annotations

import heapq
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import TypeVar

from llm_book.text.specials import SpecialFinder
from llm_book.text.split import Splitter
from llm_book.text.utf8 import utf8

SLICE = 1 << 16  # characters read at once from a text or a file

Pair = tuple[int, int]
T = TypeVar("T")


@dataclass(frozen=True)
class Merge:
    """One step of the training: `left` and `right`, seen side by side `count` times, are joined."""

    left: bytes
    right: bytes
    count: int

    @property
    def token(self) -> bytes:
        """The new token."""
        return self.left + self.right


def chunks(source: str | os.PathLike[str] | Iterable[str]) -> Iterator[str]:
    """The source in chunks: a string is a text, a path a UTF-8 file, anything else a stream.

    Line ends are kept as they stand. Raises ValueError where a file is not UTF-8.
    """
    if isinstance(source, str):
        yield from slices(source)
    elif isinstance(source, os.PathLike):
        yield from _read(Path(source))
    else:
        yield from source


def slices(text: str) -> Iterator[str]:
    """A text in slices of 65,536 characters."""
    return (text[i : i + SLICE] for i in range(0, len(text), SLICE))


def _read(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as file:
        try:
            yield from iter(lambda: file.read(SLICE), "")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path} is not UTF-8 ({error.reason}); convert it or pass an open file"
            ) from error


def segments(
    source: Iterable[str], splitter: Splitter, specials: SpecialFinder
) -> Iterator[tuple[str, bool]]:
    """A stream as pairs (block, whether it is a special); each block can be split by itself."""
    for special, run in groupby(specials.marked(source), key=lambda part: part[1]):
        texts = (text for text, _ in run)
        yield from ((text, special) for text in (texts if special else splitter.blocks(texts)))


def count_pieces(
    source: str | os.PathLike[str] | Iterable[str],
    splitter: Splitter,
    specials: SpecialFinder,
) -> Counter[str]:
    """How often each pre-token occurs in a text, a file or a stream; specials are left out.

    No more than one block of the source and these counts are in memory at a time.
    """
    counts: Counter[str] = Counter()
    for block, special in segments(chunks(source), splitter, specials):
        if not special:
            counts.update(splitter.pieces(block))
    return counts


def learn_merges(counts: Mapping[str, int], min_count: int = 1) -> Iterator[Merge]:
    """The merges, most frequent first, until no pair occurs `min_count` times.

    In "aaa" the pair ("a", "a") counts twice although only one of the two can be joined. Time
    goes with the pre-tokens that a merge changes, not with the corpus. Raises ValueError for a
    `min_count` below 1.
    """
    if min_count < 1:
        raise ValueError(f"min_count is {min_count}; a pair must occur once at least, give 1")
    words = _Words(counts)
    while (pair := words.most_frequent()) and words.pair_counts[pair] >= min_count:
        left, right = (words.tokens[i] for i in pair)
        yield Merge(left, right, words.pair_counts[pair])
        words.merge(pair)


class _Words:
    """The distinct pre-tokens as lists of token ids, the pairs in them, and where each pair is."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.tokens = [bytes([byte]) for byte in range(256)]
        self.orders = [_descending(token) for token in self.tokens]
        self.words = [list(utf8(word)) for word in counts]
        self.times = list(counts.values())
        self.pair_counts: defaultdict[Pair, int] = defaultdict(int)
        self.places: defaultdict[Pair, set[int]] = defaultdict(set)  # may name words that lost it
        for place, (word, times) in enumerate(zip(self.words, self.times, strict=True)):
            for pair in pairwise(word):
                self.pair_counts[pair] += times
                self.places[pair].add(place)
        self.queue = [self._entry(pair) for pair in self.pair_counts]
        heapq.heapify(self.queue)

    def _entry(self, pair: Pair) -> tuple[int, str, Pair]:
        """Sorts before the entries of rarer pairs and of smaller pairs as frequent."""
        return -self.pair_counts[pair], self.orders[pair[0]] + self.orders[pair[1]], pair

    def most_frequent(self) -> Pair | None:
        """The pair to be joined next; None where no word has two tokens left."""
        while self.queue:
            entry = heapq.heappop(self.queue)
            pair = entry[-1]
            if -entry[0] == self.pair_counts[pair]:
                return pair
            if self.pair_counts[pair]:  # counts only fall once queued: it comes up again, in time
                heapq.heappush(self.queue, self._entry(pair))
        return None

    def merge(self, pair: Pair) -> None:
        """Join the pair wherever it stands, in place."""
        new = len(self.tokens)
        self.tokens.append(self.tokens[pair[0]] + self.tokens[pair[1]])
        self.orders.append(_descending(self.tokens[new]))
        pair_counts, born = self.pair_counts, set()
        for place in self.places.pop(pair):
            before, times = self.words[place], self.times[place]
            after = self.words[place] = joined(before, pair, new)
            for old in pairwise(before):
                pair_counts[old] -= times
            for fresh in pairwise(after):
                pair_counts[fresh] += times
                if new in fresh:
                    born.add(fresh)
                    self.places[fresh].add(place)
        for fresh in born:
            heapq.heappush(self.queue, self._entry(fresh))


def joined(word: list[T], pair: tuple[T, T], new: T) -> list[T]:
    """The word with each occurrence of the pair, from the left, replaced by the new token."""
    left, right = pair
    out: list[T] = []
    for token in word:
        if token == right and out and out[-1] == left:
            out[-1] = new
        else:
            out.append(token)
    return out


def _descending(token: bytes) -> str:
    """A key by which the lexicographically greater token sorts first."""
    # The end is greater than any byte's complement: a token comes before its own beginnings.
    return token.translate(_COMPLEMENTS).decode("latin-1") + "\u0100"


_COMPLEMENTS = bytes(range(255, -1, -1))
