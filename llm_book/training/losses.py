"""What a model is told: one number, small when the model is right."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from llm_book.shapes import Batch, Labels

Loss = Callable[[torch.nn.Module, Batch], Tensor]


def binary_cross_entropy(logits: Float[Tensor, " batch"], labels: Labels) -> Float[Tensor, ""]:
    """Mean surprise at the true labels in nats (equation eq-binary-cross-entropy).

    Written on the logit, log(1 + eˡ) − y·l, so that nothing overflows; equals
    ``torch.nn.functional.binary_cross_entropy_with_logits``.
    """
    return (softplus(logits) - labels * logits).mean()


def review_loss(model: torch.nn.Module, batch: Batch) -> Float[Tensor, ""]:
    """Cross-entropy of a classifier on one batch."""
    return binary_cross_entropy(model(batch.ids, batch.lengths).float(), batch.labels)
