"""Whether vectors know which words are alike: neighbours, and agreement with people's judgement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike


class VectorTable:
    """Words and the directions of their vectors: rows scaled to length 1, ready to be compared.

    ``words`` [n] and ``vectors`` [n, width] go together row by row; the most frequent words are
    expected first. With ``fold_case`` a word is found whatever its case, and of several that
    differ in case only the first row is. Raises ValueError for a word given twice, a shape that
    does not fit, a vector of zeros or one that holds NaN.
    """

    def __init__(self, words: Sequence[str], vectors: ArrayLike, fold_case: bool = False) -> None:
        rows = np.asarray(vectors)
        if rows.ndim != 2 or len(rows) != len(words) or not len(words):
            raise ValueError(
                f"{len(words)} words and vectors of shape {rows.shape} came; give one row a word"
            )
        if len(set(words)) < len(words):
            raise ValueError("a word stands twice among the words; give each one vector")
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            row = int(np.argmin(np.isfinite(lengths) & (lengths > 0)))
            raise ValueError(
                f"the vector of {words[row]!r} has length {float(lengths[row, 0])}, so no "
                "direction; leave the word out"
            )
        self.words, self.unit, self.fold_case = tuple(words), rows / lengths, fold_case
        self._rows_of: dict[str, list[int]] = {}
        for row, word in enumerate(words):
            self._rows_of.setdefault(self.folded(word), []).append(row)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return self.folded(word) in self._rows_of

    def folded(self, word: str) -> str:
        """The word as it is looked up: in capitals where case does not count."""
        return word.upper() if self.fold_case else word

    def rows(self, word: str) -> list[int]:
        """Every row of the word: several where case does not count. KeyError for none."""
        if word not in self:
            raise KeyError(f"{word!r} has no vector here; ask for one of the {len(self)} words")
        return self._rows_of[self.folded(word)]

    def row(self, word: str) -> int:
        """The word's first row. Raises KeyError for a word without one."""
        return self.rows(word)[0]

    def similarity(self, first: str, second: str) -> float:
        """The cosine of two words, −1 to 1. Raises KeyError for a word without a vector."""
        return float(self.unit[self.row(first)] @ self.unit[self.row(second)])

    def neighbours(self, word: str, n: int = 10) -> list[tuple[str, float]]:
        """The n words nearest in direction and their cosines, nearest first; itself left out.

        Equal cosines stand in the order of the table. Raises KeyError for a word without a
        vector, ValueError for n below 1.
        """
        if n < 1:
            raise ValueError(f"{n} neighbours were asked for; ask for at least 1")
        row = self.row(word)
        cosines = self.unit @ self.unit[row]
        order = np.argsort(-cosines, kind="stable")
        nearest = order[order != row][:n]
        return [(self.words[i], float(cosines[i])) for i in nearest]

    def only(self, words: Sequence[str]) -> VectorTable:
        """The same directions for some of the words, in the order given."""
        rows = [self.row(word) for word in words]
        return VectorTable(words, self.unit[rows], self.fold_case)


@dataclass(frozen=True)
class WordSimilarity:
    """How a table agrees with people: Spearman's ``rho`` over the pairs it knows.

    ``covered`` pairs had vectors for both words, ``missing`` did not.
    """

    rho: float
    covered: int
    missing: int

    @property
    def coverage(self) -> float:
        """The share of pairs with two vectors, 0 to 1."""
        return self.covered / (self.covered + self.missing)


def word_similarity(
    table: VectorTable,
    pairs: Iterable[tuple[str, str, float]],
    missing_as_zero: bool = False,
) -> WordSimilarity:
    """Spearman's correlation of cosines with people's scores, rows that stand twice counted twice.

    A pair with an unknown word is left out and counted, or with ``missing_as_zero`` kept with the
    cosine 0. Equals gensim's ``evaluate_word_pairs`` (its ``dummy4unknown``). Raises ValueError
    where fewer than two pairs are left.
    """
    cosines, scores, missing, covered = [], [], 0, 0
    for first, second, score in pairs:
        known = first in table and second in table
        covered, missing = covered + known, missing + (not known)
        if known or missing_as_zero:
            cosines.append(table.similarity(first, second) if known else 0.0)
            scores.append(score)
    if len(scores) < 2:
        raise ValueError(
            f"{len(scores)} pairs have vectors for both words and {missing} do not; an order "
            "needs at least two"
        )
    return WordSimilarity(spearman(cosines, scores), covered, missing)


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Correlation of the ranks of two lists [n], ties sharing their mean rank: −1 to 1.

    Equals ``scipy.stats.spearmanr``. Raises ValueError for lists of other lengths, fewer than two
    numbers, NaN, or a list of equal numbers, which has no order. Source: Spearman (1904).
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    if first.ndim != 1 or first.shape != second.shape or len(first) < 2:
        raise ValueError(
            f"lists of shapes {first.shape} and {second.shape} cannot be ranked together; give two "
            "of the same length, at least 2"
        )
    if np.isnan(first).any() or np.isnan(second).any():
        raise ValueError("a list holds NaN, which has no rank; leave that pair out")
    ranks = [_centred(mean_ranks(numbers)) for numbers in (first, second)]
    lengths = [np.linalg.norm(rank) for rank in ranks]
    if not min(lengths):
        raise ValueError("all numbers of a list are equal; there is no order to compare")
    return float(ranks[0] @ ranks[1] / (lengths[0] * lengths[1]))


def mean_ranks(numbers: ArrayLike) -> ndarray:
    """The place of each number from the smallest, 1 … n; equal ones share their mean place."""
    _, place, times = np.unique(numbers, return_inverse=True, return_counts=True)
    return (np.cumsum(times) - (times - 1) / 2)[place]


def _centred(numbers: ndarray) -> ndarray:
    return numbers - numbers.mean()


def neighbour_overlap(
    first: VectorTable, second: VectorTable, words: Iterable[str] | None = None, n: int = 10
) -> float:
    """The mean share of a word's n nearest neighbours that two tables agree on, 0 to 1.

    Only words in both tables count, as queries and as neighbours; ``words`` names the queries,
    all shared words without it. Raises ValueError where no more than n words are shared, or no
    query is.
    """
    shared = [word for word in first.words if word in second]
    if len(shared) <= n:
        raise ValueError(f"the tables share {len(shared)} words; {n} neighbours need more")
    first, second = first.only(shared), second.only(shared)
    queries = shared if words is None else [word for word in words if word in first]
    if not queries:
        raise ValueError("no query is in both tables; give words that are")
    agreed = 0
    for word in queries:
        ours, theirs = ({w for w, _ in table.neighbours(word, n)} for table in (first, second))
        agreed += len(ours & theirs)
    return agreed / (n * len(queries))
