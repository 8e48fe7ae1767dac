"""Scores over several classes are scikit-learn's."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from llm_book.evaluation.classification import Scores, confusion_table

pytestmark = pytest.mark.filterwarnings("ignore:A single label was found:UserWarning")
CLASSES = st.integers(-2, 4)
PAIRS = st.lists(st.tuples(CLASSES, CLASSES), min_size=1, max_size=40)


def peers(true, said, **how):
    return peer.precision_recall_fscore_support(true, said, zero_division=0, **how)[:3]


def numbers(scores):
    return pytest.approx((scores.precision, scores.recall, scores.f1), abs=1e-12)


@given(pairs=PAIRS)
@settings(max_examples=60, deadline=None)
def test_every_average_equals_scikit_learns_also_for_classes_on_one_side_only(pairs):
    labels, predicted = map(list, zip(*pairs, strict=True))
    table = confusion_table(labels, predicted)
    named = sorted(set(labels) | set(predicted))
    theirs = peer.confusion_matrix(labels, predicted, labels=named)
    assert table.counts.tolist() == theirs.tolist()
    assert list(table.classes) == named
    for average in ("macro", "micro", "weighted"):
        assert peers(labels, predicted, average=average) == numbers(getattr(table, average))
    each = peers(labels, predicted, average=None)
    for ours, theirs in zip((table.precision, table.recall, table.f1), each, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    for place, name in enumerate(table.classes):
        assert table.of(name) == Scores(*(float(share[place]) for share in each))


@given(pairs=PAIRS)
@settings(max_examples=60, deadline=None)
def test_the_single_numbers_equal_scikit_learns(pairs):
    labels, predicted = map(list, zip(*pairs, strict=True))
    table = confusion_table(labels, predicted)
    assert table.n == len(labels)
    assert table.accuracy == pytest.approx(peer.accuracy_score(labels, predicted))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they warn where a class was never true
        assert table.balanced_accuracy == pytest.approx(
            peer.balanced_accuracy_score(labels, predicted)
        )
        assert table.matthews == pytest.approx(peer.matthews_corrcoef(labels, predicted), abs=1e-9)


@given(pairs=PAIRS, order=st.permutations(range(-3, 6)))
@settings(max_examples=30, deadline=None)
def test_named_classes_stand_in_the_order_given_and_count_when_absent(pairs, order):
    labels, predicted = map(list, zip(*pairs, strict=True))
    table = confusion_table(labels, predicted, classes=order)
    assert table.counts.tolist() == peer.confusion_matrix(labels, predicted, labels=order).tolist()
    for average in ("macro", "weighted"):
        theirs = peers(labels, predicted, labels=order, average=average)
        assert theirs == numbers(getattr(table, average))


@pytest.mark.parametrize("as_given", [list, np.array, lambda w: np.array(w, dtype=object)])
def test_classes_may_be_words(as_given):
    table = confusion_table(as_given(["spam", "ham", "ham"]), as_given(["ham", "ham", "eggs"]))
    assert table.classes == ("eggs", "ham", "spam")
    assert table.counts.tolist() == [[0, 0, 0], [1, 1, 0], [0, 1, 0]]
    assert table.of("ham") == Scores(0.5, 0.5, 0.5)


def test_a_row_is_the_true_class_and_a_column_the_predicted_one():
    table = confusion_table(torch.tensor([0, 0, 1]), [1, 1, 1])
    assert table.counts.tolist() == [[0, 2], [0, 1]]
    assert table.support.tolist() == [2, 1]
    assert table.predicted.tolist() == [0, 3]
    assert table.correct == 1


def test_one_class_alone_has_no_correlation():
    assert confusion_table([1, 1], [1, 1]).matthews == 0
    assert confusion_table([1, 0], [1, 1]).matthews == 0


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: confusion_table([], []), ValueError, "0 labels and 0 predictions cannot be"),
        (lambda: confusion_table([1], [1, 0]), ValueError, "1 labels and 2 predictions cannot"),
        (lambda: confusion_table([1], [0.7]), ValueError, "predictions are of type float64"),
        (lambda: confusion_table([0.5], [1]), ValueError, "labels are of type float64"),
        (lambda: confusion_table([[0.1, 0.9]], [1]), ValueError, r"labels have shape \(1, 2\)"),
        (lambda: confusion_table([1], ["a"]), ValueError, "mix words and numbers"),
        (lambda: confusion_table([1], [3], [1, 2]), ValueError, "3 is none of the classes"),
        (lambda: confusion_table([3], [1], [1, 2]), ValueError, "3 is none of the classes"),
        (lambda: confusion_table([1], [1], [1, 2, 1]), ValueError, "name a class twice"),
        (lambda: confusion_table([1], [0]).of(2), KeyError, "class 2 was not counted"),
        (
            lambda: confusion_table(np.array(["a", 1], dtype=object), ["a", "b"]),
            ValueError,
            "labels are of type object",
        ),
    ],
)
def test_what_cannot_be_counted_is_refused(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()
