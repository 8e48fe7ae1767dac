"""Clipping by hand is PyTorch's, to the bit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from llm_book.training.clipping import clip_gradients, gradient_norm, shorten


def with_gradients(seed: int, scale: float, dtype: torch.dtype) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    weights = []
    for shape in [(3, 4), (5,), (), (2, 1, 2)]:
        weight = nn.Parameter(torch.zeros(shape, dtype=dtype))
        weight.grad = scale * torch.randn(shape, generator=generator, dtype=dtype)
        weights.append(weight)
    return [*weights, nn.Parameter(torch.zeros(2, dtype=dtype))]  # the last has no gradient


@given(
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([0.0, 1e-3, 1.0, 1e4]),
    max_norm=st.sampled_from([1e-3, 0.5, 5.0, float("inf")]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
@settings(max_examples=60, deadline=None)
def test_clipping_is_torchs_to_the_bit(seed, scale, max_norm, dtype):
    ours, theirs = (with_gradients(seed, scale, dtype) for _ in range(2))
    norm = clip_gradients((p for p in ours), max_norm)
    assert torch.equal(norm, nn.utils.clip_grad_norm_(theirs, max_norm))
    for a, b in zip(ours[:-1], theirs[:-1], strict=True):
        assert torch.equal(a.grad, b.grad)
    assert ours[-1].grad is None


def test_a_long_gradient_is_shortened_and_not_turned():
    weight = nn.Parameter(torch.zeros(2, dtype=torch.float64))
    weight.grad = torch.tensor([3.0, 4.0], dtype=torch.float64)
    assert clip_gradients([weight], 1.0).item() == 5
    assert weight.grad.tolist() == pytest.approx([0.6, 0.8], abs=1e-6)
    assert clip_gradients([weight], 2.0).item() == pytest.approx(1, abs=1e-6)
    assert weight.grad.tolist() == pytest.approx([0.6, 0.8], abs=1e-6)


def test_no_gradients_have_no_length():
    assert gradient_norm([]).item() == 0
    assert clip_gradients([nn.Parameter(torch.zeros(1))], 1.0).item() == 0


def test_shortening_uses_the_length_it_is_given():
    gradient = torch.tensor([2.0, 0.0])
    shorten([gradient], torch.tensor(8.0), 4.0)
    assert gradient.tolist() == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize("length", [0.0, -1.0, float("nan")])
def test_a_length_that_is_none_is_refused(length):
    with pytest.raises(ValueError, match=f"max_norm is {length}; a gradient can be cut to a len"):
        clip_gradients([nn.Parameter(torch.zeros(1))], length)
