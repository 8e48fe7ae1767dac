"""The contrastive loss is cross-entropy from both sides, shared by all that match."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from llm_book.training.contrastive import contrastive_loss


def scores(rows=4, columns=4):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(0)).double()


def test_one_match_each_gives_the_loss_of_clip():
    given, order = scores(), torch.arange(4)
    known = (cross_entropy(given, order) + cross_entropy(given.T, order)) / 2
    torch.testing.assert_close(contrastive_loss(given, torch.eye(4, dtype=torch.bool)), known)


def test_several_matches_share_the_target_evenly():
    given = scores(2, 3)
    match = torch.tensor([[True, True, False], [False, False, True]])
    images = cross_entropy(given, torch.tensor([[0.5, 0.5, 0], [0, 0, 1]]).double())
    texts = cross_entropy(given.T, torch.tensor([0, 0, 1]))
    torch.testing.assert_close(contrastive_loss(given, match), (images + texts) / 2)


def test_the_order_of_the_batch_changes_nothing():
    given, match = scores(), torch.eye(4, dtype=torch.bool)
    other = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(
        contrastive_loss(given[other], match[other]), contrastive_loss(given, match)
    )


def test_what_matches_nothing_is_refused():
    with pytest.raises(ValueError, match="matches nothing"):
        contrastive_loss(scores(2, 2), torch.tensor([[True, False], [True, False]]))
    with pytest.raises(ValueError, match="do not fit"):
        contrastive_loss(scores(2, 2), torch.ones(2, 3, dtype=torch.bool))
