"""Rollout multiplies what each layer mixes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.interpret.attention_maps import attention_maps
from llm_book.interpret.rollout import attention_rollout
from tests.interpret.models import gpt


@given(
    layers=st.integers(1, 4),
    heads=st.integers(1, 3),
    time=st.integers(1, 5),
    bypass=st.floats(0, 1),
    seed=st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_rows_sum_to_one_and_equal_the_product_by_hand(layers, heads, time, bypass, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(layers, 2, heads, time, time, generator=generator).double()
    weights = scores.softmax(dim=-1)
    found = attention_rollout(weights, bypass)
    for row in range(2):
        expected = np.eye(time)
        for layer in range(layers):
            mix = weights[layer, row].numpy().mean(axis=0)
            expected = (bypass * np.eye(time) + (1 - bypass) * mix) @ expected
        np.testing.assert_allclose(found[row].numpy(), expected, atol=1e-12)
    torch.testing.assert_close(found.sum(dim=-1), torch.ones(2, time).double())


def test_two_steps_back_are_reached_by_two_layers_that_look_one_back():
    back = torch.zeros(4, 4)
    back[0, 0] = 1
    back[1:, :3] = torch.eye(3)
    weights = back.expand(2, 1, 1, 4, 4)
    assert attention_rollout(weights, bypass=0)[0, 3].tolist() == [0, 1, 0, 0]
    assert attention_rollout(weights)[0, 3].tolist() == [0, 0.25, 0.5, 0.25]


def test_all_bypass_reaches_nothing_else():
    weights = torch.rand(3, 2, 2, 5, 5).softmax(dim=-1)
    assert torch.equal(attention_rollout(weights, bypass=1), torch.eye(5).expand(2, 5, 5))


def test_a_causal_model_rolls_out_to_its_past_only():
    found = attention_rollout(attention_maps(gpt(), torch.randint(23, (2, 7))))
    assert torch.equal(found, found.tril())


FLAT = torch.full((1, 1, 1, 2, 2), 0.5)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: attention_rollout(FLAT, 1.5), "bypass is 1.5; it is a share"),
        (lambda: attention_rollout(FLAT, -0.1), "bypass is -0.1; it is a share"),
        (lambda: attention_rollout(FLAT[0]), r"weights of shape \(1, 1, 2, 2\) cannot be rolled"),
        (lambda: attention_rollout(FLAT[..., :1]), "cannot be rolled out"),
        (lambda: attention_rollout(FLAT[:0]), "cannot be rolled out"),
        (lambda: attention_rollout(FLAT * 2), "a row of the weights does not sum to 1"),
        (lambda: attention_rollout(FLAT * float("nan")), "does not sum to 1"),
    ],
)
def test_what_is_no_attention_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
