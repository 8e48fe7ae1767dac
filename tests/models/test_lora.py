"""LoRA starts as the identity, equals peft, and merged it gives the same answers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from torch import nn

from llm_book.models.lora import LoRALinear, add_lora, linear_maps, merge_lora
from llm_book.models.transformer import GPT, GPTConfig

SIZES = {"vocab_size": 17, "context_length": 12, "width": 16, "n_layers": 2, "n_heads": 4}


def a_gpt():
    config = GPTConfig.gpt2(**SIZES, initial_scale=0.3)
    return GPT(config, torch.Generator().manual_seed(1)).double().eval()


def stir(model):
    """Give every detour something to say."""
    generator = torch.Generator().manual_seed(2)
    for module in model.modules():
        if isinstance(module, LoRALinear):
            nn.init.normal_(module.up, generator=generator)


IDS = torch.arange(10)[None]


def test_a_model_with_detours_is_at_first_the_model_it_was():
    model = a_gpt()
    before = model(IDS)
    names = add_lora(model, ["query", "value"], rank=3)
    assert names == [
        "blocks.0.attention.query",
        "blocks.0.attention.value",
        "blocks.1.attention.query",
        "blocks.1.attention.value",
    ]
    assert torch.equal(model(IDS), before)


def test_only_the_detours_are_trained():
    model = a_gpt()
    names = add_lora(model, ["query"], rank=3)
    trainable = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert trainable == {f"{name}.{part}" for name in names for part in ("down", "up")}
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    optimizer = torch.optim.SGD([w for w in model.parameters() if w.requires_grad], lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        model(IDS).square().sum().backward()
        optimizer.step()
    for name, weight in model.named_parameters():
        assert torch.equal(weight, before[name]) == (name not in trainable)


@pytest.mark.parametrize("alpha", [4.0, 6.0])
def test_it_equals_peft_in_outputs_and_gradients(alpha):
    ours, base = a_gpt(), a_gpt()
    config = LoraConfig(r=4, lora_alpha=alpha, target_modules=["key", "up"])
    theirs = get_peft_model(base, config).double().eval()
    add_lora(ours, ["key", "up"], rank=4, alpha=alpha)
    stir(ours)
    parts = {n: m for n, m in ours.named_modules() if isinstance(m, LoRALinear)}
    assert len(parts) == 4
    with torch.no_grad():
        for name, module in parts.items():
            peer = theirs.base_model.model.get_submodule(name)
            peer.lora_A["default"].weight.copy_(module.down)
            peer.lora_B["default"].weight.copy_(module.up)
    answers = ours(IDS), theirs.base_model.model(IDS)
    torch.testing.assert_close(*answers, rtol=0, atol=1e-10)
    for answer in answers:
        answer.square().mean().backward()
    for name, module in parts.items():
        peer = theirs.base_model.model.get_submodule(name)
        for mine, weight in ((module.down, peer.lora_A), (module.up, peer.lora_B)):
            torch.testing.assert_close(mine.grad, weight["default"].weight.grad, rtol=0, atol=1e-10)


@given(
    rank=st.integers(1, 5),
    alpha=st.sampled_from([None, 1.0, 16.0]),
    sizes=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    bias=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_merged_equals_unmerged_and_can_be_taken_apart_again(rank, alpha, sizes, bias):
    module = LoRALinear(nn.Linear(*sizes, bias=bias).double(), rank, alpha)
    nn.init.normal_(module.up)
    x = torch.randn(3, sizes[0], dtype=torch.float64)
    weight, answer = module.base.weight.clone(), module(x)
    scale = 1.0 if alpha is None else alpha / rank
    by_hand = x @ (weight + scale * module.up @ module.down).T
    by_hand = by_hand if module.base.bias is None else by_hand + module.base.bias
    torch.testing.assert_close(answer, by_hand, rtol=0, atol=1e-12)
    for _ in range(2):
        module.merge()  # twice is as good as once
    torch.testing.assert_close(module(x), answer, rtol=0, atol=1e-12)
    for _ in range(2):
        module.unmerge()
    torch.testing.assert_close(module.base.weight, weight, rtol=0, atol=1e-12)
    torch.testing.assert_close(module(x), answer, rtol=0, atol=1e-12)


def test_a_merged_model_is_plain_again_and_answers_the_same():
    model, plain = a_gpt(), a_gpt()
    names = add_lora(model, ["query", "output", "feed_forward.down"], rank=4, alpha=7)
    assert len(names) == 6
    stir(model)
    answer = model(IDS)
    merge_lora(model)
    torch.testing.assert_close(model(IDS), answer, rtol=0, atol=1e-12)
    assert model.state_dict().keys() == plain.state_dict().keys()
    assert not any(isinstance(module, LoRALinear) for module in model.modules())
    assert not torch.allclose(model(IDS), plain(IDS))
    trainable = {n.rpartition(".")[0] for n, w in model.named_parameters() if w.requires_grad}
    assert trainable == set(names)


def test_by_default_queries_and_values_get_a_detour_of_rank_8():
    model = a_gpt()
    names = add_lora(model)
    assert {name.rpartition(".")[2] for name in names} == {"query", "value"}
    detour = model.get_submodule(names[0])
    assert detour.down.shape == (8, 16)
    assert (detour.scale, detour.drop.p) == (1.0, 0.0)


def test_a_map_may_be_named_by_any_end_of_its_full_name():
    assert add_lora(a_gpt(), ["blocks.1.attention.key"], rank=1) == ["blocks.1.attention.key"]
    assert len(add_lora(a_gpt(), ["attention.key", "key"], rank=1)) == 2
    with pytest.raises(ValueError, match="no linear map is called 'ey'"):
        add_lora(a_gpt(), ["ey"])


def test_numbers_on_the_detour_alone_are_dropped_while_training():
    module = LoRALinear(nn.Linear(6, 6).double(), 6, dropout=0.5)
    nn.init.eye_(module.up)
    nn.init.eye_(module.down)
    x = torch.ones(1, 6).double()
    added = module(x) - module.base(x)
    assert set(added.round().flatten().tolist()) == {0.0, 2.0}
    module.eval()
    torch.testing.assert_close(module(x) - module.base(x), x)


def test_the_way_down_starts_as_torchs_linear_maps_do():
    module = LoRALinear(nn.Linear(100, 50), 20, generator=torch.Generator().manual_seed(0))
    assert module.down.abs().max() <= 0.1
    assert module.down.abs().max() > 0.099
    assert (module.up == 0).all()
    again = LoRALinear(nn.Linear(100, 50), 20, generator=torch.Generator().manual_seed(0))
    assert torch.equal(module.down, again.down)
    assert (module.down.shape, module.up.shape) == ((20, 100), (50, 20))
    half = LoRALinear(nn.Linear(4, 4).bfloat16(), 2)
    assert half.down.dtype == half.up.dtype == torch.bfloat16


def test_every_layer_of_a_model_can_be_named():
    assert "head" in linear_maps(a_gpt())
    assert len(linear_maps(a_gpt())) == 13


def test_nonsense_is_refused_and_leaves_the_model_as_it_was():
    model = a_gpt()
    for rank in (0, 17):
        with pytest.raises(ValueError, match=f"a rank of {rank} does not suit a map from 16 to 16"):
            add_lora(model, ["query"], rank=rank)
    with pytest.raises(ValueError, match="'q_proj'; this model has down, head, key, output"):
        add_lora(model, ["query", "q_proj"])
    assert all(weight.requires_grad for weight in model.parameters())
    assert not any(isinstance(module, LoRALinear) for module in model.modules())
    LoRALinear(nn.Linear(4, 3), 3)
    with pytest.raises(ValueError, match="a rank of 4 does not suit a map from 4 to 3"):
        LoRALinear(nn.Linear(4, 3), 4)
