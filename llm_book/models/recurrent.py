"""Recurrent networks: a cell that takes one step, and the layers that walk it along a text.

Weights have the names, shapes and gate order of ``torch.nn``, so the two can be compared
number for number. A state is a tuple: ``(hidden,)``, or ``(hidden, memory)`` for the LSTM.
"""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import linear

from llm_book.models.attention import can_be_asked
from llm_book.shapes import Lengths, States, text_mask

State = tuple[Tensor, ...]
End = Callable[[], Sequence[Tensor]]


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
    """A memory behind three gates (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

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


class ChoGRUCell(Cell):
    """The GRU as first written: the reset gate acts on the state, before the product.

    Source: Cho et al. (2014), Eqs. 5-8, with the update gate in ``torch``'s sense (it keeps the
    old state, as in their text). Weights have the shapes of ``GRUCell``; PyTorch has no such cell.
    """

    gates = 3

    def step(self, projected: Tensor, state: State) -> State:
        (hidden,) = state
        reset_in, update_in, new_in = projected.chunk(3, dim=-1)
        reset_w, update_w, new_w = self.weight_hh.chunk(3)
        reset_b, update_b, new_b = self.bias_hh.chunk(3)
        reset = torch.sigmoid(reset_in + linear(hidden, reset_w, reset_b))
        update = torch.sigmoid(update_in + linear(hidden, update_w, update_b))
        new = torch.tanh(new_in + linear(reset * hidden, new_w, new_b))
        return ((1 - update) * new + update * hidden,)


CELLS: dict[str, type[Cell]] = {
    "rnn": RNNCell,
    "lstm": LSTMCell,
    "gru": GRUCell,
    "gru-cho": ChoGRUCell,
}
KERNELS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


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
    by ``torch.nn``'s kernels (cuDNN on a GPU); the numbers are the same. ``kind`` is "rnn",
    "lstm", "gru" or "gru-cho"; ``dropout`` zeroes that share of the states that pass from one
    layer to the next while training. Raises ValueError for settings that cannot be built.
    """

    def __init__(
        self,
        kind: str,
        input_width: int,
        width: int,
        layers: int = 1,
        bidirectional: bool = False,
        engine: str = "ours",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if kind not in CELLS:
            raise ValueError(f"cell {kind!r} is unknown; choose one of {', '.join(CELLS)}")
        if engine not in ("ours", "torch"):
            raise ValueError(f"engine {engine!r} is unknown; choose 'ours' or 'torch'")
        if engine == "torch" and kind not in KERNELS:
            raise ValueError(f"PyTorch has no kernel for {kind!r}; choose engine='ours'")
        if layers < 1:
            raise ValueError(f"layers is {layers}; a stack needs at least 1")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; it is a share, from 0 up to but not 1")
        self.kind, self.engine, self.bidirectional = kind, engine, bidirectional
        self.input_width = input_width
        self.width = width * (2 if bidirectional else 1)
        self.drop = nn.Dropout(dropout)
        self.walks = nn.ModuleList(
            nn.ModuleList(self._walk(wide, width) for _ in range(2 if bidirectional else 1))
            for wide in [input_width] + [self.width] * (layers - 1)
        )

    def _walk(self, input_width: int, width: int) -> nn.Module:
        if self.engine == "ours":
            return Recurrent(CELLS[self.kind](input_width, width))
        return KERNELS[self.kind](input_width, width, batch_first=True)

    def forward(
        self, inputs: Float[Tensor, "..."], lengths: Int64[Tensor, "..."] | None = None
    ) -> States:
        """The top layer's hidden states, forward half first; zero on pads."""
        return self._layers(inputs, lengths, None)[0]

    def run(
        self,
        inputs: Float[Tensor, "..."],
        lengths: Int64[Tensor, "..."] | None = None,
        state: State | None = None,
    ) -> tuple[States, State]:
        """The top layer's hidden states, and the state of every walk after each row's last token.

        The first walk of each layer reads forwards, the second, where there is one, backwards. A
        state is one tensor a part (hidden; for the LSTM also memory), each [walks, batch, width]
        in the order of ``torch.nn``; given back as ``state`` it lets a one-way stack go on with
        the rest of the text as if it had never stopped. None begins with zeros.
        """
        states, ends = self._layers(inputs, lengths, state)
        parts = zip(*(end() for end in ends), strict=True)
        return states, tuple(torch.stack(part) for part in parts)

    def _layers(
        self, inputs: Tensor, lengths: Lengths | None, state: State | None
    ) -> tuple[States, list[End]]:
        self._check(inputs, lengths, state)
        if lengths is None:
            lengths = torch.full((len(inputs),), inputs.shape[1], device=inputs.device)
        states, ends = inputs, []
        for layer, walks in enumerate(self.walks):
            if layer:
                states = self.drop(states)
            ways = list(walks.children())
            starts = _of_layer(state, layer, len(ways))
            states, layer_ends = self._both_ways(ways, states, lengths, starts)
            ends += layer_ends
        return states * text_mask(lengths, states.shape[1])[..., None], ends

    def _both_ways(
        self, walks: list[nn.Module], states: Tensor, lengths: Lengths, starts: list[State | None]
    ) -> tuple[Tensor, list[End]]:
        forwards, end = walked(walks[0], states, lengths, starts[0])
        if not self.bidirectional:
            return forwards, [end]
        turned = reverse_by_length(states, lengths)
        backwards, back_end = walked(walks[1], turned, lengths, starts[1])
        return torch.cat([forwards, reverse_by_length(backwards, lengths)], dim=-1), [end, back_end]

    def _check(self, inputs: Tensor, lengths: Tensor | None, state: State | None) -> None:
        if inputs.ndim != 3 or inputs.shape[2] != self.input_width or not inputs.shape[1]:
            raise ValueError(
                f"inputs of shape {tuple(inputs.shape)} came; this stack reads [batch, time, "
                f"{self.input_width}] with at least one step"
            )
        batch, time = inputs.shape[:2]
        if lengths is not None:
            if lengths.shape != (batch,):
                raise ValueError(
                    f"lengths of shape {tuple(lengths.shape)} came with {batch} texts; give one "
                    "number for each"
                )
            if can_be_asked(lengths) and not ((lengths >= 1) & (lengths <= time)).all():
                raise ValueError(
                    f"lengths go from {int(lengths.min())} to {int(lengths.max())}, but inputs "
                    f"hold from 1 to {time} steps a row"
                )
        if state is not None:
            ways = 2 if self.bidirectional else 1
            parts = CELLS[self.kind].state_parts
            wanted = (ways * len(self.walks), batch, self.width // ways)
            shapes = [tuple(part.shape) for part in state]
            if shapes != [wanted] * parts:
                raise ValueError(
                    f"a state of shapes {shapes} came; this stack goes on from {parts} of {wanted}"
                )


def _of_layer(state: State | None, layer: int, ways: int) -> list[State | None]:
    if state is None:
        return [None] * ways
    return [tuple(part[layer * ways + way] for part in state) for way in range(ways)]


def walked(
    walk: nn.Module, inputs: Tensor, lengths: Lengths, start: State | None
) -> tuple[States, End]:
    """Hidden states of one walk, and what gives its state at each row's last token."""
    if isinstance(walk, Recurrent):
        history = walk(inputs, start)
        return history[0], lambda: [at_last_token(part, lengths) for part in history]
    begin = None if start is None else tuple(part[None] for part in start)
    if isinstance(walk, nn.LSTM):
        states = walk(inputs, begin)[0]
        return states, lambda: _end_of_lstm(walk, inputs, lengths, begin)
    states = walk(inputs, None if begin is None else begin[0])[0]
    return states, lambda: (at_last_token(states, lengths),)


def _end_of_lstm(walk: nn.LSTM, inputs: Tensor, lengths: Lengths, begin: State | None) -> State:
    """The kernel tells its memory at the end of a run only, so the texts are read again, packed."""
    packed = nn.utils.rnn.pack_padded_sequence(
        inputs, lengths.cpu(), batch_first=True, enforce_sorted=False
    )
    hidden, memory = walk(packed, begin)[1]
    return hidden[0], memory[0]


def copy_from_torch(stack: RecurrentStack, module: nn.RNNBase) -> None:
    """Give ``stack`` the weights of a ``torch.nn`` RNN, LSTM or GRU of the same shape, in place.

    Raises ValueError where the shapes differ.
    """
    ways = 2 if stack.bidirectional else 1
    ours = (stack.input_width, stack.width // ways, len(stack.walks), stack.bidirectional)
    theirs_shape = (
        module.input_size,
        module.hidden_size,
        module.num_layers,
        module.bidirectional,
    )
    kind = "gru" if stack.kind == "gru-cho" else stack.kind
    if ours != theirs_shape or type(module) is not KERNELS[kind]:
        raise ValueError(
            f"a {type(module).__name__} of (input, width, layers, two-way) {theirs_shape} does not "
            f"fit a stack {stack.kind!r} of {ours}"
        )
    for layer, walks in enumerate(stack.walks):
        for walk, suffix in zip(walks.children(), ("", "_reverse"), strict=False):
            target, end = (walk, "_l0") if stack.engine == "torch" else (walk.cell, "")
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                theirs = getattr(module, f"{name}_l{layer}{suffix}")
                getattr(target, name + end).data.copy_(theirs.data)
