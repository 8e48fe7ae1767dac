"""What a model is told: one number, small when the model is right."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import softplus

from llm_book.shapes import (
    IGNORE,
    Batch,
    Labels,
    PairBatch,
    TokenBatch,
    document_mask,
    document_positions,
)

Model = Callable[..., Tensor]  # a torch.nn.Module, or any function that gives logits
Loss = Callable[[Any, Any], Tensor]  # of a Model and a batch


def binary_cross_entropy(logits: Float[Tensor, " batch"], labels: Labels) -> Float[Tensor, ""]:
    """Mean surprise at the true labels in nats (equation eq-binary-cross-entropy).

    Written on the logit, log(1 + eˡ) − y·l, so that nothing overflows; equals
    ``torch.nn.functional.binary_cross_entropy_with_logits``.
    """
    return (softplus(logits) - labels * logits).mean()


def cross_entropy(
    logits: Float[Tensor, "*positions vocab"],
    targets: Int64[Tensor, "..."],
    ignore: int = IGNORE,
    label_smoothing: float = 0.0,
    z_weight: float = 0.0,
) -> Float[Tensor, ""]:
    """Mean surprise in nats at the targets that are not ``ignore``; 0 where all of them are.

    ``targets`` has the shape of ``logits`` without the vocabulary. ``label_smoothing`` is the
    share of the target that goes to all entries alike (Szegedy et al. 2016, section 7);
    ``z_weight`` times log² of the softmax's denominator holds that near 1 (Chowdhery et al.
    2022, section 5). Equals ``torch.nn.functional.cross_entropy``, which gives NaN for no
    targets. Raises ``ValueError`` for shapes that do not fit and shares outside 0 to 1,
    ``IndexError`` for targets outside the vocabulary.
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing is {label_smoothing}; it is a share, from 0 to 1")
    if not z_weight >= 0:
        raise ValueError(f"z_weight is {z_weight}; it must be 0 (none) or above")
    log_probabilities = logits.log_softmax(dim=-1)
    surprise = -_at_targets(log_probabilities, targets, ignore)
    loss = surprise
    if label_smoothing:
        even = -log_probabilities.mean(dim=-1)
        loss = (1 - label_smoothing) * loss + label_smoothing * even
    if z_weight:
        log_z = _at_targets(logits, targets, ignore) + surprise  # log p = logit − log z
        loss = loss + z_weight * log_z.square()
    ignored = targets == ignore
    return loss.masked_fill(ignored, 0).sum() / (~ignored).sum().clamp(min=1)


def token_log_probabilities(
    logits: Float[Tensor, "*positions vocab"], targets: Int64[Tensor, "..."]
) -> Float[Tensor, "..."]:
    """log p of every target in nats, in the shape of ``targets``; 0 where it is ``IGNORE``.

    Raises ``ValueError`` for shapes that do not fit, ``IndexError`` for targets outside the
    vocabulary.
    """
    found = _at_targets(logits.log_softmax(dim=-1), targets, IGNORE)
    return found.masked_fill(targets == IGNORE, 0)


def _at_targets(table: Tensor, targets: Tensor, ignore: int) -> Tensor:
    """The number that each row of ``table`` holds at its target, any number where it is ignored."""
    if targets.shape != table.shape[:-1]:
        raise ValueError(
            f"targets of shape {tuple(targets.shape)} do not fit logits of shape "
            f"{tuple(table.shape)}; give one target a position: {tuple(table.shape[:-1])}"
        )
    chosen = targets.masked_fill(targets == ignore, 0)
    try:
        return table.gather(-1, chosen.unsqueeze(-1)).squeeze(-1)
    except RuntimeError as error:  # looked for afterwards: looking costs time at every step
        raise IndexError(
            f"targets from {int(chosen.min())} to {int(chosen.max())} came for a vocabulary of "
            f"{table.shape[-1]}; they go from 0 to {table.shape[-1] - 1}, and {ignore} is ignored"
        ) from error


