"""What a model that may stay silent gains: risk against coverage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """For each threshold, from the strictest to the loosest: what is answered, what is wrong.

    ``coverage`` [thresholds] is the share of questions answered, ``risk`` [thresholds] the share
    of those answers that are wrong, ``threshold`` [thresholds] the least confidence that answers.
    """

    coverage: np.ndarray
    risk: np.ndarray
    threshold: np.ndarray

    @property
    def area(self) -> float:
        """The mean risk over coverage, 0 best; each step weighs what it adds to the coverage."""
        return float((self.risk * np.diff(self.coverage, prepend=0)).sum())

    def at_risk(self, most: float) -> float:
        """The largest coverage with a risk of ``most`` or less; 0 where every threshold is over."""
        return float(self.coverage[self.risk <= most].max(initial=0.0))


def risk_coverage(confidence: ArrayLike, right: ArrayLike) -> RiskCoverage:
    """Answer the most confident questions first; equal confidences are answered together.

    ``confidence`` [n] of any scale, ``right`` [n] of 0 and 1 (or a loss's complement between).
    Source: El-Yaniv and Wiener (2010). Raises ``ValueError`` for unequal lengths, none, and NaN.
    """
    confidence, right = np.asarray(confidence, float), np.asarray(right, float)
    if confidence.shape != right.shape or confidence.ndim != 1 or confidence.size == 0:
        raise ValueError(
            f"confidence of shape {confidence.shape} and right of shape {right.shape} do not pair "
            "up; give both for each question, at least one"
        )
    if np.isnan(confidence).any() or not ((right >= 0) & (right <= 1)).all():
        raise ValueError("a confidence is NaN, or right is not between 0 and 1; repair it")
    threshold, place, count = np.unique(-confidence, return_inverse=True, return_counts=True)
    answered = count.cumsum()
    wrong = np.bincount(place, 1 - right).cumsum()
    return RiskCoverage(answered / len(right), wrong / answered, -threshold)
