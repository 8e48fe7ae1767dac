"""The logit lens ends at what the model says."""

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from llm_book.interpret.logit_lens import logit_lens, residual_stream
from tests.interpret.models import gpt

IDS = torch.randint(23, (2, 9), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize(
    ("kind", "changes"),
    [("gpt2", {}), ("llama", {}), ("gpt2", {"engine": "torch"}), ("gpt2", {"norm_place": "post"})],
)
def test_the_last_depth_is_the_model_s_answer_to_the_bit(kind, changes):
    model = gpt(kind, **changes)
    lens = logit_lens(model, IDS)
    assert lens.shape == (4, 2, 9, 23)
    assert torch.equal(lens[-1], model(IDS))
    assert not lens.requires_grad


def test_depth_0_reads_the_embeddings_and_each_depth_the_blocks_before_it():
    model = gpt()
    states = model.positions.add(model.embedding(IDS), torch.arange(9)[None])
    stream = residual_stream(model, IDS)
    assert len(stream) == 4
    for depth in range(4):
        torch.testing.assert_close(stream[depth], states)
        torch.testing.assert_close(logit_lens(model, IDS)[depth], model.head(model.norm(states)))
        if depth < 3:
            states = model.blocks[depth](states, causal=True)


def test_named_arguments_go_to_the_model():
    model, positions = gpt(), torch.arange(9).flip(0).expand(2, 9)
    lens = logit_lens(model, IDS, positions=positions)
    assert torch.equal(lens[-1], model(IDS, positions=positions))


def test_states_are_those_of_transformers_on_copied_weights():
    peer = GPT2LMHeadModel(
        GPT2Config(vocab_size=23, n_positions=24, n_embd=16, n_layer=3, n_head=4)
    ).double().eval()  # fmt: skip
    model = gpt()
    copy_gpt2(peer, model)
    with torch.no_grad():
        theirs = peer(IDS, output_hidden_states=True)
    stream = residual_stream(model, IDS)
    # transformers normalises the last state, so that one is compared by its logits
    for ours, other in zip(stream[:-1], theirs.hidden_states[:-1], strict=True):
        torch.testing.assert_close(ours, other, rtol=0, atol=1e-10)
    torch.testing.assert_close(logit_lens(model, IDS)[-1], theirs.logits, rtol=0, atol=1e-10)


@torch.no_grad()
def copy_gpt2(peer, model):
    """Give ``model`` the weights of ``peer``, whose matrices lie the other way round."""
    body = peer.transformer
    model.embedding.weight.copy_(body.wte.weight)
    model.positions.table.weight.copy_(body.wpe.weight)
    pairs = [(model.norm, body.ln_f)]
    for ours, theirs in zip(model.blocks, body.h, strict=True):
        pairs += [(ours.attention_norm, theirs.ln_1), (ours.feed_forward_norm, theirs.ln_2)]
        names = (ours.attention.query, ours.attention.key, ours.attention.value)
        weights = theirs.attn.c_attn.weight.chunk(3, dim=1)
        biases = theirs.attn.c_attn.bias.chunk(3)
        for part, weight, bias in zip(names, weights, biases, strict=True):
            part.weight.copy_(weight.T)
            part.bias.copy_(bias)
        for part, other in (
            (ours.attention.output, theirs.attn.c_proj),
            (ours.feed_forward.up, theirs.mlp.c_fc),
            (ours.feed_forward.down, theirs.mlp.c_proj),
        ):
            part.weight.copy_(other.weight.T)
            part.bias.copy_(other.bias)
    for ours, theirs in pairs:
        ours.weight.copy_(theirs.weight)
        ours.bias.copy_(theirs.bias)


@pytest.mark.parametrize("look", [logit_lens, residual_stream])
def test_a_model_without_blocks_is_refused(look):
    with pytest.raises(TypeError, match="Linear has no blocks and read_out to look through"):
        look(nn.Linear(2, 2), IDS)
    model = nn.Module()
    model.blocks = nn.ModuleList()
    with pytest.raises(TypeError, match="Module has no blocks and read_out"):
        look(model, IDS)
