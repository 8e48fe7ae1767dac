"""What word vectors are trained on: words thinned out, windows drawn, pairs and noise words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from jaxtyping import Bool, Float, Float64, Int64
from numpy import ndarray
from torch import Tensor

from llm_book.shapes import Stream

Counts: TypeAlias = Sequence[Any] | ndarray | Tensor  # a number a word of the vocabulary


@dataclass(frozen=True)
class WordPairs:
    """Words seen together, a pair a row, and k drawn words for each: all of them ids.

    ``centres`` [pairs], ``contexts`` [pairs], ``negatives`` [pairs, k].
    """

    centres: Int64[Tensor, " pairs"]
    contexts: Int64[Tensor, " pairs"]
    negatives: Int64[Tensor, "pairs k"]

    @property
    def size(self) -> int:
        """Pairs in the batch."""
        return len(self.centres)

    @property
    def tokens(self) -> int:
        """Words read: two a pair."""
        return 2 * self.size

    @property
    def weight(self) -> int:
        """What the batch's mean loss is the mean over: its pairs."""
        return self.size

    def to(self, device: torch.device | str) -> WordPairs:
        """The same batch on ``device``."""
        parts = (self.centres, self.contexts, self.negatives)
        return WordPairs(*(part.to(device) for part in parts))


@dataclass(frozen=True)
class Gaps:
    """Words and the neighbours they stand between, and k drawn words for each: all of them ids.

    ``words`` [gaps], ``neighbours`` [gaps, 2 · window] with ``mask`` True where there is one,
    ``negatives`` [gaps, k].
    """

    words: Int64[Tensor, " gaps"]
    neighbours: Int64[Tensor, "gaps slots"]
    mask: Bool[Tensor, "gaps slots"]
    negatives: Int64[Tensor, "gaps k"]

    @property
    def size(self) -> int:
        """Gaps in the batch."""
        return len(self.words)

    @property
    def tokens(self) -> int:
        """Words read: the neighbours and the words between them."""
        return self.size + int(self.mask.sum())

    @property
    def weight(self) -> int:
        """What the batch's mean loss is the mean over: its gaps."""
        return self.size

    def to(self, device: torch.device | str) -> Gaps:
        """The same batch on ``device``."""
        parts = (self.words, self.neighbours, self.mask, self.negatives)
        return Gaps(*(part.to(device) for part in parts))


def keep_probabilities(
    counts: Counts, threshold: float = 1e-3, rule: str = "program"
) -> Float64[Tensor, " vocab"]:
    """How likely an occurrence of each word is kept, so that frequent words do not drown the rest.

    With f the word's share of the text: √(t/f) + t/f, at most 1, in word2vec's program and in
    gensim (``rule="program"``); √(t/f) in the paper (``rule="paper"``), which keeps fewer. A
    word that never occurs has 1. Source: Mikolov et al. (2013b), equation 5.
    """
    counts = checked_counts(counts)
    if not threshold > 0:
        raise ValueError(f"threshold is {threshold}; it must be above 0, for example 1e-3")
    if rule not in ("program", "paper"):
        raise ValueError(f"rule {rule!r} is unknown; choose 'program' or 'paper'")
    ratio = threshold * counts.sum() / counts
    kept = ratio.sqrt() + ratio if rule == "program" else ratio.sqrt()
    return kept.clamp(max=1)


def subsampled(
    ids: Stream, keep: Float[Tensor, " vocab"], generator: torch.Generator
) -> Bool[Tensor, " time"]:
    """Which positions of a text stay, each drawn on its own; index the text with it.

    What is dropped is dropped before windows are laid, so they reach further in the old text.
    """
    return torch.rand(len(ids), generator=generator) < keep[ids]


