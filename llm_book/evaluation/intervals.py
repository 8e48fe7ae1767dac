"""How far a measured number may be from the truth."""

from dataclasses import dataclass

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


def over_seeds(values: ArrayLike) -> Interval:
    """Mean over 2 to 10 runs with the 95 % interval of that mean, by Student's t.

    Source: Student (1908). One run has no spread: its interval is infinite.
    """
    values = np.asarray(values, float)
    mean = float(values.mean())
    if len(values) == 1:
        return Interval(mean, -np.inf, np.inf)
    if len(values) not in T95:
        raise ValueError(f"{len(values)} runs; the table here covers 2 to {max(T95)}")
    half = T95[len(values)] * float(values.std(ddof=1)) / len(values) ** 0.5
    return Interval(mean, mean - half, mean + half)
