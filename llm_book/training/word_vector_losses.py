"""What word vectors are told: pure functions of scores, with no sampling and no loop inside.

Every loss is in nats. ``skip_gram_loss``, ``cbow_loss`` and ``glove_loss`` take a model and a
batch for the training loop; each only asks the model for scores and hands them on.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import logsigmoid


def negative_sampling_loss(
    positive: Float[Tensor, " batch"], negative: Float[Tensor, "batch negatives"]
) -> Float[Tensor, ""]:
    """−log σ(s⁺) − Σ log σ(−s⁻), the mean over pairs (equation eq-sgns).

    ``positive`` scores pairs that were seen, ``negative`` each of them with k drawn words.
    Source: Mikolov et al. (2013b), equation 4.
    """
    if not len(positive):
        raise ValueError("no pairs came; the loss is the mean over at least one")
    return -(logsigmoid(positive) + logsigmoid(-negative).sum(-1)).mean()


def sgns_loss(
    centres: Float[Tensor, "batch width"],
    contexts: Float[Tensor, "batch width"],
    negatives: Float[Tensor, "batch negatives width"],
) -> Float[Tensor, ""]:
    """The loss of skip-gram with negative sampling, given the vectors themselves.

    One centre, one context that was seen with it and k that were drawn, a row; mean over rows.
    """
    positive = (centres * contexts).sum(-1)
    negative = (negatives * centres[:, None]).sum(-1)
    return negative_sampling_loss(positive, negative)


def cbow_negative_loss(
    neighbours: Float[Tensor, "batch window width"],
    mask: Bool[Tensor, "batch window"],
    words: Float[Tensor, "batch width"],
    negatives: Float[Tensor, "batch negatives width"],
) -> Float[Tensor, ""]:
    """The same for CBOW: the mean of the neighbours (True in ``mask``) takes the centre's place."""
    mean = (mask[..., None] * neighbours).sum(1) / mask.sum(1, keepdim=True)
    return sgns_loss(mean, words, negatives)


def glove_weights(
    counts: Float[Tensor, " pairs"], x_max: float = 100.0, power: float = 0.75
) -> Float[Tensor, " pairs"]:
    """f(x) = (x / x_max)^power, at most 1: rare pairs are noisy, frequent ones are enough.

    Source: Pennington et al. (2014), equation 9.
    """
    if not (x_max > 0 and power > 0):
        raise ValueError(f"x_max ({x_max}) and power ({power}) must be above 0")
    return (counts / x_max).clamp(max=1) ** power


def weighted_squares(
    predicted: Float[Tensor, " pairs"],
    counts: Float[Tensor, " pairs"],
    x_max: float = 100.0,
    power: float = 0.75,
) -> Float[Tensor, ""]:
    """Σ f(x) (predicted − log x)² over pairs, divided by their number (equation eq-glove).

    The paper sums; dividing lets batches of any size use one learning rate. Raises ValueError
    for a count that is not above 0: log 0 is no target. Source: Pennington et al. (2014), eq. 8.
    """
    if not len(counts) or not (counts > 0).all():
        raise ValueError("GloVe learns from counts above 0 only; leave pairs never seen out")
    return (glove_weights(counts, x_max, power) * (predicted - counts.log()).square()).mean()


def skip_gram_loss(model: nn.Module, batch: Any) -> Float[Tensor, ""]:
    """Loss of a SkipGram on ``batch.centres``, ``batch.contexts`` and ``batch.negatives``."""
    scores = model(batch.centres, torch.cat([batch.contexts[:, None], batch.negatives], 1))
    return negative_sampling_loss(scores[:, 0], scores[:, 1:])


def cbow_loss(model: nn.Module, batch: Any) -> Float[Tensor, ""]:
    """Loss of a CBOW on ``batch.neighbours``, ``mask``, ``words`` and ``negatives``."""
    candidates = torch.cat([batch.words[:, None], batch.negatives], 1)
    scores = model(batch.neighbours, batch.mask, candidates)
    return negative_sampling_loss(scores[:, 0], scores[:, 1:])


def glove_loss(model: nn.Module, batch: Any) -> Float[Tensor, ""]:
    """Loss of a GloVe on ``batch.centres``, ``contexts`` and ``counts``, with the paper's f."""
    return weighted_squares(model(batch.centres, batch.contexts), batch.counts)
