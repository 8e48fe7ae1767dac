"""Passages: whole paragraphs of a long text, put together until they are long enough."""

from collections.abc import Callable, Iterable, Sequence

import torch

from llm_book.data.packing import Documents, pack_greedily
from llm_book.shapes import TokenBatch


def passages(
    paragraphs: Iterable[str],
    encode: Callable[[str], Sequence[int]],
    at_least: int,
    at_most: int,
) -> list[list[int]]:
    """The ids of paragraphs one after another, cut into passages.

    A passage ends with the paragraph in which it reaches ``at_least`` tokens, or where it has
    ``at_most`` of them: what is left of that paragraph begins the next. The last may be shorter.
    Raises ``ValueError`` where ``at_least`` is below 1 or above ``at_most``.
    """
    if not 1 <= at_least <= at_most:
        raise ValueError(
            f"passages of at least {at_least} and at most {at_most} tokens cannot be; give a "
            "least of 1 or more, and a most that is not below it"
        )
    found: list[list[int]] = []
    begun: list[int] = []
    for paragraph in paragraphs:
        begun = [*begun, *encode(paragraph)]
        while len(begun) > at_most:
            found.append(begun[:at_most])
            begun = begun[at_most:]
        if len(begun) >= at_least:
            found.append(begun)
            begun = []
    return [*found, begun] if begun else found


def padded(documents: Documents, context_length: int, end_id: int, pad_id: int = 0) -> TokenBatch:
    """One document a row, its end token behind it, then pads up to the context's length.

    Targets are those of ``packing``; no row holds two documents, so none are numbered. Raises
    ``ValueError`` as ``pack_greedily`` does, and for a document that is longer than a row.
    """
    rows = [pack_greedily([document], context_length, end_id, pad_id) for document in documents]
    for document, row in zip(documents, rows, strict=True):
        if len(row.ids) > 1:
            raise ValueError(
                f"a document of {len(document)} tokens and its end do not fit in a row of "
                f"{context_length}; cut it: document[:{context_length - 1}]"
            )
    if not rows:
        raise ValueError("no documents came; give at least one")
    return TokenBatch(torch.cat([row.ids for row in rows]), torch.cat([r.targets for r in rows]))


class RowsInTurn:
    """Batches of a table's rows in their order, from the first again behind the last.

    ``batches(step)`` is a function of the step, counted from 0. Raises ``ValueError`` for fewer
    rows than a batch has.
    """

    def __init__(self, table: TokenBatch, batch_size: int) -> None:
        if not 1 <= batch_size <= table.size:
            raise ValueError(
                f"batches of {batch_size} rows cannot be drawn from {table.size}; give more text, "
                "or smaller batches"
            )
        self.table, self.batch_size = table, batch_size

    def __call__(self, step: int) -> TokenBatch:
        """The batch of one step."""
        rows = torch.arange(step * self.batch_size, (step + 1) * self.batch_size)
        rows %= self.table.size
        return TokenBatch(self.table.ids[rows], self.table.targets[rows])
