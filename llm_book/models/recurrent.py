"""Recurrent networks: a cell that takes one step, and the layers that walk it along a text.

Weights have the names, shapes and gate order of ``torch.nn``, so the two can be compared
number for number. A state is a tuple: ``(hidden,)``, or ``(hidden, memory)`` for the LSTM.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import linear

from llm_book.shapes import Lengths, States, text_mask

State = tuple[Tensor, ...]


class Cell(nn.Module):
    """What every recurrent cell shares: two weight matrices, two biases, a first state.

    ``gates`` blocks of ``width`` rows stand one below the other in each matrix.
    Weights start uniform in ±1/√width, as in ``torch.nn``.
    """

    gates: int
    state_parts = 1

    def __init__(self, input_width: int, width: int) -> None:
        super().__init__()
        if input_width < 1 or width < 1:
            raise ValueError(
                f"a cell from {input_width} to {width} numbers cannot be built; both must be >= 1"
            )
        rows, bound = self.gates * width, 1 / math.sqrt(width)
        self.width = width
        self.weight_ih = nn.Parameter(torch.empty(rows, input_width).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(rows, width).uniform_(-bound, bound))
        self.bias_ih = nn.Parameter(torch.empty(rows).uniform_(-bound, bound))
        self.bias_hh = nn.Parameter(torch.empty(rows).uniform_(-bound, bound))

    def first_state(self, inputs: Float[Tensor, "batch *time input"]) -> State:
        """Zeros, one vector a row of the batch."""
        return (inputs.new_zeros(len(inputs), self.width),) * self.state_parts

    def project(self, inputs: Float[Tensor, "*batch input"]) -> Float[Tensor, "*batch rows"]:
        """The input's share of every gate; it needs no state, so all steps are done at once."""
        return linear(inputs, self.weight_ih, self.bias_ih)

    def step(self, projected: Float[Tensor, "batch rows"], state: State) -> State:
        """The next state from one step's projected input and the state before it."""
        raise TypeError(f"{type(self).__name__} has no step; use RNNCell, LSTMCell or GRUCell")

    def forward(self, inputs: Float[Tensor, "batch input"], state: State | None = None) -> State:
        """One step in time."""
        state = self.first_state(inputs) if state is None else state
        return self.step(self.project(inputs), state)


class RNNCell(Cell):
    """h' = tanh(W x + U h + b), the network of Elman (1990); equals ``torch.nn.RNNCell``."""

    gates = 1

    def step(self, projected: Tensor, state: State) -> State:
        (hidden,) = state
        return (torch.tanh(projected + linear(hidden, self.weight_hh, self.bias_hh)),)


class GRUCell(Cell):
    """A gate that forgets and a gate that blends (equation eq-gru); equals ``torch.nn.GRUCell``.

    The reset gate acts after the product with the hidden weights. Cho et al. (2014) apply it
    before, which gives another network with the same number of weights.
    """

    gates = 3

    def step(self, projected: Tensor, state: State) -> State:
        (hidden,) = state
        reset_in, update_in, new_in = projected.chunk(3, dim=-1)
        recurrent = linear(hidden, self.weight_hh, self.bias_hh)
        reset_rec, update_rec, new_rec = recurrent.chunk(3, dim=-1)
        reset = torch.sigmoid(reset_in + reset_rec)
        update = torch.sigmoid(update_in + update_rec)
        new = torch.tanh(new_in + reset * new_rec)
        return ((1 - update) * new + update * hidden,)


class LSTMCell(Cell):
    """A memory behind three gates (Hochreiter and Schmidhuber 1997; forget gate: Gers 2000).

    Equals ``torch.nn.LSTMCell``; the state is ``(hidden, memory)``.
    """

    gates = 4
    state_parts = 2

    def step(self, projected: Tensor, state: State) -> State:
        hidden, memory = state
        gates = projected + linear(hidden, self.weight_hh, self.bias_hh)
        write, forget, candidate, show = gates.chunk(4, dim=-1)
        memory = torch.sigmoid(forget) * memory + torch.sigmoid(write) * torch.tanh(candidate)
        return (torch.sigmoid(show) * torch.tanh(memory), memory)


CELLS: dict[str, type[Cell]] = {"rnn": RNNCell, "lstm": LSTMCell, "gru": GRUCell}


