"""A softmax over many words learned from a few: the true one, and some drawn to be told apart."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import cross_entropy, embedding

SMOOTHING = 0.75


def chances(
    texts: Sequence[Sequence[int]], vocab_size: int, n_drawn: int
) -> Float[Tensor, " vocab"]:
    """How likely each word is drawn, so that about ``n_drawn`` are: at most 1.

    By its count to the power 3/4, as Mikolov et al. (2013, section 2.2) have it; 0 for a word that
    never stands. Frequent words would be drawn several times: they are drawn once, always.
    """
    counts = torch.bincount(torch.tensor([i for ids in texts for i in ids]), minlength=vocab_size)
    smoothed = counts.double() ** SMOOTHING
    return (n_drawn * smoothed / smoothed.sum()).clamp(max=1).float()


def draw(chance: Float[Tensor, " vocab"]) -> Int64[Tensor, " k"]:
    """The words of one draw, each in it or not whatever the others are."""
    return (torch.rand_like(chance) < chance).nonzero().flatten()


def sampled_cross_entropy(
    guesses: Float[Tensor, "n width"],
    targets: Int64[Tensor, " n"],
    table: Float[Tensor, "vocab width"],
    bias: Float[Tensor, " vocab"],
    drawn: Int64[Tensor, " k"],
    chance: Float[Tensor, " vocab"],
) -> Float[Tensor, ""]:
    """Mean surprise in nats at the target among itself and the ``drawn`` words.

    A word's logit is its row's product with the guess plus its bias, less the log of its
    ``chance`` to be drawn; a drawn word that is the target stands there once. By Bayes' rule the
    probabilities that tell the target from the drawn words best are then those of the whole
    softmax, however few are drawn. The value is no surprise at the text. A target must have a
    chance above 0. Source: Jean et al. (2015), section 3.
    """
    own = (guesses * embedding(targets, table)).sum(dim=1) + (bias - chance.log())[targets]
    others = torch.addmm((bias - chance.log())[drawn], guesses, embedding(drawn, table).T)
    others = others.masked_fill(drawn == targets[:, None], -torch.inf)
    logits = torch.cat([own[:, None], others], dim=1)
    return cross_entropy(logits.float(), torch.zeros_like(targets))
