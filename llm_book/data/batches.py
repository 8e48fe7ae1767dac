"""Lists of ids → rectangular batches, as a function of the step.

A batch source that is a function of the step has no state: a run resumed at step 812 asks for
batch 812 and gets what the uninterrupted run got.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from llm_book.shapes import Batch

UNKNOWN = 1


def pad(texts: Sequence[Sequence[int]], labels: Sequence[int], pad_id: int = 0) -> Batch:
    """Texts of different lengths as one rectangle, padded on the right.

    A text without a token is read as one unknown token: a network needs something to read.
    Raises ``ValueError`` for no texts, or for as many labels as there are not texts.
    """
    if not texts or len(texts) != len(labels):
        raise ValueError(
            f"{len(texts)} texts with {len(labels)} labels make no batch; give one label a text, "
            "and at least one text"
        )
    texts = [list(text) or [UNKNOWN] for text in texts]
    lengths = torch.tensor([len(text) for text in texts])
    ids = torch.full((len(texts), int(lengths.max())), pad_id)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
    return Batch(ids, lengths, torch.tensor(list(labels)))


class ShuffledOrder:
    """Which rows share a batch: every row once an epoch, in an order drawn from ``(seed, epoch)``.

    Rows of similar ``sizes`` (lengths, or tuples of lengths) share a batch: the shuffled rows are
    cut into pools of ``pool`` batches, each pool sorted by size, and the batches shuffled again.
    Raises ``ValueError`` for no rows, a batch or a pool of less than 1, and a step before 0.
    """

    def __init__(
        self, sizes: Sequence[Any], batch_size: int, seed: int = 0, pool: int = 20
    ) -> None:
        if not sizes:
            raise ValueError("no rows came to be put in order; give at least one")
        if batch_size < 1 or pool < 1:
            raise ValueError(f"batch_size {batch_size} and pool {pool} must both be at least 1")
        self.sizes, self.batch_size, self.seed, self.pool = sizes, batch_size, seed, pool
        self._epoch = -1
        self._order: list[list[int]] = []

    @property
    def steps_per_epoch(self) -> int:
        """Batches that show every row once; the last one of an epoch may be smaller."""
        return -(-len(self.sizes) // self.batch_size)

    def rows(self, step: int) -> list[int]:
        """The rows of one step's batch; steps are counted from 0 over all epochs."""
        if step < 0:
            raise ValueError(f"there is no step {step}; steps are counted from 0")
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._shuffle(epoch)
        return self._order[place]

    def _shuffle(self, epoch: int) -> list[list[int]]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        order = torch.randperm(len(self.sizes), generator=generator).tolist()
        batches = []
        for pool in _cut(order, self.pool * self.batch_size):
            pool.sort(key=lambda i: self.sizes[i])
            batches += _cut(pool, self.batch_size)
        shuffled = torch.randperm(len(batches), generator=generator).tolist()
        return [batches[i] for i in shuffled]


class ShuffledBatches:
    """Training batches: every text once an epoch, in an order drawn from ``(seed, epoch)``.

    Texts of similar length share a batch, so that few pads are computed (see ``ShuffledOrder``).
    ``batches(step)`` gives the batch of that step, whatever was asked for before.
    """

    def __init__(
        self,
        texts: Sequence[Sequence[int]],
        labels: Sequence[int],
        batch_size: int,
        seed: int = 0,
        pool: int = 20,
    ) -> None:
        if not texts or len(texts) != len(labels):
            raise ValueError(
                f"{len(texts)} texts with {len(labels)} labels cannot be batched; give one label "
                "a text, and at least one text"
            )
        self.texts, self.labels = texts, labels
        self.order = ShuffledOrder([len(text) for text in texts], batch_size, seed, pool)

    @property
    def steps_per_epoch(self) -> int:
        """Batches that show every text once; the last one of an epoch may be smaller."""
        return self.order.steps_per_epoch

    def __call__(self, step: int) -> Batch:
        """The batch of one step, counted from 0 over all epochs."""
        rows = self.order.rows(step)
        return pad([self.texts[i] for i in rows], [self.labels[i] for i in rows])


def in_length_order(
    texts: Sequence[Sequence[int]], labels: Sequence[int], batch_size: int
) -> Iterator[tuple[list[int], Batch]]:
    """Every text once, shortest first, with the rows each batch came from; for evaluation."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for rows in _cut(order, batch_size):
        yield rows, pad([texts[i] for i in rows], [labels[i] for i in rows])


def _cut(items: list, size: int) -> list[list]:
    return [items[i : i + size] for i in range(0, len(items), size)]
