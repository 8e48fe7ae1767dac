"""A GPT's loss without its logits: head and cross-entropy together, a few positions at a time.

The table of logits [positions, vocab] is the largest tensor of a training step. Here each slice
of it is made, turned into its share of the loss and of the gradients, and thrown away.
"""

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.autograd.function import once_differentiable

from llm_book.models.transformer import GPT
from llm_book.shapes import IGNORE, TokenBatch, document_mask, document_positions


def lean_token_loss(model: GPT, batch: TokenBatch) -> Float[Tensor, ""]:
    """Mean surprise in nats at the next tokens, equal to cross-entropy on the model's logits.

    Where texts are packed (``batch.documents``), each sees itself only. A ``loss`` for the
    training loop: less memory and time than the logits would take.
    """
    mask, positions = None, None
    if batch.documents is not None:
        mask, positions = document_mask(batch.documents), document_positions(batch.documents)
    states = model.norm(model.states(batch.ids, mask=mask, positions=positions))
    return head_cross_entropy(
        states.flatten(0, 1), model.head.weight, batch.targets.flatten(), ignore=IGNORE
    )


def head_cross_entropy(
    states: Float[Tensor, "positions width"],
    weight: Float[Tensor, "vocab width"],
    targets: Int64[Tensor, " targets"],
    ignore: int = IGNORE,
    rows: int = 128,
) -> Float[Tensor, ""]:
    """Mean cross-entropy of softmax(states · weightᵀ), ``rows`` positions at a time.

    Targets that are ``ignore`` do not count; the mean over none is 0. Raises ValueError where
    states and targets are not equally many, IndexError for targets outside the vocabulary.
    Gradients are computed on the way forwards, and once only.
    """
    if len(states) != len(targets):
        raise ValueError(
            f"{len(states)} states came with {len(targets)} targets; give one a position"
        )
    if rows < 1:
        raise ValueError(f"rows is {rows}; a slice needs at least 1")
    try:
        loss: Tensor = _HeadCrossEntropy.apply(states, weight, targets, ignore, rows)
    except RuntimeError as error:
        if "out of bounds" not in str(error):
            raise
        wrong = next(t for t in targets if t != ignore and not 0 <= t < len(weight))
        raise IndexError(
            f"target {wrong} is outside a vocabulary of {len(weight)}; encode the text with the "
            "tokenizer the model was built for"
        ) from error
    return loss


class _HeadCrossEntropy(torch.autograd.Function):
    """Softmax less one at the target, summed against the weights while the slice is still there."""

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, weight: Tensor, targets: Tensor, ignore: int, rows: int
    ) -> Tensor:
        counted = targets != ignore
        share = counted.to(weight.dtype) / counted.sum().clamp(min=1)
        loss = weight.new_zeros(())
        by_states = torch.empty_like(states, dtype=weight.dtype)
        by_weight = torch.zeros_like(weight)
        with torch.autocast(states.device.type, enabled=False):
            slices = (x.split(rows) for x in (states.to(weight.dtype), targets, share, by_states))
            for some, target, part, gradient in zip(*slices, strict=True):
                table = some @ weight.T
                at = target.where(part > 0, 0)[:, None]
                behind = table.amax(dim=-1) - table.gather(1, at).flatten()
                table = table.softmax(dim=-1)
                # The largest probability is 1 / Σ exp(logit − largest): no second pass of exp.
                loss += (behind - table.amax(dim=-1).log()) @ part
                table.scatter_add_(1, at, -torch.ones_like(at, dtype=table.dtype))
                table *= part[:, None]
                torch.mm(table, weight, out=gradient)
                by_weight.addmm_(table.T, some)
        ctx.save_for_backward(by_states.to(states.dtype), by_weight)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        by_states, by_weight = ctx.saved_tensors
        return gradient * by_states, gradient * by_weight, None, None, None
