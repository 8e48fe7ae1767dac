"""How often words stand near each other, near ones counting more than far ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

WEIGHTS = ("inverse", "flat", "window")


@dataclass(frozen=True, eq=False)
class CoOccurrences:
    """The pairs of words that occur together, sorted, and their weight; all other pairs have 0.

    ``centres``, ``contexts`` and ``counts`` hold one entry a pair; the table they stand for is
    ``vocab_size`` square.
    """

    centres: Int64[Tensor, " pairs"]
    contexts: Int64[Tensor, " pairs"]
    counts: Float64[Tensor, " pairs"]
    vocab_size: int

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def size(self) -> int:
        """Pairs of words."""
        return len(self.counts)

    @property
    def tokens(self) -> int:
        """Words read: two a pair."""
        return 2 * self.size

    @property
    def weight(self) -> int:
        """What the batch's mean loss is the mean over: its pairs."""
        return self.size

    def to(self, device: torch.device | str) -> CoOccurrences:
        """The same pairs on ``device``."""
        parts = (self.centres.to(device), self.contexts.to(device), self.counts.to(device))
        return CoOccurrences(*parts, self.vocab_size)

    def __getitem__(self, where: Tensor | slice) -> CoOccurrences:
        """Some of the pairs, for a batch."""
        parts = (self.centres[where], self.contexts[where], self.counts[where])
        return CoOccurrences(*parts, self.vocab_size)

    def dense(self) -> Float64[Tensor, "vocab vocab"]:
        """The whole table; only a small vocabulary has room for it."""
        table = torch.zeros(self.vocab_size, self.vocab_size, dtype=torch.float64)
        table[self.centres, self.contexts] = self.counts
        return table


def cooccurrences(
    texts: Iterable[Sequence[Any] | np.ndarray | Tensor],
    window: int,
    vocab_size: int,
    weight: str = "inverse",
    symmetric: bool = True,
) -> CoOccurrences:
    """Counts of the words up to ``window`` words apart in each text of ids.

    A pair at distance d counts 1/d (``weight="inverse"``, GloVe), 1 (``"flat"``) or
    (window − d + 1) / window (``"window"``: what drawn windows give on average). A centre's
    contexts stand on both sides, or with ``symmetric=False`` only before it. Raises ValueError
    for a setting that is none, IndexError for an id outside the vocabulary.
    Source: Pennington et al. (2014), section 4.2.
    """
    if window < 1 or vocab_size < 1:
        raise ValueError(f"window ({window}) and vocab_size ({vocab_size}) must be 1 or more")
    if weight not in WEIGHTS:
        raise ValueError(f"weight {weight!r} is unknown; choose one of {', '.join(WEIGHTS)}")
    words, text_of = joined([np.asarray(text) for text in texts], vocab_size)
    keys, sums = np.zeros(0, np.int64), np.zeros(0)
    for distance in range(1, window + 1):
        together = text_of[distance:] == text_of[:-distance]
        later, earlier = words[distance:][together], words[:-distance][together]
        found = later * vocab_size + earlier
        if symmetric:
            found = np.concatenate([found, earlier * vocab_size + later])
        distinct, times = np.unique(found, return_counts=True)
        keys, sums = merged(keys, sums, distinct, times * weight_at(distance, window, weight))
    centres, contexts = np.divmod(keys, vocab_size)
    return CoOccurrences(
        torch.from_numpy(centres), torch.from_numpy(contexts), torch.from_numpy(sums), vocab_size
    )


def weight_at(distance: int, window: int, weight: str) -> float:
    """What one pair at this distance counts."""
    by_name = {"inverse": 1 / distance, "flat": 1.0, "window": (window - distance + 1) / window}
    return by_name[weight]


def joined(texts: list[np.ndarray], vocab_size: int) -> tuple[np.ndarray, np.ndarray]:
    """All texts as one row of ids, and the number of the text each id is from."""
    sizes = [len(text) for text in texts]
    if not sum(sizes):
        raise ValueError("no words came; give at least one text that is not empty")
    words = np.concatenate([text.astype(np.int64) for text in texts])
    if words.min() < 0 or words.max() >= vocab_size:
        raise IndexError(
            f"ids from {words.min()} to {words.max()} came, the vocabulary has 0 to "
            f"{vocab_size - 1}; encode with the vocabulary that you count for"
        )
    return words, np.repeat(np.arange(len(texts)), sizes)


def merged(
    keys: np.ndarray, sums: np.ndarray, more_keys: np.ndarray, more: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Two sorted tables added up: every key once, in order."""
    together, place = np.unique(np.concatenate([keys, more_keys]), return_inverse=True)
    return together, np.bincount(place, np.concatenate([sums, more]), len(together)).astype(float)
