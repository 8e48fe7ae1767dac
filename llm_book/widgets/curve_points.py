"""A curve of any length in a fixed room: neighbouring points share a bucket once it is full."""

from collections.abc import Sequence
from typing import Any

import numpy as np

ROOM = 2000  # buckets
MEASURES = ("loss", "learning_rate", "gradient_norm", "tokens_per_second")
COLUMNS = ("index", *MEASURES)


class Buckets:
    """Points of training, equally many in each of at most ``room`` buckets; when full, pairs merge.

    A bucket knows its first and last step, how many points it holds, the lowest and the highest
    loss, and of every measure the count and the sum. What is not finite is not counted.
    """

    def __init__(self, room: int = ROOM) -> None:
        self.room, self.size, self.share = room, 0, 1  # share: points a full bucket holds
        # One row a bucket. Sums: points, then count and total of each measure; smallest: first
        # step, lowest loss; largest: last step, highest loss.
        self._sums = np.zeros((room, 1 + 2 * len(MEASURES)))
        self._smallest = np.zeros((room, 2))
        self._largest = np.zeros((room, 2))

    @property
    def points(self) -> int:
        """How many points there are."""
        return int(self._sums[: self.size, 0].sum())

    def add(self, rows: Sequence[Sequence[float]] | np.ndarray) -> None:
        """Points [n, ``COLUMNS``], their steps rising; NaN where a measure was not given."""
        new = _as_buckets(np.asarray(rows, dtype=np.float64).reshape(-1, len(COLUMNS)))
        while len(new[0]):
            if self._space() == 0:
                self._keep(self.grouped(2), 0)
                self.share *= 2
            space = self._space()
            self._fill([part[:space] for part in new])
            new = [part[space:] for part in new]

    def rewind(self, index: int) -> None:
        """Forget what lies past step ``index``, and a bucket that reaches past it."""
        self.size = int(np.searchsorted(self._largest[: self.size, 0], index, side="right"))

    def grouped(self, by: int) -> list[np.ndarray]:
        """The buckets, ``by`` neighbours made one."""
        return _joined([part[: self.size] for part in self._parts], np.arange(0, self.size, by))

    def columns(self, most: int) -> dict[str, np.ndarray]:
        """At most ``most`` points as arrays: ``step`` (the last of each), ``low``, ``high``, means.

        A mean of nothing is NaN.
        """
        sums, smallest, largest = self.grouped(max(1, -(-self.size // most)))
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums[:, 2::2] / sums[:, 1::2]
        found = dict(zip(MEASURES, means.T, strict=True))
        return found | {"step": largest[:, 0], "low": smallest[:, 1], "high": largest[:, 1]}

    @property
    def _parts(self) -> list[np.ndarray]:
        return [self._sums, self._smallest, self._largest]

    def _open(self) -> int:
        """How many points the last bucket holds, where more fit into it."""
        held = int(self._sums[self.size - 1, 0]) if self.size else 0
        return held if held < self.share else 0

    def _space(self) -> int:
        held = self._open()
        return (self.room - self.size) * self.share + (self.share - held if held else 0)

    def _fill(self, new: list[np.ndarray]) -> None:
        held = self._open()
        start = self.size - bool(held)
        place = (held + np.arange(len(new[0]))) // self.share
        if held:
            place = np.insert(place, 0, 0)
            new = [
                np.vstack([old[start], part]) for old, part in zip(self._parts, new, strict=True)
            ]
        self._keep(_joined(new, np.flatnonzero(np.diff(place, prepend=-1))), start)

    def _keep(self, buckets: list[np.ndarray], start: int) -> None:
        self.size = start + len(buckets[0])
        for part, fresh in zip(self._parts, buckets, strict=True):
            part[start : self.size] = fresh


def _as_buckets(rows: np.ndarray) -> list[np.ndarray]:
    """Every point as a bucket of its own."""
    index, measures = rows[:, :1], rows[:, 1:]
    known = np.isfinite(measures)
    sums = np.ones((len(rows), 1 + 2 * len(MEASURES)))
    sums[:, 1::2], sums[:, 2::2] = known, np.where(known, measures, 0.0)
    loss, given = measures[:, :1], known[:, :1]
    smallest = np.hstack([index, np.where(given, loss, np.inf)])
    return [sums, smallest, np.hstack([index, np.where(given, loss, -np.inf)])]


def _joined(buckets: list[np.ndarray], starts: np.ndarray) -> list[np.ndarray]:
    """Neighbours made one: each group begins where ``starts`` says."""
    if not len(starts):
        return [part[:0].copy() for part in buckets]
    ways: list[Any] = [np.add, np.minimum, np.maximum]
    return [way.reduceat(part, starts, axis=0) for way, part in zip(ways, buckets, strict=True)]
