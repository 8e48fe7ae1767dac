"""N-grams counted: how often each run of words occurs, and after how many different words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from torch import Tensor

Words: TypeAlias = Sequence[int] | ndarray | Tensor
Texts: TypeAlias = Iterable[Any]  # of Words


@dataclass(frozen=True, eq=False)
class Level:
    """All n-grams of one length: row i is the n-gram whose prefix and last word make `keys[i]`.

    `keys` are sorted: row of the prefix one level down × (vocab_size + 1) + last word, so the
    n-grams after one context lie side by side. `counts` says how often each occurs, `preceded`
    after how many different words; both are 0 where the last word is the begin mark.
    """

    keys: Int64[ndarray, " ngrams"]
    counts: Int64[ndarray, " ngrams"]
    preceded: Int64[ndarray, " ngrams"]


class NGramCounts:
    """How often every run of 1 … `order` words occurs in texts of ids.

    With `borders`, `order` − 1 begin marks stand before each text: they are context, never
    counted as words and no part of the vocabulary (their id is `vocab_size`). `end` is an id of
    the vocabulary that is put after each text. Words that are not in the vocabulary must come as
    the id of `<unk>`. Ids are 0 … `vocab_size` − 1, else IndexError; ValueError for no words.
    Time and memory grow with the number of words, not with the vocabulary.
    """

    def __init__(
        self,
        texts: Texts,
        order: int,
        vocab_size: int,
        borders: bool = True,
        end: int | None = None,
    ) -> None:
        if order < 1 or vocab_size < 1:
            raise ValueError(
                f"order {order} over {vocab_size} words cannot be counted; both must be >= 1"
            )
        self.order, self.vocab_size, self.borders, self.end = order, vocab_size, borders, end
        rows = [self.checked(text) for text in texts]
        if end is not None:
            rows = [np.append(row, self.checked([end])) for row in rows]
        if not sum(map(len, rows)):
            raise ValueError("no words came; give at least one text that is not empty")
        self.levels = self._counted(rows)

    @property
    def begin(self) -> int:
        """The begin mark, one beyond the vocabulary; it may stand in a context only."""
        return self.vocab_size

    @property
    def _base(self) -> int:
        return self.vocab_size + 1

    def checked(self, ids: Any, begin: bool = False) -> ndarray:
        """The ids as an int64 array. Raises IndexError for one outside, TypeError for text.

        With `begin`, the begin mark is allowed too.
        """
        row = np.asarray(ids)  # a list, an array or a tensor
        if row.ndim != 1:
            raise ValueError(
                f"a text is one row of ids, shape {row.shape} came; give texts one by one"
            )
        if not row.size:
            return np.zeros(0, np.int64)
        if row.dtype.kind not in "iu":
            raise TypeError(f"ids are whole numbers, {row.dtype} came; encode the text first")
        highest = self.vocab_size - 1 + begin
        wrong = (row < 0) | (row > highest)
        if wrong.any():
            raise IndexError(
                f"id {row[wrong][0]} is outside the vocabulary, whose ids go from 0 to {highest}; "
                "encode unknown words as <unk>"
            )
        return row.astype(np.int64)

    def _counted(self, rows: list[ndarray]) -> list[Level]:
        """A level for each length, from the shortest; each finds its prefixes in the one before."""
        marks = np.full(self.order - 1 if self.borders else 0, self.begin)
        words = np.concatenate([part for row in rows for part in (marks, row)])
        sizes = [len(marks) + len(row) for row in rows]
        place = np.concatenate([np.arange(size) for size in sizes])  # from the start of its text
        node = np.zeros(len(words), np.int64)  # the n-gram that ends here, by its row
        levels: list[Level] = []
        for length in range(1, self.order + 1):
            prefix = np.concatenate([[0], node[:-1]])
            whole = place >= length - 1  # the n-gram does not reach into the text before
            keys, first, row_of, counts = np.unique(
                (prefix * self._base + words)[whole],
                return_index=True,
                return_inverse=True,
                return_counts=True,
            )
            if levels:  # a new n-gram is one more way to precede the n-gram without its first word
                suffix = node[whole][first]
                levels[-1].preceded[:] = np.bincount(suffix, minlength=len(levels[-1].keys))
            levels.append(Level(keys, counts, np.zeros_like(counts)))
            node[whole] = row_of
        for level in levels:
            is_mark = level.keys % self._base == self.begin
            level.counts[is_mark] = level.preceded[is_mark] = 0
        return levels

    def rows(self, ngrams: Int64[ndarray, "queries length"]) -> Int64[ndarray, " queries"]:
        """The row of each n-gram in its level, −1 where it never occurred; 0 for length 0."""
        row = np.zeros(len(ngrams), np.int64)
        for level, word in zip(self.levels, ngrams.T, strict=False):
            if not len(level.keys):  # every text was shorter
                return np.full(len(ngrams), -1)
            key = row * self._base + word
            at = np.searchsorted(level.keys, key).clip(max=len(level.keys) - 1)
            row = np.where(level.keys[at] == key, at, -1)  # the key after −1 is negative: none
        return row

    def prefixes(self, length: int) -> Int64[ndarray, " ngrams"]:
        """The row, one level down, of the context of each n-gram of this length."""
        return self.levels[length - 1].keys // self._base

    def contexts(self, length: int) -> int:
        """How many rows the level below has; 1, the empty context, for length 1."""
        return len(self.levels[length - 2].keys) if length > 1 else 1

    def followers(self, length: int, context: int) -> tuple[slice, Int64[ndarray, " words"]]:
        """Which rows of level `length` go on from the context in row `context`, and their words."""
        keys = self.levels[length - 1].keys
        low, high = np.searchsorted(keys, [context * self._base, context * self._base + self.begin])
        return slice(low, high), keys[low:high] - context * self._base

    def count(self, ngram: Words) -> int:
        """How often the n-gram occurs; 0 for one never seen. Length 1 … `order`."""
        if not 1 <= len(ngram) <= self.order:
            raise ValueError(
                f"an n-gram of {len(ngram)} words is not counted here; give 1 to {self.order}"
            )
        row = self.rows(self.checked(ngram, begin=True)[None])[0]
        return int(self.levels[len(ngram) - 1].counts[row]) if row >= 0 else 0


def count_of_counts(counts: Int64[ndarray, " ngrams"], up_to: int) -> Float64[ndarray, " up_to"]:
    """How many n-grams occur once, twice, … `up_to` times."""
    return np.array([(counts == times).sum() for times in range(1, up_to + 1)], float)
