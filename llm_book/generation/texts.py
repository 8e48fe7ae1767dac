"""Rows of tokens that grow: the prompts and what is written after them."""

import torch
from jaxtyping import Int64
from torch import Tensor

from llm_book.shapes import IGNORE, Ids, Lengths, text_mask


class Texts:
    """Prompts [batch, time], padded on the right, and room for ``room`` more tokens a row.

    What stands in the pads is never read. Raises ValueError where ids are not a rectangle, a
    text is empty or lengths do not fit, TypeError where ids are not whole numbers of 64 bits.
    """

    def __init__(
        self, ids: Int64[Tensor, "..."], lengths: Int64[Tensor, "..."] | None, room: int
    ) -> None:
        check_prompt(ids, lengths)
        if room < 1:
            raise ValueError(f"max_new_tokens is {room}; ask for at least 1")
        batch, time = ids.shape
        self.level = lengths is None
        self.lengths = torch.full((batch,), time, device=ids.device) if lengths is None else lengths
        self.longest = int(self.lengths.max())
        self.ids = ids.new_zeros(batch, self.longest + room)
        prompt = ids[:, : self.longest]
        self.ids[:, : self.longest] = torch.where(text_mask(self.lengths, self.longest), prompt, 0)

    def append(self, tokens: Int64[Tensor, " batch"]) -> None:
        """Put one more token at the end of every row."""
        if self.level:
            self.ids[:, self.longest] = tokens
        else:
            self.ids.scatter_(1, self.lengths[:, None], tokens[:, None])
        self.lengths, self.longest = self.lengths + 1, self.longest + 1

    def last(self, count: int) -> tuple[Ids, Lengths | None]:
        """The newest ``count`` tokens of each row, fewer where there are fewer, and how many.

        The numbers are None where all rows are equally long.
        """
        if self.level:
            return self.ids[:, max(0, self.longest - count) : self.longest], None
        kept = self.lengths.clamp(max=count)
        width = min(count, self.longest)
        places = (self.lengths - kept)[:, None] + torch.arange(width, device=self.ids.device)
        return self.ids.gather(1, places), kept

    def previous(self) -> Ids:
        """All tokens so far, ``IGNORE`` on pads."""
        text = text_mask(self.lengths, self.longest)
        return self.ids[:, : self.longest].masked_fill(~text, IGNORE)


def check_prompt(ids: Int64[Tensor, "..."], lengths: Int64[Tensor, "..."] | None) -> None:
    """Refuse prompts that cannot be gone on from."""
    if ids.ndim != 2:
        raise ValueError(
            f"ids of shape {tuple(ids.shape)} came; a batch of prompts is [batch, time], one "
            "text alone ids[None]"
        )
    batch, time = ids.shape
    if not ids.numel():
        raise ValueError(
            f"ids of shape {(batch, time)} hold no token to go on from; begin with a start token"
        )
    if lengths is None:
        return
    if lengths.shape != (batch,):
        raise ValueError(
            f"lengths of shape {tuple(lengths.shape)} came with {batch} texts; give one number "
            "for each"
        )
    shortest, longest = lengths.aminmax()
    if shortest < 1 or longest > time:
        raise ValueError(
            f"lengths go from {shortest} to {longest}, but ids hold from 1 to {time} tokens a row"
        )
