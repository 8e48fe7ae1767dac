"""Attention maps are the weights of all layers, whatever the engine."""

import pytest
import torch
from torch import nn

from llm_book.interpret.attention_maps import attention_maps, attention_taps
from llm_book.models.attention import MultiHeadAttention, attention_weights, causal_mask
from tests.interpret.models import gpt

IDS = torch.randint(23, (2, 9), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("engine", ["ours", "torch"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_each_layer_s_rows_sum_to_one_and_do_not_look_ahead(kind, engine):
    maps = attention_maps(gpt(kind, engine=engine), IDS)
    assert maps.shape == (3, 2, 4, 9, 9)
    torch.testing.assert_close(maps.sum(dim=-1), torch.ones(3, 2, 4, 9).double())
    assert torch.equal(maps, maps.tril())
    assert not maps.requires_grad
    torch.testing.assert_close(maps, attention_maps(gpt(kind), IDS), rtol=0, atol=1e-10)


def test_the_first_layer_is_softmax_of_its_own_queries_and_keys():
    model = gpt()
    block = model.blocks[0]
    states = model.positions.add(model.embedding(IDS), torch.arange(9)[None])
    read = block.attention_norm(states)
    query, key = (
        part(read).unflatten(-1, (4, 4)).transpose(1, 2)
        for part in (block.attention.query, block.attention.key)
    )
    expected = attention_weights(query, key, causal_mask(9, 9))
    torch.testing.assert_close(attention_maps(model, IDS)[0], expected)


def test_dropout_hides_nothing_and_the_mode_comes_back():
    model = gpt(dropout=0.5)
    still = attention_maps(model, IDS)
    model.train()
    assert torch.equal(attention_maps(model, IDS), still)
    assert model.training
    with pytest.raises(ValueError):
        attention_maps(model, IDS[0])
    assert model.training


def test_named_arguments_go_to_the_model():
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[:, 2] = False
    mask[:, 0] = True
    maps = attention_maps(gpt(), IDS, mask=mask)
    assert maps[..., 2].abs().max() == 0


class TwoKinds(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.cross_attention = (MultiHeadAttention(8, 2) for _ in range(2))

    def forward(self, states, context):
        return self.cross_attention(self.attention(states), context)


def test_the_kinds_of_attention_are_told_apart():
    model = TwoKinds()
    states, context = torch.randn(1, 3, 8), torch.randn(1, 5, 8)
    assert attention_taps(model) == ["attention.weights"]
    assert attention_maps(model, states, context).shape == (1, 1, 2, 3, 3)
    crossed = attention_maps(model, states, context, kind="cross_attention")
    assert crossed.shape == (1, 1, 2, 3, 5)


def test_a_model_without_taps_is_refused():
    with pytest.raises(KeyError, match=r"no tap named 'attention\.weights'"):
        attention_maps(nn.Linear(2, 2), IDS)
    with pytest.raises(KeyError, match=r"no tap named 'cross_attention\.weights'"):
        attention_taps(gpt(), "cross_attention")
