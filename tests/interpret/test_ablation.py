"""A silenced head says nothing, and nothing else changes."""

import pytest
import torch

from llm_book.interpret.ablation import without_heads
from llm_book.interpret.taps import record, replace
from tests.interpret.models import gpt

IDS = torch.randint(23, (2, 9), generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("engine", ["ours", "torch"])
def test_a_head_set_to_zero_is_one_whose_columns_of_the_output_map_are_zero(engine):
    model, cut = gpt(engine=engine), gpt(engine=engine)
    with torch.no_grad():
        cut.blocks[1].attention.output.weight[:, 4:8] = 0  # the second of four heads of width 4
        cut.blocks[1].attention.output.weight[:, 12:] = 0
        cut.blocks[2].attention.output.weight[:, :4] = 0
    before = model(IDS)
    with without_heads(model, {1: [1, 3], 2: [0]}) as same:
        assert same is model
        torch.testing.assert_close(model(IDS), cut(IDS), rtol=0, atol=1e-12)
    assert torch.equal(model(IDS), before)


def test_zeroing_the_weights_through_the_tap_does_the_same():
    model = gpt()

    def silence(weights):
        weights = weights.clone()
        weights[:, 2] = 0
        return weights

    with replace(model, {"blocks.0.attention.weights": silence}):
        through_the_tap = model(IDS)
    with without_heads(model, {0: [2]}):
        torch.testing.assert_close(model(IDS), through_the_tap)


def test_by_its_mean_a_head_says_the_same_everywhere():
    model = gpt()
    name = "blocks.1.attention.output"
    with record(model, name, side="input") as whole:
        model(IDS)
    with record(model, name, side="output") as told, without_heads(model, {1: [2]}, by="mean"):
        model(IDS)
    mixed = whole[name].clone()
    mixed[..., 8:12] = mixed[..., 8:12].mean(dim=(0, 1))
    torch.testing.assert_close(told[name], model.blocks[1].attention.output(mixed))


def test_silencing_no_head_changes_nothing():
    model = gpt()
    before = model(IDS)
    for heads in ({}, {0: []}):
        with without_heads(model, heads):
            assert torch.equal(model(IDS), before)


@pytest.mark.parametrize(
    ("heads", "by", "error", "sentence"),
    [
        ({0: [4]}, "zero", IndexError, "layer 0 has no head 4; it has 4, counted from 0"),
        ({0: [-1]}, "zero", IndexError, "layer 0 has no head -1"),
        ({3: [0]}, "zero", KeyError, "no part 'blocks.3.attention'; did you mean blocks"),
        ({0: [0]}, "noise", ValueError, "by 'noise' is unknown; choose one of zero, mean"),
    ],
)
def test_what_is_not_there_cannot_be_silenced(heads, by, error, sentence):
    with pytest.raises(error, match=sentence), without_heads(gpt(), heads, by):
        pass
