"""Accuracy and its family are scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from llm_book.evaluation.metrics import confusion_matrix

PAIRS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=40)


@given(pairs=PAIRS)
@settings(max_examples=100, deadline=None)
def test_every_number_equals_scikit_learns(pairs):
    labels, predicted = map(list, zip(*pairs, strict=True))
    ours = confusion_matrix(labels, predicted)
    table = peer.confusion_matrix(labels, predicted, labels=[0, 1])
    assert [
        [ours.true_negative, ours.false_positive],
        [ours.false_negative, ours.true_positive],
    ] == table.tolist()
    assert ours.accuracy == pytest.approx(peer.accuracy_score(labels, predicted))
    assert ours.precision == pytest.approx(peer.precision_score(labels, predicted, zero_division=0))
    assert ours.recall == pytest.approx(peer.recall_score(labels, predicted, zero_division=0))
    assert ours.f1 == pytest.approx(peer.f1_score(labels, predicted, zero_division=0))


def test_booleans_and_arrays_are_taken_too():
    assert confusion_matrix(np.array([1, 0]), np.array([True, True])).false_positive == 1


def test_a_side_that_never_says_one_is_counted_too():
    counted = confusion_matrix([0, 0], [0, 0])
    assert (counted.n, counted.true_negative, counted.true_positive) == (2, 2, 0)


@pytest.mark.parametrize(
    ("labels", "predicted", "sentence"),
    [
        ([], [], "0 labels and 0 predictions cannot be compared"),
        ([1], [1, 0], "1 labels and 2 predictions cannot be compared"),
        ([1, 0], [0.7, 0], "predictions hold 0.7; expected only 0 and 1"),
        ([2, 1, 3], [1, 1, 1], "labels hold 2; expected only 0 and 1"),
    ],
)
def test_what_cannot_be_counted_is_refused(labels, predicted, sentence):
    with pytest.raises(ValueError, match=sentence):
        confusion_matrix(labels, predicted)
