"""Attributions add up to what changed."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.interpret.attribution import (
    gradient_times_input,
    integrated_gradients,
    token_attributions,
)
from llm_book.interpret.taps import replace
from tests.interpret.models import gpt


def smooth(x):
    return (x.flatten(1).sin().sum(dim=1) * x.flatten(1).square().mean(dim=1)).tanh()


@given(seed=st.integers(0, 999), batch=st.integers(1, 3), width=st.integers(1, 4))
@settings(max_examples=12, deadline=None)
def test_attributions_add_up_to_the_difference_of_the_answers(seed, batch, width):
    generator = torch.Generator().manual_seed(seed)
    x, start = torch.randn(2, batch, 2, width, generator=generator).double()
    found = integrated_gradients(smooth, x, start, steps=200)
    torch.testing.assert_close(
        found.flatten(1).sum(dim=1), smooth(x) - smooth(start), rtol=0, atol=1e-3
    )


def test_the_error_falls_with_the_square_of_the_steps():
    x = torch.randn(1, 3, generator=torch.Generator().manual_seed(0)).double()
    whole = (smooth(x) - smooth(torch.zeros_like(x))).item()
    errors = [abs(integrated_gradients(smooth, x, steps=n).sum().item() - whole) for n in (8, 16)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.3)


@pytest.mark.parametrize("steps", [1, 7])
def test_it_is_exact_for_a_linear_function_and_then_gradient_times_input(steps):
    weight = torch.randn(3, 4).double()
    x, start = torch.randn(2, 5, 3, 4).double()

    def linear(values):
        return (values * weight).sum(dim=(1, 2))

    torch.testing.assert_close(
        integrated_gradients(linear, x, start, steps), weight * (x - start), rtol=0, atol=1e-12
    )
    torch.testing.assert_close(integrated_gradients(linear, x, steps=steps), weight * x)
    torch.testing.assert_close(gradient_times_input(linear, x), weight * x)


def test_it_sees_what_a_gradient_at_a_flat_place_does_not():
    # Sundararajan et al. (2017), section 2.1: f = 1 − relu(1 − x), from 0 to 2
    x = torch.tensor([[2.0]])

    def saturated(values):
        return 1 - (1 - values[:, 0]).relu()

    assert gradient_times_input(saturated, x).item() == 0
    assert integrated_gradients(saturated, x, steps=100).item() == pytest.approx(1)


def test_an_input_that_does_not_matter_gets_nothing_and_twins_get_the_same():
    x = torch.tensor([[0.7, 0.7, 5.0]]).double()
    found = integrated_gradients(lambda v: v[:, 0] * v[:, 1], x)[0]
    assert found[2] == 0
    assert found[0] == found[1]
    assert found.sum().item() == pytest.approx(0.49)


def test_a_cubic_by_64_midpoints():
    found = integrated_gradients(lambda v: v[:, 0] ** 3, torch.tensor([[2.0]]).double())
    # the mean of 3 (2 t)² over n midpoints is 4 − 1/n²
    assert found.item() == pytest.approx(2 * (4 - 1 / 64**2), abs=1e-12)


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_tokens_share_out_the_logit_of_the_target(kind):
    model = gpt(kind, initial_scale=0.1, tied=False, n_layers=2)
    with torch.no_grad():
        model.embedding.weight.mul_(10)
    ids, targets = torch.randint(23, (2, 6)), torch.tensor([3, 19])
    nothing = 1 + 0.1 * torch.randn(16).double()  # at 0 a norm has a corner: start elsewhere
    found = token_attributions(model, ids, targets, baseline=nothing, steps=48)
    with replace(model, {"embedding": lambda out: nothing.expand_as(out)}):
        start = model(ids)[:, -1]
    change = (model(ids)[:, -1] - start).gather(1, targets[:, None])[:, 0]
    torch.testing.assert_close(found.sum(dim=1), change, rtol=0, atol=1e-3)
    assert change.abs().min() > 2e-3
    assert found.shape == ids.shape
    assert not found.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())


def test_tokens_of_a_row_do_not_depend_on_other_rows():
    model = gpt()
    ids, targets = torch.randint(23, (3, 5)), torch.tensor([1, 2, 3])
    whole = token_attributions(model, ids, targets, steps=8)
    alone = token_attributions(model, ids[1:2], targets[1:2], steps=8)
    torch.testing.assert_close(whole[1:2], alone)


X = torch.ones(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: integrated_gradients(smooth, X, steps=0), ValueError, "0 steps are no way"),
        (
            lambda: integrated_gradients(smooth, X, torch.ones(4)),
            ValueError,
            r"baseline of shape \(4,\) does not fit inputs of shape \(2, 3\)",
        ),
        (lambda: integrated_gradients(smooth, X / 0), ValueError, "hold NaN or infinity"),
        (lambda: integrated_gradients(smooth, X, X / 0), ValueError, "hold NaN or infinity"),
        (
            lambda: gradient_times_input(lambda x: x, X),
            ValueError,
            r"gave shape \(2, 3\) for 2 rows",
        ),
        (lambda: gradient_times_input(lambda x: x.sum(), X), ValueError, "one number a row"),
        (
            lambda: token_attributions(gpt(), torch.zeros(2, 3).long(), torch.tensor([1])),
            ValueError,
            r"targets of shape \(1,\) do not fit ids of shape \(2, 3\)",
        ),
        (
            lambda: token_attributions(gpt(), torch.zeros(1, 3).long(), torch.tensor([1]), "emb"),
            KeyError,
            "no part 'emb'",
        ),
    ],
)
def test_what_has_no_attribution_is_refused(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()
