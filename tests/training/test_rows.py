"""Rows of a batch are a batch of the same kind."""

import torch

from llm_book.shapes import TokenBatch
from llm_book.training.rows import take_rows


def test_rows_may_be_taken_by_number_and_what_is_missing_stays_missing():
    ids = torch.arange(8).view(4, 2)
    part = take_rows(TokenBatch(ids, ids + 1), torch.tensor([2, 0]))
    assert part.ids.tolist() == [[4, 5], [0, 1]]
    assert part.targets.tolist() == [[5, 6], [1, 2]]
    assert part.documents is None
