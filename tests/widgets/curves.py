"""Loss curves with known stories, for the tests of those who read them."""

import math

import numpy as np

STEPS = np.arange(1, 1001)


def noise(size: float, seed: int = 0) -> np.ndarray:
    """Random numbers, the same on every run."""
    return size * np.random.default_rng(seed).normal(size=len(STEPS))


LEARNING = 1.2 + 2 * np.exp(-STEPS / 150)  # from 3.2 to 1.2, flat from about step 500 on
HIDDEN = math.log(500)  # a uniform guess among 500

STORIES = {
    "falling": 4 - STEPS / 400 + noise(0.05),
    "plateau": LEARNING + noise(0.05),
    "not learned": HIDDEN + noise(0.05),
    "flat": 2 + noise(0.05),
    "rising again": np.where(STEPS < 600, LEARNING, 1.237 + (STEPS - 600) / 800) + noise(0.02),
    "diverging": np.where(STEPS < 600, LEARNING, np.exp((STEPS - 600) / 100)),
    "rising": 2 + STEPS / 2000 + noise(0.05),
    "spike and back": LEARNING + noise(0.03) + 3 * ((STEPS > 500) & (STEPS < 508)),
    "spike at the end": LEARNING + noise(0.03) + 3 * (STEPS > 980),
    "noisy": 2.2 - STEPS / 2500 + noise(0.5),
    "not a number": np.where(STEPS % 100 == 7, np.nan, LEARNING),
}

EVALUATED = range(100, 1001, 100)
VALIDATED = {
    "overfitting": [
        (k, 1.3 + 1.7 * math.exp(-k / 150) + max(0, k - 500) / 2500) for k in EVALUATED
    ],
    "scattered": [(k, 1.5 + noise(0.05)[k - 1]) for k in EVALUATED],
    "best at its end": [(k, 1.3 + 1.7 * math.exp(-k / 150)) for k in EVALUATED],
    "one point": [(500, 1.4)],
}


def steps(losses: np.ndarray) -> list[dict[str, float]]:
    """A history as a file has it."""
    return [{"index": i, "loss": float(loss)} for i, loss in enumerate(losses, start=1)]
