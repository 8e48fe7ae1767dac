"""Our attention is that of torch.nn.functional and torch.nn, masks and gradients included."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from llm_book.models.attention import (
    MultiHeadAttention,
    attend,
    attention_weights,
    can_be_asked,
    causal_mask,
    joined_linear,
)
from llm_book.models.lora import add_lora

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
SHAPES = [(), (3,), (2, 3), (2, 1, 3)]


def draws(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, requires_grad=True)


def a_mask(*shape):
    """A random mask in which every query sees something."""
    mask = torch.rand(*shape) < 0.5
    mask[..., 0] = True
    return mask


def gradients(outputs, *leaves):
    """Gradients of a sum that weighs every output differently."""
    weigh = torch.linspace(-1, 2, outputs.numel(), dtype=outputs.dtype).reshape(outputs.shape)
    return torch.autograd.grad((outputs * weigh).sum(), leaves)


def assert_equal(ours, theirs, tolerance):
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("batch", SHAPES)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_attend_equals_torch_in_outputs_and_gradients(dtype, batch, masked):
    query, key = draws(*batch, 4, 6, dtype=dtype), draws(*batch, 5, 6, dtype=dtype)
    value = draws(*batch, 5, 7, dtype=dtype)
    mask = a_mask(*batch, 4, 5) if masked else None
    ours = attend(query, key, value, mask)
    theirs = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    leaves = (query, key, value)
    assert_equal(
        [ours, *gradients(ours, *leaves)], [theirs, *gradients(theirs, *leaves)], TOLERANCE[dtype]
    )


def test_a_bias_is_added_to_the_scores_as_torch_adds_it():
    query, key, value = draws(2, 3, 4, 6), draws(2, 3, 5, 6), draws(2, 3, 5, 6)
    bias = draws(3, 4, 5)
    ours = attend(query, key, value, bias=bias)
    theirs = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    leaves = (query, key, value, bias)
    assert_equal([ours, *gradients(ours, *leaves)], [theirs, *gradients(theirs, *leaves)], 1e-10)
    mask = a_mask(4, 5)
    both = attend(query, key, value, mask, bias)
    theirs = F.scaled_dot_product_attention(
        query, key, value, attn_mask=bias.masked_fill(~mask, -torch.inf)
    )
    assert_equal([both], [theirs], 1e-10)


@given(
    seed=st.integers(0, 2**20),
    times=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    size=st.sampled_from([0.1, 1.0, 100.0]),
)
@settings(max_examples=60, deadline=None)
def test_rows_sum_to_one_and_what_is_masked_weighs_exactly_nothing(seed, times, size):
    torch.manual_seed(seed)
    query, key = (size * torch.randn(2, time, 3, dtype=torch.float64) for time in times)
    mask = a_mask(2, *times)
    weights = attention_weights(query, key, mask)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, times[0]).double())
    assert (weights >= 0).all()
    assert (weights[~mask] == 0).all()


@given(seed=st.integers(0, 2**20), times=st.tuples(st.integers(1, 5), st.integers(0, 4)))
@settings(max_examples=40, deadline=None)
def test_what_is_masked_changes_nothing_even_if_huge(seed, times):
    torch.manual_seed(seed)
    time, more = times
    query, key, value = (torch.randn(2, time, 4, dtype=torch.float64) for _ in range(3))
    junk = 1e30 * torch.ones(2, more, 4, dtype=torch.float64)
    mask = torch.arange(time + more) < time
    padded = attend(query, torch.cat([key, junk], 1), torch.cat([value, junk], 1), mask)
    torch.testing.assert_close(padded, attend(query, key, value), rtol=0, atol=1e-12)


@given(seed=st.integers(0, 2**20), time=st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_the_order_of_keys_does_not_matter_and_that_of_queries_is_kept(seed, time):
    generator = torch.Generator().manual_seed(seed)
    query, key, value = (
        torch.randn(time, 4, dtype=torch.float64, generator=generator) for _ in range(3)
    )
    order = torch.randperm(time, generator=generator)
    plain = attend(query, key, value)
    torch.testing.assert_close(attend(query, key[order], value[order]), plain)
    torch.testing.assert_close(attend(query[order], key, value), plain[order])


@pytest.mark.parametrize(("queries", "keys"), [(1, 1), (4, 4), (2, 5), (1, 6)])
def test_the_causal_mask_is_aligned_to_the_end(queries, keys):
    mask = causal_mask(queries, keys)
    assert mask.dtype == torch.bool
    for q in range(queries):
        for k in range(keys):
            assert mask[q, k] == (k <= keys - queries + q)


@pytest.mark.parametrize("cross", [False, True])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("engine", ["ours", "torch"])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_many_heads_equal_torch_in_outputs_weights_and_every_gradient(dtype, engine, bias, cross):
    theirs = nn.MultiheadAttention(
        12, 3, bias=bias, kdim=10 if cross else None, vdim=10 if cross else None, batch_first=True
    ).to(dtype)
    ours = MultiHeadAttention(
        12, 3, bias=bias, context_width=10 if cross else None, engine=engine
    ).to(dtype)
    copy_from_torch(ours, theirs)
    inputs = draws(2, 16, 12, dtype=dtype)
    context = draws(2, 5, 10, dtype=dtype) if cross else inputs
    mask = a_mask(2, 16, context.shape[1])
    outputs = ours(inputs, context if cross else None, mask=mask)
    refused = (~mask).repeat_interleave(3, dim=0)  # theirs: True = may not, a row a head
    expected, their_weights = theirs(
        inputs, context, context, attn_mask=refused, average_attn_weights=False
    )
    leaves = (inputs, context) if cross else (inputs,)
    assert_equal([outputs], [expected], TOLERANCE[dtype])
    their_leaves = [p for p in theirs.parameters()]
    grads = gradients(outputs, *leaves, *ours.parameters())
    their_grads = gradients(expected, *leaves, *their_leaves)
    assert_equal(grads[: len(leaves)], their_grads[: len(leaves)], TOLERANCE[dtype])
    named = dict(zip(dict(ours.named_parameters()), grads[len(leaves) :], strict=True))
    their_named = dict(
        zip(dict(theirs.named_parameters()), their_grads[len(leaves) :], strict=True)
    )
    assert_equal(*pairs_of_gradients(named, their_named), TOLERANCE[dtype])
    seen = []
    ours.weights.register_forward_hook(lambda _m, _i, out: seen.append(out))
    again = ours(inputs, context if cross else None, mask=mask)  # whatever the engine
    assert_equal([again, seen[0]], [expected, their_weights], TOLERANCE[dtype])


def copy_from_torch(ours, theirs):
    """Copy weights, whether torch keeps them in one tensor or in three."""
    if theirs.in_proj_weight is None:
        weights = [theirs.q_proj_weight, theirs.k_proj_weight, theirs.v_proj_weight]
    else:
        weights = theirs.in_proj_weight.chunk(3)
    with torch.no_grad():
        for i, part in enumerate((ours.query, ours.key, ours.value)):
            part.weight.copy_(weights[i])
            if part.bias is not None:
                theirs.in_proj_bias.normal_() if i == 0 else None
                part.bias.copy_(theirs.in_proj_bias.chunk(3)[i])
    ours.output.load_state_dict(theirs.out_proj.state_dict())


def pairs_of_gradients(ours, theirs):
    joined = (
        [torch.cat([ours[f"{n}.bias"] for n in ("query", "key", "value")])]
        if ("in_proj_bias" in theirs)
        else []
    )
    wanted = [theirs["in_proj_bias"]] if joined else []
    mine = [ours[f"{name}.weight"] for name in ("query", "key", "value")]
    if "in_proj_weight" in theirs:
        wanted += theirs["in_proj_weight"].chunk(3)
    else:
        wanted += [theirs[f"{name}_proj_weight"] for name in "qkv"]
    mine += [ours[name] for name in ours if name.startswith("output")]
    wanted += [theirs[name] for name in theirs if name.startswith("out_proj")]
    return joined + mine, wanted


@pytest.mark.parametrize("engine", ["ours", "torch"])
@pytest.mark.parametrize("n_kv_heads", [1, 2, 4])
def test_shared_keys_and_values_equal_torchs_grouped_attention(n_kv_heads, engine):
    ours = MultiHeadAttention(8, 4, n_kv_heads, head_width=6, engine=engine).double()
    assert ours.key.weight.shape == (6 * n_kv_heads, 8)
    inputs = draws(2, 5, 8)

    def heads(x, n):
        return x.unflatten(-1, (n, 6)).transpose(1, 2)

    theirs = F.scaled_dot_product_attention(
        heads(ours.query(inputs), 4),
        heads(ours.key(inputs), n_kv_heads),
        heads(ours.value(inputs), n_kv_heads),
        is_causal=True,
        enable_gqa=True,
    )
    theirs = ours.output(theirs.transpose(1, 2).flatten(2))
    outputs = ours(inputs, causal=True)
    leaves = (inputs, *ours.parameters())
    assert_equal(
        [outputs, *gradients(outputs, *leaves)], [theirs, *gradients(theirs, *leaves)], 1e-10
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("key_time", [5, 7])
def test_both_engines_give_the_same_numbers(key_time, causal, biased, masked):
    attentions = [
        MultiHeadAttention(8, 4, 2, engine=engine).double() for engine in ("ours", "torch")
    ]
    attentions[1].load_state_dict(attentions[0].state_dict())
    inputs, context = draws(2, 5, 8), draws(2, key_time, 8)
    mask = a_mask(2, 5, key_time) if masked else None
    bias = torch.randn(4, 5, key_time).double() if biased else None
    answers = []
    for attention in attentions:
        outputs = attention(inputs, context, mask=mask, causal=causal, bias=bias)
        leaves = (inputs, context, *attention.parameters())
        answers.append([outputs, *gradients(outputs, *leaves)])
    assert_equal(*answers, 1e-10)


def test_the_fused_kernel_is_given_a_mask_only_where_it_needs_one(monkeypatch):
    kernel, told = F.scaled_dot_product_attention, []

    def spy(*args, **kwargs):
        told.append((args[3] is not None, kwargs["is_causal"]))
        shared.append(kwargs["enable_gqa"])
        return kernel(*args, **kwargs)

    shared: list[bool] = []
    monkeypatch.setattr(F, "scaled_dot_product_attention", spy)
    attention = MultiHeadAttention(8, 2, engine="torch")
    states, mask = torch.randn(1, 5, 8), a_mask(5, 5)
    attention(states, causal=True)
    attention(states, causal=True, mask=mask)
    attention(states[:, 4:], states, causal=True)
    attention(states[:, 3:], states, causal=True)
    attention(states, mask=mask)
    attention(states)
    expected = [(False, True), (True, False), (False, False), (True, False)]
    assert told == [*expected, (True, False), (False, False)]
    MultiHeadAttention(8, 2, 1, engine="torch")(states)
    assert shared == [*(6 * [False]), True]  # it repeats keys only where heads share them


def test_products_are_joined_where_there_are_as_many_positions_as_numbers(monkeypatch):
    joined = []
    monkeypatch.setattr(
        "llm_book.models.attention.joined_linear",
        lambda inputs, parts: joined.append(tuple(inputs.shape)) or joined_linear(inputs, parts),
    )
    for engine, expected in {"ours": [], "torch": [(2, 2, 4), (5, 1, 4)]}.items():
        attention = MultiHeadAttention(4, 2, engine=engine)
        for shape in [(2, 2, 4), (2, 1, 4), (5, 1, 4)]:
            attention(torch.randn(shape))
        attention(torch.randn(2, 2, 4), torch.randn(2, 3, 4))
        assert joined == expected


@pytest.mark.parametrize("engine", ["ours", "torch"])
def test_a_causal_attention_with_fewer_queries_sees_all_that_came_before(engine):
    attention = MultiHeadAttention(8, 2, engine=engine).double()
    states = draws(1, 6, 8)
    whole = attention(states, causal=True)
    torch.testing.assert_close(
        attention(states[:, 4:], states, causal=True), whole[:, 4:], rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("engine", ["ours", "torch"])
def test_a_mask_may_be_for_all_for_each_text_or_for_each_head(engine):
    attention = MultiHeadAttention(8, 2, engine=engine).double()
    states, mask = draws(2, 4, 8), a_mask(4, 4)
    answer = attention(states, mask=mask)
    for same in (mask.expand(2, 4, 4), mask.expand(2, 2, 4, 4), mask.expand(1, 4, 4)):
        torch.testing.assert_close(attention(states, mask=same), answer, rtol=0, atol=1e-12)
    first_only = a_mask(2, 1, 4)
    assert_equal(
        [attention(states, mask=first_only)[1:]],
        [attention(states[1:], mask=first_only[1:])],
        1e-12,
    )


def test_weights_are_dropped_while_training_and_what_is_left_makes_up_for_it():
    for engine in ("ours", "torch"):
        attention = MultiHeadAttention(4, 2, dropout=0.5, engine=engine).double()
        states = torch.randn(1, 6, 4).double()
        calm = attention.eval()(states)
        attention.train()
        torch.testing.assert_close(attention.eval()(states), calm)
        attention.train()
        runs = torch.stack([attention(states) for _ in range(4000)])
        assert not torch.equal(runs[0], runs[1])
        torch.testing.assert_close(runs.mean(0), calm, rtol=0, atol=0.05)


def test_the_tap_is_left_of_dropout_so_that_its_rows_sum_to_one():
    attention = MultiHeadAttention(4, 2, dropout=0.5, engine="torch").train()
    seen = []
    hook = attention.weights.register_forward_hook(lambda _m, _i, out: seen.append(out))
    attention(torch.randn(2, 3, 4))
    torch.testing.assert_close(seen[0].sum(-1), torch.ones(2, 2, 3))
    hook.remove()
    attention(torch.randn(2, 3, 4))
    assert len(seen) == 1


def test_a_tap_that_changes_the_weights_changes_the_answer_of_either_engine():
    attention = MultiHeadAttention(4, 2, engine="torch")
    states = torch.randn(1, 3, 4)
    attention.weights.register_forward_hook(lambda _m, _i, out: torch.zeros_like(out))
    torch.testing.assert_close(attention(states), attention.output.bias.expand(1, 3, 4))


def test_maps_with_a_detour_are_not_passed_over_where_products_are_joined():
    attention = MultiHeadAttention(4, 2, engine="torch").double()
    states = torch.randn(1, 9, 4).double()
    before = attention(states)
    add_lora(attention, ["query", "value"], rank=2)
    torch.testing.assert_close(attention(states), before)
    with torch.no_grad():
        attention.value.up.normal_()
    assert not torch.allclose(attention(states), before)


def test_a_mask_is_not_asked_where_asking_is_not_possible():
    mask = torch.ones(2, 3, dtype=torch.bool)
    assert can_be_asked(mask)
    assert not can_be_asked(mask.to("meta"))

    def one(query, mask):
        assert not can_be_asked(mask)
        return attend(query, query, query, mask)

    query = torch.randn(5, 3, 4)
    masks = a_mask(5, 3, 3)
    torch.testing.assert_close(
        torch.func.vmap(one)(query, masks), attend(query, query, query, masks)
    )


def test_a_mask_is_not_asked_while_compiling(monkeypatch):
    mask = torch.ones(1, 2, dtype=torch.bool)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert not can_be_asked(mask)


ROW = torch.tensor([[True, False], [False, False]])
X = torch.zeros(1, 2, 4)


@pytest.mark.parametrize(
    ("error", "sentence", "ask"),
    [
        (ValueError, "5 queries cannot be the last of 3 keys", lambda: causal_mask(5, 3)),
        (
            ValueError,
            "queries of width 4 cannot be compared with keys of width 3",
            lambda: attend(X, X[..., :3], X),
        ),
        (ValueError, "2 keys came with 1 values", lambda: attend(X, X, X[:, :1])),
        (TypeError, "a mask of torch.int64 is ambiguous", lambda: attend(X, X, X, ROW.long())),
        (
            ValueError,
            r"a mask of shape \(3, 2\) does not fit scores of shape \(1, 2, 2\)",
            lambda: attend(X, X, X, torch.ones(3, 2, dtype=torch.bool)),
        ),
        (
            ValueError,
            r"a mask of shape \(1, 1, 2, 2\) does not fit",
            lambda: attend(X, X, X, torch.ones(1, 1, 2, 2, dtype=torch.bool)),
        ),
        (ValueError, "a row of the mask is False throughout", lambda: attend(X, X, X, ROW)),
        (
            ValueError,
            "a row of the mask is False throughout",
            lambda: MultiHeadAttention(4, 2)(X, mask=ROW),
        ),
        (
            ValueError,
            "a row of the mask is False throughout",
            lambda: MultiHeadAttention(4, 2, engine="torch")(X, mask=ROW),
        ),
        (
            ValueError,
            r"a mask of shape \(3, 2\) does not fit scores of shape \(1, 2, 2, 2\)",
            lambda: MultiHeadAttention(4, 2, engine="torch")(
                X, mask=torch.ones(3, 2, dtype=torch.bool)
            ),
        ),
        (
            ValueError,
            "states of width 4 reading from states of width 4 do not fit an attention of width 6",
            lambda: MultiHeadAttention(6, 2)(X),
        ),
        (
            ValueError,
            "reading from states of width 3 do not fit an attention of width 4 that reads from "
            "width 4",
            lambda: MultiHeadAttention(4, 2)(X, X[..., :3]),
        ),
        (ValueError, "a width of 6 cannot be shared out among 4", lambda: MultiHeadAttention(6, 4)),
        (ValueError, "4 heads cannot share 3 pairs", lambda: MultiHeadAttention(8, 4, 3)),
        (ValueError, "n_heads 0.* must be at least 1", lambda: MultiHeadAttention(8, 0)),
        (ValueError, "n_kv_heads 0.* must be at least 1", lambda: MultiHeadAttention(8, 2, 0)),
        (
            ValueError,
            "head_width 0: each must be at least 1",
            lambda: MultiHeadAttention(8, 2, head_width=0),
        ),
        (ValueError, "engine 'jax' is unknown", lambda: MultiHeadAttention(8, 2, engine="jax")),
    ],
)
def test_nonsense_is_refused_in_one_sentence(error, sentence, ask):
    with pytest.raises(error, match=sentence):
        ask()


def test_the_smallest_attention_can_be_built():
    attention = MultiHeadAttention(1, 1, 1, head_width=1)
    assert attention(torch.zeros(1, 1, 1)).shape == (1, 1, 1)
