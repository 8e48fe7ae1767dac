"""Taps see and replace what passes, and leave nothing behind."""

import pytest
import torch
from torch import nn

from llm_book.interpret.taps import named_part, patching_effect, record, replace
from tests.interpret.models import gpt

IDS = torch.randint(23, (2, 10), generator=torch.Generator().manual_seed(1))
WEIGHTS = "blocks.1.attention.weights"


def hooks(model):
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules())


@pytest.mark.parametrize("engine", ["ours", "torch"])
def test_what_passes_is_seen_and_nothing_is_changed_or_left(engine):
    model = gpt(engine=engine)
    before = model(IDS)
    with record(model, WEIGHTS, "blocks.0") as seen:
        torch.testing.assert_close(model(IDS), before, rtol=0, atol=1e-10)
    assert hooks(model) == 0
    assert set(seen) == {WEIGHTS, "blocks.0"}
    assert seen[WEIGHTS].shape == (2, 4, 10, 10)
    torch.testing.assert_close(seen[WEIGHTS].sum(dim=-1), torch.ones(2, 4, 10).double())
    torch.testing.assert_close(seen[WEIGHTS], seen[WEIGHTS].tril())
    assert torch.equal(model(IDS), before)


def test_input_and_output_of_neighbours_are_the_same():
    model = gpt()
    with record(model, "blocks.0") as left, record(model, "blocks.1", side="input") as entered:
        model(IDS)
    assert torch.equal(left["blocks.0"], entered["blocks.1"])
    with record(model, "blocks.0", "blocks.0.attention") as seen:
        model(IDS[:1])
        model(IDS[:, :3])
    assert seen["blocks.0"].shape == (2, 3, 16)  # the last run is kept


def test_gradients_flow_through_what_is_kept_only_when_asked():
    model = gpt()
    with record(model, "blocks.0", detach=False) as seen:
        answer = model(IDS).sum()
    (slope,) = torch.autograd.grad(answer, seen["blocks.0"])
    assert slope.abs().sum() > 0
    with record(model, "blocks.0") as seen:
        model(IDS)
    assert not seen["blocks.0"].requires_grad


def test_a_replacement_goes_on_in_place_of_what_passed():
    model = gpt()
    changed = IDS.flip(1)
    with record(model, "blocks.1") as other:
        wanted = model(changed)
    with replace(model, {"blocks.1": lambda _: other["blocks.1"]}) as same:
        assert same is model
        torch.testing.assert_close(model(IDS), wanted)
    with replace(model, {"blocks.2": lambda _: other["blocks.1"]}, side="input"):
        torch.testing.assert_close(model(IDS), wanted)
    with replace(model, {"blocks.1": lambda states: states.clone()}):
        assert torch.equal(model(IDS), model(IDS))
    assert not torch.allclose(model(IDS), wanted)
    assert hooks(model) == 0


@pytest.mark.parametrize("engine", ["ours", "torch"])
def test_weights_may_be_replaced_whatever_the_engine(engine):
    model = gpt(engine=engine)
    uniform = torch.ones(2, 4, 10, 10).double().tril()
    uniform = uniform / uniform.sum(dim=-1, keepdim=True)
    with replace(model, {WEIGHTS: lambda _: uniform}), record(model, "blocks.1.attention") as seen:
        model(IDS)
    with record(model, "blocks.1.attention_norm") as read:
        model(IDS)
    attention = model.blocks[1].attention
    value = attention.value(read["blocks.1.attention_norm"])
    averaged = value.cumsum(dim=1) / torch.arange(1, 11)[:, None]
    torch.testing.assert_close(seen["blocks.1.attention"], attention.output(averaged))


def test_patching_brings_back_what_a_clean_run_had():
    model = gpt()
    corrupt = IDS.clone()
    corrupt[:, 3] = (corrupt[:, 3] + 1) % 23
    with record(model, "embedding", "blocks.0", "blocks.2", "blocks.1.attention") as clean:
        truth = model(IDS)
    answers = patching_effect(lambda: model(corrupt), model, clean)
    assert set(answers) == set(clean)
    for whole in ("embedding", "blocks.0", "blocks.2"):
        torch.testing.assert_close(answers[whole], truth)
    distance = (answers["blocks.1.attention"] - truth).abs().max()
    assert distance > 1e-3
    assert not answers["blocks.0"].requires_grad


@pytest.mark.parametrize("context", [record, lambda m, n: replace(m, {n: lambda x: x})])
def test_hooks_are_gone_after_an_error_and_the_error_is_the_readers_own(context):
    model = gpt()
    with pytest.raises(ZeroDivisionError), context(model, "blocks.0"):
        raise ZeroDivisionError
    with pytest.raises(KeyError), record(model, "blocks.0", "blocks.9"):
        pass
    assert hooks(model) == 0


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.pair, self.unused, self.silent = nn.Identity(), nn.Linear(1, 1), Nothing()

    def forward(self, x):
        self.pair((x, x))
        self.silent()
        return x


class Nothing(nn.Module):
    def forward(self):
        return torch.ones(1)


def test_the_whole_model_has_the_empty_name():
    model = Odd()
    assert named_part(model, "") is model
    with record(model, "") as seen:
        model(torch.ones(2))
    assert seen[""].shape == (2,)


def run(context, x=None):
    model = Odd()
    with context(model) as seen:
        model(torch.ones(3))
    return seen["unused"]


@pytest.mark.parametrize(
    ("context", "error", "sentence"),
    [
        (lambda m: record(m, "unusde"), KeyError, "no part 'unusde'; did you mean unused"),
        (lambda m: record(m, "zzzz"), KeyError, "no part 'zzzz'; there are , pair, unused"),
        (lambda m: replace(m, {"unusde": abs}), KeyError, "did you mean unused"),
        (lambda m: record(m, "unused"), KeyError, "nothing has passed through 'unused'"),
        (lambda m: replace(m, {"unused": abs}), RuntimeError, "passed through 'unused', so noth"),
        (lambda m: record(m, "pair"), TypeError, "tuple passes through 'pair', and a tap takes"),
        (lambda m: record(m, "pair", side="input"), TypeError, "tuple passes through 'pair'"),
        (lambda m: record(m, "silent", side="input"), TypeError, "NoneType passes through 'sil"),
        (lambda m: record(m, "", side="middle"), ValueError, "side 'middle' is unknown"),
        (lambda m: replace(m, {"": lambda x: x[:1]}), ValueError, r"\(1,\) cannot stand for what"),
        (lambda m: replace(m, {"": lambda x: None}), ValueError, "NoneType cannot stand for"),
        (
            lambda m: replace(m, {"": lambda x: x[:1]}, side="input"),
            ValueError,
            r"expected a tensor of shape \(3,\)",
        ),
    ],
)
def test_what_cannot_be_tapped_is_refused(context, error, sentence):
    with pytest.raises(error, match=sentence):
        run(context)
