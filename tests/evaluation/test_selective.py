"""Risk against coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.evaluation.selective import risk_coverage

ANSWERS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=1, max_size=20)


@given(answers=ANSWERS)
@settings(max_examples=80, deadline=None)
def test_each_point_is_counted_over_all_that_are_at_least_as_confident(answers):
    confidence, right = map(np.array, zip(*answers, strict=True))
    curve = risk_coverage(confidence, right)
    assert curve.threshold.tolist() == sorted(set(confidence.tolist()), reverse=True)
    for coverage, risk, threshold in zip(curve.coverage, curve.risk, curve.threshold, strict=True):
        answered = confidence >= threshold
        assert coverage == pytest.approx(answered.mean())
        assert risk == pytest.approx(1 - right[answered].mean())
    assert curve.coverage[-1] == 1


def test_one_who_knows_what_he_knows_has_no_risk_until_he_must_guess():
    curve = risk_coverage([0.9, 0.8, 0.3, 0.1], [1, 1, 0, 0])
    assert curve.risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 2])
    assert curve.area == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)
    assert curve.at_risk(0) == 0.5
    assert curve.at_risk(1 / 2) == 1
    assert risk_coverage([0.9, 0.8], [0, 0]).at_risk(0.5) == 0


def test_equal_confidence_is_answered_together():
    curve = risk_coverage([1, 1, 0], [1, 0, 1])
    assert curve.coverage.tolist() == pytest.approx([2 / 3, 1])
    assert curve.area == pytest.approx(2 / 3 * 1 / 2 + 1 / 3 * 1 / 3)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: risk_coverage([], []), "do not pair up"),
        (lambda: risk_coverage([1], [1, 0]), r"shape \(1,\) and right of shape \(2,\)"),
        (lambda: risk_coverage([[1]], [[1]]), "do not pair up"),
        (lambda: risk_coverage([float("nan")], [1]), "a confidence is NaN"),
        (lambda: risk_coverage([1], [2]), "right is not between 0 and 1"),
        (lambda: risk_coverage([1], [-1]), "right is not between 0 and 1"),
    ],
)
def test_what_has_no_curve_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
