"""Skip-gram's loss as an expectation: no sampling, all pairs at once, and its minimum."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

Table = Float[Tensor, "vocab contexts"]


def expected_sgns_loss(
    scores: Table, counts: Table, noise: Float[Tensor, " _"], negatives: float
) -> Float[Tensor, ""]:
    """The mean over observed pairs of what ``sgns_loss`` is on average over the negatives.

    ``scores`` are w · c for every word and context, ``counts`` how often they were seen together,
    ``noise`` the probability of drawing each context, ``negatives`` how many are drawn a pair.
    Source: Levy and Goldberg (2014a), equation 4.
    """
    checked_counts(counts, noise)
    seen = counts * logsigmoid(scores)
    drawn = negatives * counts.sum(1, keepdim=True) * noise * logsigmoid(-scores)
    return -(seen + drawn).sum() / counts.sum()


def sgns_optimum(counts: Table, noise: Float[Tensor, " _"], negatives: float) -> Table:
    """log P(w, c) / (P(w) P_α(c)) − log k: the scores at the minimum, −inf for pairs never seen.

    They are reached where the vectors are at least as wide as the vocabulary. P_α is ``noise``,
    the 0.75 power included; the counts are those after subsampling and windowing.
    Source: Levy and Goldberg (2014a), equation 7, with their noise in place of unigrams.
    """
    checked_counts(counts, noise)
    by_chance = counts.sum(1, keepdim=True) * noise
    return counts.log() - by_chance.log() - math.log(negatives)


def checked_counts(counts: Table, noise: Float[Tensor, " _"]) -> None:
    """Raise ValueError for negative or no counts, or noise that is no distribution."""
    if (counts < 0).any() or not counts.sum() > 0:
        raise ValueError("the table of counts is empty or negative; count some pairs first")
    if len(noise) != counts.shape[1] or abs(noise.sum() - 1) > 1e-4:
        raise ValueError(
            f"noise over {len(noise)} contexts sums to {float(noise.sum()):.4f}; it must give "
            f"each of the {counts.shape[1]} contexts a probability, 1 in all"
        )
