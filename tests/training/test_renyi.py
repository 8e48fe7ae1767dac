"""The accountant is opacus' own, and what it says obeys the laws of privacy."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opacus.accountants import RDPAccountant
from opacus.accountants.analysis.rdp import compute_rdp, get_privacy_spent
from opacus.accountants.utils import get_noise_multiplier

from llm_book.training.renyi import ORDERS, epsilon, noise_for, renyi_divergence

pytestmark = pytest.mark.filterwarnings("ignore:Optimal order is:UserWarning")


def test_epsilon_is_what_the_accountant_of_opacus_says():
    accountant = RDPAccountant()
    accountant.history = [(1.1, 0.01, 1000)]
    assert epsilon(1.1, 0.01, 1000, 1e-5) == pytest.approx(accountant.get_epsilon(1e-5), rel=1e-9)


@pytest.mark.parametrize("noise", [0.5, 0.8, 1.1, 2.0, 6.0])
@pytest.mark.parametrize("rate", [1e-3, 0.01, 0.2, 1.0])
def test_epsilon_is_opacus_to_a_hundred_millionth(noise, rate):
    orders = RDPAccountant.DEFAULT_ALPHAS
    one = compute_rdp(q=rate, noise_multiplier=noise, steps=1, orders=orders)
    for steps in (1, 100, 10_000):
        for delta in (1e-3, 1e-5, 1e-8):
            theirs, _ = get_privacy_spent(orders=orders, rdp=one * steps, delta=delta)
            assert epsilon(noise, rate, steps, delta) == pytest.approx(max(theirs, 0), rel=1e-8)


@given(
    noise=st.floats(0.4, 8.0),
    rate=st.floats(0.005, 0.95),
    order=st.one_of(st.floats(1.05, 60.0), st.integers(2, 60).map(float)),
)
@settings(max_examples=60, deadline=None)
def test_the_divergence_is_opacus_at_whole_orders_and_between(noise, rate, order):
    theirs = float(compute_rdp(q=rate, noise_multiplier=noise, steps=1, orders=order))
    assert renyi_divergence(noise, rate, order) == pytest.approx(theirs, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("order", [2, 3, 7])
def test_whole_orders_are_the_papers_sum(order):
    noise, rate = 1.3, 0.1
    total = sum(
        math.comb(order, k)
        * (1 - rate) ** (order - k)
        * rate**k
        * math.exp((k * k - k) / (2 * noise**2))
        for k in range(order + 1)
    )
    expected = math.log(total) / (order - 1)
    assert renyi_divergence(noise, rate, float(order)) == pytest.approx(expected, rel=1e-10)


def test_without_sampling_it_is_the_gaussians_and_without_examples_nothing():
    assert renyi_divergence(2.0, 1.0, 5.5) == pytest.approx(5.5 / (2 * 4.0), rel=1e-12)
    assert renyi_divergence(2.0, 0.0, 5.5) == pytest.approx(0, abs=1e-14)
    assert epsilon(2.0, 0.0, 100, 1e-5) == 0
    assert epsilon(2.0, 0.5, 0, 1e-5) == 0


def test_little_noise_and_much_noise_are_integrated_too():
    assert renyi_divergence(0.1, 1.0, 40.0) == pytest.approx(40 / 0.02, rel=1e-10)
    assert renyi_divergence(100.0, 1.0, 2.5) == pytest.approx(2.5 / 2e4, rel=1e-8)


def test_a_promise_that_costs_nothing_is_not_below_nothing():
    assert epsilon(50.0, 0.001, 1, 0.5) == 0.0


def test_more_steps_tell_more_more_noise_less_and_a_larger_delta_less():
    base = epsilon(1.0, 0.01, 1000, 1e-5)
    assert epsilon(1.0, 0.01, 2000, 1e-5) > base
    assert epsilon(1.0, 0.02, 1000, 1e-5) > base
    assert epsilon(1.2, 0.01, 1000, 1e-5) < base
    assert epsilon(1.0, 0.01, 1000, 1e-4) < base


def test_orders_may_be_chosen():
    assert set(ORDERS) == set(map(float, RDPAccountant.DEFAULT_ALPHAS))
    one = epsilon(1.0, 0.01, 1000, 1e-5, orders=[4.0])
    assert one > epsilon(1.0, 0.01, 1000, 1e-5)
    spent = 1000 * renyi_divergence(1.0, 0.01, 4.0)
    expected = spent + math.log(3 / 4) - (math.log(1e-5) + math.log(4)) / 3
    assert one == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("target", "rate", "steps"), [(0.5, 0.01, 1000), (3.0, 0.1, 50), (8.0, 0.5, 20)]
)
def test_the_noise_for_a_promise_just_keeps_it(target, rate, steps):
    noise = noise_for(target, rate, steps, 1e-5)
    assert epsilon(noise, rate, steps, 1e-5) <= target
    assert epsilon(noise * (1 - 2e-6), rate, steps, 1e-5) > target


def test_the_noise_for_a_promise_is_what_opacus_finds():
    theirs = get_noise_multiplier(
        target_epsilon=2.0,
        target_delta=1e-5,
        sample_rate=0.01,
        steps=500,
        accountant="rdp",
        epsilon_tolerance=1e-2,
    )
    assert noise_for(2.0, 0.01, 500, 1e-5) == pytest.approx(theirs, rel=1e-2)


def test_a_promise_as_good_as_none_needs_next_to_no_noise():
    assert noise_for(1e6, 0.01, 10, 1e-5) == 0.05


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: epsilon(0.0, 0.1, 1, 1e-5), r"noise is 0.0; without any, nothing is private"),
        (lambda: epsilon(np.nan, 0.1, 1, 1e-5), r"noise is nan; without any"),
        (lambda: epsilon(0.0, 0.1, 0, 1e-5), r"noise is 0.0; without any, nothing is private"),
        (lambda: epsilon(1.0, 1.1, 1, 1e-5), "rate is 1.1; it is a probability, from 0 to 1"),
        (lambda: epsilon(1.0, -0.1, 1, 1e-5), "rate is -0.1; it is a probability"),
        (lambda: epsilon(1.0, 0.1, -1, 1e-5), "steps is -1; it must be 0 or above"),
        (lambda: epsilon(1.0, 0.1, 1, 0.0), "delta is 0.0; it must be above 0 and below 1"),
        (lambda: epsilon(1.0, 0.1, 0, 1.0), "delta is 1.0; it must be above 0 and below 1"),
        (lambda: renyi_divergence(1.0, 0.1, 1.0), "order is 1.0; Rényi's measure needs one above"),
        (lambda: renyi_divergence(-1.0, 0.1, 2.0), r"noise is -1.0; without any"),
        (lambda: noise_for(0.0, 0.1, 1, 1e-5), "target is 0.0; an ε above 0 can be reached"),
        (lambda: noise_for(1e-9, 1.0, 10**9, 1e-12), "no noise below 1,000,000 reaches ε = 1e-09"),
    ],
)
def test_promises_that_cannot_be_are_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_the_grid_is_fine_enough_where_there_is_little_noise():
    """Against the integral on a grid a hundred times as fine as the noise squared."""
    noise, rate, order = 0.1, 0.5, 2.5
    z = np.arange(-3, 6, noise**2 / 100)
    bell = -(z**2) / (2 * noise**2) - math.log(noise * math.sqrt(2 * math.pi))
    ratio = np.logaddexp(math.log(1 - rate), math.log(rate) + (2 * z - 1) / (2 * noise**2))
    exponents = order * ratio + bell
    top = exponents.max()
    total = top + math.log(np.exp(exponents - top).sum() * noise**2 / 100)
    found = renyi_divergence(noise, rate, order)
    assert found == pytest.approx(total / (order - 1), rel=1e-10)


def test_what_is_counted_is_a_plain_number():
    assert type(renyi_divergence(1.0, 0.1, 2.5)) is float
    assert type(epsilon(1.0, 0.1, 10, 1e-5)) is float


@pytest.mark.parametrize("noise", [0.05, math.sqrt(0.05 * 1e6)])
def test_a_promise_that_is_just_kept_is_kept(noise):
    target = epsilon(noise, 1.0, 10**10, 1e-5)
    assert target > 0
    assert noise_for(target, 1.0, 10**10, 1e-5) == noise


def test_the_most_noise_there_is_may_be_asked_for():
    target = epsilon(1e6, 1.0, 10**10, 1e-5)
    assert noise_for(target, 1.0, 10**10, 1e-5) == pytest.approx(1e6, rel=1e-4)
