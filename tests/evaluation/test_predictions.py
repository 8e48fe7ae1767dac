"""Predictions come back in the order the texts came."""

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from llm_book.data.batches import in_length_order
from llm_book.evaluation.predictions import cross_entropy, probabilities


class FirstId(torch.nn.Module):
    """A model whose logit is the first id, so that the order can be seen."""

    def forward(self, ids, lengths):
        assert not self.training
        return ids[:, 0].float() / 10


def test_probabilities_stand_in_the_order_of_the_texts():
    texts = [[5, 1, 1], [2], [9, 1], [3, 1, 1, 1]]
    p = probabilities(FirstId(), in_length_order(texts, [0] * 4, 2))
    assert p == pytest.approx(1 / (1 + np.exp(-np.array([5, 2, 9, 3]) / 10)))


def test_the_loss_of_predictions_is_scikit_learns():
    p, labels = np.array([0.9, 0.2, 0.6]), np.array([1, 0, 0])
    assert cross_entropy(p, labels) == pytest.approx(log_loss(labels, p))


def test_a_certain_mistake_costs_much_but_not_infinitely():
    assert 20 < cross_entropy(np.array([0.0]), np.array([1])) < 40
    assert 20 < cross_entropy(np.array([1.0]), [0]) < 40
