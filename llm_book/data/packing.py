"""Documents of different lengths → full rows of a context's length, without learning across them.

Every document is followed by an end token. Within a document each position's target is the token
that comes next, the end token last; the end token itself has no target, because what follows it is
another document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import torch

from llm_book.shapes import IGNORE, TokenBatch

NO_DOCUMENT = -1  # the number of the document in which a pad stands

Documents: TypeAlias = Sequence[Sequence[int]]
Piece: TypeAlias = tuple[int, list[int], list[int]]  # document, ids, targets


def pack_greedily(
    documents: Documents, context_length: int, end_id: int, pad_id: int = 0
) -> TokenBatch:
    """The documents one after another, cut where a row is full: only the last row has pads.

    A document cut in two goes on in the next row, where its first part is out of sight. No token
    and no target is lost. Raises ValueError for no documents, an empty one, or a row of less
    than 1 token.
    """
    rows: list[list[Piece]] = [[]]
    room = context_length
    for document, ids, targets in _with_targets(documents, context_length, end_id):
        while ids:
            if not room:
                rows.append([])
                room = context_length
            rows[-1].append((document, ids[:room], targets[:room]))
            room, ids, targets = max(room - len(ids), 0), ids[room:], targets[room:]
    return _rectangle(rows, context_length, pad_id)


def pack_first_fit(
    documents: Documents, context_length: int, end_id: int, pad_id: int = 0
) -> TokenBatch:
    """Each document whole, in the first row that has room for it; more pads, no cut documents.

    Only a document longer than a row is cut, into rows' lengths; its last part goes where there is
    room, be it in an earlier row. No token and no target is lost.
    Give long documents first for fewer pads (first-fit decreasing). Raises ValueError as
    `pack_greedily` does. Source: Johnson et al. (1974).
    """
    pieces = [
        (number, ids[start : start + context_length], targets[start : start + context_length])
        for number, ids, targets in _with_targets(documents, context_length, end_id)
        for start in range(0, len(ids), context_length)
    ]
    place = _first_fit(len(pieces), context_length)
    rows: list[list[Piece]] = []
    for piece in pieces:
        row = place(len(piece[1]))
        if row == len(rows):
            rows.append([])
        rows[row].append(piece)
    return _rectangle(rows, context_length, pad_id)


def _with_targets(documents: Documents, context_length: int, end_id: int) -> Iterator[Piece]:
    """Each document with its end token, and at each position what comes next."""
    if context_length < 1:
        raise ValueError(f"context_length is {context_length}; it must be at least 1")
    if not documents:
        raise ValueError("no documents came; give at least one")
    for number, document in enumerate(documents):
        if not document:
            raise ValueError(f"document {number} has no token; leave it out")
        yield number, [*document, end_id], [*document[1:], end_id, IGNORE]


def _first_fit(n_rows: int, capacity: int) -> Callable[[int], int]:
    """A function that gives the first of `n_rows` rows with room for so many tokens, and takes it.

    A binary tree holds in each node the most room below it, so that a row is found in log₂ steps.
    """
    leaves = 1 << (n_rows - 1).bit_length()
    room = [capacity] * (2 * leaves)

    def place(need: int) -> int:
        node = 1
        while node < leaves:
            node = 2 * node if room[2 * node] >= need else 2 * node + 1
        row = node - leaves
        room[node] -= need
        while node > 1:
            node //= 2
            room[node] = max(room[2 * node], room[2 * node + 1])
        return row

    return place


def _rectangle(rows: list[list[Piece]], context_length: int, pad_id: int) -> TokenBatch:
    shape = (len(rows), context_length)
    ids, targets, numbers = (torch.full(shape, n) for n in (pad_id, IGNORE, NO_DOCUMENT))
    for row, pieces in enumerate(rows):
        start = 0
        for number, piece, said in pieces:
            end = start + len(piece)
            ids[row, start:end] = torch.tensor(piece)
            targets[row, start:end] = torch.tensor(said)
            numbers[row, start:end] = number
            start = end
    return TokenBatch(ids, targets, numbers)
