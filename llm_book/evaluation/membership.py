"""Whether a text was learned, guessed from what it costs the model."""

import math

import numpy as np
from numpy.typing import ArrayLike

from llm_book.evaluation.intervals import Interval
from llm_book.evaluation.ranking import roc_auc


def membership_auc(
    learned_losses: ArrayLike, other_losses: ArrayLike, draws: int = 200, seed: int = 0
) -> Interval:
    """How often an example that was learned costs less than one that was not, a tie half: 0 to 1.

    ``learned_losses`` [n] and ``other_losses`` [m] are of examples from one distribution, or the
    attack tells distributions apart. One half is a blind guess. The interval is a percentile
    bootstrap. Source: Yeom et al. (2018), whose attack is a threshold on the loss; here over all
    thresholds. Raises ``ValueError`` where either side is empty or a loss is NaN.
    """
    learned, others = np.asarray(learned_losses, float), np.asarray(other_losses, float)
    losses = np.concatenate([learned, others])
    if not (learned.size and others.size) or np.isnan(losses).any():
        raise ValueError(
            f"{learned.size} losses of learned examples and {others.size} of others, "
            f"{int(np.isnan(losses).sum())} of them NaN, cannot be told apart; give at least one "
            "of each, none NaN"
        )
    learned_ones = np.concatenate([np.ones(learned.size), np.zeros(others.size)])
    whole = roc_auc(learned_ones, -losses)
    rng = np.random.default_rng(seed)
    found = [
        roc_auc(
            learned_ones,
            -np.concatenate([rng.choice(side, side.size) for side in (learned, others)]),
        )
        for _ in range(draws)
    ]
    return Interval(whole, *map(float, np.quantile(found, [0.025, 0.975])))


def membership_accuracy_bound(epsilon: float, delta: float) -> float:
    """How often any attack at most says rightly whether an example was learned: 0.5 to 1.

    (e^ε + δ) / (1 + e^ε), for an example that was learned with probability one half. Source:
    Kairouz et al. (2015). Raises ``ValueError`` for ε below 0 and δ outside 0 to 1.
    """
    if not epsilon >= 0 or not 0 <= delta <= 1:
        raise ValueError(f"ε {epsilon} and δ {delta} bound nothing; give ε ≥ 0 and δ from 0 to 1")
    return (1 + delta * math.exp(-epsilon)) / (1 + math.exp(-epsilon))
