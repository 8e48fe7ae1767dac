"""Encoder and decoder together are torch.nn.Transformer, keep their laws and learn to copy."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from llm_book.models.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from tests.models.test_blocks import copy_from_torch, pairs

CONFIG = EncoderDecoderConfig.vaswani(
    vocab_size=17,
    context_length=12,
    width=16,
    n_layers=2,
    n_heads=4,
    dropout=0.0,
    initial_scale=0.3,
)
SHAPES = {
    "vaswani": CONFIG,
    "two vocabularies": replace(CONFIG, target_vocab_size=9, positions="learned"),
    "modern": replace(
        CONFIG, norm="rms", norm_place="pre", positions="rotary", gated=True, tied=False
    ),
    "alibi": replace(CONFIG, positions="alibi", n_kv_heads=2, scaled_embedding=False),
}


def a_model(shape="vaswani", **changes):
    config = replace(SHAPES[shape], **changes)
    return EncoderDecoder(config, torch.Generator().manual_seed(1)).double().eval()


def some_ids(batch, time, seed=0, vocab=9):
    return torch.randint(vocab, (batch, time), generator=torch.Generator().manual_seed(seed))


def assert_close(a, b, tolerance=1e-10):
    torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


@pytest.mark.parametrize("engine", ["ours", "torch"])
@pytest.mark.parametrize("norm_place", ["pre", "post"])
def test_the_whole_equals_torchs_transformer_in_outputs_and_gradients(norm_place, engine):
    ours = a_model(norm_place=norm_place, positions="none", engine=engine)
    pre = norm_place == "pre"
    sizes = (16, 4, 64, 0.0, "relu")
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(*sizes, batch_first=True, norm_first=pre),
        2,
        norm=nn.LayerNorm(16) if pre else None,
        enable_nested_tensor=False,
    ).double()
    decoder = nn.TransformerDecoder(
        nn.TransformerDecoderLayer(*sizes, batch_first=True, norm_first=pre),
        2,
        norm=nn.LayerNorm(16) if pre else None,
    ).double()
    for mine, theirs in ((ours.encoder, encoder), (ours.decoder, decoder)):
        for block, layer in zip(mine.blocks, theirs.layers, strict=True):
            copy_from_torch(block, layer)
    source, inputs, lengths = some_ids(2, 7), some_ids(2, 5, 1), torch.tensor([7, 3])
    pads = torch.arange(7) >= lengths[:, None]
    table = ours.encoder.embedding.weight
    memory = encoder(4 * F.embedding(source, table), src_key_padding_mask=pads)
    states = decoder(
        4 * F.embedding(inputs, table),
        memory,
        tgt_mask=torch.ones(5, 5, dtype=torch.bool).triu(1),
        memory_key_padding_mask=pads,
    )
    theirs = states @ table.T
    logits = ours(source, lengths, inputs)
    assert_close(logits, theirs)
    their_table = torch.autograd.grad(theirs.square().mean(), table, retain_graph=True)[0]
    theirs.square().mean().backward()
    table.grad = None
    logits.square().mean().backward()
    assert_close(table.grad, their_table)
    for mine, peer in ((ours.encoder, encoder), (ours.decoder, decoder)):
        for block, layer in zip(mine.blocks, peer.layers, strict=True):
            for a, b in pairs(block, layer):
                assert_close(a, b)


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    more=st.integers(0, 4),
    shape=st.sampled_from(sorted(SHAPES)),
)
@settings(max_examples=25, deadline=None)
def test_pads_of_the_source_and_of_the_target_change_nothing(lengths, more, shape):
    model = a_model(shape)
    source, inputs = some_ids(len(lengths), max(lengths) + more), some_ids(len(lengths), 5, 1)
    logits = model(source, torch.tensor(lengths), inputs)
    for row, length in enumerate(lengths):
        alone = model(source[row : row + 1, :length], None, inputs[row : row + 1, :3])
        assert_close(logits[row, :3], alone[0])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_target_sees_its_past_and_the_whole_source(shape):
    model = a_model(shape)
    source, inputs = some_ids(1, 6), some_ids(1, 5, 1)
    plain = model(source, None, inputs)
    changed = inputs.clone()
    changed[0, 3] = (inputs[0, 3] + 1) % 9
    other = model(source, None, changed)
    assert_close(other[:, :3], plain[:, :3], 1e-12)
    assert (other[:, 3:] - plain[:, 3:]).abs().amax(-1).min() > 1e-6
    source[0, 5] = (source[0, 5] + 1) % 9
    assert (model(source, None, inputs) - plain).abs().amax(-1).min() > 1e-6


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("engine", ["ours", "torch"])
def test_decoding_step_by_step_through_a_cache_equals_decoding_at_once(shape, engine):
    model = a_model(shape, engine=engine)
    source, inputs, lengths = some_ids(2, 7), some_ids(2, 6, 1), torch.tensor([7, 3])
    states = model.encode(source, lengths)
    whole = model.decode(inputs, states, lengths)
    assert_close(whole, model(source, lengths, inputs))
    cache, steps = model.new_cache(2), []
    for start, end in ((0, 2), (2, 3), (3, 6)):
        steps.append(model.decode(inputs[:, start:end], states, lengths, cache))
        cache.advance(end - start)
    assert_close(torch.cat(steps, dim=1), whole)


def test_tables_are_shared_as_configured():
    one, two, modern = (a_model(shape) for shape in ("vaswani", "two vocabularies", "modern"))
    assert one.head.weight is one.encoder.embedding.weight is one.decoder.embedding.weight
    assert two.decoder.embedding.weight.shape == (9, 16)
    assert two.head.weight is two.decoder.embedding.weight
    assert two.encoder.embedding.weight.shape == (17, 16)
    assert modern.head.weight is not modern.decoder.embedding.weight
    assert modern.decoder.embedding is modern.encoder.embedding
    assert two(some_ids(1, 3, vocab=17), None, some_ids(1, 2)).shape == (1, 2, 9)


def test_the_base_model_is_as_large_as_the_paper_says():
    with torch.device("meta"):
        counted = sum(
            p.numel() for p in EncoderDecoder(EncoderDecoderConfig.vaswani()).parameters()
        )
    assert counted == 63_082_496  # "65 million", Table 3
    config = EncoderDecoderConfig.vaswani()
    assert (config.dropout, config.act, config.n_heads) == (0.1, "relu", 8)
    assert config.context_length == 512
    assert config.encoder().scaled_embedding
    assert not replace(config, scaled_embedding=False).encoder().scaled_embedding
    assert config.encoder().positions == "sinusoidal"


def test_dropout_works_while_training_alone():
    model = a_model(dropout=0.5)
    source, inputs = some_ids(1, 4), some_ids(1, 3)
    assert torch.equal(model(source, None, inputs), model(source, None, inputs))
    model.train()
    assert not torch.equal(model(source, None, inputs), model(source, None, inputs))
    seen = []
    model.decoder.drop.register_forward_hook(lambda _m, _i, out: seen.append(out))
    model(source, None, inputs)
    assert (seen[0] == 0).any()


def test_the_same_generator_gives_the_same_weights():
    a, b = a_model(), a_model()
    assert all(torch.equal(w, b.state_dict()[name]) for name, w in a.state_dict().items())


def test_it_learns_to_turn_texts_round():
    model = EncoderDecoder(replace(CONFIG, initial_scale=0.1), torch.Generator().manual_seed(0))
    source = some_ids(6, 5)
    targets = source.flip(1)
    inputs = torch.cat([torch.full((6, 1), 16), targets[:, :-1]], dim=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(120):
        loss = F.cross_entropy(model(source, None, inputs).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


@pytest.mark.parametrize(
    ("error", "sentence", "ask"),
    [
        (
            ValueError,
            "13 tokens do not fit in a context of 12",
            lambda m: m(some_ids(1, 2), None, some_ids(1, 13)),
        ),
        (
            ValueError,
            "13 tokens do not fit in a context of 12",
            lambda m: m(some_ids(1, 13), None, some_ids(1, 2)),
        ),
        (
            ValueError,
            "2 targets came with the states of 1 sources",
            lambda m: m(some_ids(1, 3), None, some_ids(2, 3)),
        ),
        (
            ValueError,
            "lengths from 4 to 4 do not fit texts padded to 3",
            lambda m: m(some_ids(1, 3), torch.tensor([4]), some_ids(1, 3)),
        ),
        (
            ValueError,
            "the text is empty",
            lambda m: m(some_ids(1, 3), None, some_ids(1, 0)),
        ),
        (
            IndexError,
            "id 20 is outside a vocabulary of 17",
            lambda m: m(some_ids(1, 3), None, torch.tensor([[20]])),
        ),
        (
            ValueError,
            "target_vocab_size is 0; it must be at least 1",
            lambda m: replace(m.config, target_vocab_size=0),
        ),
        (
            ValueError,
            "n_layers is 0; it must be at least 1",
            lambda m: replace(m.config, n_layers=0),
        ),
        (
            ValueError,
            r"ids of shape \(1,\) are not \[batch, time\]",
            lambda m: m(some_ids(1, 3), None, torch.zeros(1, dtype=torch.int64)),
        ),
    ],
)
def test_nonsense_is_refused_in_one_sentence(error, sentence, ask):
    with pytest.raises(error, match=sentence):
        ask(a_model())


def test_a_target_vocabulary_may_hold_a_single_token():
    model = a_model(target_vocab_size=1)
    assert model(some_ids(1, 3), None, some_ids(1, 2, vocab=1)).shape == (1, 2, 1)
