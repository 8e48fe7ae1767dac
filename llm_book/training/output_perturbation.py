"""Logistic regression that is learned openly and blurred once, at the end.

Where the objective is strongly convex one example moves its optimum by little, so noise on the
optimum alone hides the example: a rival to noise on every step.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression

from llm_book.training.renyi import noise_for

SLACK = 1e-3  # how long the gradient at what is taken for the optimum may be


def logistic_optimum(
    rows: Any, labels: Int[np.ndarray, " examples"], strength: float
) -> Float[np.ndarray, " features"]:
    """The weights w with the least Σ log(1 + exp(∓x·w)) + strength / 2 · |w|², no intercept.

    ``rows`` [examples, features] may be sparse; ``labels`` are 0 or 1. Raises ``ValueError`` for a
    strength not above 0, for labels of one kind, and where the gradient at the end is longer than
    ``SLACK``.
    """
    if not strength > 0:
        raise ValueError(f"strength is {strength}; without one there may be no optimum: above 0")
    model = LogisticRegression(
        C=1 / strength, fit_intercept=False, solver="newton-cg", tol=1e-10, max_iter=1000
    )
    weights = model.fit(rows, labels).coef_[0]
    left = float(np.linalg.norm(_gradient(rows, labels, strength, weights)))
    if left > SLACK:
        raise ValueError(
            f"the gradient at the end is {left:.1e} long, more than {SLACK}; choose a greater "
            f"strength than {strength}"
        )
    return weights


def _gradient(rows: Any, labels: np.ndarray, strength: float, weights: np.ndarray) -> np.ndarray:
    said = 1 / (1 + np.exp(-(rows @ weights)))
    return rows.T @ (said - labels) + strength * weights


def sensitivity(strength: float) -> float:
    """How far one example of length 1 or less, there or not, moves ``logistic_optimum`` at most.

    1 / strength, for the loss has a gradient no longer than 1 and the objective curves by
    ``strength`` at least; and twice ``SLACK`` / strength, since either optimum may be missed by
    that. Source: Chaudhuri, Monteleoni and Sarwate (2011), Lemma 7 and Corollary 8, who exchange
    one example, which moves it twice as far.
    """
    return (1 + 2 * SLACK) / strength


def blurring_noise(epsilon: float, delta: float) -> float:
    """The noise, in sensitivities, that makes an optimum (ε, δ)-private.

    One example more or less makes neighbours, and the noise is counted by the accountant that
    counts DP-SGD's steps: as one step that reads everything. Raises ``ValueError`` as
    ``noise_for`` does.
    """
    return noise_for(epsilon, 1.0, 1, delta)


def blurred(
    weights: Float[np.ndarray, " features"], strength: float, noise: float, rng: np.random.Generator
) -> Float[np.ndarray, " features"]:
    """The optimum with normal noise of ``noise`` sensitivities, where no row is longer than 1."""
    return weights + rng.normal(scale=noise * sensitivity(strength), size=weights.shape)
