"""Packing: full rows, no token lost, nothing learned or seen across documents."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_book.data.packing import pack_first_fit, pack_greedily
from llm_book.shapes import IGNORE, document_mask

END = 1
PACKERS = [pack_greedily, pack_first_fit]
documents = st.lists(st.lists(st.integers(2, 99), min_size=1, max_size=12), min_size=1, max_size=9)
contexts = st.integers(1, 9)


def pieces(batch, number):
    """A document's (ids, targets) in each row that holds some of it."""
    found = []
    for ids, targets, here in zip(batch.ids, batch.targets, batch.documents == number, strict=True):
        if here.any():
            found.append((ids[here].tolist(), targets[here].tolist()))
    return found


def first_token(piece):
    """Where a piece of a document whose tokens count up begins."""
    return piece[0][0] if piece[0] != [END] else 10**6


@pytest.mark.parametrize("pack", PACKERS)
@given(lengths=st.lists(st.integers(1, 12), min_size=1, max_size=9), context=contexts)
def test_no_token_and_no_target_is_lost(pack, lengths, context):
    documents = [list(range(2, 2 + n)) for n in lengths]
    batch = pack(documents, context, END, pad_id=0)
    for number, document in enumerate(documents):
        # The last part of a cut document may stand in an earlier row than its first.
        found = sorted(pieces(batch, number), key=first_token)
        assert [i for ids, _ in found for i in ids] == [*document, END]
        assert [t for _, targets in found for t in targets] == [*document[1:], END, IGNORE]
    assert int((batch.documents >= 0).sum()) == sum(len(d) + 1 for d in documents)
    assert batch.weight == sum(map(len, documents))


@pytest.mark.parametrize("pack", PACKERS)
@given(documents=documents, context=contexts)
def test_targets_follow_within_a_document_and_stop_at_its_border(pack, documents, context):
    batch = pack(documents, context, END)
    same = batch.documents[:, 1:] == batch.documents[:, :-1]
    text = batch.documents[:, :-1] >= 0
    assert batch.targets[:, :-1][same & text].equal(batch.ids[:, 1:][same & text])
    assert (batch.targets[:, :-1][~same] == IGNORE).all()


@pytest.mark.parametrize("pack", PACKERS)
@given(documents=documents, context=contexts)
def test_pads_stand_on_the_right_and_carry_nothing(pack, documents, context):
    batch = pack(documents, context, END, pad_id=55)
    pads = batch.documents == -1
    assert (batch.ids[pads] == 55).all() and (batch.targets[pads] == IGNORE).all()
    assert pads.equal(pads.int().cummax(dim=1).values.bool())
    assert batch.ids.shape[1] == context
    assert not pads.all(dim=1).any()


@given(documents=documents, context=contexts)
def test_greedy_rows_are_full_but_for_the_last(documents, context):
    batch = pack_greedily(documents, context, END)
    assert (batch.documents[:-1] >= 0).all()
    assert batch.ids.flatten().tolist()[: sum(len(d) + 1 for d in documents)] == [
        i for document in documents for i in [*document, END]
    ]


def naive_first_fit(lengths, capacity):
    """Row of each piece, by trying every row in order."""
    rooms, rows = [], []
    for need in lengths:
        row = next((i for i, room in enumerate(rooms) if room >= need), len(rooms))
        if row == len(rooms):
            rooms.append(capacity)
        rooms[row] -= need
        rows.append(row)
    return rows


@given(documents=documents, context=st.integers(13, 40))
def test_first_fit_takes_the_first_row_with_room_and_cuts_nothing(documents, context):
    batch = pack_first_fit(documents, context, END)
    rows = [set((batch.documents == i).any(dim=1).nonzero()[:, 0].tolist())
            for i in range(len(documents))]  # fmt: skip
    expected = naive_first_fit([len(d) + 1 for d in documents], context)
    assert rows == [{row} for row in expected]


def test_a_document_longer_than_a_row_is_cut_into_rows():
    batch = pack_first_fit([[2, 3, 4, 5], [6]], 3, END)
    assert batch.ids.tolist() == [[2, 3, 4], [5, 1, 0], [6, 1, 0]]
    assert batch.targets.tolist() == [[3, 4, 5], [1, IGNORE, IGNORE], [1, IGNORE, IGNORE]]
    assert batch.documents.tolist() == [[0, 0, 0], [0, 0, -1], [1, 1, -1]]


def test_greedy_packing_on_the_page():
    batch = pack_greedily([[2, 3], [4], [5, 6]], 4, END)
    assert batch.ids.tolist() == [[2, 3, 1, 4], [1, 5, 6, 1]]
    assert batch.targets.tolist() == [[3, 1, IGNORE, 1], [IGNORE, 6, 1, IGNORE]]
    assert batch.documents.tolist() == [[0, 0, 0, 1], [1, 2, 2, 2]]


def test_first_fit_wastes_less_than_a_row_a_document():
    lengths = [1 + 37 * i % 90 for i in range(300)]
    batch = pack_first_fit([[2] * n for n in lengths], 128, END)
    assert batch.weight / batch.tokens > 0.85
    assert batch.size < 300 / 2


@pytest.mark.parametrize("pack", PACKERS)
@given(documents=documents, context=contexts)
def test_a_position_may_attend_to_its_own_document_alone(pack, documents, context):
    batch = pack(documents, context, END)
    mask = document_mask(batch.documents)
    assert mask.dtype == torch.bool and mask.shape == (batch.size, context, context)
    assert mask.diagonal(dim1=1, dim2=2).all()
    assert mask.equal(mask.transpose(1, 2))
    for row, numbers in enumerate(batch.documents.tolist()):
        for query in range(context):
            assert mask[row, query].tolist() == [numbers[query] == other for other in numbers]


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize(
    ("documents", "context", "sentence"),
    [
        ([], 4, "no documents came; give at least one"),
        ([[2], []], 4, "document 1 has no token; leave it out"),
        ([[2]], 0, "context_length is 0; it must be at least 1"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(pack, documents, context, sentence):
    with pytest.raises(ValueError, match=sentence):
        pack(documents, context, END)
