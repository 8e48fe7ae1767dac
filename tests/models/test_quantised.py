"""Rounded weights are off by half a step at most, are PyTorch's own, and fit where they fit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from llm_book.models.quantised import (
    QuantisedLinear,
    packed,
    quantise,
    quantise_maps,
    restored,
    unpacked,
)
from llm_book.models.transformer import GPT, GPTConfig

SIZES = {"vocab_size": 17, "context_length": 12, "width": 16, "n_layers": 2, "n_heads": 4}
IDS = torch.arange(10)[None]


def a_gpt():
    return GPT(GPTConfig.gpt2(**SIZES, initial_scale=0.3), torch.Generator().manual_seed(1)).eval()


def weights(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=30, deadline=None)
@given(bits=st.integers(2, 8), seed=st.integers(0, 1000), size=st.floats(1e-3, 1e3))
def test_no_weight_is_off_by_more_than_half_a_step(bits, seed, size):
    weight = size * weights(3, 5, seed=seed).double()
    numbers, step = quantise(weight, bits)
    largest = 2 ** (bits - 1) - 1
    assert numbers.abs().amax(dim=-1).eq(largest).all()
    assert ((restored(numbers, step) - weight).abs() <= step / 2 * (1 + 1e-9)).all()


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_rounded_weights_are_those_of_pytorch(bits):
    weight = weights(6, 40)
    numbers, step = quantise(weight, bits)
    largest = 2 ** (bits - 1) - 1
    zeros = torch.zeros(6, dtype=torch.int32)
    theirs = torch.fake_quantize_per_channel_affine(weight, step[:, 0], zeros, 0, -largest, largest)
    torch.testing.assert_close(restored(numbers, step), theirs, rtol=0, atol=1e-6)


def test_a_row_of_zeros_stays_zero():
    numbers, step = quantise(torch.zeros(2, 4), 4)
    assert not numbers.any() and step.eq(1).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), width=st.integers(0, 6))
def test_what_is_packed_comes_out_again(seed, width):
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randint(-8, 8, (3, 2 * width), generator=generator).to(torch.int8)
    pairs = packed(numbers)
    assert pairs.shape == (3, width) and torch.equal(unpacked(pairs), numbers)


def test_the_first_of_a_pair_lies_in_the_low_half():
    assert packed(torch.tensor([[-8, 7]], dtype=torch.int8)).item() == 16 * 15


@pytest.mark.parametrize(("bits", "group"), [(8, None), (4, None), (4, 4), (3, 8), (5, 2), (4, 1)])
def test_a_quantised_map_is_a_plain_one_with_the_rounded_weights(bits, group):
    base = nn.Linear(16, 6)
    ours = QuantisedLinear(base, bits, group)
    rows = base.weight.detach().reshape(6, -1, group or 16)
    rounded = restored(*quantise(rows, bits)).reshape(6, 16)
    torch.testing.assert_close(ours.weight(), rounded)
    x = weights(3, 16)
    torch.testing.assert_close(ours(x), x @ rounded.T + base.bias)
    assert not list(ours.parameters())


def test_four_bits_take_half_a_byte_and_eight_a_whole_one():
    base = nn.Linear(32, 8, bias=False)
    assert QuantisedLinear(base, 8).numbers.nbytes == 256
    assert QuantisedLinear(base, 4).numbers.nbytes == 128
    assert QuantisedLinear(base, 4, 8).step.shape == (8, 4, 1)


def test_smaller_groups_keep_an_outlier_to_themselves():
    base = nn.Linear(32, 8, bias=False)
    with torch.no_grad():
        base.weight[:, 0] = 20.0
    errors = [
        (QuantisedLinear(base, 4, group).weight() - base.weight).abs().mean() for group in (32, 8)
    ]
    assert errors[1] < errors[0]


def test_only_the_named_maps_are_replaced():
    model = a_gpt()
    names = quantise_maps(model, 8, ["query", "feed_forward.up"])
    assert names == [
        "blocks.0.attention.query",
        "blocks.0.feed_forward.up",
        "blocks.1.attention.query",
        "blocks.1.feed_forward.up",
    ]
    kinds = {n: type(m) for n, m in model.named_modules()}
    assert {n for n, kind in kinds.items() if kind is QuantisedLinear} == set(names)


def test_eight_bits_hardly_change_a_model_and_two_do():
    before = a_gpt()(IDS)
    gaps = []
    for bits in (8, 4, 2):
        model = a_gpt()
        assert "head" in quantise_maps(model, bits)
        gaps.append((model(IDS) - before).abs().mean().item())
    assert gaps[0] < gaps[1] < gaps[2] and gaps[0] < 0.05 * before.abs().mean()


@pytest.mark.parametrize("bits", [1, 9])
def test_bits_that_do_not_fit_a_byte_are_refused(bits):
    with pytest.raises(ValueError, match=f"{bits} bits came; choose from 2 to 8"):
        quantise(torch.ones(1, 2), bits)
    with pytest.raises(ValueError, match=f"{bits} bits came; choose from 2 to 8"):
        quantise_maps(nn.Sequential(), bits)


def test_what_cannot_be_rounded_packed_or_grouped_is_refused():
    with pytest.raises(ValueError, match="a weight is infinite or not a number"):
        quantise(torch.tensor([[1.0, float("nan")]]), 4)
    with pytest.raises(ValueError, match="3 numbers a row do not pair off"):
        packed(torch.zeros(1, 3, dtype=torch.int8))
    for wrong in (8, -9):
        with pytest.raises(ValueError, match="does not fit in 4 bits; those go from -8 to 7"):
            packed(torch.tensor([[wrong, 0]], dtype=torch.int8))
    for group in (5, 0):
        with pytest.raises(ValueError, match=f"groups of {group} do not share out rows of 16"):
            QuantisedLinear(nn.Linear(16, 2), 4, group)
    with pytest.raises(ValueError, match="no linear map is called 'gate'; this model has down, "):
        quantise_maps(a_gpt(), 4, ["gate"])
