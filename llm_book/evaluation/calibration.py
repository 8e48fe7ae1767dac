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


def top_class_reliability(
    probabilities: ArrayLike, labels: ArrayLike, bins: int = 10
) -> Reliability:
    """Bin predictions over several classes by the confidence in the class they chose (0 to 1).

    ``probabilities`` [n, classes] with rows that sum to one, ``labels`` [n] of 0 to classes − 1;
    a confidence on an edge counts to the bin above it. Source: Guo et al. (2017), equations 2, 3.
    Raises ``ValueError`` for what is no distribution and for labels that are no class.
    """
    probabilities, labels = _distributions(probabilities, labels)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(place, confidence, minlength=bins) / count
        mean_right = np.bincount(place, right, minlength=bins) / count
    return Reliability(mean_confidence, mean_right, count)


def brier_score(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Squared distance of the probabilities from what happened, averaged over predictions.

    ``probabilities`` [n] of label 1 give (p − y)², 0 to 1; ``probabilities`` [n, classes] the sum
    over classes as Brier (1950) wrote it, 0 to 2. Equals ``sklearn.metrics.brier_score_loss``.
    Raises ``ValueError`` for what is no distribution and for labels that are no class.
    """
    probabilities = np.asarray(probabilities, float)
    if probabilities.ndim == 1:
        two = np.stack([1 - probabilities, probabilities], axis=-1)
        return brier_score(two, labels) / 2
    probabilities, labels = _distributions(probabilities, labels)
    happened = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - happened) ** 2).sum(axis=1).mean())


def negative_log_likelihood(
    logits: ArrayLike, labels: ArrayLike, temperature: float = 1.0
) -> float:
    """Mean surprise at the true labels in nats, the logits divided by ``temperature``.

    ``logits`` [n, classes] with ``labels`` [n] of 0 to classes − 1; or ``logits`` [n] of label 1
    with labels 0 and 1. Raises ``ValueError`` for a temperature that is not above 0.
    """
    logits, labels = _multi_class(logits, labels)
    return float(-_log_softmax(logits, temperature)[np.arange(len(labels)), labels].mean())


def calibrated(logits: ArrayLike, temperature: float) -> np.ndarray:
    """Probabilities of logits divided by ``temperature``: a softmax [n, classes], or a sigmoid [n].

    The order of the classes stays as it was. Raises ``ValueError`` for a temperature that is not
    above 0.
    """
    logits = np.asarray(logits, float)
    if logits.ndim == 1:
        return calibrated(np.stack([np.zeros_like(logits), logits], axis=-1), temperature)[:, 1]
    return np.exp(_log_softmax(logits, temperature))


def fit_temperature(
    logits: ArrayLike, labels: ArrayLike, low: float = 0.05, high: float = 20.0
) -> float:
    """The temperature at which held-out labels are least surprising (Guo et al. 2017, section 4.2).

    ``logits`` [n, classes] with ``labels`` [n] of 0 to classes − 1; or ``logits`` [n] of label 1
    with labels 0 and 1. The surprise is convex in one over the temperature, so that its slope has
    at most one root between ``low`` and ``high``. Raises ``ValueError`` where there is none:
    every prediction is right, or the logits know nothing of the labels.
    """
    from scipy.optimize import brentq

    if not 0 < low < high:
        raise ValueError(f"no temperature lies between {low} and {high}; expected 0 < low < high")
    logits, labels = _multi_class(logits, labels)
    sharpest, bluntest = 1 / low, 1 / high
    if _slope(sharpest, logits, labels) <= 0:
        raise ValueError(
            f"the surprise still falls at temperature {low}: nearly every prediction is right, and "
            "no temperature is best; fit on more held-out examples"
        )
    if _slope(bluntest, logits, labels) >= 0:
        raise ValueError(
            f"the surprise still falls at temperature {high}: the logits tell nothing about the "
            "labels; see that both are in the same order"
        )
    return 1 / brentq(_slope, bluntest, sharpest, args=(logits, labels), xtol=1e-12)


def _distributions(probabilities: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    probabilities, labels = _rows_and_labels(probabilities, labels, "probabilities")
    if not (probabilities >= 0).all() or not np.allclose(probabilities.sum(axis=1), 1, atol=1e-4):
        raise ValueError(
            "a row of probabilities is negative somewhere or does not sum to 1; put logits "
            "through a softmax or sigmoid first"
        )
    return probabilities, labels


def _rows_and_labels(
    rows: ArrayLike, labels: ArrayLike, what: str
) -> tuple[np.ndarray, np.ndarray]:
    rows, labels = np.asarray(rows, float), np.asarray(labels)
    if rows.ndim != 2 or labels.shape != rows.shape[:1] or labels.size == 0:
        raise ValueError(
            f"{what} of shape {rows.shape} and labels of shape {labels.shape} cannot be compared; "
            "give one row of classes a label, and at least one"
        )
    if not np.isfinite(rows).all():
        raise ValueError(f"{what} hold NaN or infinity; expected finite numbers")
    strange = labels[~np.isin(labels, np.arange(rows.shape[1]))]
    if strange.size:
        raise ValueError(f"label {strange[0]} is none of {rows.shape[1]} classes, counted from 0")
    return rows, labels.astype(int)


def _slope(sharpness: float, logits: np.ndarray, labels: np.ndarray) -> float:
    """Derivative of the mean surprise by one over the temperature."""
    expected = (np.exp(_log_softmax(logits, 1 / sharpness)) * logits).sum(axis=1)
    return (expected - logits[np.arange(len(labels)), labels]).mean()


def _log_softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    if not 0 < temperature < np.inf:
        raise ValueError(f"temperature {temperature} cannot divide logits; it must be above 0")
    scaled = logits / temperature
    scaled = scaled - scaled.max(axis=-1, keepdims=True)
    return scaled - np.log(np.exp(scaled).sum(axis=-1, keepdims=True))


def _multi_class(logits: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    logits = np.asarray(logits, float)
    if logits.ndim == 1:  # a logit of label 1 is the difference of two, the other one 0
        logits = np.stack([np.zeros_like(logits), logits], axis=-1)
    return _rows_and_labels(logits, labels, "logits")
