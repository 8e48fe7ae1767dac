"""A straight line through logarithms: the exponent of a power law, and how far it may be off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from llm_book.evaluation.intervals import Interval


@dataclass(frozen=True)
class PowerLaw:
    """y = constant · x^−exponent; the exponent with its 95 % interval."""

    constant: float
    exponent: Interval

    def __call__(self, x: ArrayLike) -> ndarray:
        """What the law says at ``x``."""
        return self.constant * np.asarray(x, float) ** -self.exponent.estimate


def fit_power_law(x: ArrayLike, y: ArrayLike) -> PowerLaw:
    """The law whose logarithm is nearest to that of the points (equation eq-trends-power-law).

    Least squares of ln y on ln x. The interval is Student's, from the points' distance to the
    line; it says nothing about points that lie outside of them. Raises ``ValueError`` for fewer
    than three points, points that are not positive, and an x that is the same everywhere.
    """
    u, v = np.asarray(x, float), np.asarray(y, float)
    if u.ndim != 1 or u.shape != v.shape or len(u) < 3:
        raise ValueError(
            f"x of shape {u.shape} and y of shape {v.shape} are no 3 points or more; give two "
            "lists of the same length"
        )
    if np.min([u, v]) <= 0 or not np.isfinite([u, v]).all():
        raise ValueError("a point is not a number above 0 and has no logarithm; leave it out")
    u, v = np.log(u), np.log(v)
    if np.ptp(u) == 0:
        raise ValueError("all x are the same, so no slope can be seen; vary x")
    across, up = u - u.mean(), v - v.mean()
    spread = np.sum(across**2)
    slope = np.sum(across * up) / spread
    rest = up - slope * across
    half = stdtrit(len(u) - 2, 0.975) * np.sqrt(np.sum(rest**2) / (len(u) - 2) / spread)
    constant = float(np.exp(v.mean() - slope * u.mean()))
    return PowerLaw(constant, Interval(float(-slope), float(-slope - half), float(half - slope)))
