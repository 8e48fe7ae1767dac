"""Distillation: a small model learns from all the probabilities that a large one gives."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from llm_book.shapes import IGNORE, TokenBatch
from llm_book.training.losses import Loss, Model, cross_entropy, full_precision, token_loss


def soft_target_loss(
    student: Float[Tensor, "*positions vocab"],
    teacher: Float[Tensor, "*positions vocab"],
    targets: Int64[Tensor, "..."],
    temperature: float = 1.0,
) -> Float[Tensor, ""]:
    """T² times the divergence KL(teacher ‖ student) of the softmaxes at temperature T, in nats.

    Both are logits; the mean is over the positions whose target is not ``IGNORE`` (0 where there
    is none). T² keeps the gradient's size as T grows (equation eq-challenges-distillation). No
    gradient goes to the teacher. Source: Hinton et al. (2015), section 2. Raises ``ValueError``
    for a temperature that is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; it must be above 0")
    wanted = (teacher.detach() / temperature).log_softmax(dim=-1)
    given = (student / temperature).log_softmax(dim=-1)
    divergence = (wanted.exp() * (wanted - given)).sum(dim=-1)
    counted = targets != IGNORE
    total = divergence.masked_fill(~counted, 0).sum() / counted.sum().clamp(min=1)
    return temperature**2 * total


def distilled(teacher: Model, temperature: float = 2.0, share: float = 0.5) -> Loss:
    """A loss for ``train``: ``share`` of it the teacher's soft targets, the rest the text itself.

    The teacher is used in the mode it is in and learns nothing. Raises ``ValueError`` for a share
    outside 0 to 1; for packed texts, which it does not read.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; it goes from 0 (the text) to 1 (the teacher)")

    def loss(model: Model, batch: TokenBatch) -> Float[Tensor, ""]:
        if batch.documents is not None:
            raise ValueError("distillation reads one text a row; give a batch without documents")
        if not share:
            return token_loss(model, batch)
        with torch.no_grad():
            wanted = full_precision(teacher(batch.ids))
        given = full_precision(model(batch.ids))
        hard = cross_entropy(given, batch.targets)
        return (
            share * soft_target_loss(given, wanted, batch.targets, temperature) + (1 - share) * hard
        )

    return loss
