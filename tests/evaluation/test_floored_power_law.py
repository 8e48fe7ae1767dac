"""A fitted law with a floor is the law the points came from, and knows when no floor is seen."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from llm_book.evaluation.floored_power_law import fit_floored_power_law

SIZES = np.geomspace(1e4, 1e7, 12)


def test_points_of_a_law_give_the_law_back():
    law = fit_floored_power_law(SIZES, 2.5 + 60 * SIZES**-0.35, draws=50)
    assert law.floor.estimate == pytest.approx(2.5, abs=1e-3)
    assert law.exponent.estimate == pytest.approx(0.35, abs=1e-3)
    assert law.constant == pytest.approx(60, rel=0.01)
    assert law.exponent.high - law.exponent.low < 0.001
    assert law([2e4, 1e8]) == pytest.approx(2.5 + 60 * np.array([2e4, 1e8]) ** -0.35, abs=1e-3)


def test_it_is_the_least_squares_that_scipy_finds():
    y = 2 + 30 * SIZES**-0.25 + np.random.default_rng(0).normal(0, 0.02, 12)
    law = fit_floored_power_law(SIZES, y, draws=20)

    def shape(x, floor, above, exponent):
        return floor + above * (x / 3e5) ** -exponent

    known, _ = curve_fit(shape, SIZES, y, p0=(1.5, 1, 0.3))
    assert law.floor.estimate == pytest.approx(known[0], abs=1e-3)
    assert law.exponent.estimate == pytest.approx(known[2], abs=1e-3)


def test_a_law_without_a_floor_is_given_none():
    law = fit_floored_power_law(SIZES, 20 * SIZES**-0.1, draws=50)
    assert law.floor.estimate == pytest.approx(0, abs=0.01)
    assert law.exponent.estimate == pytest.approx(0.1, abs=1e-3)
    falls_faster = 20 * SIZES**-0.1 - 2  # only a floor below 0 would fit
    assert fit_floored_power_law(SIZES, falls_faster, draws=50).floor.estimate == 0


def test_the_interval_widens_with_the_noise_and_holds_the_truth_in_most_draws():
    rng, truth, held, widths = np.random.default_rng(1), 2 + 30 * SIZES**-0.25, 0, []
    for noise in [0.02] * 30 + [0.002] * 30:
        exponent = fit_floored_power_law(
            SIZES, truth + rng.normal(0, noise, 12), draws=100
        ).exponent
        held += not exponent.excludes(0.25)
        widths.append(exponent.high - exponent.low)
    assert np.median(widths[:30]) > 4 * np.median(widths[30:])
    assert 45 < held <= 60


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        ([1, 2, 3, 4], [4, 3, 2, 1], "are no 5 points or more"),
        ([1, 2, 3, 4, 4], [5, 4, 3, 2, 1], "are no 5 points or more of different x"),
        ([1, 2, 3, 4, 5], [4, 3, 2, 1], "are no 5 points or more"),
        ([1, 2, 3, 4, 5], [5, 4, 0, 2, 1], "is not a number above 0"),
        ([1, 2, 3, 4, 5], [5, 4, np.nan, 2, 1], "is not a number above 0"),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], "does not fall as x grows"),
    ],
)
def test_what_is_no_curve_is_refused(x, y, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit_floored_power_law(x, y)
