"""IBM model 1: which word translates which, found by expectation and maximisation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

Ids = Sequence[int]
Link = tuple[int, int]  # a position in the source and one in the target, counted from 0

EMPTY = -1
"""The empty word: the source of a target word that nothing in the source translates."""


class IBMModel1:
    """t(f | e): how probable each target word f is as a translation of the source word e.

    Every target word comes from one source word of its sentence, or from the empty word, all
    equally likely before the word is seen (equation eq-ibm-likelihood). Only pairs of words that
    meet in a sentence pair are kept; at first the words that a word meets are equally probable.
    Ids are whole numbers from 0. Raises ``ValueError`` for no pairs, unequally many sides, an empty
    sentence and an id below 0. Source: Brown et al. (1993), section 4.1.
    """

    def __init__(self, sources: Sequence[Ids], targets: Sequence[Ids]) -> None:
        _check(sources, targets)
        self._base = 1 + max(max(map(max, sources)), max(map(max, targets)))
        keys, self._place, self._weight = self._meetings(sources, targets)
        self._keys, self._row = np.unique(keys, return_inverse=True)
        self._source = self._keys // self._base  # 0 is the empty word
        self._table = 1 / np.bincount(self._source)[self._source]

    def _meetings(
        self, sources: Sequence[Ids], targets: Sequence[Ids]
    ) -> tuple[ndarray, ndarray, ndarray]:
        """For every source and target word that meet: their key, which target word it is in the
        corpus, and 1 over the number of words it may come from."""
        keys: list[ndarray] = []
        places: list[ndarray] = []
        weights: list[ndarray] = []
        for source, target in zip(sources, targets, strict=True):
            row = self._pair_keys(source, target)
            first = places[-1][-1] + 1 if places else 0
            keys.append(row.ravel())
            places.append(np.repeat(np.arange(first, first + len(target)), row.shape[1]))
            weights.append(np.full(len(target), 1 / row.shape[1]))
        return np.concatenate(keys), np.concatenate(places), np.concatenate(weights)

    def _pair_keys(self, source: Ids, target: Ids) -> Int64[ndarray, "target source"]:
        """One number a pair of words; the empty word stands before the source."""
        row, column = np.array([EMPTY, *source]) + 1, np.array(target)[:, None]
        # A word beyond those of training would get the number of another pair.
        return np.where(column < self._base, row * self._base + column, -1)

    def step(self) -> float:
        """One round of expectation and maximisation (equation eq-ibm-step).

        Gives the log-likelihood of the corpus in nats *before* the round; it never falls from one
        round to the next.
        """
        chance = self._table[self._row]
        total = np.bincount(self._place, chance)
        counts = np.bincount(self._row, chance / total[self._place])
        self._table = counts / np.bincount(self._source, counts)[self._source]
        return float(np.log(total * self._weight).sum())

    def probability(self, source: int, target: int) -> float:
        """t(target | source), 0 for words that never met; ``EMPTY`` is the empty word."""
        keys = self._pair_keys([source], [target])
        return float(self._looked_up(keys)[0, 1])

    def translations(self, source: int, most: int = 5) -> list[tuple[int, float]]:
        """The ``most`` probable translations of a word with their probabilities, best first."""
        low, high = np.searchsorted(self._source, [source + 1, source + 2])
        order = np.argsort(-self._table[low:high], kind="stable")[:most] + low
        words = self._keys[order] % self._base
        return list(zip(words.tolist(), self._table[order].tolist(), strict=True))

    def posteriors(self, source: Ids, target: Ids) -> Float64[ndarray, "target words"]:
        """How probable it is that each target word came from each source word; rows sum to one.

        Column 0 is the empty word. A row of a word that met none of them is 0.
        """
        chances = self._looked_up(self._pair_keys(source, target))
        total = chances.sum(axis=1, keepdims=True)
        return chances / np.where(total > 0, total, 1)

    def align(self, source: Ids, target: Ids) -> set[Link]:
        """Each target word linked to the source word it most probably came from (ties: the first).

        A word that most probably came from none has no link.
        """
        best = self.posteriors(source, target).argmax(axis=1) - 1
        return {(int(i), j) for j, i in enumerate(best) if i != EMPTY}

    def log_likelihood(self, sources: Sequence[Ids], targets: Sequence[Ids]) -> float:
        """log p of the target words of sentence pairs, in nats; −inf where one cannot come.

        The probability of a sentence's length is left out, as a constant of the data.
        """
        _check(sources, targets)
        logs = 0.0
        for source, target in zip(sources, targets, strict=True):
            total = self._looked_up(self._pair_keys(source, target)).sum(axis=1)
            if not total.all():
                return -math.inf
            logs += float(np.log(total / (len(source) + 1)).sum())
        return logs

    def _looked_up(self, keys: ndarray) -> ndarray:
        """The table at these keys, 0 where words never met."""
        at = np.searchsorted(self._keys, keys).clip(max=len(self._keys) - 1)
        return np.where(self._keys[at] == keys, self._table[at], 0.0)


def _check(sources: Sequence[Ids], targets: Sequence[Ids]) -> None:
    if not sources or len(sources) != len(targets):
        raise ValueError(
            f"{len(sources)} sources with {len(targets)} targets are no sentence pairs; give one "
            "target a source, and at least one pair"
        )
    for row, sides in enumerate(zip(sources, targets, strict=True)):
        for side in sides:
            if len(side) == 0 or min(side) < 0:
                raise ValueError(
                    f"pair {row} has a side {list(side)[:5]}; each needs a word, and ids are 0 or "
                    "more"
                )
