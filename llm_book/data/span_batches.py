"""Questions beside passages → rectangles, with where in the passage the answers stand."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


@dataclass(frozen=True)
class SpanBatch:
    """What the reader reads, padded on the right, and where the answers start and end [batch]."""

    asked: Tensor
    said: Tensor
    marks: Tensor
    sentence: Tensor
    start: Tensor
    end: Tensor

    @property
    def tokens(self) -> int:
        """Tokens that are text."""
        return int((self.said > 0).sum())

    @property
    def size(self) -> int:
        """Questions in the batch."""
        return len(self.said)

    @property
    def weight(self) -> int:
        """What the batch's mean loss is the mean over."""
        return self.size

    def to(self, device: torch.device | str) -> "SpanBatch":
        """The same batch on ``device``."""
        return SpanBatch(*(getattr(self, field.name).to(device) for field in fields(self)))


@dataclass(frozen=True)
class SpanRows:
    """Questions with passages as the reader reads them: one tensor of a kind a question."""

    columns: Sequence[tuple[Tensor, ...]]

    def batch(self, rows: Sequence[int]) -> SpanBatch:
        """Some of them as rectangles."""
        asked, said, marks, sentence, start, end = zip(
            *(self.columns[row] for row in rows), strict=True
        )
        texts = (asked, said, marks, sentence)
        padded = [pad_sequence(list(text), batch_first=True) for text in texts]
        return SpanBatch(
            padded[0], padded[1], padded[2], padded[3], torch.stack(start), torch.stack(end)
        )
