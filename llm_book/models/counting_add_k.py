"""Add-k smoothing: as if every word had followed every context k times more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llm_book.models.counting import NGramCounts
from llm_book.models.counting_model import CountingModel


class AddK(CountingModel):
    """p(w | h) = (c(h w) + k) / (c(h) + k · vocab_size); Laplace's rule where k is 1.

    c(h) counts the words that follow h, not h itself. A context never seen gives every word the
    same chance. Equals ``nltk.lm.Lidstone`` over the same n-grams and vocabulary. Raises
    ValueError for a k that is not above 0. Source: Lidstone (1920); Chen and Goodman (1999), 2.1.
    """

    def __init__(self, counts: NGramCounts, k: float = 1.0) -> None:
        if not 0 < k < np.inf:
            raise ValueError(f"k is {k}; it must be a number above 0, for example 0.1")
        self.k = k
        share, rest = [], []
        for length, level in enumerate(counts.levels, 1):
            prefixes = counts.prefixes(length)
            added = k * counts.vocab_size
            totals = added + np.bincount(prefixes, level.counts, counts.contexts(length))
            share.append(level.counts / totals[prefixes])
            rest.append(added / totals)
        super().__init__(counts, share, rest)

    def lengths(self, context: int) -> Sequence[int]:
        """One order alone: what it leaves is shared out evenly, not by a lower one."""
        return [context + 1]
