"""How often, and in which way, a classifier is right."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts of true label against prediction; label 1 is "positive".

    Shares with nothing below the line are 0, as in scikit-learn's ``zero_division=0``.
    """

    true_negative: int
    false_positive: int
    false_negative: int
    true_positive: int

    @property
    def n(self) -> int:
        """Examples counted."""
        return self.true_negative + self.false_positive + self.false_negative + self.true_positive

    @property
    def correct(self) -> int:
        """Examples whose prediction is the true label."""
        return self.true_negative + self.true_positive

    @property
    def accuracy(self) -> float:
        """Share of examples that are right."""
        return _share(self.correct, self.n)

    @property
    def precision(self) -> float:
        """Share of the predicted positives that are positive."""
        return _share(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> float:
        """Share of the positives that were found."""
        return _share(self.true_positive, self.true_positive + self.false_negative)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall (equation eq-f1)."""
        return _share(2 * self.precision * self.recall, self.precision + self.recall)


def confusion_matrix(labels: ArrayLike, predicted: ArrayLike) -> ConfusionMatrix:
    """Count the four cases of two lists of 0 and 1; equals ``sklearn.metrics.confusion_matrix``."""
    labels, predicted = _zeros_and_ones(labels, "labels"), _zeros_and_ones(predicted, "predictions")
    if labels.shape != predicted.shape or labels.size == 0:
        raise ValueError(
            f"{labels.size} labels and {predicted.size} predictions cannot be compared; give one "
            "prediction a label, and at least one"
        )
    counts = np.bincount(2 * labels + predicted, minlength=4)
    return ConfusionMatrix(*(int(count) for count in counts))


def _zeros_and_ones(values: ArrayLike, what: str) -> np.ndarray:
    values = np.asarray(values)
    strange = values[~np.isin(values, (0, 1))]
    if strange.size:
        raise ValueError(f"{what} hold {strange[0]}; expected only 0 and 1 (threshold first)")
    return values.astype(int)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
