"""A fitted power law is the law the points came from, and its interval says how sure that is."""

import numpy as np
import pytest
from scipy.stats import linregress, t

from llm_book.evaluation.power_law import fit_power_law


def test_points_of_a_law_give_the_law_back():
    x = np.array([1.0, 3, 10, 50])
    law = fit_power_law(x, 7 * x**-0.4)
    assert law.constant == pytest.approx(7)
    assert law.exponent.estimate == pytest.approx(0.4)
    assert law.exponent.high - law.exponent.low < 1e-9
    assert law([2.0, 100]) == pytest.approx(7 * np.array([2.0, 100]) ** -0.4)


def test_line_and_interval_are_those_of_scipy():
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 100, 9)
    y = 3 * x**-0.7 * np.exp(rng.normal(0, 0.2, 9))
    found, known = fit_power_law(x, y), linregress(np.log(x), np.log(y))
    assert found.exponent.estimate == pytest.approx(-known.slope)
    assert found.constant == pytest.approx(np.exp(known.intercept))
    half = t.ppf(0.975, 7) * known.stderr
    assert found.exponent.low == pytest.approx(-known.slope - half)
    assert found.exponent.high == pytest.approx(-known.slope + half)


def test_the_interval_holds_the_truth_in_about_95_of_100_draws():
    rng, x = np.random.default_rng(1), np.geomspace(1, 100, 6)
    held = sum(
        not fit_power_law(x, x**-0.5 * np.exp(rng.normal(0, 0.3, 6))).exponent.excludes(0.5)
        for _ in range(1000)
    )
    assert 920 < held < 980


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        ([1, 2], [1, 2], "are no 3 points or more"),
        ([1, 2, 3], [1, 2], "are no 3 points or more"),
        ([1, 2, 0], [1, 2, 3], "is not a number above 0"),
        ([1, 2, 3], [1, -2, 3], "is not a number above 0"),
        ([1, 2, 3], [1, np.nan, 3], "is not a number above 0"),
        ([2, 2, 2], [1, 2, 3], "all x are the same"),
    ],
)
def test_what_is_no_curve_is_refused(x, y, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit_power_law(x, y)
