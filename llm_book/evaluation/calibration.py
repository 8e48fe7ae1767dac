"""Whether a classifier that says 80 % is right 80 times in 100."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Reliability:
    """Predictions sorted into bins of equal width by their confidence.

    ``confidence`` and ``accuracy`` [bins] are averages inside a bin (NaN where it is empty),
    ``count`` [bins] says how many predictions fell there.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray

    @property
    def expected_calibration_error(self) -> float:
        """Gap between confidence and accuracy, averaged over predictions (equation eq-ece)."""
        filled = self.count > 0
        gap = np.abs(self.confidence[filled] - self.accuracy[filled])
        return float((gap * self.count[filled]).sum() / self.count.sum())


def reliability(probabilities: ArrayLike, labels: ArrayLike, bins: int = 10) -> Reliability:
    """Bin two-class predictions by the confidence in the class they chose (0.5 to 1).

    ``probabilities`` [n] of label 1, ``labels`` [n] of 0 and 1. Source: Guo et al. (2017).
    """
    probabilities, labels = np.asarray(probabilities, float), np.asarray(labels, int)
    if probabilities.shape != labels.shape or probabilities.size == 0:
        raise ValueError(
            f"{probabilities.size} probabilities and {labels.size} labels cannot be compared; "
            "give one probability a label, and at least one"
        )
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("a probability lies outside 0 and 1; put logits through a sigmoid first")
    confidence = np.maximum(probabilities, 1 - probabilities)
    right = (probabilities >= 0.5) == (labels == 1)
    place = np.minimum(((confidence - 0.5) * 2 * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(place, confidence, minlength=bins) / count
        mean_right = np.bincount(place, right, minlength=bins) / count
    return Reliability(mean_confidence, mean_right, count)
