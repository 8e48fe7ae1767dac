"""The numbered formulas of chapter 2 against the functions they name."""

import numpy as np
import torch

from tests.chapters.equations import Equation
from tests.equations.test_equations import close


def check_asked_loss(mean_surprise) -> None:
    rng = np.random.default_rng(0)
    p = rng.random((7, 5))
    p /= p.sum(axis=1, keepdims=True)
    wanted = rng.integers(0, 5, 7)
    for asked in ([0, 2, 3, 6], [1], list(range(7))):
        targets = np.full(7, -100)
        targets[asked] = wanted[asked]
        formula = -sum(np.log(p[t, wanted[t]]) for t in asked) / len(asked)
        close(mean_surprise(torch.tensor(p).log(), torch.tensor(targets)), formula)


def check_weighted_average(weighted_average) -> None:
    rng = np.random.default_rng(0)
    for n, d, e in ((3, 2, 2), (5, 4, 3), (1, 6, 2)):
        q, k, v = rng.normal(size=d), rng.normal(size=(n, d)), rng.normal(size=(n, e))
        shares = np.exp(k @ q / np.sqrt(d))
        weights, result = weighted_average(q.tolist(), k.tolist(), v.tolist())
        close(weights, shares / shares.sum())
        close(result, shares / shares.sum() @ v)


def check_parameter_count(count_parameters) -> None:
    for v, c, d, layers in ((50257, 1024, 768, 12), (7, 5, 3, 2), (11, 13, 17, 1)):
        formula = (v + c) * d + layers * (12 * d**2 + 13 * d) + 2 * d
        close(count_parameters(v, c, d, layers), formula)
    close(count_parameters(50257, 1024, 768, 12), 124_439_808)  # as published weights have


def check_temperature(next_probabilities) -> None:
    rng = np.random.default_rng(0)
    for temperature in (0.3, 1.0, 2.5):
        logits = rng.normal(size=9)
        shares = np.exp(logits / temperature)
        close(next_probabilities(torch.tensor(logits), temperature), shares / shares.sum())
    large = next_probabilities(torch.tensor([900.0, 900.0, -900.0], dtype=torch.float64), 0.5)
    close(large, np.array([0.5, 0.5, 0.0]))


def check_best_accuracy(best_accuracy) -> None:
    for s, k in ((10, 0), (10, 7), (3, 2), (2, 1), (1, 0)):
        # All k shots and the question, one by one: shown before, or a guess among s.
        shots = np.indices((s,) * k).reshape(k, -1).T if k and s**k < 10_000 else None
        if shots is not None:
            shown = np.mean([[q in row for row in shots.tolist()] for q in range(s)])
            close(best_accuracy(k, s), shown + (1 - shown) / s)
        close(best_accuracy(k, s), 1 - (1 - 1 / s) ** k + (1 - 1 / s) ** k / s)


EQUATIONS = {
    "eq-asked-loss": Equation("02_core_concepts:mean_surprise", check_asked_loss),
    "eq-weighted-average": Equation("02_core_concepts:weighted_average", check_weighted_average),
    "eq-parameter-count": Equation("02_core_concepts:count_parameters", check_parameter_count),
    "eq-temperature": Equation("02_core_concepts:next_probabilities", check_temperature),
    "eq-best-accuracy": Equation("02_core_concepts:best_accuracy", check_best_accuracy),
}