class Noise:
    """The words that stand for "not a neighbour": drawn with probability ∝ count^power.

    Source: Mikolov et al. (2013b), section 2.2.
    """

    def __init__(self, counts: Counts, power: float = 0.75) -> None:
        counts = checked_counts(counts)
        # 0 to the power 0 would be 1: a word that never occurs is never drawn.
        weights = torch.where(counts > 0, counts**power, 0.0)
        self.probabilities: Float64[Tensor, " vocab"] = weights / weights.sum()
        self.cumulative: Float64[Tensor, " vocab"] = weights.cumsum(0) / weights.sum()

    def table(self, domain: int = 2**31 - 1) -> Int64[Tensor, " vocab"]:
        """The running sum in whole numbers up to ``domain``: gensim's ``cum_table``."""
        return (self.cumulative * domain).round().long()

    def draw(self, shape: Sequence[int], generator: torch.Generator) -> Int64[Tensor, "..."]:
        """Independent draws, with replacement."""
        uniform = torch.rand(tuple(shape), generator=generator, dtype=torch.float64)
        drawn = torch.searchsorted(self.cumulative, uniform, right=True)
        return drawn.clamp(max=len(self.cumulative) - 1)


def draw_windows(n: int, window: int, generator: torch.Generator) -> Int64[Tensor, " time"]:
    """How far each of n positions looks to either side: 1 … ``window``, all equally likely.

    Near neighbours are so counted more often than far ones: distance d with (window − d + 1) /
    window. Source: Mikolov et al. (2013a), section 3.2.
    """
    if window < 1:
        raise ValueError(f"window is {window}; it must reach at least 1 word to either side")
    return torch.randint(1, window + 1, (n,), generator=generator)


def neighbours(
    ids: Stream, reach: Int64[Tensor, " _"], documents: Int64[Tensor, " _"] | None = None
) -> tuple[Int64[Tensor, "time slots"], Bool[Tensor, "time slots"]]:
    """The words around each position, left to right, and which of these slots are in its window.

    ``reach`` [time] is each position's own window, ``documents`` [time] the number of its text:
    no window crosses from one text to another. There are 2 · max(reach) slots a position.
    """
    if not len(ids):
        raise ValueError("an empty text has no neighbours; give at least one word")
    if len(reach) != len(ids) or (documents is not None and len(documents) != len(ids)):
        raise ValueError(f"a window and a text number are wanted for each of the {len(ids)} words")
    if int(reach.min()) < 1:
        raise ValueError(f"a window of {int(reach.min())} came; each must be 1 or more")
    widest = int(reach.max())
    offsets = torch.tensor([d for d in range(-widest, widest + 1) if d])
    place = torch.arange(len(ids))[:, None] + offsets
    inside = (place >= 0) & (place < len(ids))
    place = place.clamp(0, len(ids) - 1)
    mask = inside & (offsets.abs() <= reach[:, None])
    if documents is not None:
        mask &= documents[place] == documents[:, None]
    return ids[place], mask


def skip_gram_pairs(
    ids: Stream, reach: Int64[Tensor, " _"], documents: Int64[Tensor, " _"] | None = None
) -> tuple[Int64[Tensor, " pairs"], Int64[Tensor, " pairs"]]:
    """Centre and context of every pair, by centre, contexts from left to right."""
    around, mask = neighbours(ids, reach, documents)
    return ids[:, None].expand_as(around)[mask], around[mask]


def cbow_gaps(
    ids: Stream, reach: Int64[Tensor, " _"], documents: Int64[Tensor, " _"] | None = None
) -> tuple[Int64[Tensor, " gaps"], Int64[Tensor, "gaps slots"], Bool[Tensor, "gaps slots"]]:
    """Each word that has neighbours, its neighbours, and which slots hold one (0 elsewhere)."""
    around, mask = neighbours(ids, reach, documents)
    some = mask.any(1)
    return ids[some], (around * mask)[some], mask[some]


def checked_counts(counts: Counts) -> Float64[Tensor, " vocab"]:
    """The counts in float64. Raises ValueError where one is negative or all are 0."""
    counts = torch.as_tensor(counts, dtype=torch.float64)
    if not counts.numel() or bool((counts < 0).any()) or not float(counts.sum()) > 0:
        raise ValueError("counts must be 0 or more a word and not all 0; count a text first")
    return counts
