"""A recurrence without a bend gives the same states one by one and all at once."""

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_book.models.scan import (
    linear_attention,
    linear_attention_at_once,
    linear_recurrence,
    scanned_recurrence,
)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_each_state_is_the_decayed_last_one_plus_what_comes_in():
    decay, inputs = drawn(1, 4, 2), drawn(1, 4, 2, seed=1)
    state = torch.zeros(2, dtype=torch.float64)
    for t, got in enumerate(linear_recurrence(decay, inputs)[0]):
        state = decay[0, t] * state + inputs[0, t]
        torch.testing.assert_close(got, state, rtol=0, atol=0)


@given(time=st.integers(1, 40), seed=st.integers(0, 9))
def test_the_scan_gives_the_states_of_the_loop(time, seed):
    decay, inputs = drawn(2, time, 3, seed=seed), drawn(2, time, 3, seed=seed + 100)
    scan, loop = scanned_recurrence(decay, inputs), linear_recurrence(decay, inputs)
    torch.testing.assert_close(scan, loop, rtol=1e-10, atol=1e-10)


def test_the_scan_gives_the_gradients_of_the_loop():
    parts = [drawn(2, 13, 3), drawn(2, 13, 3, seed=1)]
    found = []
    for run in (scanned_recurrence, linear_recurrence):
        leaves = [part.clone().requires_grad_() for part in parts]
        run(*leaves).square().sum().backward()
        found.append([leaf.grad for leaf in leaves])
    torch.testing.assert_close(*found, rtol=1e-10, atol=1e-10)


def test_with_decays_of_one_it_is_a_running_sum_and_with_zeros_it_forgets_all():
    inputs = drawn(2, 9, 3)
    running = scanned_recurrence(torch.ones_like(inputs), inputs)
    torch.testing.assert_close(running, inputs.cumsum(1))
    assert torch.equal(scanned_recurrence(torch.zeros_like(inputs), inputs), inputs)


def test_a_state_may_be_a_number_or_a_matrix():
    for shape in ((2, 5), (2, 5, 3, 4)):
        decay, inputs = drawn(*shape), drawn(*shape, seed=1)
        loop = linear_recurrence(decay, inputs)
        torch.testing.assert_close(scanned_recurrence(decay, inputs), loop)


@pytest.mark.parametrize("forgetting", [False, True])
def test_linear_attention_is_its_definition_key_by_key(forgetting):
    query, key, value = drawn(2, 7, 3), drawn(2, 7, 3, seed=1), drawn(2, 7, 4, seed=2)
    decay = drawn(2, 7, seed=3).sigmoid() if forgetting else None
    expected = torch.zeros(2, 7, 4, dtype=torch.float64)
    for b in range(2):
        for t in range(7):
            for s in range(t + 1):
                kept = 1.0 if decay is None else decay[b, s + 1 : t + 1].prod()
                expected[b, t] += kept * (query[b, t] @ key[b, s]) * value[b, s]
    for run in (linear_attention, linear_attention_at_once):
        got = run(query, key, value, decay)
        torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)


def test_changing_the_future_leaves_the_past_alone():
    parts = [drawn(1, 8, 3, seed=n) for n in range(3)]
    decay = drawn(1, 8, seed=3).sigmoid()
    for run in (linear_attention, linear_attention_at_once):
        before = run(*parts, decay)[:, :5]
        later = [torch.cat([part[:, :5], part[:, 5:] + 9], 1) for part in parts]
        after = run(*later, torch.cat([decay[:, :5], decay[:, 5:] / 2], 1))[:, :5]
        torch.testing.assert_close(after, before, rtol=0, atol=1e-12)


@pytest.mark.parametrize("run", [linear_recurrence, scanned_recurrence])
@pytest.mark.parametrize(
    ("decay", "inputs"), [((1, 3, 2), (1, 3, 1)), ((1, 0, 2), (1, 0, 2)), ((3,), (3,))]
)
def test_parts_that_do_not_fit_are_refused(run, decay, inputs):
    sentence = f"decays of shape {decay} and inputs of shape {inputs} came"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        run(torch.ones(decay), torch.ones(inputs))
