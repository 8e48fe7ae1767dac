"""Skip-gram at the speed of matrix products: a block of words at once, the gradient by hand.

The loss is ``sgns_loss``'s; what differs is that the words of a block share their negatives, n
of them instead of k a pair, each weighted by k / n: the expectation is the same (Ji et al. 2016).
A step descends the sum over pairs, as word2vec does, not their mean.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import logsigmoid

Centres = Float[Tensor, "blocks block width"]
Candidates = Float[Tensor, "blocks candidates width"]
Weights = Float[Tensor, "blocks block candidates"]


def pair_weights(mask: Bool[Tensor, "blocks block span"], shared: int, negatives: float) -> Weights:
    """How much each centre's pair with each candidate counts: the span's words, then the shared.

    1 for a word in the centre's window; for each of the ``shared`` negatives, ``negatives`` /
    ``shared`` for each such word, so that a pair has ``negatives`` of them in all.
    """
    if shared < 1 or not negatives > 0:
        raise ValueError(
            f"{negatives} negatives a pair out of {shared} shared ones came; both must be above 0"
        )
    seen = mask.float()
    drawn = seen.sum(2, keepdim=True) * (negatives / shared)
    return torch.cat([seen, drawn.expand(-1, -1, shared)], dim=2)


def shared_sgns_loss(
    centres: Centres, candidates: Candidates, weights: Weights, span: int
) -> Float[Tensor, ""]:
    """The sum of −log σ(s) over the span's words and −log σ(−s) over the negatives, weighted.

    The first ``span`` candidates of a block are its words, the rest its negatives. In nats.
    """
    scores = torch.bmm(centres, candidates.transpose(1, 2))
    signed = torch.cat([scores[..., :span], -scores[..., span:]], dim=2)
    return -(weights * logsigmoid(signed)).sum()


def shared_sgns_gradients(
    centres: Centres, candidates: Candidates, weights: Weights, span: int
) -> tuple[Centres, Candidates]:
    """The gradient of ``shared_sgns_loss`` by both vectors, without autograd: σ(s) − y, twice."""
    error = torch.bmm(centres, candidates.transpose(1, 2)).sigmoid_()
    error[..., :span] -= 1
    error *= weights
    return torch.bmm(error, candidates), torch.bmm(error.transpose(1, 2), centres)


def shared_sgns_step(
    tables: tuple[Float[Tensor, "vocab width"], Float[Tensor, "vocab width"]],
    centres: Int64[Tensor, "blocks block"],
    candidates: Int64[Tensor, "blocks candidates"],
    weights: Weights,
    span: int,
    rate: float,
) -> None:
    """One step of gradient descent on both tables, in place; gradients of one word add up."""
    words, others = (
        table.index_select(0, ids.flatten()).view(*ids.shape, -1)
        for table, ids in zip(tables, (centres, candidates), strict=True)
    )
    gradients = shared_sgns_gradients(words, others, weights, span)
    for table, ids, gradient in zip(tables, (centres, candidates), gradients, strict=True):
        table.index_add_(0, ids.flatten(), gradient.flatten(0, 1), alpha=-rate)


def linear_decay(done: float, start: float, final: float) -> float:
    """The learning rate after the share ``done`` of training, 0 to 1, falling on a straight line.

    Source: Mikolov et al. (2013a), section 4.2.
    """
    return max(final, start - (start - final) * done)
