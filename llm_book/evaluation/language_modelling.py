"""How much a text surprises a model: perplexity, bits per token, bits per byte."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from llm_book.runtime import Runtime
from llm_book.shapes import IGNORE, Stream, TokenBatch

Model = Callable[..., Tensor]
Read = Callable[[Model, TokenBatch], Tensor]


@dataclass(frozen=True)
class Surprise:
    """What a text cost a model: ``nats`` in all, over ``tokens`` that were predicted.

    Two of them add up, so that parts of different length weigh what they should. Raises
    ``ValueError`` where nothing was predicted or the cost is NaN or negative.
    """

    nats: float
    tokens: int

    def __post_init__(self) -> None:
        if self.tokens < 1:
            raise ValueError(
                f"{self.tokens} tokens were predicted, which has no mean; give a text of at least "
                "2 tokens, one to read and one to predict"
            )
        if not self.nats >= 0:
            raise ValueError(
                f"a text cannot cost {self.nats} nats; expected the sum of −log p, 0 or more"
            )

    def __add__(self, other: "Surprise") -> "Surprise":
        return Surprise(self.nats + other.nats, self.tokens + other.tokens)

    @property
    def loss(self) -> float:
        """Nats per token: the cross-entropy."""
        return self.nats / self.tokens

    @property
    def perplexity(self) -> float:
        """How many equally likely tokens would be as surprising; not comparable across tokenisers.

        Source: Jelinek et al. (1977). Infinite where it is beyond a float.
        """
        try:
            return math.exp(self.loss)
        except OverflowError:
            return math.inf

    @property
    def bits_per_token(self) -> float:
        """Nats per token over ln 2; not comparable across tokenisers."""
        return self.loss / math.log(2)

    def bits_per_byte(self, text: str | bytes | int) -> float:
        """Bits over the UTF-8 bytes of the very text that was predicted.

        Comparable across tokenisers, not across languages. ``text`` is that text or its number
        of bytes. Raises ``ValueError`` for an empty text.
        """
        if isinstance(text, str):
            text = text.encode()
        n_bytes = text if isinstance(text, int) else len(text)
        if n_bytes < 1:
            raise ValueError(f"a text of {n_bytes} bytes has no bits per byte; give 1 or more")
        return self.nats / math.log(2) / n_bytes


def token_losses(
    logits: Float[Tensor, "..."], targets: Int64[Tensor, "..."]
) -> Float[Tensor, "batch time"]:
    """What each target cost, in nats; 0 where the target is ``IGNORE``.

    ``logits`` [batch, time, vocab], ``targets`` [batch, time].
    Raises ``ValueError`` for shapes that do not fit and targets outside the vocabulary.
    """
    if logits.ndim != 3 or logits.shape[:2] != targets.shape:
        raise ValueError(
            f"logits of shape {tuple(logits.shape)} do not fit targets of shape "
            f"{tuple(targets.shape)}; expected [batch, time, vocab] and [batch, time]"
        )
    counted = targets != IGNORE
    known = targets.where(counted, 0)
    if ((known < 0) | (known >= logits.shape[2])).any():
        raise ValueError(
            f"a target lies outside the vocabulary of {logits.shape[2]}; expected 0 to "
            f"{logits.shape[2] - 1}, or {IGNORE} where nothing is to be predicted"
        )
    chosen = logits.log_softmax(dim=-1).gather(2, known[..., None])[..., 0]
    return torch.where(counted, -chosen, 0)


def surprise(losses: Float[Tensor, "..."], targets: Tensor | None = None) -> Surprise:
    """The sum of losses in nats over their number; ``IGNORE`` targets are not counted."""
    counted = torch.ones_like(losses, dtype=torch.bool) if targets is None else targets != IGNORE
    return Surprise(float(losses[counted].double().sum()), int(counted.sum()))


def perplexity(losses: Float[Tensor, "..."], targets: Tensor | None = None) -> float:
    """e to the mean loss in nats; ``IGNORE`` targets are not counted (equation eq-perplexity)."""
    return surprise(losses, targets).perplexity


def read_batch(model: Model, batch: TokenBatch) -> Tensor:
    """The logits of a model that reads the ids of a batch.

    Where a row holds several documents the model is also told ``mask`` [batch, time, time], which
    keeps them apart, and ``positions`` [batch, time], which begin anew in each.
    """
    if batch.documents is None:
        return model(batch.ids)
    same = batch.documents[:, :, None] == batch.documents[:, None, :]
    return model(batch.ids, mask=same, positions=same.tril().sum(dim=2) - 1)


@torch.no_grad()
def evaluate(
    model: Model,
    batches: Iterable[TokenBatch],
    runtime: Runtime | None = None,
    read: Read = read_batch,
) -> Surprise:
    """What all targets of all batches cost a model, each counted once.

    ``model`` is any callable from ids [batch, time] to logits; where it is a module it is put
    into evaluation mode and back. ``read`` says how it reads a batch. Raises ``ValueError`` where
    no batch holds a target.
    """
    runtime = runtime or Runtime()
    training = isinstance(model, torch.nn.Module) and model.training
    if isinstance(model, torch.nn.Module):
        model.eval()
    nats, tokens = 0.0, 0
    try:
        for batch in batches:
            batch = batch.to(runtime.device)
            with runtime.autocast():
                logits = read(model, batch)
            nats += float(token_losses(logits.float(), batch.targets).double().sum())
            tokens += batch.weight
    finally:
        if isinstance(model, torch.nn.Module):
            model.train(training)
    return Surprise(nats, tokens)


def each_target_once(
    ids: Stream, context_length: int, stride: int | None = None, batch_size: int = 8
) -> Iterator[TokenBatch]:
    """Windows over one long text in which every token but the first is predicted exactly once.

    A window begins every ``stride`` tokens (``context_length`` without it) and what an earlier
    window has predicted is ignored, so that a token has at least ``context_length − stride``
    tokens before it, the first window apart. A short last window is padded on the right with
    id 0 and ignored targets. Raises ``ValueError`` for a text that has nothing to predict and a
    stride that would leave tokens out.
    """
    stride = context_length if stride is None else stride
    if not 1 <= stride <= context_length:
        raise ValueError(
            f"a stride of {stride} with a context of {context_length} would leave tokens out or "
            "never end; expected 1 <= stride <= context_length"
        )
    if len(ids) < 2:
        raise ValueError(f"a text of {len(ids)} tokens has none to predict; give at least 2")
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; a batch holds at least 1 window")
    rows = _windows(ids, context_length, stride)
    while group := [row for _, row in zip(range(batch_size), rows, strict=False)]:
        inputs, targets = zip(*group, strict=True)
        yield TokenBatch(torch.stack(inputs), torch.stack(targets))


def _windows(ids: Stream, context_length: int, stride: int) -> Iterator[tuple[Tensor, Tensor]]:
    counted, start = 0, 0  # targets that earlier windows have predicted
    while counted < len(ids) - 1:
        stop = min(start + context_length, len(ids) - 1)
        inputs = ids.new_zeros(context_length)
        targets = ids.new_full((context_length,), IGNORE)
        inputs[: stop - start] = ids[start:stop]
        targets[counted - start : stop - start] = ids[counted + 1 : stop + 1]
        yield inputs, targets
        counted, start = stop, start + stride
