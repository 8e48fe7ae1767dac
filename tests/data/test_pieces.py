"""Pieces of long texts: nothing is lost, none is too long."""

import pytest

from llm_book.data.pieces import pieces


def test_pieces_joined_are_the_text_and_none_is_longer_than_allowed():
    text = list(range(23))
    cut = pieces([text], 5)
    assert [i for piece in cut for i in piece] == text
    assert [len(piece) for piece in cut] == [4, 5, 4, 5, 5]


def test_a_text_that_fits_stays_whole_and_none_runs_into_the_next():
    assert pieces([[1, 2, 3], [4, 5]], 3) == [[1, 2, 3], [4, 5]]


def test_what_has_no_neighbour_is_left_out():
    assert pieces([[], [7], [1, 2]], 4) == [[1, 2]]


def test_pieces_of_one_token_are_refused():
    with pytest.raises(ValueError, match="longest is 1; a piece needs at least 2 tokens"):
        pieces([[1, 2]], 1)
