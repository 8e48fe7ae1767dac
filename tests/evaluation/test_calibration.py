"""Calibration: confidence against being right."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import expit, softmax
from sklearn.metrics import brier_score_loss, log_loss

from llm_book.evaluation.calibration import (
    brier_score,
    calibrated,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    top_class_reliability,
)


def test_a_calibrated_coin_has_almost_no_error():
    rng = np.random.default_rng(0)
    p = rng.random(200_000)
    labels = rng.random(200_000) < p
    assert reliability(p, labels).expected_calibration_error < 0.01


def test_one_who_is_always_sure_and_right_half_the_time_is_off_by_one_half():
    assert reliability([1.0, 1.0], [1, 0]).expected_calibration_error == pytest.approx(0.5)


def test_the_error_is_the_gap_weighted_by_how_many():
    # three at confidence 0.9, two of them right; one at 0.6, right
    bins = reliability([0.9, 0.9, 0.1, 0.6], [1, 0, 0, 1])
    assert bins.expected_calibration_error == pytest.approx((3 * (0.9 - 2 / 3) + 1 * 0.4) / 4)
    assert bins.count.sum() == 4


def test_empty_bins_count_for_nothing_and_show_as_missing():
    bins = reliability([0.95], [1])
    assert np.isnan(bins.accuracy[0])
    assert bins.expected_calibration_error == pytest.approx(0.05)


def test_bins_are_of_equal_width_between_a_half_and_one():
    bins = reliability([0.5, 0.54, 0.66, 0.26, 0.99], [1, 0, 1, 0, 1])
    assert bins.count.tolist() == [2, 0, 0, 1, 1, 0, 0, 0, 0, 1]
    assert bins.accuracy[0] == 0.5  # a half says label 1
    assert reliability([0.5], [1]).accuracy[0] == 1


def test_a_certain_prediction_falls_into_the_last_bin():
    assert reliability([0.0, 1.0], [0, 1]).count[-1] == 2


@pytest.mark.parametrize(
    ("p", "labels", "sentence"),
    [
        ([1.2], [1], "a probability lies outside 0 and 1"),
        ([-0.5], [0], "a probability lies outside 0 and 1"),
        ([], [], "0 probabilities and 0 labels"),
        ([0.5], [1, 0], "1 probabilities and 2 labels cannot be compared"),
        ([float("nan")], [1], "a probability lies outside 0 and 1"),
    ],
)
def test_what_is_no_probability_is_refused(p, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        reliability(p, labels)


def over_confident(n, classes, temperature, seed=0):
    """Logits whose softmax at ``temperature`` is the truth, and labels drawn from it."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * 3
    chances = softmax(logits / temperature, axis=1)
    labels = (chances.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return logits, labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(temperature):
    logits, labels = over_confident(20_000, 4, temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


@given(seed=st.integers(0, 1000), classes=st.integers(2, 5))
@settings(max_examples=12, deadline=None)
def test_no_temperature_is_less_surprised(seed, classes):
    logits, labels = over_confident(60, classes, 1.5, seed)
    ours = fit_temperature(logits, labels)
    peer = minimize_scalar(
        lambda t: log_loss(labels, softmax(logits / t, axis=1), labels=range(classes)),
        bounds=(0.05, 20),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert ours == pytest.approx(peer.x, rel=1e-4)
    assert negative_log_likelihood(logits, labels, ours) == pytest.approx(peer.fun, abs=1e-9)


def test_the_bounds_are_temperatures_and_nothing_outside_them_is_looked_at():
    logits, labels = over_confident(500, 3, 2.0)
    best = fit_temperature(logits, labels)
    inside = fit_temperature(logits, labels, low=0.9 * best, high=1.1 * best)
    assert inside == pytest.approx(best, rel=1e-9)
    with pytest.raises(ValueError, match=r"still falls at temperature .*nearly every"):
        fit_temperature(logits, labels, low=1.1 * best)
    with pytest.raises(ValueError, match=r"still falls at temperature .*tell nothing"):
        fit_temperature(logits, labels, high=0.9 * best)


def test_the_slope_at_the_temperature_is_zero_by_autograd():
    logits, labels = over_confident(500, 3, 2.0)
    t = torch.tensor(fit_temperature(logits, labels), dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(torch.tensor(logits) / t, torch.tensor(labels))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(
        negative_log_likelihood(logits, labels, t.item()), abs=1e-12
    )
    assert abs(float(t.grad)) < 1e-9


def test_two_classes_have_one_logit_or_two_and_the_same_temperature():
    logits, labels = over_confident(400, 2, 1.7)
    single = logits[:, 1] - logits[:, 0]
    assert fit_temperature(single, labels) == pytest.approx(fit_temperature(logits, labels))
    np.testing.assert_allclose(calibrated(single, 1.7), expit(single / 1.7), atol=1e-12)
    np.testing.assert_allclose(calibrated(logits, 1.7)[:, 1], expit(single / 1.7), atol=1e-12)
    assert negative_log_likelihood(single, labels) == pytest.approx(log_loss(labels, expit(single)))


def test_scaling_brings_confidence_to_accuracy_and_changes_no_prediction():
    logits, labels = over_confident(20_000, 4, 3.0)
    before, after = calibrated(logits, 1.0), calibrated(logits, fit_temperature(logits, labels))
    np.testing.assert_allclose(before, softmax(logits, axis=1), atol=1e-12)
    assert (before.argmax(axis=1) == after.argmax(axis=1)).all()
    assert top_class_reliability(before, labels).expected_calibration_error > 0.15
    assert top_class_reliability(after, labels).expected_calibration_error < 0.02


def test_huge_logits_do_not_overflow():
    assert calibrated([[2000.0, 0.0]], 1.0).tolist() == [[1.0, 0.0]]


@given(
    seed=st.integers(0, 1000),
    n=st.integers(1, 30),
    classes=st.integers(2, 5),
    bins=st.integers(1, 8),
)
@settings(max_examples=60, deadline=None)
def test_bins_over_several_classes_are_those_counted_one_by_one(seed, n, classes, bins):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(classes), size=n)
    labels = rng.integers(classes, size=n)
    found = top_class_reliability(p, labels, bins)
    error = 0.0
    for b in range(bins):
        inside = [i for i in range(n) if b / bins <= max(p[i]) < (b + 1) / bins]
        assert found.count[b] == len(inside)
        if inside:
            confidence = np.mean([max(p[i]) for i in inside])
            accuracy = np.mean([np.argmax(p[i]) == labels[i] for i in inside])
            assert found.confidence[b] == pytest.approx(confidence)
            assert found.accuracy[b] == pytest.approx(accuracy)
            error += len(inside) / n * abs(confidence - accuracy)
        else:
            assert np.isnan(found.accuracy[b])
    assert found.expected_calibration_error == pytest.approx(error)


def test_certainty_over_several_classes_falls_into_the_last_of_ten_bins():
    found = top_class_reliability([[0.0, 1.0, 0.0], [0.0, 0.5, 0.5]], [1, 0])
    assert found.count.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 1]


@given(seed=st.integers(0, 1000), n=st.integers(1, 20), classes=st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_the_brier_score_equals_scikit_learns(seed, n, classes):
    rng = np.random.default_rng(seed)
    p, labels = rng.dirichlet(np.ones(classes), size=n), rng.integers(classes, size=n)
    theirs = brier_score_loss(labels, p, labels=range(classes), scale_by_half=False)
    assert brier_score(p, labels) == pytest.approx(theirs)
    binary = labels == 0
    theirs = brier_score_loss(binary, p[:, 0], labels=[False, True], pos_label=True)
    assert brier_score(p[:, 0], binary) == pytest.approx(theirs)


LOGITS = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: fit_temperature(LOGITS, [0, 1, 0]), "still falls at temperature 0.05"),
        (lambda: fit_temperature(LOGITS, [1, 0, 1]), "still falls at temperature 20"),
        (lambda: fit_temperature([[1.0, 1.0]], [0]), "still falls at temperature 0.05"),
        (lambda: fit_temperature(LOGITS, [0, 1, 1], low=0.0), "between 0.0 and 20"),
        (lambda: fit_temperature(LOGITS, [0, 1, 1], low=3, high=2), "between 3 and 2"),
        (lambda: fit_temperature(LOGITS, [0, 1, 1], low=2, high=2), "between 2 and 2"),
        (lambda: fit_temperature(LOGITS, [0, 1, 2]), "label 2 is none of 2 classes"),
        (lambda: fit_temperature(LOGITS, [0, 1]), r"shape \(3, 2\) and labels of shape \(2,\)"),
        (lambda: fit_temperature([], []), "and at least one"),
        (lambda: fit_temperature([float("nan")], [1]), "logits hold NaN or infinity"),
        (lambda: calibrated([1.0], 0.0), "temperature 0.0 cannot divide logits"),
        (lambda: calibrated([1.0], -1.0), "temperature -1.0 cannot divide logits"),
        (lambda: negative_log_likelihood([1.0], [1], float("inf")), "temperature inf cannot"),
        (lambda: brier_score([0.5, 1.2], [1, 0]), "negative somewhere or does not sum to 1"),
        (lambda: brier_score([[0.5, 0.4]], [1]), "negative somewhere or does not sum to 1"),
        (lambda: top_class_reliability([[0.5, 0.5]], [0.5]), "label 0.5 is none of 2 classes"),
        (lambda: top_class_reliability([0.5], [0]), "give one row of classes a label"),
    ],
)
def test_what_cannot_be_scaled_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
