"""A softmax over many words learned from a few: the true one, and some drawn to be told apart."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import cross_entropy, embedding

SMOOTHING = 0.75


def smoothed_shares(texts: Sequence[Sequence[int]], vocab_size: int) -> Float[Tensor, " vocab"]:
    """How likely each word is drawn: by its count to the power 3/4; 0 for one that never stands.

    Source: Mikolov et al. (2013), section 2.2.
    """
    counts = torch.bincount(torch.tensor([i for ids in texts for i in ids]), minlength=vocab_size)
    smoothed = counts.double() ** SMOOTHING
    return (smoothed / smoothed.sum()).float()


def sampled_cross_entropy(
    guesses: Float[Tensor, "n width"],
    targets: Int64[Tensor, " n"],
    table: Float[Tensor, "vocab width"],
    bias: Float[Tensor, " vocab"],
    drawn: Int64[Tensor, " k"],
    share: Float[Tensor, " vocab"],
) -> Float[Tensor, ""]:
    """Mean surprise in nats at the target among itself and the ``drawn`` words, all guesses' own.

    A word's logit is its row's product with the guess plus its bias, less the log of how often it
    is expected among the drawn, k times its ``share``: so the scores that tell targets from drawn
    words best are those of the whole softmax. A drawn word that is the target is left out.
    Source: Jean et al. (2015), section 3. The value is no surprise at the text: it depends on k.
    """
    expected = (share * len(drawn)).log()
    own = (guesses * embedding(targets, table)).sum(dim=1) + bias[targets] - expected[targets]
    others = torch.addmm(bias[drawn] - expected[drawn], guesses, embedding(drawn, table).T)
    others = others.masked_fill(drawn == targets[:, None], -torch.inf)
    logits = torch.cat([own[:, None], others], dim=1)
    return cross_entropy(logits.float(), torch.zeros_like(targets))
