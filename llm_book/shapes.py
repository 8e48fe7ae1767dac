"""What passes between the shelves, named once.

Axis names used in every signature: ``batch`` (examples), ``time`` (positions in a text),
``width`` (numbers in a vector), ``vocab`` (entries of a vocabulary).
"""

from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

Ids: TypeAlias = Int64[Tensor, "batch time"]
Lengths: TypeAlias = Int64[Tensor, " batch"]
Labels: TypeAlias = Int64[Tensor, " batch"]
Mask: TypeAlias = Bool[Tensor, "batch time"]
States: TypeAlias = Float[Tensor, "batch time width"]


@dataclass(frozen=True)
class Review:
    """One text and what its author thought: ``label`` is 1 for praise, 0 for blame."""

    text: str
    label: int
    id: str


@dataclass(frozen=True)
class Batch:
    """Texts of different lengths as one rectangle of ids, padded on the right.

    ``ids`` [batch, time], ``lengths`` [batch] (tokens that are text, at least 1),
    ``labels`` [batch] (0 or 1).
    """

    ids: Ids
    lengths: Lengths
    labels: Labels

    @property
    def tokens(self) -> int:
        """Tokens that are text, pads not counted."""
        return int(self.lengths.sum())

    @property
    def size(self) -> int:
        """Examples in the batch."""
        return len(self.lengths)

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on ``device``."""
        return Batch(self.ids.to(device), self.lengths.to(device), self.labels.to(device))


def text_mask(lengths: Lengths, time: int) -> Mask:
    """True where a position holds text, False where it holds a pad: [batch, time]."""
    return torch.arange(time, device=lengths.device) < lengths[:, None]
