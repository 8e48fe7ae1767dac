"""How far a measured number may be from the truth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Z95 = 1.959963984540054
T95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its 95 % interval."""

    estimate: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Whether ``value`` lies outside."""
        return not self.low <= value <= self.high

    def as_dict(self) -> dict[str, float | None]:
        """For a record; an end that is infinite is None, since JSON has no infinity."""
        ends = {"estimate": self.estimate, "low": self.low, "high": self.high}
        return {name: end if np.isfinite(end) else None for name, end in ends.items()}

    def __str__(self) -> str:
        return f"{self.estimate:.4f} [{self.low:.4f}, {self.high:.4f}]"


def wilson(correct: int, n: int, z: float = Z95) -> Interval:
    """Interval of a share that was ``correct`` times right out of ``n`` (equation eq-wilson).

    Stays inside 0 and 1, and says something even when everything was right.
    Source: Wilson (1927).
    """
    if n < 1 or not 0 <= correct <= n:
        raise ValueError(
            f"{correct} right out of {n} is no share; expected 0 <= correct <= n, n >= 1"
        )
    share = correct / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def paired_bootstrap(
    ours: ArrayLike, theirs: ArrayLike, draws: int = 2000, seed: int = 0
) -> Interval:
    """Interval of the mean difference of two systems scored on the same examples.

    ``ours`` and ``theirs`` [n] hold a score an example (1 right, 0 wrong, or a mean over seeds).
    Examples are drawn with replacement, both scores of an example together, so what makes an
    example hard for both cancels. Source: Koehn (2004), percentile form.
    """
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    if ours.shape != theirs.shape or ours.ndim != 1 or ours.size == 0:
        raise ValueError(
            f"scores of shapes {ours.shape} and {theirs.shape} cannot be resampled in pairs; give "
            "both systems one score an example"
        )
    difference = ours - theirs
    rng = np.random.default_rng(seed)
    n = len(difference)
    means = [difference[rng.integers(n, size=n)].mean() for _ in range(draws)]
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(difference.mean()), float(low), float(high))


def bootstrap(
    statistic: Callable[..., float],
    *samples: Sequence[Any] | np.ndarray,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """Interval of any statistic of a sample: its percentiles over samples drawn with replacement.

    Several ``samples`` of one length are drawn together, so that a label stays with its
    prediction: ``bootstrap(roc_auc, labels, scores)``. Lists stay lists, arrays arrays. Source:
    Efron (1979), percentile form. Raises ``ValueError`` for samples that are empty or of unequal
    length, and where the statistic of a draw is NaN.
    """
    sizes = {len(sample) for sample in samples}
    if len(sizes) != 1 or sizes == {0} or draws < 1:
        raise ValueError(
            f"samples of {[len(sample) for sample in samples]} examples cannot be drawn from "
            f"{draws} times together; give samples of one length, at least one example, one draw"
        )
    rng = np.random.default_rng(seed)
    n = len(samples[0])
    values = [statistic(*_rows(samples, rng.integers(n, size=n))) for _ in range(draws)]
    if np.isnan(values).any():
        raise ValueError(
            f"the statistic is NaN for {int(np.isnan(values).sum())} of {draws} draws; give more "
            "examples or a statistic that is defined on all"
        )
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(statistic(*samples)), float(low), float(high))


def _rows(
    samples: Sequence[Sequence[Any] | np.ndarray], rows: np.ndarray
) -> list[Sequence[Any] | np.ndarray]:
    return [
        sample[rows] if isinstance(sample, np.ndarray) else [sample[row] for row in rows]
        for sample in samples
    ]


def over_seeds(values: ArrayLike) -> Interval:
    """Mean over runs with the 95 % interval of that mean, by Student's t.

    Source: Student (1908). One run has no spread: its interval is infinite. Raises ``ValueError``
    for no run, and for a run that gave no finite number.
    """
    values = np.asarray(values, float)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise ValueError(
            f"{values.tolist()} are no results of runs; give one finite number a run, at least one"
        )
    mean = float(values.mean())
    if len(values) == 1:
        return Interval(mean, -np.inf, np.inf)
    half = _t95(len(values)) * float(values.std(ddof=1)) / len(values) ** 0.5
    return Interval(mean, mean - half, mean + half)


def _t95(runs: int) -> float:
    """Student's t that 95 % of samples of ``runs`` stay within: the table, or beyond it scipy's."""
    if runs in T95:
        return T95[runs]
    from scipy.stats import t

    return float(t.ppf(0.975, runs - 1))