def full_precision(logits: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Logits in float32 where they are in half precision, too coarse for a loss; else as they are.

    Eight bits of a bfloat16 would tell surprises of 10.0 and 10.06 nats apart, but nothing between.
    """
    return logits.float() if logits.dtype.itemsize == 2 else logits


def review_loss(model: Model, batch: Batch) -> Float[Tensor, ""]:
    """Cross-entropy of a classifier with one logit on one batch."""
    return binary_cross_entropy(full_precision(model(batch.ids, batch.lengths)), batch.labels)


def class_loss(model: Model, batch: Batch, label_smoothing: float = 0.0) -> Float[Tensor, ""]:
    """Cross-entropy of a classifier with a logit for each label on one batch."""
    logits = full_precision(model(batch.ids, batch.lengths))
    return cross_entropy(logits, batch.labels, label_smoothing=label_smoothing)


def token_loss(
    model: Model,
    batch: TokenBatch,
    label_smoothing: float = 0.0,
    z_weight: float = 0.0,
) -> Float[Tensor, ""]:
    """Cross-entropy of the tokens that come next, over the targets that are not ignored.

    It serves pretraining and, on targets of the answers alone (``answers_only``), fine-tuning on
    instructions. Where texts are packed, each sees itself only and counts its positions from 0:
    ``model(ids, mask=…, positions=…)``.
    """
    if batch.documents is None:
        logits = model(batch.ids)
    else:
        mask, positions = document_mask(batch.documents), document_positions(batch.documents)
        logits = model(batch.ids, mask=mask, positions=positions)
    return cross_entropy(
        full_precision(logits),
        batch.targets,
        label_smoothing=label_smoothing,
        z_weight=z_weight,
    )


def masked_token_loss(
    model: Model, batch: TokenBatch, label_smoothing: float = 0.0
) -> Float[Tensor, ""]:
    """Cross-entropy of the tokens that were hidden from a model that reads both ways.

    ``batch.targets`` holds them, ``IGNORE`` elsewhere (Devlin et al. 2019, section 3.1); where
    ``batch.documents`` is below 0, a row has pads.
    """
    lengths = None if batch.documents is None else (batch.documents >= 0).sum(dim=1)
    logits = full_precision(model(batch.ids, lengths))
    return cross_entropy(logits, batch.targets, label_smoothing=label_smoothing)


def pair_loss(model: Model, batch: PairBatch, label_smoothing: float = 0.0) -> Float[Tensor, ""]:
    """Cross-entropy of the target texts, given the source texts (Vaswani et al. 2017)."""
    logits = full_precision(model(batch.source, batch.source_lengths, batch.inputs))
    return cross_entropy(logits, batch.targets, label_smoothing=label_smoothing)


def answers_only(
    targets: Int64[Tensor, "batch time"], prompt_lengths: Int64[Tensor, "..."]
) -> Int64[Tensor, "batch time"]:
    """Targets with those that belong to the prompt replaced by ``IGNORE``.

    The target at position t is token t + 1; so of a prompt of 5 tokens positions 0 to 3 are
    ignored, and the last predicts the answer's first token. Raises ``ValueError`` for a prompt
    of no token or longer than the text, and for another number of lengths than rows.
    """
    batch, time = targets.shape
    if prompt_lengths.shape != (batch,):
        raise ValueError(
            f"{prompt_lengths.numel()} prompt lengths do not fit {batch} rows of targets"
        )
    if not ((prompt_lengths >= 1) & (prompt_lengths <= time)).all():
        raise ValueError(
            f"prompt lengths {prompt_lengths.tolist()} do not fit texts of {time} tokens; each "
            f"must be from 1 to {time}"
        )
    prompt = torch.arange(1, time + 1, device=targets.device) < prompt_lengths[:, None]
    return targets.masked_fill(prompt, IGNORE)
