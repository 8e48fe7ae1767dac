"""Passages lose no token, end with a paragraph where they can, and stand one a row or in turn."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_book.data.packing import pack_greedily
from llm_book.data.passages import RowsInTurn, padded, passages
from llm_book.shapes import IGNORE, TokenBatch


def encode(paragraph):
    return [ord(sign) for sign in paragraph]


@given(
    paragraphs=st.lists(st.text("abc", min_size=1, max_size=12), max_size=9),
    least=st.integers(1, 6),
    room=st.integers(0, 6),
)
def test_no_token_is_lost_and_all_but_the_last_are_long_enough(paragraphs, least, room):
    found = passages(paragraphs, encode, least, least + room)
    assert [i for ids in found for i in ids] == encode("".join(paragraphs))
    assert all(least <= len(ids) <= least + room for ids in found[:-1])
    assert all(1 <= len(ids) <= least + room for ids in found)


def test_a_passage_ends_with_a_paragraph_once_it_is_long_enough():
    found = passages(["aa", "bb", "ccc", "d" * 9, "e"], encode, 4, 6)
    assert found == [encode(x) for x in ("aabb", "cccddd", "dddddd", "e")]


@pytest.mark.parametrize(("least", "most"), [(0, 4), (5, 4)])
def test_lengths_that_cannot_be_are_refused(least, most):
    with pytest.raises(ValueError, match=f"at least {least} and at most {most} tokens cannot be"):
        passages(["a"], encode, least, most)


def test_a_row_is_a_document_its_end_and_pads_without_targets():
    table = padded([[5, 6, 7], [8]], 5, end_id=1, pad_id=9)
    assert table.ids.tolist() == [[5, 6, 7, 1, 9], [8, 1, 9, 9, 9]]
    assert table.targets.tolist() == [[6, 7, 1, IGNORE, IGNORE], [1, *[IGNORE] * 4]]
    assert table.documents is None


@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=9))
def test_packed_and_padded_rows_teach_the_same_targets(lengths):
    documents = [list(range(2, 2 + n)) for n in lengths]
    tables = padded(documents, 8, 1), pack_greedily(documents, 8, 1)
    taught = [table.targets[table.targets != IGNORE].tolist() for table in tables]
    assert taught[0] == taught[1]


def test_a_document_that_is_longer_than_a_row_is_refused():
    with pytest.raises(ValueError, match=r"5 tokens and its end do not fit in a row of 5; cut it"):
        padded([[1], [2] * 5], 5, 1)
    with pytest.raises(ValueError, match="no documents came"):
        padded([], 5, 1)


def test_rows_come_in_turn_and_begin_anew():
    ids = torch.arange(5)[:, None].expand(5, 2)
    batches = RowsInTurn(TokenBatch(ids, ids + 10), 2)
    found = [batches(step) for step in range(4)]
    assert [one.ids[:, 0].tolist() for one in found] == [[0, 1], [2, 3], [4, 0], [1, 2]]
    assert all(one.targets.equal(one.ids + 10) for one in found)


@pytest.mark.parametrize("size", [0, 6])
def test_batches_of_more_rows_than_there_are_is_refused(size):
    ids = torch.zeros(5, 2, dtype=torch.int64)
    with pytest.raises(ValueError, match=f"batches of {size} rows cannot be drawn from 5; give"):
        RowsInTurn(TokenBatch(ids, ids), size)
