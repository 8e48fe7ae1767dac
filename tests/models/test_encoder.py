"""The encoder sees a whole text, pads change nothing, and heads read what it found."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from llm_book.models.embedding import text_keys
from llm_book.models.encoder import Encoder, EncoderConfig
from llm_book.models.positions import Positions

SIZES = {
    "vocab_size": 17,
    "context_length": 12,
    "width": 16,
    "n_layers": 2,
    "n_heads": 4,
    "initial_scale": 0.3,
}
SHAPES = {
    "bert": EncoderConfig.bert(**SIZES),
    "vaswani": EncoderConfig(
        **SIZES, positions="sinusoidal", act="relu", norm_place="post", scaled_embedding=True
    ),
    "rotary": EncoderConfig(**SIZES, positions="rotary", norm="rms", gated=True),
    "alibi": EncoderConfig(**SIZES, positions="alibi", n_kv_heads=2, n_token_types=3),
}


def an_encoder(shape="bert", **changes):
    config = replace(SHAPES[shape], **changes)
    return Encoder(config, torch.Generator().manual_seed(1)).double().eval()


def some_ids(batch, time, seed=0):
    return torch.randint(17, (batch, time), generator=torch.Generator().manual_seed(seed))


def assert_close(a, b, tolerance=1e-10):
    torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    more=st.integers(0, 4),
    shape=st.sampled_from(sorted(SHAPES)),
    engine=st.sampled_from(["ours", "torch"]),
)
@settings(max_examples=30, deadline=None)
def test_pads_change_no_state_whatever_stands_in_them(lengths, more, shape, engine):
    encoder = an_encoder(shape, engine=engine)
    ids = some_ids(len(lengths), max(lengths) + more)
    states = encoder(ids, torch.tensor(lengths))
    for row, length in enumerate(lengths):
        assert_close(states[row, :length], encoder(ids[row : row + 1, :length])[0])


@pytest.mark.parametrize("shape", SHAPES)
def test_every_position_sees_the_whole_text(shape):
    encoder = an_encoder(shape)
    ids = some_ids(1, 6)
    changed = ids.clone()
    changed[0, 5] = (ids[0, 5] + 1) % 17
    difference = (encoder(ids) - encoder(changed)).abs().amax(-1)
    assert difference.min() > 1e-6


@pytest.mark.parametrize("kind", Positions.KINDS)
def test_permuting_a_text_permutes_its_states_only_where_there_are_no_positions(kind):
    encoder = an_encoder(positions=kind)
    ids = torch.arange(7)[None]
    order = torch.tensor([3, 0, 6, 1, 2, 5, 4])
    same = torch.allclose(encoder(ids[:, order]), encoder(ids)[:, order], rtol=0, atol=1e-10)
    assert same == (kind == "none")


def test_both_engines_give_the_same_states():
    for shape in SHAPES:
        ids, lengths = some_ids(3, 9), torch.tensor([9, 4, 1])
        ours, fused = (an_encoder(shape, engine=e)(ids, lengths) for e in ("ours", "torch"))
        assert_close(ours, fused)


def test_token_types_default_to_the_first_and_change_states():
    encoder = an_encoder()
    ids = some_ids(2, 5)
    types = torch.zeros(2, 5, dtype=torch.int64)
    assert torch.equal(encoder(ids), encoder(ids, token_types=types))
    types[0, 3:] = 1
    other = encoder(ids, token_types=types)
    assert not torch.allclose(other[0], encoder(ids)[0])
    assert_close(other[1], encoder(ids)[1])


def test_embeddings_are_scaled_where_that_is_asked():
    encoder = an_encoder("vaswani")
    seen = []
    encoder.drop.register_forward_hook(lambda _m, args, _o: seen.append(args[0]))
    ids = some_ids(1, 3)
    encoder(ids)
    positions = encoder.positions.add(torch.zeros(1, 3, 16).double(), torch.arange(3)[None])
    assert_close(seen[0], 4 * encoder.embedding.weight[ids] + positions)


def test_where_norms_stand_is_as_configured():
    pre, post = an_encoder("rotary"), an_encoder("bert")
    assert hasattr(pre.norm, "weight")
    assert not hasattr(post.norm, "weight")
    assert not hasattr(pre.embedding_norm, "weight")
    assert hasattr(post.embedding_norm, "weight")
    assert SHAPES["bert"].norm_epsilon == 1e-12
    assert hasattr(post, "token_types")
    assert not hasattr(pre, "token_types")


def test_bert_has_as_many_parameters_as_its_paper_says():
    with torch.device("meta"):
        counted = sum(p.numel() for p in Encoder(EncoderConfig.bert()).parameters())
    assert counted == 108_891_648  # 110 million with the pooler
    config = EncoderConfig.bert()
    assert (config.context_length, config.act, config.n_heads) == (512, "gelu", 12)


def test_dropout_works_while_training_alone():
    encoder = an_encoder(dropout=0.5)
    ids = some_ids(2, 5)
    assert torch.equal(encoder(ids), encoder(ids))
    encoder.train()
    assert not torch.equal(encoder(ids), encoder(ids))
    seen = []
    encoder.drop.register_forward_hook(lambda _m, _i, out: seen.append(out))
    encoder(ids)
    assert (seen[0] == 0).any()


def test_the_same_generator_gives_the_same_weights():
    a, b = an_encoder(), an_encoder()
    assert all(torch.equal(w, b.state_dict()[name]) for name, w in a.state_dict().items())


def test_text_keys_are_true_where_text_stands():
    mask = text_keys(torch.tensor([3, 1]), 2, 3)
    assert mask.tolist() == [[[True, True, True]], [[True, False, False]]]
    assert text_keys(None, 2, 3) is None


def test_an_encoder_learns_to_tell_which_token_was_masked():
    from llm_book.models.heads import MaskedLanguageModel

    encoder = Encoder(replace(SHAPES["bert"], initial_scale=0.02), torch.Generator().manual_seed(0))
    model = MaskedLanguageModel(encoder)
    ids = some_ids(4, 8)
    hidden = torch.rand(4, 8, generator=torch.Generator().manual_seed(1)) < 0.3
    shown = ids.masked_fill(hidden, 16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(100):
        loss = F.cross_entropy(model(shown)[hidden], ids[hidden])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05


@pytest.mark.parametrize(
    ("error", "sentence", "ask"),
    [
        (
            ValueError,
            "13 tokens do not fit in a context of 12",
            lambda encoder: encoder(some_ids(1, 13)),
        ),
        (
            IndexError,
            "id 17 is outside a vocabulary of 17",
            lambda encoder: encoder(torch.tensor([[0, 17]])),
        ),
        (
            ValueError,
            r"ids of shape \(5,\) are not \[batch, time\]",
            lambda encoder: encoder(torch.zeros(5, dtype=torch.int64)),
        ),
        (
            ValueError,
            "the text is empty",
            lambda encoder: encoder(torch.zeros(1, 0, dtype=torch.int64)),
        ),
        (
            ValueError,
            "3 lengths came with 2 texts",
            lambda encoder: encoder(some_ids(2, 3), torch.tensor([1, 2, 3])),
        ),
        (
            ValueError,
            "lengths from 0 to 3 do not fit texts padded to 3",
            lambda encoder: encoder(some_ids(2, 3), torch.tensor([0, 3])),
        ),
        (
            ValueError,
            "lengths from 1 to 4 do not fit texts padded to 3",
            lambda encoder: encoder(some_ids(2, 3), torch.tensor([1, 4])),
        ),
        (
            IndexError,
            "token type 2 is outside the 2 types of this encoder",
            lambda encoder: encoder(some_ids(1, 2), token_types=torch.tensor([[0, 2]])),
        ),
    ],
)
def test_nonsense_is_refused_in_one_sentence(error, sentence, ask):
    with pytest.raises(error, match=sentence):
        ask(an_encoder())


def test_token_types_need_an_encoder_that_has_them():
    with pytest.raises(ValueError, match="token types came to an encoder without any"):
        an_encoder("rotary")(some_ids(1, 2), token_types=some_ids(1, 2))


def test_a_number_of_token_types_below_zero_is_refused():
    with pytest.raises(ValueError, match="n_token_types is -1; it must be at least 0"):
        replace(SHAPES["bert"], n_token_types=-1)


def test_sizes_that_no_transformer_can_have_are_refused():
    with pytest.raises(ValueError, match="n_layers is 0; it must be at least 1"):
        replace(SHAPES["bert"], n_layers=0)


def test_a_text_as_long_as_the_context_is_read():
    assert an_encoder()(some_ids(1, 12), torch.tensor([12])).shape == (1, 12, 16)
