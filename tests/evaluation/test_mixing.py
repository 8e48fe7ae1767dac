"""Two classifiers' log-odds, averaged."""

import numpy as np
import pytest

from llm_book.evaluation.mixing import best_weight, log_odds, mixed


def test_log_odds_are_those_of_a_bet():
    assert log_odds(np.array([0.5, 0.8, 0.2])) == pytest.approx([0, np.log(4), -np.log(4)])
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


def test_the_ends_of_the_weight_are_the_classifiers_themselves():
    first, second = np.array([0.9, 0.3]), np.array([0.2, 0.6])
    assert mixed(first, second, 1.0) == pytest.approx(first)
    assert mixed(first, second, 0.0) == pytest.approx(second)


def test_half_the_weight_gives_the_geometric_mean_of_the_odds():
    # odds 9 and 1/4: their geometric mean is 3/2, so p = 3/5
    assert mixed(np.array([0.9]), np.array([0.2]), 0.5) == pytest.approx([0.6])


def test_the_classifier_that_knows_gets_the_weight():
    labels = np.array([1, 0, 1, 0])
    knows, guesses = np.array([0.9, 0.1, 0.9, 0.1]), np.array([0.1, 0.9, 0.4, 0.6])
    assert best_weight(knows, guesses, labels) == 1.0
    assert best_weight(guesses, knows, labels) == 0.0


def test_classifiers_wrong_in_different_places_are_mixed():
    labels = np.array([1, 1])
    assert best_weight(np.array([0.9, 0.4]), np.array([0.4, 0.9]), labels) == 0.5
