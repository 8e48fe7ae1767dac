"""WEAT: whether two groups of words stand nearer to different qualities, and how surely."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike

BATCH = 10_000  # partitions looked at together


@dataclass(frozen=True)
class Weat:
    """What the test found: effect size, p-value and the number of partitions behind it.

    ``effect_size`` is in standard deviations, −2 to 2 for groups of one size: above 0 where the
    first targets go with the first attributes. ``p_value`` is one-sided. ``exact`` says whether
    every partition was looked at or a sample.
    """

    effect_size: float
    p_value: float
    partitions: int
    exact: bool


def weat(
    x: ArrayLike,
    y: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    draws: int = 100_000,
    seed: int = 0,
    sample_deviation: bool = True,
) -> Weat:
    """Do targets ``x`` and ``y`` go with attributes ``a`` and ``b``? Vectors [n, width] each.

    All partitions are looked at where there are at most ``draws``, else ``draws`` of them drawn.
    Raises ValueError as ``effect_size`` does, and for no draws.
    Source: Caliskan et al. (2017), supplement.
    """
    if draws < 1:
        raise ValueError(f"{draws} draws were asked for; draw at least 1 partition")
    towards_x, towards_y = associations(x, a, b), associations(y, a, b)
    size = standardised_difference(towards_x, towards_y, sample_deviation)
    partitions = math.comb(len(towards_x) + len(towards_y), len(towards_x))
    if partitions <= draws:
        return Weat(size, exact_p_value(towards_x, towards_y), partitions, True)
    return Weat(size, sampled_p_value(towards_x, towards_y, draws, seed), draws, False)


def associations(targets: ArrayLike, a: ArrayLike, b: ArrayLike) -> ndarray:
    """For each target [n, width] its mean cosine with ``a`` less that with ``b``: [n]."""
    targets, a, b = directions(targets), directions(a), directions(b)
    if not targets.shape[1] == a.shape[1] == b.shape[1]:
        widths = targets.shape[1], a.shape[1], b.shape[1]
        raise ValueError(f"vectors of widths {widths} cannot be compared; take them from one table")
    return (targets @ a.T).mean(1) - (targets @ b.T).mean(1)


def directions(vectors: ArrayLike) -> ndarray:
    """Vectors [n, width] scaled to length 1, float64. ValueError for none, zeros or NaN."""
    rows = np.asarray(vectors, float)
    if rows.ndim != 2 or not len(rows):
        raise ValueError(
            f"vectors of shape {rows.shape} came; give a group [n, width] of at least 1"
        )
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and lengths.all()):
        raise ValueError("a vector is zero or not a number; leave its word out")
    return rows / lengths


def effect_size(
    x: ArrayLike, y: ArrayLike, a: ArrayLike, b: ArrayLike, sample_deviation: bool = True
) -> float:
    """The difference of the groups' mean associations in standard deviations over both groups.

    The deviation is the sample's, divided by n − 1, as in the authors' results (1.54 for flowers
    and insects with word2vec's vectors); ``sample_deviation=False`` divides by n. Raises
    ValueError for an empty group, a vector without direction or words that are all alike.
    """
    return standardised_difference(associations(x, a, b), associations(y, a, b), sample_deviation)


def standardised_difference(first: ndarray, second: ndarray, sample_deviation: bool) -> float:
    """Difference of two means over the standard deviation of all numbers together."""
    deviation = np.concatenate([first, second]).std(ddof=sample_deviation)
    if deviation < 1e-12:
        raise ValueError("all targets are associated alike; an effect size needs some spread")
    return float((first.mean() - second.mean()) / deviation)


def exact_p_value(first: ndarray, second: ndarray) -> float:
    """The share of all partitions into groups of these sizes with a larger difference of means.

    Larger, not as large: the partition at hand does not count against itself, so the smallest
    value is 0, as in Caliskan et al. (2017). Ties are told by a tolerance of 1e-12.
    """
    together = np.concatenate([first, second])
    rows = combinations(range(len(together)), len(first))
    larger = sum(exceeding(together, part, first).sum() for part in batches_of(rows))
    return float(larger / math.comb(len(together), len(first)))


def sampled_p_value(first: ndarray, second: ndarray, draws: int, seed: int = 0) -> float:
    """The same from ``draws`` random partitions, one more counted as larger so it is never 0.

    Source: Phipson and Smyth (2010).
    """
    together, rng = np.concatenate([first, second]), np.random.default_rng(seed)
    larger = 0
    for start in range(0, draws, BATCH):
        order = rng.random((min(BATCH, draws - start), len(together))).argsort(1)
        larger += exceeding(together, order[:, : len(first)], first).sum()
    return float((larger + 1) / (draws + 1))


def exceeding(together: ndarray, rows: ndarray, first: ndarray) -> ndarray:
    """Which choices of a first group have a larger sum, so a larger difference of means."""
    return together[rows].sum(1) > first.sum() + 1e-12


def batches_of(rows: Iterator[tuple[int, ...]], size: int = BATCH) -> Iterator[ndarray]:
    """The choices as arrays of at most ``size`` rows."""
    while batch := list(islice(rows, size)):
        yield np.array(batch)
