"""Every schedule is its formula and the library's of the same name."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import get_constant_schedule_with_warmup, get_wsd_schedule

from llm_book.training.schedule import constant, noam, warmup_cosine, warmup_stable_decay


def peers_rates(make, steps: int, **settings) -> list[float]:
    """The rates of a schedule of ``transformers``, whose warm-up begins at 0."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
    schedule, rates = make(optimizer, **settings), []
    for _ in range(steps):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return rates


def test_constant_is_the_librarys_one_step_further_on_its_line():
    theirs = peers_rates(get_constant_schedule_with_warmup, 12, num_warmup_steps=5)
    assert [constant(step, 0.5, 5) for step in range(11)] == pytest.approx(theirs[1:])
    assert [constant(step, 0.5) for step in range(3)] == [0.5] * 3


@pytest.mark.parametrize(("shape", "theirs"), [("line", "linear"), ("root", "1-sqrt")])
def test_the_plateau_and_the_way_down_are_the_librarys(shape, theirs):
    peer = peers_rates(
        get_wsd_schedule,
        20,
        num_warmup_steps=4,
        num_decay_steps=6,
        num_training_steps=20,
        decay_type=theirs,
        min_lr_ratio=0.2,
    )
    ours = [warmup_stable_decay(s, 20, 0.5, 4, 6, final=0.1, shape=shape) for s in range(20)]
    assert ours[:4] == pytest.approx([0.125, 0.25, 0.375, 0.5])
    assert ours[4:] == pytest.approx(peer[4:])


def test_the_way_down_of_the_plateau_by_hand():
    rates = [warmup_stable_decay(s, 10, 1.0, 2, 4) for s in range(10)]
    assert rates == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25])
    rates = [warmup_stable_decay(s, 6, 1.0, 0, 4, final=0.5, shape="root") for s in range(6)]
    roots = [math.sqrt(p) for p in (0, 0.25, 0.5, 0.75)]
    assert rates == pytest.approx([1, 1, *(1 - 0.5 * root for root in roots)])


def test_all_steps_may_be_warm_up_and_decay():
    assert [warmup_stable_decay(s, 4, 1.0, 2, 2) for s in range(4)] == [0.5, 1.0, 1.0, 0.5]


@given(step=st.integers(0, 10**6), width=st.integers(1, 4096), warmup=st.integers(1, 10**5))
def test_noam_is_equation_3_of_the_paper(step, width, warmup):
    n = step + 1
    expected = width ** (-0.5) * min(n ** (-0.5), n * warmup ** (-1.5))
    assert noam(step, width, warmup, scale=2.0) == pytest.approx(2 * expected, rel=1e-12)


def test_noam_peaks_where_the_warm_up_ends():
    rates = [noam(step, 512, 40) for step in range(200)]
    assert max(range(200), key=rates.__getitem__) == 39
    assert rates[39] == pytest.approx(1 / math.sqrt(512 * 40))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: constant(0, 1.0, -1), r"warmup_steps is -1; it must be 0 \(none\) or above"),
        (lambda: warmup_stable_decay(0, 10, 1.0, 6, 5), r"warmup_steps \(6\) and decay_steps \(5"),
        (lambda: warmup_stable_decay(0, 10, 1.0, -1, 5), r"warmup_steps \(-1\) and"),
        (lambda: warmup_stable_decay(0, 10, 1.0, 1, 0), r"decay_steps \(0, at least 1\) must fit"),
        (lambda: warmup_stable_decay(0, 9, 1.0, 1, 2, shape="step"), "shape 'step' is unknown; ch"),
        (lambda: noam(0, 0, 10), r"width \(0\) and warmup_steps \(10\) must be at least 1"),
        (lambda: noam(0, 10, 0), r"width \(10\) and warmup_steps \(0\) must be at least 1"),
        (lambda: warmup_cosine(0, 5, 1.0, 5), r"warmup_steps \(5\) must be less than steps \(5\)"),
        (lambda: warmup_cosine(0, 5, 1.0, -1), r"warmup_steps \(-1\) must be less"),
    ],
)
def test_schedules_that_cannot_be_are_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_a_width_and_a_warm_up_of_one_are_allowed():
    assert noam(0, 1, 1) == 1.0


def test_nothing_warms_up_unless_asked():
    for step in range(10):
        assert warmup_cosine(step, 10, 0.3) == warmup_cosine(step, 10, 0.3, 0, 0.0)
        assert constant(step, 0.3) == 0.3


def test_a_way_down_may_be_one_step_long():
    assert [warmup_stable_decay(s, 3, 1.0, 0, 1, final=0.5) for s in range(4)] == [1, 1, 1, 0.5]


def test_half_way_down_a_cosine_is_half_way_between_the_peak_and_the_floor():
    assert warmup_cosine(50, 100, 0.3, final=0.1) == pytest.approx(0.2)
