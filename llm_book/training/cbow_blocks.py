"""CBOW at the speed of matrix products: a block of words at once, the gradient by hand.

The loss is ``cbow_negative_loss``'s, summed over words and not their mean; the words of a block
share their negatives, n of them instead of k a word, each weighted by k / n (Ji et al. 2016).
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import logsigmoid

Mask = Bool[Tensor, "blocks block span"]
Shares = Float[Tensor, "blocks block span"]
Neighbours = Float[Tensor, "blocks span width"]
Words = Float[Tensor, "blocks block width"]
Negatives = Float[Tensor, "blocks shared width"]
Gradients = tuple[Neighbours, Words, Negatives]


def neighbour_shares(mask: Mask) -> Shares:
    """Each neighbour's share in the mean around its word; all 0 where a word has no neighbours."""
    seen = mask.float()
    return seen / seen.sum(2, keepdim=True).clamp(min=1)


def shared_cbow_loss(
    neighbours: Neighbours, shares: Shares, words: Words, negatives: Negatives, k: float
) -> Float[Tensor, ""]:
    """The sum of −log σ(mean · word) and k times the negatives' mean −log σ(−mean · negative).

    A word without neighbours counts nothing. In nats.
    """
    means = torch.bmm(shares, neighbours)
    has_some = shares.sum(2) > 0
    seen = logsigmoid((means * words).sum(2))
    drawn = logsigmoid(-torch.bmm(means, negatives.transpose(1, 2))).mean(2)
    return -(has_some * (seen + k * drawn)).sum()


def shared_cbow_gradients(
    neighbours: Neighbours,
    shares: Shares,
    words: Words,
    negatives: Negatives,
    k: float,
    rule: str = "mean",
) -> Gradients:
    """The gradient of ``shared_cbow_loss`` by the three kinds of vectors, without autograd.

    With ``rule="program"`` each neighbour gets the whole gradient of the mean and not its share:
    what word2vec's program and gensim do, which is no gradient of the loss. Raises ValueError for
    another rule. Source: İrsoy et al. (2021).
    """
    if rule not in ("mean", "program"):
        raise ValueError(f"rule {rule!r} is unknown; choose 'mean' or 'program'")
    means = torch.bmm(shares, neighbours)
    # Where there are no neighbours the mean is 0 and has no shares: nothing moves.
    seen = ((means * words).sum(2, keepdim=True)).sigmoid_() - 1
    drawn = torch.bmm(means, negatives.transpose(1, 2)).sigmoid_() * (k / negatives.shape[1])
    by_means = seen * words + torch.bmm(drawn, negatives)
    handed_on = shares if rule == "mean" else shares.sign()
    return (
        torch.bmm(handed_on.transpose(1, 2), by_means),
        seen * means,
        torch.bmm(drawn.transpose(1, 2), means),
    )


def shared_cbow_step(
    tables: tuple[Float[Tensor, "vocab width"], Float[Tensor, "vocab width"]],
    neighbours: Int64[Tensor, "blocks span"],
    shares: Shares,
    words: Int64[Tensor, "blocks block"],
    negatives: Int64[Tensor, "blocks shared"],
    k: float,
    rate: float,
    rule: str = "mean",
) -> None:
    """One step of gradient descent on both tables, in place; gradients of one word add up.

    Neighbours are read from the first table, words and negatives from the second.
    """
    read = [(tables[0], neighbours), (tables[1], words), (tables[1], negatives)]
    around, between, drawn = (
        table.index_select(0, ids.flatten()).view(*ids.shape, -1) for table, ids in read
    )
    gradients = shared_cbow_gradients(around, shares, between, drawn, k, rule)
    for (table, ids), gradient in zip(read, gradients, strict=True):
        table.index_add_(0, ids.flatten(), gradient.flatten(0, 1), alpha=-rate)
