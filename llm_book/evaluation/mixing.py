"""Two classifiers as one: a weighted mean of their log-odds."""

import numpy as np
from jaxtyping import Float

from llm_book.evaluation.predictions import cross_entropy

WEIGHTS = np.linspace(0, 1, 21)
Probabilities = Float[np.ndarray, " n"]


def log_odds(probability: Probabilities) -> Probabilities:
    """log p / (1 - p), of probabilities kept 1e-12 away from 0 and 1."""
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.log(p) - np.log1p(-p)


def mixed(first: Probabilities, second: Probabilities, weight: float) -> Probabilities:
    """P(label 1) by ``weight`` times the first's log-odds and the rest times the second's.

    Source: Hinton (2002), section 1, for products of experts.
    """
    return 1 / (1 + np.exp(-weight * log_odds(first) - (1 - weight) * log_odds(second)))


def best_weight(first: Probabilities, second: Probabilities, labels: np.ndarray) -> float:
    """The weight of the first, of 0, 0.05, … 1, with which these labels surprise least."""
    costs = [cross_entropy(mixed(first, second, weight), labels) for weight in WEIGHTS]
    return float(WEIGHTS[int(np.argmin(costs))])
