"""Rankings are scored as scikit-learn scores them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn import metrics as peer

from llm_book.evaluation.ranking import (
    average_precision,
    mean_reciprocal_rank,
    recall_at,
    roc,
    roc_auc,
)

SCORED = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-4, 4).map(lambda s: s / 3)), min_size=2, max_size=40
).filter(lambda pairs: len({label for label, _ in pairs}) == 2)


@given(pairs=SCORED)
@settings(max_examples=80, deadline=None)
def test_auc_and_its_curve_equal_scikit_learns_ties_and_all(pairs):
    labels, scores = map(list, zip(*pairs, strict=True))
    assert roc_auc(labels, scores) == pytest.approx(peer.roc_auc_score(labels, scores), abs=1e-12)
    assert average_precision(labels, scores) == pytest.approx(
        peer.average_precision_score(labels, scores), abs=1e-12
    )
    theirs = peer.roc_curve(labels, scores, drop_intermediate=False)
    ours = roc(labels, scores)
    points = (ours.false_positive_rate, ours.true_positive_rate, ours.threshold)
    for mine, peers in zip(points, theirs, strict=True):
        np.testing.assert_allclose(mine, peers, rtol=0, atol=1e-12)


@given(pairs=SCORED)
@settings(max_examples=60, deadline=None)
def test_auc_is_mann_and_whitneys_share_of_pairs_and_turns_over_with_the_scores(pairs):
    labels, scores = map(np.array, zip(*pairs, strict=True))
    wins = mannwhitneyu(scores[labels == 1], scores[labels == 0]).statistic
    share = wins / ((labels == 1).sum() * (labels == 0).sum())
    assert roc_auc(labels, scores) == pytest.approx(share, abs=1e-12)
    assert roc_auc(labels, -scores) == pytest.approx(1 - share, abs=1e-12)
    assert roc_auc(labels == 1, np.exp(scores)) == pytest.approx(share, abs=1e-12)


def test_auc_of_many_scores_is_scikit_learns():
    rng = np.random.default_rng(0)
    labels = rng.random(20_000) < 0.1
    scores = np.round(rng.normal(size=20_000) + labels, 2)
    assert roc_auc(labels, scores) == pytest.approx(peer.roc_auc_score(labels, scores), abs=1e-12)


def test_recall_at_k_counts_what_was_wanted_among_the_first():
    rankings, relevant = [["a", "b", "c"], ["x", "y"]], [{"c", "a"}, ["y"]]
    assert recall_at(1, rankings, relevant) == pytest.approx((1 / 2 + 0) / 2)
    assert recall_at(2, rankings, relevant) == pytest.approx((1 / 2 + 1) / 2)
    assert recall_at(3, rankings, relevant) == 1
    assert recall_at(9, [["a"]], [["a", "a", "b"]]) == 0.5


def test_the_reciprocal_rank_is_that_of_the_first_find():
    assert mean_reciprocal_rank([[4, 5, 6]], [{6, 5}]) == 0.5
    assert mean_reciprocal_rank([[4], [1, 2, 3]], [{9}, {3}]) == pytest.approx((0 + 1 / 3) / 2)


@given(st.permutations(range(8)), st.sets(st.integers(0, 9), min_size=1), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_recall_grows_with_k(ranking, wanted, k):
    assert recall_at(k, [ranking], [wanted]) <= recall_at(k + 1, [ranking], [wanted])
    assert recall_at(8, [ranking], [wanted]) == len(wanted & set(range(8))) / len(wanted)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: roc_auc([1, 0], [1]), r"labels of shape \(2,\) and scores of shape \(1,\)"),
        (lambda: roc_auc([[1, 0]], [[1, 2]]), "give one score a label"),
        (lambda: roc_auc([1, 2, 3], [1, 2, 3]), "labels hold 2; expected only 0 and 1"),
        (lambda: roc([1, 0], [1, float("nan")]), "a score is NaN or infinite"),
        (lambda: average_precision([1, 1], [1, 2]), "all labels are of one class"),
        (lambda: roc_auc([0, 0], [1, 2]), "all labels are of one class"),
        (lambda: roc_auc([], []), "all labels are of one class"),
        (lambda: recall_at(0, [["a"]], [["a"]]), "k is 0; look at 1 item or more"),
        (lambda: recall_at(1, [["a"]], []), "1 rankings and 0 sets of relevant items"),
        (lambda: mean_reciprocal_rank([], []), "0 rankings and 0 sets"),
        (lambda: recall_at(1, [["a"], ["b"]], [["a"], []]), "question 1 has no relevant item"),
        (lambda: recall_at(1, [["a", "a"]], [["a"]]), "question 0 ranks an item twice"),
    ],
)
def test_what_cannot_be_ranked_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
