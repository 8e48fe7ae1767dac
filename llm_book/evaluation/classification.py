"""How often, and in which way, a classifier with any number of classes is right."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Scores:
    """Precision, recall and F1 of one class, or their average over classes; each 0 to 1."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, eq=False)
class ConfusionTable:
    """Counts of true class against predicted class.

    ``counts`` [class, class]: a row is a true class, a column a predicted one, both in the order
    of ``classes``. Shares with nothing below the line are 0, as in scikit-learn's
    ``zero_division=0``.
    """

    classes: tuple[Any, ...]
    counts: np.ndarray

    @property
    def n(self) -> int:
        """Examples counted."""
        return int(self.counts.sum())

    @property
    def correct(self) -> int:
        """Examples whose prediction is the true class."""
        return int(np.trace(self.counts))

    @property
    def support(self) -> np.ndarray:
        """Examples that truly are of each class: [class]."""
        return self.counts.sum(axis=1)

    @property
    def predicted(self) -> np.ndarray:
        """Examples that were said to be of each class: [class]."""
        return self.counts.sum(axis=0)

    @property
    def accuracy(self) -> float:
        """Share of examples that are right."""
        return self.correct / self.n

    @property
    def precision(self) -> np.ndarray:
        """For each class, the share of those said to be of it that are: [class]."""
        return _shares(np.diag(self.counts), self.predicted)

    @property
    def recall(self) -> np.ndarray:
        """For each class, the share of its examples that were found: [class]."""
        return _shares(np.diag(self.counts), self.support)

    @property
    def f1(self) -> np.ndarray:
        """For each class, the harmonic mean of precision and recall: [class]."""
        return _shares(2 * np.diag(self.counts), self.predicted + self.support)

    @property
    def macro(self) -> Scores:
        """The mean over classes, a rare class counting as much as a common one."""
        return self._mean(np.ones(len(self.classes)))

    @property
    def weighted(self) -> Scores:
        """The mean over classes, each weighted by how many examples truly are of it."""
        return self._mean(self.support)

    @property
    def micro(self) -> Scores:
        """All decisions counted together; with one class an example this is the accuracy."""
        return Scores(self.accuracy, self.accuracy, self.accuracy)

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that have an example."""
        return float(self.recall[self.support > 0].mean())

    @property
    def matthews(self) -> float:
        """Correlation of true and predicted class, −1 to 1; 0 where either side never varies.

        Source: Matthews (1975); for several classes Gorodkin (2004).
        """
        support, predicted, n = self.support.astype(float), self.predicted.astype(float), self.n
        shared = self.correct * n - support @ predicted
        spread = (n * n - predicted @ predicted) * (n * n - support @ support)
        return float(shared / np.sqrt(spread)) if spread else 0.0

    def of(self, positive: Any) -> Scores:
        """The scores of one class against all others: the "binary" average.

        Raises ``KeyError`` for a class that was not counted.
        """
        if positive not in self.classes:
            raise KeyError(f"class {positive!r} was not counted; choose one of {self.classes}")
        place = self.classes.index(positive)
        return Scores(*(float(s[place]) for s in (self.precision, self.recall, self.f1)))

    def _mean(self, weight: np.ndarray) -> Scores:
        share = weight / weight.sum()
        return Scores(*(float(s @ share) for s in (self.precision, self.recall, self.f1)))


def confusion_table(
    labels: ArrayLike, predicted: ArrayLike, classes: ArrayLike | None = None
) -> ConfusionTable:
    """Count true against predicted classes; equals ``sklearn.metrics.confusion_matrix``.

    ``labels`` and ``predicted`` [n] hold whole numbers or words. ``classes`` fixes which classes
    are counted and in which order; without it they are all that occur on either side, sorted.
    Raises ``ValueError`` for lists of unequal length or none, and for a class not in ``classes``.
    """
    true, said = _classes(labels, "labels"), _classes(predicted, "predictions")
    if true.shape != said.shape or true.size == 0:
        raise ValueError(
            f"{true.size} labels and {said.size} predictions cannot be compared; give one "
            "prediction a label, and at least one"
        )
    if (true.dtype.kind == "U") != (said.dtype.kind == "U"):
        raise ValueError("labels and predictions mix words and numbers; name the classes alike")
    known = np.unique(np.concatenate([true, said])) if classes is None else np.asarray(classes)
    place = {name: row for row, name in enumerate(known.tolist())}
    if len(place) < len(known):
        raise ValueError(f"classes {known.tolist()} name a class twice; name each once")
    counts = np.zeros((len(known), len(known)), dtype=np.int64)
    np.add.at(counts, (_places(true, place), _places(said, place)), 1)
    return ConfusionTable(tuple(place), counts)


def _places(values: np.ndarray, place: dict[Any, int]) -> list[int]:
    names = values.tolist()
    strange = [name for name in names if name not in place]
    if strange:
        raise ValueError(
            f"{strange[0]!r} is none of the classes {list(place)}; add it, or leave classes out"
        )
    return [place[name] for name in names]


def _classes(values: ArrayLike, what: str) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 1:
        raise ValueError(
            f"{what} have shape {values.shape}; give one class an example (take the arg max first)"
        )
    if values.dtype == object and all(isinstance(value, str) for value in values):
        values = values.astype(str)
    if values.dtype.kind not in "iubU" and values.size:
        raise ValueError(
            f"{what} are of type {values.dtype}; a class is a whole number or a word (threshold "
            "probabilities first)"
        )
    return values


def _shares(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)
