"""The threshold is where blocking and passing cost the same."""

import pytest

from llm_book.evaluation.thresholds import cost_threshold


@pytest.mark.parametrize(("lost", "let_through"), [(1, 1), (9, 1), (2, 7)])
def test_at_the_threshold_both_acts_cost_the_same_and_above_it_blocking_is_cheaper(
    lost, let_through
):
    p = cost_threshold(lost, let_through)
    assert lost * (1 - p) == pytest.approx(let_through * p)
    assert lost * (1 - p - 0.01) < let_through * (p + 0.01)


@pytest.mark.parametrize("prices", [(0, 1), (1, 0), (-1, 2)])
def test_a_price_that_is_no_price_is_refused(prices):
    with pytest.raises(ValueError, match="both must be above 0"):
        cost_threshold(*prices)
