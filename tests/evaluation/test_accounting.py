"""Counts by formula are those of real models, of PyTorch's counter and of the published ones."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from llm_book.evaluation.accounting import (
    active_parameters,
    expert_parameters,
    forward_flop,
    n_parameters,
    parameter_terms,
    parameters_by_part,
    shares,
    six_n_d,
    training_flop,
)
from llm_book.models.transformer import GPT, GPTConfig

SMALL = {"vocab_size": 50, "context_length": 32, "width": 48, "n_layers": 3, "n_heads": 4}
SHAPES = {
    "gpt2": GPTConfig.gpt2(**SMALL),
    "no biases": GPTConfig.gpt2(**SMALL, bias=False, tied=False),
    "post-norm, sinusoidal": GPTConfig.gpt2(**SMALL, norm_place="post", positions="sinusoidal"),
    "other widths": GPTConfig.gpt2(**SMALL, head_width=10, inner_width=70, n_kv_heads=2),
    "llama": GPTConfig.llama(**SMALL),
    "llama, grouped": GPTConfig.llama(**SMALL, n_kv_heads=1, inner_width=100),
    "gated with biases": GPTConfig.llama(**SMALL, bias=True),
    "mixture": GPTConfig.gpt2(**SMALL, n_experts=5, top_k=2, positions="alibi"),
    "gated mixture": GPTConfig.llama(**SMALL, n_experts=4, top_k=3),
    "one expert a token": GPTConfig.llama(**SMALL, n_experts=3, top_k=1),
}


@pytest.mark.parametrize("name", SHAPES)
def test_parameters_are_those_of_the_real_model(name):
    model = GPT(SHAPES[name])
    assert n_parameters(SHAPES[name]) == sum(p.numel() for p in model.parameters())
    terms, parts = parameter_terms(SHAPES[name]), parameters_by_part(model, depth=4)
    for term in ("query", "key", "value", "output"):
        real = sum(n for part, n in parts.items() if part.endswith(f"attention.{term}"))
        assert terms[term] == real
    inside = sum(n for part, n in parts.items() if "feed_forward." in part)
    assert terms["feed_forward"] + terms["router"] == inside


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(("batch", "time"), [(1, 1), (2, 20)])
def test_operations_are_those_that_pytorch_counts_on_the_real_model(name, batch, time):
    model = GPT(SHAPES[name])
    ids = torch.randint(50, (batch, time))
    with FlopCounterMode(display=False) as counter:
        logits = model(ids)
    assert counter.get_total_flops() == sum(forward_flop(SHAPES[name], batch, time).values())
    with counter:
        logits.sum().backward()
    with FlopCounterMode(display=False) as counter:
        model(ids).sum().backward()
    assert counter.get_total_flops() == sum(training_flop(SHAPES[name], batch, time).values())


def test_each_term_is_that_of_its_part():
    config = SHAPES["llama, grouped"]
    with FlopCounterMode(display=False) as counter:
        GPT(config)(torch.randint(50, (2, 20)))
    counted, terms = counter.get_flop_counts(), forward_flop(config, 2, 20)
    for term in ("query", "key", "value", "output"):
        real = sum(
            sum(counted[f"GPT.blocks.{layer}.attention.{term}"].values()) for layer in range(3)
        )
        assert terms[term] == real
    assert terms["head"] == sum(counted["GPT.head"].values())


def test_a_causal_kernel_saves_almost_half_of_the_products_between_positions():
    whole, half = (forward_flop(SHAPES["gpt2"], 2, 20, causal_half=c) for c in (False, True))
    for name in whole:
        expected = whole[name] * 21 / 40 if name in ("scores", "mix") else whole[name]
        assert half[name] == expected
    step = training_flop(SHAPES["gpt2"], 2, 20, causal_half=True)
    assert step["scores"] == 3 * half["scores"]
    assert training_flop(SHAPES["gpt2"], 2, 20)["scores"] == 3 * whole["scores"]


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (GPTConfig.gpt2(), 124_439_808),
        (GPTConfig.gpt2(width=1024, n_layers=24, n_heads=16), 354_823_168),
        (GPTConfig.gpt2(width=1280, n_layers=36, n_heads=20), 774_030_080),
        (GPTConfig.gpt2(width=1600, n_layers=48, n_heads=25), 1_557_611_200),
        (GPTConfig.llama(), 6_738_415_616),
        (
            GPTConfig.llama(n_kv_heads=8, inner_width=14336, vocab_size=128256),
            8_030_261_248,  # Llama 3 8B
        ),
        (
            GPTConfig.llama(n_kv_heads=8, inner_width=14336, n_experts=8, top_k=2),
            46_702_792_704,  # Mixtral 8x7B
        ),
    ],
)
def test_published_models_have_the_parameters_they_are_known_by(config, parameters):
    assert n_parameters(config) == parameters


def test_gpt3_took_3_14e23_operations():
    # Brown et al. (2020), table D.1: 174,600 M parameters, 300 B tokens, 3.14e23 FLOP
    gpt3 = GPTConfig.gpt2(width=12288, n_layers=96, n_heads=96, context_length=2048)
    assert n_parameters(gpt3) == pytest.approx(174.6e9, rel=0.003)
    assert six_n_d(n_parameters(gpt3), 300e9) == pytest.approx(3.14e23, rel=0.005)
    counted = sum(training_flop(gpt3, 1, 2048).values()) / 2048 * 300e9
    assert counted == pytest.approx(3.14e23, rel=0.04)


def test_6nd_is_poor_for_a_small_model_with_a_long_context():
    config = GPTConfig.gpt2(vocab_size=64, context_length=1024, width=64, n_layers=2, n_heads=2)
    counted = sum(training_flop(config, 1, 1024).values())
    assert counted > 2 * six_n_d(n_parameters(config), 1024)


def test_a_token_of_a_mixture_meets_few_of_its_parameters():
    mixtral = GPTConfig.llama(n_kv_heads=8, inner_width=14336, n_experts=8, top_k=2)
    assert active_parameters(mixtral) == pytest.approx(12.88e9, rel=1e-3)  # Jiang et al. (2024)
    assert active_parameters(SHAPES["gpt2"]) == n_parameters(SHAPES["gpt2"])
    config = SHAPES["mixture"]
    assert n_parameters(config) - active_parameters(config) == 3 * 3 * expert_parameters(config)


def test_parts_add_up_and_a_tied_head_is_counted_once():
    model = GPT(SHAPES["gpt2"])
    parts = parameters_by_part(model)
    assert parts == {
        "embedding": 50 * 48,
        "positions": 32 * 48,
        "blocks": sum(p.numel() for p in model.blocks.parameters()),
        "norm": 96,
    }
    deeper = parameters_by_part(model, depth=2)
    assert sum(deeper.values()) == sum(parts.values())
    assert deeper["blocks.0"] == deeper["blocks.2"] == parts["blocks"] // 3
    assert "head" in parameters_by_part(GPT(SHAPES["llama"]))


def test_a_parameter_of_the_model_itself_keeps_its_name():
    model = nn.Module()
    model.scale = nn.Parameter(torch.ones(3))
    model.inner = nn.Linear(2, 2, bias=False)
    assert parameters_by_part(model) == {"scale": 3, "inner": 4}
    assert parameters_by_part(model, 5) == {"scale": 3, "inner.weight": 4}


def test_shares_are_of_the_whole():
    assert shares({"a": 1}) == {"a": 1}
    assert shares({"a": 1, "b": 3}) == {"a": 0.25, "b": 0.75}


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: parameters_by_part(nn.Linear(1, 1), 0), "depth is 0"),
        (lambda: forward_flop(SHAPES["gpt2"], 0, 1), "a batch of 0 texts of 1 tokens"),
        (lambda: forward_flop(SHAPES["gpt2"], 1, 0), "a batch of 1 texts of 0 tokens"),
        (lambda: training_flop(SHAPES["gpt2"], 1, -1), "a batch of 1 texts of -1 tokens"),
        (lambda: six_n_d(-1, 1), "-1 parameters and 1 tokens"),
        (lambda: six_n_d(1, float("nan")), "1 parameters and nan tokens"),
        (lambda: shares({}), "the terms sum to nothing"),
        (lambda: shares({"a": 0}), "the terms sum to nothing"),
    ],
)
def test_what_has_no_cost_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_nothing_costs_nothing():
    assert six_n_d(0, 5) == six_n_d(5, 0) == 0
