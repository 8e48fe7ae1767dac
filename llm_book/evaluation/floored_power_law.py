"""A power law above a floor: what no size takes away, and how fast the rest goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike

from llm_book.evaluation.intervals import Interval

FEWEST = 5  # points for three numbers and a look at how sure they are
DISTINCT = 4  # different x that a draw of the bootstrap must hold
EXPONENTS = np.geomspace(0.01, 3, 300)


@dataclass(frozen=True)
class FlooredPowerLaw:
    """y = floor + constant · x^−exponent; floor and exponent with their 95 % intervals."""

    floor: Interval
    constant: float
    exponent: Interval

    def __call__(self, x: ArrayLike) -> ndarray:
        """What the law says at ``x``."""
        excess = self.constant * np.asarray(x, float) ** -self.exponent.estimate
        return self.floor.estimate + excess


def fit_floored_power_law(
    x: ArrayLike, y: ArrayLike, draws: int = 1000, seed: int = 0
) -> FlooredPowerLaw:
    """The law with a floor of 0 or more whose squared distance to the points, in y, is least.

    To each exponent from 0.01 to 3 belong the floor and the constant of a straight line, so the
    exponent alone is searched for (its profile). The distance is not taken between the logarithms
    of what is above the floor: those are all alike, and so near any line, above a floor far below.
    The intervals are percentiles over points drawn with replacement, at least four different x
    in a draw (Efron 1979). Raises ``ValueError`` for fewer than five different x, points that are
    not positive, and a y that does not fall as x grows.
    """
    u, v = np.asarray(x, float), np.asarray(y, float)
    _check(u, v)
    floor, constant, exponent = _nearest(u, v)
    if not constant > 0:
        raise ValueError("y does not fall as x grows, so no power law fits; look at the points")
    found = np.array([_nearest(u[rows], v[rows]) for rows in _drawn(u, draws, seed)])
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    return FlooredPowerLaw(
        Interval(floor, float(low[0]), float(high[0])),
        constant,
        Interval(exponent, float(low[2]), float(high[2])),
    )


def _check(u: ndarray, v: ndarray) -> None:
    if u.ndim != 1 or u.shape != v.shape or len(np.unique(u)) < FEWEST:
        raise ValueError(
            f"x of shape {u.shape} and y of shape {v.shape} are no {FEWEST} points or more of "
            "different x; give two lists of the same length"
        )
    if not (np.isfinite([u, v]).all() and np.min([u, v]) > 0):
        raise ValueError("a point is not a number above 0; leave it out")


def _drawn(u: ndarray, draws: int, seed: int) -> list[ndarray]:
    rng = np.random.default_rng(seed)
    found: list[ndarray] = []
    while len(found) < draws:
        rows = rng.integers(len(u), size=len(u))
        if len(np.unique(u[rows])) >= DISTINCT:
            found.append(rows)
    return found


def _nearest(u: ndarray, v: ndarray) -> tuple[float, float, float]:
    """Floor, constant and exponent: the best of a coarse grid, then of a fine one around it."""
    middle = float(np.exp(np.log(u).mean()))  # near 1, so that no power is beyond a float
    best = int(_lines(u / middle, v, EXPONENTS)[0].argmin())
    around = EXPONENTS[max(best - 1, 0)], EXPONENTS[min(best + 1, len(EXPONENTS) - 1)]
    fine = np.linspace(*around, 201)
    distance, floors, constants = _lines(u / middle, v, fine)
    best = int(distance.argmin())
    exponent = float(fine[best])
    return float(floors[best]), float(constants[best]) * middle**exponent, exponent


def _lines(u: ndarray, v: ndarray, exponents: ndarray) -> tuple[ndarray, ndarray, ndarray]:
    """For each exponent: the squared distance, floor and constant of the nearest line."""
    powers = u ** -exponents[:, None]
    across = powers - powers.mean(axis=1, keepdims=True)
    slope = np.maximum((across * v).sum(axis=1) / (across**2).sum(axis=1), 0)
    floor = v.mean() - slope * powers.mean(axis=1)
    through_zero = (powers * v).sum(axis=1) / (powers**2).sum(axis=1)
    slope, floor = np.where(floor < 0, through_zero, slope), np.maximum(floor, 0)
    distance = ((floor[:, None] + slope[:, None] * powers - v) ** 2).sum(axis=1)
    return distance, floor, slope
