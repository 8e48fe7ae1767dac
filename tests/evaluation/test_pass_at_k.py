"""pass@k is the chance it says."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.evaluation.pass_at_k import mean_pass_at_k, pass_at_k


@given(n=st.integers(1, 8), data=st.data())
def test_it_is_the_share_of_draws_that_hold_a_right_one(n, data):
    right, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    draws = list(combinations(range(n), k))
    share = sum(min(draw) < right for draw in draws) / len(draws)
    assert pass_at_k(n, right, k) == pytest.approx(share)


def test_thousands_of_attempts_do_not_overflow():
    assert pass_at_k(10_000, 5, 1) == pytest.approx(0.0005)
    assert pass_at_k(10_000, 10_000, 10_000) == 1


def test_problems_may_have_different_numbers_of_attempts():
    assert mean_pass_at_k([4, 2], [1, 1], 2) == pytest.approx((0.5 + 1) / 2)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: pass_at_k(3, 1, 4), "1 right of 3 attempts give no pass@4"),
        (lambda: pass_at_k(3, 1, 0), "1 right of 3 attempts give no pass@0"),
        (lambda: pass_at_k(3, 4, 1), "4 right of 3 attempts"),
        (lambda: pass_at_k(3, -1, 1), "-1 right of 3 attempts"),
        (lambda: mean_pass_at_k([], [], 1), "0 and 0 counts do not pair up"),
        (lambda: mean_pass_at_k([1], [1, 1], 1), "1 and 2 counts do not pair up"),
    ],
)
def test_counts_that_contradict_each_other_are_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
