"""Tokens that hold parts of characters are joined, and their weights with them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.widgets.attention_map import attention_map
from llm_book.widgets.fragments import characters, merge_fragments


def random_rows(queries, keys, seed=0, causal=False):
    weights = np.random.default_rng(seed).random((2, queries, keys))
    weights = np.tril(weights) if causal else weights
    return weights / weights.sum(axis=-1, keepdims=True)


def cut(text, places):
    """The bytes of a text, cut at some places."""
    data = text.encode()
    edges = sorted({0, len(data), *(place % len(data) for place in places)})
    return [data[a:b] for a, b in pairwise(edges)]


@given(st.text(min_size=1, max_size=12), st.lists(st.integers(0, 60)), st.integers(0, 99))
def test_rows_still_sum_to_one_and_no_character_is_lost(text, places, seed):
    try:
        pieces = cut(text, places)
    except UnicodeEncodeError:  # half of a pair has no bytes
        return
    weights, queries, keys = merge_fragments(random_rows(len(pieces), len(pieces), seed), pieces)
    assert "".join(queries) == text and queries == keys
    assert weights.shape == (2, len(queries), len(keys))
    assert np.allclose(weights.sum(axis=-1), 1)


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=8))
def test_any_bytes_at_all_are_joined_without_loss(pieces):
    texts, starts = characters(pieces)
    assert len(texts) == len(starts) and starts[0] == 0
    groups = np.split(np.arange(len(pieces)), starts[1:])
    for text, group in zip(texts, groups, strict=True):
        assert b"".join(pieces[i] for i in group).decode("utf-8", "backslashreplace") == text


def test_keys_are_added_up_and_queries_averaged():
    pieces = [b"a", "语".encode()[:1], "语".encode()[1:], b"b"]
    weights = random_rows(4, 4)[0]
    merged, queries, _ = merge_fragments(weights, pieces)
    assert queries == ["a", "语", "b"]
    assert merged[0, 1] == pytest.approx(weights[0, 1] + weights[0, 2])
    assert merged[1, 0] == pytest.approx((weights[1, 0] + weights[2, 0]) / 2)


def test_bytes_that_are_no_characters_stand_alone():
    assert characters([b"\xff", b"\xe8", b"x", "语".encode()[:2]])[0] == [
        "\\xff",
        "\\xe8",
        "x",
        "\\xe8\\xaf",
    ]


def test_each_side_is_joined_by_itself():
    key_pieces = ["你".encode()[:2], "你".encode()[2:], b"!"]
    merged, queries, keys = merge_fragments(random_rows(2, 3), [b"a", b"b"], key_pieces)
    assert (queries, keys, merged.shape) == (["a", "b"], ["你", "!"], (2, 2, 2))


def test_a_map_takes_bytes_and_shows_characters():
    pieces = [b"I ", "爱".encode()[:1], "爱".encode()[1:], "你".encode(), b"."]
    record = attention_map(random_rows(5, 5, causal=True), pieces, sentence_b=3).record
    assert record.queries == ("I␣", "爱", "你", ".") and record.relation == "causal"
    assert record.split == 2
    inside = attention_map(random_rows(5, 5), pieces, sentence_b=2).record
    assert inside.split == 1  # the character that the sentence begins in
    assert np.allclose(record.weights.sum(axis=-1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("pieces", "why"),
    [(["a", "b"], "is no bytes"), ([], "do not fit"), ([b"a"], "do not fit 1 queries")],
)
def test_what_is_no_list_of_bytes_is_refused(pieces, why):
    with pytest.raises(ValueError, match=why):
        merge_fragments(random_rows(2, 2), pieces)
