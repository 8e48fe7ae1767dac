"""Questions of different lengths become rectangles, padded on the right."""

import torch

from llm_book.data.span_batches import SpanRows


def row(question, time, start, end):
    texts = torch.ones(question).long(), torch.ones(time).long()
    return *texts, torch.ones(time, 3), torch.zeros(time).long(), *map(torch.tensor, (start, end))


def test_rows_are_padded_with_nothing():
    rows = SpanRows([row(2, 5, 1, 2), row(4, 3, 0, 0), row(1, 1, 0, 0)])
    batch = rows.batch([0, 1]).to("cpu")
    assert batch.asked.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    assert batch.said.tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
    assert batch.marks.shape == (2, 5, 3) and not batch.marks[1, 3:].any()
    assert (batch.start.tolist(), batch.end.tolist()) == ([1, 0], [2, 0])
    assert (batch.size, batch.weight, batch.tokens) == (2, 2, 8)
