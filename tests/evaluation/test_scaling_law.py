"""The optimum of a scaling law is its lowest point at that budget."""

import numpy as np
import pytest

from llm_book.evaluation.scaling_law import ScalingLaw

LAW = ScalingLaw(1.69, 406.4, 410.7, 0.34, 0.28)


def test_no_other_split_of_the_budget_loses_less():
    for compute in (1e18, 1e22):
        n, d = LAW.optimum(compute)
        assert 6 * n * d == pytest.approx(compute)
        for factor in (0.5, 0.9, 1.1, 2):
            assert LAW.loss(n * factor, d / factor) > LAW.loss(n, d)


def test_more_of_either_helps_and_nothing_goes_below_the_floor():
    assert LAW.loss(2e9, 1e9) < LAW.loss(1e9, 1e9) > LAW.loss(1e9, 2e9)
    assert LAW.loss(1e60, 1e60) == pytest.approx(1.69)


def test_the_size_grows_with_the_budget_as_the_exponents_say():
    n, _ = LAW.optimum(np.array([1e20, 1e22]))
    assert np.log(n[1] / n[0]) / np.log(100) == pytest.approx(0.28 / 0.62)


@pytest.mark.parametrize("wrong", [(1, 0, 1, 1, 1), (1, 1, -1, 1, 1), (1, 1, 1, 0, 1)])
def test_a_law_that_does_not_fall_is_refused(wrong):
    with pytest.raises(ValueError, match="is no law that falls"):
        ScalingLaw(*wrong)
