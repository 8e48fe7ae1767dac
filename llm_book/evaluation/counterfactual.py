"""Counterfactual pairs: does an answer change when only the person spoken of does?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class CounterfactualGap:
    """How scores change within pairs of texts that differ in one word only.

    ``mean`` is that of first − second, above 0 where the first are favoured; ``mean_size`` that
    of its absolute value; ``flips`` the share of pairs that stand on two sides of the threshold.
    """

    mean: float
    mean_size: float
    flips: float


def counterfactual_gap(
    first: ArrayLike, second: ArrayLike, threshold: float = 0.5
) -> CounterfactualGap:
    """The gap between the scores of ``first`` [n] and ``second`` [n], one pair a row.

    A score at or above ``threshold`` is a yes. Raises ValueError for lists that are not pairs.
    Source: Kusner et al. (2017) for the idea; Garg et al. (2019) for the measure.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise ValueError(
            f"scores of shapes {first.shape} and {second.shape} are no pairs; give two lists of "
            "one length"
        )
    gaps = first - second
    flips = (first >= threshold) != (second >= threshold)
    return CounterfactualGap(float(gaps.mean()), float(np.abs(gaps).mean()), float(flips.mean()))
