"""A block is torch.nn's encoder and decoder layer, before or after the norm, gradients included."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from llm_book.models.blocks import Block, TransformerConfig, start_weights
from llm_book.models.feed_forward import FeedForward, GatedFeedForward, gelu_tanh
from llm_book.models.mixture import MixtureOfExperts
from llm_book.models.norms import LayerNorm, RMSNorm
from llm_book.shapes import text_mask

CONFIG = TransformerConfig(
    vocab_size=11, context_length=16, width=12, n_layers=2, n_heads=3, inner_width=20, act="gelu"
)


def copy_attention(ours, theirs):
    parts = zip(
        (ours.query, ours.key, ours.value),
        theirs.in_proj_weight.chunk(3),
        theirs.in_proj_bias.chunk(3),
        strict=True,
    )
    for part, weight, bias in parts:
        part.weight.data.copy_(weight.data)
        part.bias.data.copy_(bias.data)
    ours.output.load_state_dict(theirs.out_proj.state_dict())


def copy_from_torch(ours, theirs):
    """Give our block the weights of a layer of torch.nn, drawn anew."""
    for weight in theirs.parameters():
        nn.init.normal_(weight, std=0.3)
    cross = isinstance(theirs, nn.TransformerDecoderLayer)
    copy_attention(ours.attention, theirs.self_attn)
    norms = [ours.attention_norm, ours.feed_forward_norm]
    if cross:
        copy_attention(ours.cross_attention, theirs.multihead_attn)
        norms.insert(1, ours.cross_norm)
    for i, norm in enumerate(norms):
        norm.load_state_dict(getattr(theirs, f"norm{i + 1}").state_dict())
    ours.feed_forward.up.load_state_dict(theirs.linear1.state_dict())
    ours.feed_forward.down.load_state_dict(theirs.linear2.state_dict())


def pairs(ours, theirs):
    """Our weights and theirs, those of attention joined as torch keeps them."""
    named = [
        (ours.feed_forward.up, theirs.linear1),
        (ours.feed_forward.down, theirs.linear2),
        (ours.attention_norm, theirs.norm1),
        (ours.attention.output, theirs.self_attn.out_proj),
    ]
    attentions = [(ours.attention, theirs.self_attn)]
    if isinstance(theirs, nn.TransformerDecoderLayer):
        attentions.append((ours.cross_attention, theirs.multihead_attn))
        named += [(ours.cross_norm, theirs.norm2), (ours.feed_forward_norm, theirs.norm3)]
        named += [(ours.cross_attention.output, theirs.multihead_attn.out_proj)]
    else:
        named.append((ours.feed_forward_norm, theirs.norm2))
    for mine, peer in named:
        yield mine.weight.grad, peer.weight.grad
        yield mine.bias.grad, peer.bias.grad
    for mine, peer in attentions:
        parts = (mine.query, mine.key, mine.value)
        yield torch.cat([part.weight.grad for part in parts]), peer.in_proj_weight.grad
        yield torch.cat([part.bias.grad for part in parts]), peer.in_proj_bias.grad


@pytest.mark.parametrize("engine", ["ours", "torch"])
@pytest.mark.parametrize("act", ["gelu", "relu"])
@pytest.mark.parametrize("norm_place", ["pre", "post"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_block_equals_torchs_encoder_layer_on_padded_texts(dtype, norm_place, act, engine):
    config = replace(CONFIG, norm_place=norm_place, act=act, engine=engine)
    ours = Block(config).to(dtype)
    theirs = nn.TransformerEncoderLayer(
        12, 3, 20, 0.0, act, batch_first=True, norm_first=norm_place == "pre", dtype=dtype
    )
    copy_from_torch(ours, theirs)
    text = text_mask(torch.tensor([7, 4]), 7)
    x = torch.randn(2, 7, 12, dtype=dtype)
    answers = (
        ours(x, mask=text[:, None])[text],
        theirs(x, src_key_padding_mask=~text)[text],
    )
    tolerance = 1e-10 if dtype == torch.float64 else 1e-4
    torch.testing.assert_close(*answers, rtol=0, atol=tolerance)
    for answer in answers:
        answer.square().mean().backward()
    for mine, peer in pairs(ours, theirs):
        torch.testing.assert_close(mine, peer, rtol=0, atol=tolerance)


@pytest.mark.parametrize("engine", ["ours", "torch"])
@pytest.mark.parametrize("norm_place", ["pre", "post"])
def test_a_block_with_cross_attention_equals_torchs_decoder_layer(norm_place, engine):
    config = replace(CONFIG, norm_place=norm_place, engine=engine)
    ours = Block(config, cross=True).double()
    theirs = nn.TransformerDecoderLayer(
        12, 3, 20, 0.0, "gelu", batch_first=True, norm_first=norm_place == "pre"
    ).double()
    copy_from_torch(ours, theirs)
    x, context = torch.randn(2, 5, 12).double(), torch.randn(2, 7, 12).double()
    text = text_mask(torch.tensor([7, 4]), 7)
    ahead = torch.ones(5, 5, dtype=torch.bool).triu(1)
    answers = (
        ours(x, context, text[:, None], causal=True),
        theirs(x, context, tgt_mask=ahead, memory_key_padding_mask=~text),
    )
    torch.testing.assert_close(*answers, rtol=0, atol=1e-10)
    for answer in answers:
        answer.square().mean().backward()
    for mine, peer in pairs(ours, theirs):
        torch.testing.assert_close(mine, peer, rtol=0, atol=1e-10)


@pytest.mark.parametrize("norm_place", ["pre", "post"])
def test_what_each_part_finds_is_dropped_in_part_while_training(norm_place):
    config = replace(CONFIG, norm_place=norm_place, dropout=0.5, bias=False)
    block = Block(config, cross=True)
    states, context = torch.randn(1, 4, 12), torch.randn(1, 3, 12)
    seen = []
    block.drop.register_forward_hook(lambda _m, args, out: seen.append((args[0], out)))
    block(states, context)
    assert len(seen) == 3
    for before, after in seen:
        dropped = after == 0
        assert 0 < dropped.float().mean() < 1
        torch.testing.assert_close(after[~dropped], 2 * before[~dropped])
    assert block.attention.drop.p == 0.5


def test_a_config_makes_the_parts_it_names():
    config = replace(CONFIG, norm="rms", norm_epsilon=0.1, engine="torch", bias=False)
    norm = config.make_norm()
    assert isinstance(norm, RMSNorm)
    assert (norm.epsilon, norm.engine) == (0.1, "torch")
    norm = replace(config, norm="layer").make_norm()
    assert isinstance(norm, LayerNorm)
    assert (norm.epsilon, norm.engine, norm.bias) == (0.1, "torch", None)
    attention = replace(config, n_kv_heads=1, head_width=5, dropout=0.3).make_attention()
    assert attention.key.weight.shape == (5, 12)
    assert (attention.drop.p, attention.engine, attention.key.bias) == (0.3, "torch", None)
    assert type(config.make_feed_forward()) is FeedForward
    gated = replace(config, gated=True).make_feed_forward()
    assert isinstance(gated, GatedFeedForward)
    assert gated.up.bias is None
    mixture = replace(config, gated=True, n_experts=3, top_k=2).make_feed_forward()
    assert isinstance(mixture, MixtureOfExperts)
    assert mixture.top_k == 2
    assert [type(expert) for expert in mixture.experts] == [GatedFeedForward] * 3
    positions = replace(config, positions="rotary", theta=7.0, pairing="interleaved")
    scheme = positions.make_positions()
    assert (scheme.kind, scheme.theta, scheme.pairing) == ("rotary", 7.0, "interleaved")
    assert replace(CONFIG, act="gelu_tanh").make_activation() is gelu_tanh


def test_what_is_not_said_is_as_documented():
    sizes = {"vocab_size": 11, "context_length": 16, "width": 12, "n_layers": 2, "n_heads": 3}
    config = TransformerConfig(**sizes)
    assert (config.top_k, config.n_experts, config.theta) == (2, 0, 10000.0)
    assert (config.norm_epsilon, config.dropout, config.initial_scale) == (1e-5, 0.0, 0.02)


def test_sizes_that_are_not_given_follow_from_the_others():
    config = replace(CONFIG, inner_width=None)
    assert (config.kv_heads, config.width_of_head, config.width_inside) == (3, 4, 48)
    config = replace(CONFIG, n_kv_heads=1, head_width=8)
    assert (config.kv_heads, config.width_of_head, config.width_inside) == (1, 8, 20)


def test_weights_start_as_gpt_2s_do():
    config = replace(CONFIG, width=60, n_heads=3, inner_width=200, n_layers=8, initial_scale=0.1)
    block = Block(config)
    holder = nn.ModuleDict({"block": block, "table": nn.Embedding(50, 60)})
    start_weights(holder, config, torch.Generator().manual_seed(3))
    for part in (block.attention.query, block.attention.key, block.feed_forward.up):
        assert part.weight.std().item() == pytest.approx(0.1, rel=0.1)
        assert abs(part.weight.mean().item()) < 0.01
        assert (part.bias == 0).all()
    for part in (block.attention.output, block.feed_forward.down):
        assert part.weight.std().item() == pytest.approx(0.1 / 4, rel=0.1)
        assert (part.bias == 0).all()
    assert holder["table"].weight.std().item() == pytest.approx(0.1, rel=0.1)
    before = {name: weight.clone() for name, weight in holder.state_dict().items()}
    start_weights(holder, config, torch.Generator().manual_seed(3))
    assert all(torch.equal(weight, before[n]) for n, weight in holder.state_dict().items())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"vocab_size": 0}, "vocab_size is 0; it must be at least 1"),
        ({"context_length": 0}, "context_length is 0; it must be at least 1"),
        ({"n_layers": 0}, "n_layers is 0; it must be at least 1"),
        ({"inner_width": 0}, "width_inside is 0; it must be at least 1"),
        ({"width": 13}, "a width of 13 cannot be shared out among 3 heads"),
        ({"n_kv_heads": 2}, "3 heads cannot share 2 pairs"),
        ({"dropout": 1.0}, "dropout is 1.0; it is a share"),
        ({"dropout": -0.1}, "dropout is -0.1; it is a share"),
        ({"norm": "batch"}, "norm 'batch' is unknown; choose one of layer, rms"),
        ({"norm_place": "mid"}, "norm_place 'mid' is unknown; choose one of pre, post"),
        ({"positions": "random"}, "positions 'random' is unknown; choose one of learned"),
        ({"positions": "rotary", "head_width": 5}, "a width of 5 has no pairs to turn"),
        ({"pairing": "thirds"}, "pairing 'thirds' is unknown"),
        ({"act": "selu"}, "activation 'selu' is unknown"),
        ({"engine": "jax"}, "engine 'jax' is unknown"),
        ({"n_experts": 1, "top_k": 2}, "each token shall visit 2 of 1 experts"),
        ({"n_experts": -1}, "n_experts is -1; it must be at least 0"),
        ({"norm_epsilon": 0.0}, "epsilon 0.0 cannot be built"),
        ({"initial_scale": -1.0}, "initial_scale is -1.0; it must be at least 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(CONFIG, **changes)


def test_settings_at_the_edge_of_sense_are_not_refused():
    small = {"vocab_size": 1, "context_length": 1, "width": 1, "n_layers": 1, "n_heads": 1}
    config = TransformerConfig(**small, inner_width=1, n_experts=1, top_k=1, initial_scale=0.0)
    assert Block(config)(torch.zeros(1, 1, 1)).shape == (1, 1, 1)
