"""The optimum is one, no example moves it further than is said, and the noise is as counted."""

import numpy as np
import pytest
from opacus.accountants.analysis.rdp import compute_rdp, get_privacy_spent
from scipy import optimize, sparse

from llm_book.training.output_perturbation import (
    blurred,
    blurring_noise,
    logistic_optimum,
    sensitivity,
)
from llm_book.training.renyi import ORDERS


def data(n=60, width=4, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, width))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows, (rows[:, 0] + 0.5 * rng.normal(size=n) > 0).astype(int)


def test_the_optimum_is_that_of_the_objective():
    rows, labels = data()

    def objective(w):
        signs = 2 * labels - 1
        return np.logaddexp(0, -signs * (rows @ w)).sum() + 3.0 / 2 * w @ w

    truth = optimize.minimize(objective, np.zeros(4), tol=1e-12).x
    np.testing.assert_allclose(logistic_optimum(rows, labels, 3.0), truth, atol=1e-5)
    found = logistic_optimum(sparse.csr_matrix(rows), labels, 3.0)
    np.testing.assert_allclose(found, truth, atol=1e-5)


@pytest.mark.parametrize("strength", [0.5, 5.0])
def test_no_example_moves_it_further_than_the_sensitivity_and_one_comes_near(strength):
    rows, labels = data(n=30)
    whole = logistic_optimum(rows, labels, strength)
    moved = []
    for worst in (*rows, -whole / np.linalg.norm(whole)):
        for label in (0, 1):
            more = logistic_optimum(np.vstack([rows, worst]), np.append(labels, label), strength)
            moved.append(np.linalg.norm(more - whole))
    assert max(moved) <= sensitivity(strength)
    assert max(moved) > (0.05 if strength < 1 else 0.4) * sensitivity(strength)


def test_the_noise_is_what_opacus_counts_as_one_full_step():
    noise = blurring_noise(2.0, 1e-5)
    rdp = compute_rdp(q=1.0, noise_multiplier=noise, steps=1, orders=ORDERS)
    spent, _ = get_privacy_spent(orders=ORDERS, rdp=rdp, delta=1e-5)
    assert spent == pytest.approx(2.0, abs=1e-4)
    drawn = blurred(np.ones(20_000), 4.0, noise, np.random.default_rng(0))
    assert drawn.std() == pytest.approx(noise * sensitivity(4.0), rel=0.02)
    assert drawn.mean() == pytest.approx(1, abs=0.03)


def test_what_has_no_optimum_is_refused():
    rows, labels = data()
    with pytest.raises(ValueError, match="strength is 0"):
        logistic_optimum(rows, labels, 0)


def test_an_optimum_that_is_missed_is_refused(monkeypatch):
    monkeypatch.setattr("llm_book.training.output_perturbation.SLACK", 1e-30)
    with pytest.raises(ValueError, match="choose a greater strength than 2"):
        logistic_optimum(*data(), 2.0)
