"""What a threshold on the loss tells of who was learned, and what ε lets any attack tell."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from llm_book.evaluation.membership import membership_accuracy_bound, membership_auc


def test_the_auc_is_that_of_scikit_learn_with_the_cheap_taken_for_learned():
    rng = np.random.default_rng(0)
    learned, others = rng.normal(size=80), rng.normal(0.5, 1, size=50)
    truth = roc_auc_score([1] * 80 + [0] * 50, -np.concatenate([learned, others]))
    found = membership_auc(learned, others, draws=50)
    assert found.estimate == pytest.approx(truth) and truth > 0.55
    assert found.low < truth < found.high


def test_what_is_learned_by_heart_is_found_and_equal_losses_tell_nothing():
    assert membership_auc([0.1, 0.2], [1.0, 2.0], draws=5).estimate == 1
    assert membership_auc([1.0, 1.0], [1.0], draws=5).estimate == 0.5


def test_the_interval_covers_a_blind_guess_nearly_always():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(40):
        found = membership_auc(rng.normal(size=60), rng.normal(size=40), draws=50)
        hits += found.low <= 0.5 <= found.high
    assert 33 <= hits <= 40


@given(st.floats(0, 20), st.floats(0, 0.5))
def test_the_bound_is_that_of_the_best_test_between_two_neighbours(epsilon, delta):
    # Error rates (a, b) with a + e^ε b ≥ 1 − δ and e^ε a + b ≥ 1 − δ have the least sum at a = b.
    error = (1 - delta) / (1 + math.exp(epsilon))
    assert membership_accuracy_bound(epsilon, delta) == pytest.approx(1 - error)


def test_no_privacy_allows_all_and_full_privacy_nothing():
    assert membership_accuracy_bound(0, 0) == 0.5
    assert membership_accuracy_bound(1000, 1e-5) == 1


def test_losses_that_tell_nothing_are_refused():
    with pytest.raises(ValueError, match="0 losses of learned examples and 1 of others"):
        membership_auc([], [1.0])
    with pytest.raises(ValueError, match="1 of them NaN"):
        membership_auc([1.0], [math.nan])
    with pytest.raises(ValueError, match="bound nothing"):
        membership_accuracy_bound(-1, 0)
    with pytest.raises(ValueError, match="bound nothing"):
        membership_accuracy_bound(1, 2)
