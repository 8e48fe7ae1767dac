"""Pairs of texts → rectangles for an encoder and a decoder, as a function of the step."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from llm_book.data.batches import ShuffledOrder
from llm_book.shapes import IGNORE, PairBatch

Texts = Sequence[Sequence[int]]


def pad_pairs(
    sources: Texts, targets: Texts, start_id: int, end_id: int, pad_id: int = 0
) -> PairBatch:
    """Source texts and the texts that answer them as two rectangles, padded on the right.

    The decoder reads ``start_id`` and the target, and shall say the target and ``end_id``: at every
    position what comes next. A source is left as it came, an end token it may need included; an
    empty target is learned as an end at once. Raises ``ValueError`` for no pairs, for unequally
    many sources and targets, and for a source without a token.
    """
    _check_pairs(sources, targets)
    lengths = torch.tensor([len(source) for source in sources])
    inputs = [[start_id, *target] for target in targets]
    said = [[*target, end_id] for target in targets]
    return PairBatch(
        _rectangle(sources, pad_id), lengths, _rectangle(inputs, pad_id), _rectangle(said, IGNORE)
    )


class ShuffledPairs:
    """Training batches of pairs: every pair once an epoch, in an order drawn from (seed, epoch).

    Pairs of similar length share a batch: sorted by the source's length, then the target's.
    ``batches(step)`` gives the batch of that step, whatever was asked for before. Raises
    ``ValueError`` as ``pad_pairs`` and ``ShuffledOrder`` do.
    """

    def __init__(
        self,
        sources: Texts,
        targets: Texts,
        start_id: int,
        end_id: int,
        batch_size: int,
        seed: int = 0,
        pool: int = 20,
        pad_id: int = 0,
    ) -> None:
        _check_pairs(sources, targets)
        self.sources, self.targets = sources, targets
        self.start_id, self.end_id, self.pad_id = start_id, end_id, pad_id
        self.order = ShuffledOrder(_sizes(sources, targets), batch_size, seed, pool)

    @property
    def steps_per_epoch(self) -> int:
        """Batches that show every pair once; the last one of an epoch may be smaller."""
        return self.order.steps_per_epoch

    def __call__(self, step: int) -> PairBatch:
        """The batch of one step, counted from 0 over all epochs."""
        rows = self.order.rows(step)
        sources, targets = ([side[i] for i in rows] for side in (self.sources, self.targets))
        return pad_pairs(sources, targets, self.start_id, self.end_id, self.pad_id)


def pairs_in_length_order(
    sources: Texts, targets: Texts, start_id: int, end_id: int, batch_size: int, pad_id: int = 0
) -> Iterator[tuple[list[int], PairBatch]]:
    """Every pair once, shortest first, with the rows each batch came from; for evaluation."""
    _check_pairs(sources, targets)
    sizes = _sizes(sources, targets)
    order = sorted(range(len(sources)), key=lambda i: sizes[i])
    for first in range(0, len(order), batch_size):
        rows = order[first : first + batch_size]
        asked, answered = ([side[i] for i in rows] for side in (sources, targets))
        yield rows, pad_pairs(asked, answered, start_id, end_id, pad_id)


def _check_pairs(sources: Texts, targets: Texts) -> None:
    if not sources or len(sources) != len(targets):
        raise ValueError(
            f"{len(sources)} sources with {len(targets)} targets make no batch; give one target a "
            "source, and at least one pair"
        )
    for row, source in enumerate(sources):
        if not source:
            raise ValueError(f"the source of pair {row} has no token; leave the pair out")


def _sizes(sources: Texts, targets: Texts) -> list[tuple[int, int]]:
    return [(len(source), len(target)) for source, target in zip(sources, targets, strict=True)]


def _rectangle(rows: Texts, fill: int) -> Tensor:
    rectangle = torch.full((len(rows), max(len(row) for row in rows)), fill)
    for i, row in enumerate(rows):
        rectangle[i, : len(row)] = torch.tensor(list(row), dtype=torch.int64)
    return rectangle