class Recurrent(nn.Module):
    """One cell walked along the time axis, left to right."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.cell = cell

    def forward(
        self,
        inputs: Float[Tensor, "batch time input"],
        state: State | None = None,
    ) -> tuple[Float[Tensor, "batch time width"], ...]:
        """Every state on the way, one tensor for each part of the state."""
        state = self.cell.first_state(inputs) if state is None else state
        history = []
        for projected in self.cell.project(inputs).unbind(dim=1):
            state = self.cell.step(projected, state)
            history.append(state)
        return tuple(torch.stack(part, dim=1) for part in zip(*history, strict=True))


def reverse_by_length(
    states: Float[Tensor, "batch time width"], lengths: Lengths
) -> Float[Tensor, "batch time width"]:
    """Each row's text back to front, its pads left where they are; its own inverse."""
    position = torch.arange(states.shape[1], device=states.device).expand(states.shape[:2])
    mirrored = lengths[:, None] - 1 - position
    source = torch.where(text_mask(lengths, states.shape[1]), mirrored, position)
    return states.gather(1, source[..., None].expand_as(states))


def at_last_token(
    states: Float[Tensor, "batch time width"], lengths: Lengths
) -> Float[Tensor, "batch width"]:
    """The state of each row at its own last token."""
    return states[torch.arange(len(states), device=states.device), lengths - 1]


class RecurrentStack(nn.Module):
    """Layers of cells over padded texts, in one direction or in both, at dense speed.

    Pads change nothing: reading forwards, whatever stands after a text comes too late to
    matter; reading backwards, each row is reversed by its own length first. The answer is that
    of ``pack_padded_sequence`` without its cost. With ``engine="torch"`` each direction is run
    by ``torch.nn``'s kernels (cuDNN on a GPU); the numbers are the same.
    """

    def __init__(
        self,
        kind: str,
        input_width: int,
        width: int,
        layers: int = 1,
        bidirectional: bool = False,
        engine: str = "ours",
    ) -> None:
        super().__init__()
        if kind not in CELLS:
            raise ValueError(f"cell {kind!r} is unknown; choose one of {', '.join(CELLS)}")
        if engine not in ("ours", "torch"):
            raise ValueError(f"engine {engine!r} is unknown; choose 'ours' or 'torch'")
        self.kind, self.engine, self.bidirectional = kind, engine, bidirectional
        self.width = width * (2 if bidirectional else 1)
        self.walks = nn.ModuleList(
            nn.ModuleList(self._walk(wide, width) for _ in range(2 if bidirectional else 1))
            for wide in [input_width] + [self.width] * (layers - 1)
        )

    def _walk(self, input_width: int, width: int) -> nn.Module:
        if self.engine == "ours":
            return Recurrent(CELLS[self.kind](input_width, width))
        kernel = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[self.kind]
        return kernel(input_width, width, batch_first=True)

    def forward(
        self, inputs: Float[Tensor, "batch time input"], lengths: Lengths | None = None
    ) -> States:
        """The top layer's hidden states, forward half first; zero on pads."""
        if lengths is None:
            lengths = torch.full((len(inputs),), inputs.shape[1], device=inputs.device)
        states = inputs
        for walks in self.walks:
            states = self._both_ways(walks, states, lengths)
        return states * text_mask(lengths, states.shape[1])[..., None]

    def _both_ways(self, walks: nn.ModuleList, states: Tensor, lengths: Lengths) -> States:
        forwards = walks[0](states)[0]
        if not self.bidirectional:
            return forwards
        backwards = walks[1](reverse_by_length(states, lengths))[0]
        return torch.cat([forwards, reverse_by_length(backwards, lengths)], dim=-1)


def copy_from_torch(stack: RecurrentStack, module: nn.RNNBase) -> None:
    """Give ``stack`` the weights of a ``torch.nn`` RNN, LSTM or GRU of the same shape, in place."""
    for layer, walks in enumerate(stack.walks):
        for walk, suffix in zip(walks, ("", "_reverse"), strict=False):
            target, end = (walk, "_l0") if stack.engine == "torch" else (walk.cell, "")
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                theirs = getattr(module, f"{name}_l{layer}{suffix}")
                getattr(target, name + end).data.copy_(theirs.data)
