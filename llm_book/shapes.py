"""What passes between the shelves, named once.

Axis names used in every signature: ``batch`` (examples), ``time`` (positions in a text),
``width`` (numbers in a vector), ``vocab`` (entries of a vocabulary).
"""

from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

IGNORE = -100  # a target that carries no loss; PyTorch's own ``ignore_index``

Ids: TypeAlias = Int64[Tensor, "batch time"]
Stream: TypeAlias = Int64[Tensor, " time"]
Logits: TypeAlias = Float[Tensor, "batch time vocab"]
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

    @property
    def weight(self) -> int:
        """What the batch's mean loss is the mean over: its examples."""
        return self.size

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on ``device``."""
        return Batch(self.ids.to(device), self.lengths.to(device), self.labels.to(device))


@dataclass(frozen=True)
class TokenBatch:
    """Windows of text and the token that comes next at every position.

    ``ids`` [batch, time]; ``targets`` [batch, time], ``IGNORE`` where nothing is to be learned;
    ``documents`` [batch, time] numbers the document of each position where several are packed
    into one row, and is None where a row is one text.
    """

    ids: Ids
    targets: Ids
    documents: Ids | None = None

    @property
    def tokens(self) -> int:
        """Positions read, pads and ignored targets included."""
        return self.ids.numel()

    @property
    def size(self) -> int:
        """Rows in the batch."""
        return len(self.ids)

    @property
    def weight(self) -> int:
        """What the batch's mean loss is the mean over: targets that are not ignored."""
        return int((self.targets != IGNORE).sum())

    def to(self, device: torch.device | str) -> "TokenBatch":
        """The same batch on ``device``."""
        documents = None if self.documents is None else self.documents.to(device)
        return TokenBatch(self.ids.to(device), self.targets.to(device), documents)


@dataclass(frozen=True)
class PairBatch:
    """Source texts and the target texts that answer them, both padded on the right.

    ``source`` [batch, source time] with ``source_lengths`` [batch]; ``inputs`` [batch, time] is
    what the decoder reads (it begins with the start token), ``targets`` [batch, time] what it
    shall say next, ``IGNORE`` on pads.
    """

    source: Int64[Tensor, "batch source_time"]
    source_lengths: Lengths
    inputs: Ids
    targets: Ids

    @property
    def tokens(self) -> int:
        """Source and target tokens that are text."""
        return int(self.source_lengths.sum()) + self.weight

    @property
    def size(self) -> int:
        """Pairs in the batch."""
        return len(self.source)

    @property
    def weight(self) -> int:
        """What the batch's mean loss is the mean over: targets that are not ignored."""
        return int((self.targets != IGNORE).sum())

    def to(self, device: torch.device | str) -> "PairBatch":
        """The same batch on ``device``."""
        parts = (self.source, self.source_lengths, self.inputs, self.targets)
        return PairBatch(*(part.to(device) for part in parts))


class KVCache:
    """Keys and values of the tokens read so far, so that a step reads only what is new.

    One pair of tensors a layer, [batch, kv_head, capacity, head_width], allocated once. A slot's
    number is its token's position. ``lengths`` [batch] says how many tokens each row holds; rows
    may differ, and what stands in a slot at or beyond a row's length is never looked at; ``level``
    says whether all rows are known to be equally long.

    A model writes at ``positions(time)`` and does not advance: whoever calls it does, by as much
    as each row's new text is long. Raises ``ValueError`` where the capacity is exceeded.
    """

    def __init__(
        self,
        n_layers: int,
        batch: int,
        n_kv_heads: int,
        capacity: int,
        head_width: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        shape = (n_layers, batch, n_kv_heads, capacity, head_width)
        if min(shape) < 1:
            raise ValueError(f"a cache of shape {shape} holds nothing; every size must be >= 1")
        self.keys = torch.zeros(shape, device=device, dtype=dtype)
        self.values = torch.zeros_like(self.keys)
        self.lengths = torch.zeros(batch, dtype=torch.int64, device=device)
        self._longest = 0  # the largest length, as a plain number: asking the GPU would wait
        self.level = True

    @property
    def capacity(self) -> int:
        """Tokens that fit in a row."""
        return self.keys.shape[3]

    @property
    def longest(self) -> int:
        """Tokens in the longest row."""
        return self._longest

    def positions(self, time: int) -> Ids:
        """Where the next ``time`` tokens of each row stand: [batch, time], counted from 0."""
        return self.lengths[:, None] + torch.arange(time, device=self.lengths.device)

    def write(
        self,
        layer: int,
        keys: Float[Tensor, "batch kv_head time head_width"],
        values: Float[Tensor, "batch kv_head time head_width"],
    ) -> tuple[
        Float[Tensor, "batch kv_head slots head_width"],
        Float[Tensor, "batch kv_head slots head_width"],
    ]:
        """Put the new tokens' keys and values in their slots; give all slots up to the newest."""
        time = keys.shape[2]
        end = self._longest + time
        if end > self.capacity:
            raise ValueError(
                f"{end} tokens do not fit in a cache of {self.capacity}; make a larger one or "
                "keep fewer tokens"
            )
        for table, new in ((self.keys[layer], keys), (self.values[layer], values)):
            if self.level:
                table[:, :, self._longest : end] = new
            else:
                slots = self.positions(time)[:, None, :, None].expand_as(new)
                table.scatter_(2, slots, new.to(table.dtype))
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def advance(self, by: int | Lengths) -> None:
        """Count the newest tokens as read: ``by`` of them, the same or a number a row."""
        self.lengths = self.lengths + by
        if isinstance(by, int):
            self._longest += by
        else:
            self._longest = int(self.lengths.max())
            self.level = bool((self.lengths == self.lengths[0]).all())

    def select(self, rows: Int64[Tensor, " rows"]) -> None:
        """Keep ``rows`` of the batch, in that order, repeats allowed: what a beam search needs."""
        self.keys, self.values = self.keys[:, rows], self.values[:, rows]
        self.lengths = self.lengths[rows]


def text_mask(lengths: Lengths, time: int) -> Mask:
    """True where a position holds text, False where it holds a pad: [batch, time]."""
    return torch.arange(time, device=lengths.device) < lengths[:, None]


def document_mask(documents: Ids) -> Bool[Tensor, "batch time time"]:
    """True where two positions of a packed row stand in the same document, so may attend.

    It says nothing of order: a causal model forbids the future by itself. Pads see pads alone, so
    no row is masked whole.
    """
    return documents[:, :, None] == documents[:, None, :]


def document_positions(documents: Ids) -> Ids:
    """Positions of a packed row, counted from 0 anew where a document begins."""
    places = torch.arange(documents.shape[1], device=documents.device).expand_as(documents)
    begins = torch.ones_like(documents, dtype=torch.bool)
    begins[:, 1:] = documents[:, 1:] != documents[:, :-1]
    return places - places.where(begins, 0).cummax(dim=1).values
