"""Our GPT is GPT-2 and Llama by configuration, keeps its laws and learns."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from llm_book.models.attention import causal_mask
from llm_book.models.norms import LayerNorm, RMSNorm
from llm_book.models.positions import Positions
from llm_book.models.transformer import GPT, GPTConfig
from llm_book.shapes import KVCache, document_mask, document_positions

SIZES = {
    "vocab_size": 17,
    "context_length": 12,
    "width": 16,
    "n_layers": 2,
    "n_heads": 4,
    "initial_scale": 0.3,  # large, so that a mistake shows
}
SHAPES = {
    "gpt2": GPTConfig.gpt2(**SIZES),
    "llama": GPTConfig.llama(**SIZES, inner_width=24, n_kv_heads=2),
    "alibi": GPTConfig.gpt2(**SIZES, positions="alibi", norm_place="post"),
    "sinusoidal": GPTConfig.gpt2(**SIZES, positions="sinusoidal", gated=True, act="relu"),
    "mixture": GPTConfig.llama(**SIZES, inner_width=24, n_experts=4, pairing="interleaved"),
}
ENGINES = ("ours", "torch")
shapes = pytest.mark.parametrize("shape", SHAPES)
engines = pytest.mark.parametrize("engine", ENGINES)


def a_gpt(shape="gpt2", engine="ours", **changes):
    config = replace(SHAPES[shape], engine=engine, **changes)
    return GPT(config, torch.Generator().manual_seed(1)).double().eval()


def some_ids(batch, time, seed=0):
    return torch.randint(17, (batch, time), generator=torch.Generator().manual_seed(seed))


def assert_close(a, b, tolerance=1e-10):
    torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


@shapes
def test_both_engines_give_the_same_logits_and_gradients(shape):
    ids = some_ids(2, 12)
    models = [a_gpt(shape, engine) for engine in ENGINES]
    logits = [model(ids) for model in models]
    assert_close(*logits)
    for answer in logits:
        F.cross_entropy(answer[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).backward()
    for name, weight in models[0].named_parameters():
        assert_close(weight.grad, models[1].get_parameter(name).grad)


@shapes
@engines
def test_changing_the_future_leaves_the_past_alone(shape, engine):
    model = a_gpt(shape, engine)
    for seed in range(5):
        ids = some_ids(1, 12, seed)
        changed = ids.clone()
        at = 3 + seed
        changed[0, at] = (ids[0, at] + 1) % 17
        before, after = model(ids), model(changed)
        assert_close(before[:, :at], after[:, :at], 1e-12)
        assert (before[:, at:] - after[:, at:]).abs().amax(-1).min() > 1e-6


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    more=st.integers(0, 4),
    shape=st.sampled_from(sorted(SHAPES)),
    engine=st.sampled_from(ENGINES),
)
@settings(max_examples=25, deadline=None)
def test_pads_on_the_right_change_nothing(lengths, more, shape, engine):
    model = a_gpt(shape, engine)
    ids = some_ids(len(lengths), max(lengths) + more)
    mask = torch.arange(ids.shape[1]) < torch.tensor(lengths)[:, None]
    for answer in (model(ids), model(ids, mask=mask)):
        for row, length in enumerate(lengths):
            alone = model(ids[row : row + 1, :length])
            assert_close(answer[row, :length], alone[0], 1e-10)


def run_cached(model, ids, cuts):
    """Logits of all of ``ids``, read in the pieces that end at ``cuts``."""
    cache, answers, start = model.new_cache(len(ids)), [], 0
    for end in [*cuts, ids.shape[1]]:
        answers.append(model(ids[:, start:end], cache))
        cache.advance(end - start)
        start = end
    return torch.cat(answers, dim=1)


@shapes
@engines
@pytest.mark.parametrize("cuts", [[], [1], [5], [5, 6, 7], [2, 7], list(range(1, 12))])
def test_reading_through_a_cache_in_any_pieces_equals_reading_at_once(shape, engine, cuts):
    model = a_gpt(shape, engine)
    ids = some_ids(2, 12)
    assert_close(run_cached(model, ids, cuts), model(ids))


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    chunk=st.integers(1, 3),
    shape=st.sampled_from(sorted(SHAPES)),
    engine=st.sampled_from(ENGINES),
)
@settings(max_examples=40, deadline=None)
def test_rows_of_different_lengths_go_on_from_a_cache_as_if_alone(lengths, chunk, shape, engine):
    model = a_gpt(shape, engine)
    ids, counts = some_ids(len(lengths), 12), torch.tensor(lengths)
    cache = model.new_cache(len(lengths))
    model(ids[:, : max(lengths)], cache)  # the shorter rows read junk at their end
    cache.advance(counts)
    whole = model(ids)
    for step in range(2):
        at = counts + step * chunk
        new = torch.stack([row[i : i + chunk] for row, i in zip(ids, at, strict=True)])
        logits = model(new, cache)
        cache.advance(chunk)
        for row, i in enumerate(at.tolist()):
            assert_close(logits[row], whole[row, i : i + chunk])


@engines
def test_a_mask_keeps_its_meaning_beside_a_cache(engine):
    model = a_gpt(engine=engine)
    ids = some_ids(2, 9)
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[:, 2] = False  # nobody looks at position 2
    whole = model(ids, mask=mask | torch.eye(9, dtype=torch.bool)[2])
    whole = model(ids, mask=(mask[:, None] | torch.eye(9, dtype=torch.bool)))
    cache = model.new_cache(2)
    eye = torch.eye(9, dtype=torch.bool)
    first = model(ids[:, :5], cache, mask=mask[:, None, :5] | eye[:5, :5])
    cache.advance(torch.tensor([5, 5]))
    rest = model(ids[:, 5:], cache, mask=mask)
    assert_close(torch.cat([first, rest], dim=1), whole)
    cache = model.new_cache(2)
    model(ids[:, :5], cache, mask=mask[:, None, :5] | eye[:5, :5])
    cache.advance(torch.tensor([5, 4]))
    uneven = model(ids[:, 5:6], cache, mask=mask[:, :6])
    assert_close(uneven[0], whole[0, 5:6])


@given(
    cuts=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    shape=st.sampled_from(sorted(SHAPES)),
    engine=st.sampled_from(ENGINES),
)
@settings(max_examples=30, deadline=None)
def test_documents_packed_into_a_row_do_not_know_of_each_other(cuts, shape, engine):
    model = a_gpt(shape, engine, context_length=20)
    documents = torch.tensor([[number for number, n in enumerate(cuts) for _ in range(n)]])
    ids = some_ids(1, documents.shape[1])
    packed = model(ids, mask=document_mask(documents), positions=document_positions(documents))
    alone = [model(part) for part in ids.split(cuts, dim=1)]
    assert_close(packed, torch.cat(alone, dim=1))


def test_positions_of_documents_begin_anew_with_each():
    documents = torch.tensor([[4, 4, 4, 9, 9, 4], [1, 2, 3, 3, 3, 3]])
    expected = [[0, 1, 2, 0, 1, 0], [0, 0, 0, 1, 2, 3]]
    assert document_positions(documents).tolist() == expected
    mask = document_mask(documents)
    assert mask.shape == (2, 6, 6)
    assert mask[0, 0].tolist() == [True, True, True, False, False, True]


@pytest.mark.parametrize("kind", ["rotary", "alibi"])
def test_with_relative_positions_only_distances_count(kind):
    model = a_gpt("llama", positions=kind)
    ids = some_ids(2, 6)
    places = torch.arange(6)[None]
    assert_close(model(ids, positions=places + 100), model(ids))
    assert not torch.allclose(model(ids, positions=2 * places), model(ids))


@pytest.mark.parametrize("kind", Positions.KINDS)
def test_without_positions_the_last_token_takes_the_others_for_a_bag(kind):
    model = a_gpt(positions=kind, n_layers=1)  # above one layer a causal mask tells the order
    ids = torch.arange(8)[None]
    mixed = torch.cat([ids[:, torch.tensor([3, 0, 6, 1, 2, 5, 4])], ids[:, 7:]], dim=1)
    same = torch.allclose(model(ids)[:, -1], model(mixed)[:, -1])
    assert same == (kind == "none")


def test_the_preset_sizes_are_those_of_the_papers():
    with torch.device("meta"):
        counted = sum(p.numel() for p in GPT(GPTConfig.gpt2()).parameters())
        assert counted == 124_439_808
        counted = sum(p.numel() for p in GPT(GPTConfig.llama()).parameters())
        assert counted == 6_738_415_616
    gpt2, llama = GPTConfig.gpt2(), GPTConfig.llama()
    assert (gpt2.context_length, gpt2.norm_epsilon, gpt2.act) == (1024, 1e-5, "gelu_tanh")
    assert (llama.context_length, llama.norm_epsilon, llama.theta) == (2048, 1e-6, 10000.0)
    assert (gpt2.n_heads, llama.n_heads) == (12, 32)
    assert GPTConfig.llama(width=300, n_heads=3).inner_width == 1024
    assert GPTConfig.llama(width=96, n_heads=3).inner_width == 256
    assert GPTConfig.llama(width=578, n_heads=1).inner_width == 1792
    assert GPTConfig.llama(inner_width=10).inner_width == 10


def test_gpt2_and_llama_differ_as_their_papers_say():
    gpt2, llama = a_gpt("gpt2"), a_gpt("llama")
    assert gpt2.head.weight is gpt2.embedding.weight
    assert llama.head.weight is not llama.embedding.weight
    assert isinstance(gpt2.norm, LayerNorm)
    assert isinstance(llama.norm, RMSNorm)
    assert not any("bias" in name for name, _ in llama.named_parameters())
    assert llama.blocks[0].attention.key.weight.shape == (8, 16)


def test_the_same_generator_gives_the_same_weights():
    a, b = a_gpt(), a_gpt()
    assert all(torch.equal(w, b.state_dict()[name]) for name, w in a.state_dict().items())
    torch.manual_seed(5)
    c = GPT(SHAPES["gpt2"])
    torch.manual_seed(5)
    d = GPT(SHAPES["gpt2"])
    assert torch.equal(c.head.weight, d.head.weight)
    assert not torch.equal(c.head.weight.double(), a.head.weight)


def test_a_new_gpt_knows_nothing():
    model = GPT(replace(SHAPES["gpt2"], initial_scale=0.02))
    ids = some_ids(4, 12)
    loss = F.cross_entropy(model(ids)[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    assert loss.item() == pytest.approx(torch.tensor(17.0).log().item(), abs=0.05)


@pytest.mark.parametrize("shape", ["gpt2", "llama", "mixture"])
def test_a_gpt_learns_one_batch_by_heart(shape):
    config = replace(SHAPES[shape], initial_scale=0.02, engine="torch")
    model = GPT(config, torch.Generator().manual_seed(0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    ids = some_ids(4, 12)
    for _ in range(150):
        loss = F.cross_entropy(model(ids)[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05


def test_dropout_works_while_training_alone():
    model = GPT(replace(SHAPES["gpt2"], dropout=0.5))
    ids = some_ids(2, 5)
    model.train()
    assert not torch.equal(model(ids), model(ids))
    model.eval()
    assert torch.equal(model(ids), model(ids))
    seen = []
    model.train().drop.register_forward_hook(lambda _m, _i, out: seen.append(out))
    model(ids)
    assert (seen[0] == 0).float().mean().item() == pytest.approx(0.5, abs=0.2)


def test_the_states_of_any_layer_can_be_read_out():
    model = a_gpt()
    seen = []
    hooks = [b.register_forward_hook(lambda _m, _i, out: seen.append(out)) for b in model.blocks]
    logits = model(some_ids(2, 5))
    for hook in hooks:
        hook.remove()
    assert_close(model.read_out(seen[-1]), logits, 1e-12)
    assert_close(model.states(some_ids(2, 5)), seen[-1], 1e-12)
    assert model.read_out(seen[0]).shape == logits.shape


def test_the_weights_that_pass_the_tap_are_causal_and_sum_to_one():
    model = a_gpt("llama", "torch")
    seen = []
    for block in model.blocks:
        block.attention.weights.register_forward_hook(lambda _m, _i, out: seen.append(out))
    model(some_ids(2, 5))
    assert [tuple(weights.shape) for weights in seen] == [(2, 4, 5, 5)] * 2
    for weights in seen:
        assert_close(weights.sum(-1), torch.ones(2, 4, 5).double())
        assert (weights[..., ~causal_mask(5, 5)] == 0).all()


def test_gradients_of_single_texts_can_be_had_by_vmap():
    model = a_gpt()
    weights = dict(model.named_parameters())
    ids = some_ids(3, 6)

    def loss(weights, row):
        logits = torch.func.functional_call(model, weights, (row[None],))
        return F.cross_entropy(logits[0, :-1], row[1:])

    gradients = torch.func.vmap(torch.func.grad(loss), (None, 0))(weights, ids)
    alone = torch.autograd.grad(loss(weights, ids[1]), model.head.weight)[0]
    assert_close(gradients["embedding.weight"][1], alone)


def test_a_cache_made_by_a_model_suits_it():
    model = a_gpt("llama")
    cache = model.new_cache(3)
    assert cache.keys.shape == (2, 3, 2, 12, 4)
    assert cache.keys.dtype == torch.float64
    assert model.new_cache(1, 5).capacity == 5


def full(model, tokens):
    cache = model.new_cache(1)
    cache.advance(tokens)
    return cache


@pytest.mark.parametrize(
    ("error", "sentence", "ask"),
    [
        (
            ValueError,
            r"13 tokens do not fit in a context of 12; keep the last 12: ids\[:, -12:\]",
            lambda model: model(some_ids(1, 13)),
        ),
        (
            ValueError,
            "13 tokens do not fit in a context of 12",
            lambda model: model(some_ids(1, 1), full(model, 12)),
        ),
        (
            ValueError,
            "6 tokens do not fit in a cache of 5",
            lambda model: model(some_ids(1, 6), model.new_cache(1, 5)),
        ),
        (
            IndexError,
            "id 17 is outside a vocabulary of 17",
            lambda model: model(torch.tensor([[0, 17]])),
        ),
        (
            IndexError,
            "id -1 is outside a vocabulary of 17",
            lambda model: model(torch.tensor([[0, -1]])),
        ),
        (
            ValueError,
            r"ids of shape \(5,\) are not \[batch, time\]; one text alone is ids\[None\]",
            lambda model: model(torch.zeros(5, dtype=torch.int64)),
        ),
        (
            ValueError,
            "the text is empty",
            lambda model: model(torch.zeros(1, 0, dtype=torch.int64)),
        ),
        (
            ValueError,
            "2 texts came to a cache of 1 rows",
            lambda model: model(some_ids(2, 3), model.new_cache(1)),
        ),
        (
            ValueError,
            "a cache counts the positions itself",
            lambda model: model(
                some_ids(1, 3), model.new_cache(1), positions=torch.arange(3)[None]
            ),
        ),
        (
            ValueError,
            r"positions of shape \(1, 2\) came with ids of shape \(1, 3\)",
            lambda model: model(some_ids(1, 3), positions=torch.arange(2)[None]),
        ),
        (
            IndexError,
            "positions up to 12 do not stand in a table of 12",
            lambda model: model(some_ids(1, 3), positions=torch.tensor([[0, 1, 12]])),
        ),
        (
            ValueError,
            "a row of the mask is False throughout",
            lambda model: model(some_ids(1, 3), mask=torch.tensor([[False, True, True]])),
        ),
        (
            ValueError,
            r"a mask of shape \(1, 1, 1, 4\) does not fit scores of shape \(1, 4, 3, 3\)",
            lambda model: model(some_ids(1, 3), mask=torch.ones(1, 4, dtype=torch.bool)),
        ),
    ],
)
@engines
def test_nonsense_is_refused_in_one_sentence(error, sentence, ask, engine):
    with pytest.raises(error, match=sentence):
        ask(a_gpt(engine=engine))


def test_ids_that_are_no_whole_numbers_are_refused():
    with pytest.raises(ValueError, match=r"ids of torch.float32 are no ids"):
        a_gpt().embedding(torch.zeros(1, 2))


def test_a_text_as_long_as_the_context_is_read():
    assert a_gpt()(some_ids(1, 12)).shape == (1, 12, 17)


def test_a_cache_of_another_model_is_no_secret():
    model = a_gpt("llama")
    with pytest.raises(RuntimeError):
        model(some_ids(1, 2), KVCache(2, 1, 4, 12, 4))
