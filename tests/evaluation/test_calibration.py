"""Calibration: confidence against being right."""

import numpy as np
import pytest

from llm_book.evaluation.calibration import reliability


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


def test_a_certain_prediction_falls_into_the_last_bin():
    assert reliability([0.0, 1.0], [0, 1]).count[-1] == 2


@pytest.mark.parametrize(
    ("p", "labels", "sentence"),
    [
        ([1.2], [1], "a probability lies outside 0 and 1"),
        ([0.5], [1, 0], "1 probabilities and 2 labels cannot be compared"),
        ([float("nan")], [1], "a probability lies outside 0 and 1"),
    ],
)
def test_what_is_no_probability_is_refused(p, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        reliability(p, labels)
