"""What a recurrent network remembers of a text, handled as a key-value cache is."""

from collections.abc import Callable

import torch
from jaxtyping import Int64
from torch import Tensor

from llm_book.models.recurrent import State
from llm_book.shapes import Lengths

StateAfter = Callable[[Lengths], State]


class StateCache:
    """The state after the tokens read so far: of one size, however long the text.

    ``state`` is one tensor a part, [walks, batch, width], and None before the first token. A model
    ``hold``s what its state would be after so many of the tokens it has just read; whoever calls
    it then says with ``advance`` how many of them count. ``lengths`` [batch] says how many tokens
    each row holds.
    """

    def __init__(self, batch: int, device: torch.device | str = "cpu") -> None:
        if batch < 1:
            raise ValueError(f"a cache for {batch} texts holds nothing; give at least 1")
        self.lengths = torch.zeros(batch, dtype=torch.int64, device=device)
        self.state: State | None = None
        self._held: tuple[int, State, StateAfter] | None = None

    def check(self, batch: int) -> None:
        """Refuse a batch of another size. Raises ValueError."""
        if batch != len(self.lengths):
            raise ValueError(
                f"{batch} texts came to a cache of {len(self.lengths)} rows; make one row a text"
            )

    def hold(self, time: int, end: State, after: StateAfter) -> None:
        """Keep ``end``, the state after all ``time`` new tokens, and how to tell an earlier one."""
        self._held = (time, end, after)

    def advance(self, by: int | Lengths) -> None:
        """Count the newest tokens as read: ``by`` of them, the same or a number a row.

        Raises ValueError for more tokens than the model has just read.
        """
        taken = torch.full_like(self.lengths, by) if isinstance(by, int) else by
        time, end, after = self._held or (0, None, None)
        if taken.max() > time:
            raise ValueError(
                f"{int(taken.max())} tokens shall count as read, but the model has just read {time}"
            )
        if taken.min() == time:
            self.state = end
        elif after is not None and taken.any():
            self.state = self._mixed(after(taken.clamp(min=1)), taken > 0)
        self.lengths, self._held = self.lengths + taken, None

    def _mixed(self, state: State, moved: Tensor) -> State:
        def newest(new: Tensor, old: Tensor) -> Tensor:
            return torch.where(moved[:, None], new, old)

        before = self.state or [torch.zeros_like(part) for part in state]
        return tuple(map(newest, state, before))

    def select(self, rows: Int64[Tensor, " rows"]) -> None:
        """Keep ``rows`` of the batch, in that order, repeats allowed."""
        self.lengths = self.lengths[rows]
        if self.state is not None:
            self.state = tuple(part[:, rows] for part in self.state)

    def detach(self) -> None:
        """Cut the state from the graph: gradients go back no further."""
        if self.state is not None:
            self.state = tuple(part.detach() for part in self.state)
