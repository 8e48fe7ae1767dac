"""Bytes that training and generating hold: weights, gradients, optimiser, activations, cache."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from llm_book.evaluation.decoder_sizes import DecoderSizes


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes by what they hold; ``total`` is their sum."""

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of it, in bytes."""
        return self.weights + self.gradients + self.optimizer + self.activations


@dataclass(frozen=True)
class Precision:
    """Bytes a number of each kind takes, and how many states the optimiser keeps a parameter.

    The defaults are float32 with Adam: 16 bytes a parameter. Mixed precision with a float32 copy
    is ``Precision(weight=2, gradient=2, state=4, states=3, activation=2)``, 16 bytes again
    (Rajbhandari et al. 2020). Raises ``ValueError`` for a negative number.
    """

    weight: int = 4
    gradient: int = 4
    state: int = 4
    states: int = 2
    activation: int = 4

    def __post_init__(self) -> None:
        if min(self.weight, self.gradient, self.state, self.states, self.activation) < 0:
            raise ValueError(f"bytes and states cannot be negative: {self}")


def training_memory(
    parameters: int,
    activations: int = 0,
    trained: int | None = None,
    precision: Precision | None = None,
) -> TrainingMemory:
    """Bytes of a training step of ``parameters``, of which ``trained`` learn (all without it).

    ``activations`` are numbers kept for the backward pass, as ``activation_numbers`` gives them.
    Only what learns has a gradient and optimiser states: that is what LoRA saves. Raises
    ``ValueError`` for more trained parameters than there are.
    """
    precision = precision or Precision()
    trained = parameters if trained is None else trained
    if not 0 <= trained <= parameters:
        raise ValueError(
            f"{trained} of {parameters} parameters cannot learn; expected 0 <= trained <= all"
        )
    return TrainingMemory(
        parameters * precision.weight,
        trained * precision.gradient,
        trained * precision.states * precision.state,
        activations * precision.activation,
    )


def activation_numbers(sizes: DecoderSizes, batch: int, time: int) -> dict[str, int]:
    """Numbers that a step keeps for its backward pass, by part, over all layers.

    Counted for fused kernels, which keep what they read and what they give: of each norm its
    input and its output (the input of the maps after it); queries, keys, values and what they
    mix; what goes into and comes out of a feed-forward part's activation; the log-probabilities
    of the loss. Within 5 % of what PyTorch keeps for GPT-2's shape, 20 % for Llama's (on a CPU its
    rotary turns and RMS norms keep more), with many more tokens than ``width``. Attention
    written out keeps ``n_heads`` · ``time`` numbers a token more in each layer, more than once.
    Raises ``ValueError`` for a batch or time below 1.
    """
    if batch < 1 or time < 1:
        raise ValueError(f"a batch of {batch} texts of {time} tokens keeps nothing; give 1 or more")
    tokens, layers = batch * time, sizes.n_layers
    heads = 2 * (sizes.n_heads + sizes.kv_heads) * sizes.width_of_head
    inside = (4 if sizes.gated else 2) * sizes.width_inside
    return {
        "norms": tokens * sizes.width * 2 * (2 * layers + 1),
        "attention": tokens * layers * heads,
        "feed_forward": tokens * layers * inside * (sizes.top_k if sizes.n_experts else 1),
        "logits": tokens * sizes.vocab_size,
    }


def cache_bytes(sizes: DecoderSizes, batch: int, time: int, bytes_a_number: int = 2) -> int:
    """Bytes of the keys and values of ``batch`` texts of ``time`` tokens, all layers.

    Raises ``ValueError`` for a size below 1.
    """
    if min(batch, time, bytes_a_number) < 1:
        raise ValueError(
            f"a cache of {batch} texts of {time} tokens with {bytes_a_number} bytes a number holds "
            "nothing; each must be 1 or more"
        )
    return 2 * sizes.n_layers * batch * time * sizes.kv_heads * sizes.width_of_head * bytes_a_number


def bytes_of(tensors: Iterable[Tensor | None]) -> int:
    """Bytes that tensors hold; what several share is counted once, None is nothing."""
    held = {}
    for tensor in tensors:
        if tensor is not None:
            storage = tensor.untyped_storage()
            held[storage.data_ptr()] = storage.nbytes()
    return sum(held.values())


def measured_memory(
    model: nn.Module, optimizer: torch.optim.Optimizer | None = None, activations: int = 0
) -> TrainingMemory:
    """What a model and its optimiser hold right now, in bytes of real tensors.

    ``activations`` are bytes, as ``SavedBytes.bytes`` counts them. An optimiser that has not
    taken a step holds nothing yet.
    """
    state: dict[Any, Any] = {} if optimizer is None else optimizer.state
    kept = [v for values in state.values() for v in values.values() if isinstance(v, Tensor)]
    parameters = list(model.parameters())
    return TrainingMemory(
        bytes_of(parameters), bytes_of(p.grad for p in parameters), bytes_of(kept), activations
    )


class SavedBytes:
    """How much a forward pass has put aside for the backward pass, in bytes."""

    def __init__(self, not_counted: Iterable[Tensor]) -> None:
        self._weights = {tensor.untyped_storage().data_ptr() for tensor in not_counted}
        self._kept: dict[int, Tensor] = {}

    @property
    def bytes(self) -> int:
        """Bytes kept; what several operations share is counted once, weights are not."""
        return bytes_of(self._kept.values())

    def keep(self, tensor: Tensor) -> Tensor:
        """Count a tensor that is being put aside, and give it back as it is."""
        pointer = tensor.untyped_storage().data_ptr()
        if pointer not in self._weights:
            self._kept[pointer] = tensor  # held, so that its address is not given away again
        return tensor


@contextmanager
def saved_for_backward(model: nn.Module) -> Iterator[SavedBytes]:
    """Count what forward passes inside put aside: ``with saved_for_backward(model) as saved:``.

    The model's own parameters are not counted. Call backward outside, or the count is of the
    backward's own graph too.
    """
    saved = SavedBytes(model.parameters())
    with torch.autograd.graph.saved_tensors_hooks(saved.keep, lambda tensor: tensor):
        yield saved
