"""How well scores put what is wanted before what is not."""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Roc:
    """What each threshold finds and what it lets in, from the strictest to the loosest.

    ``true_positive_rate`` and ``false_positive_rate`` [thresholds] are shares of the positives
    and of the negatives with a score at or above ``threshold`` [thresholds]; the first threshold
    is infinite and finds nothing.
    """

    false_positive_rate: np.ndarray
    true_positive_rate: np.ndarray
    threshold: np.ndarray


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """How often a positive scores above a negative, a tie counting half (0 to 1).

    This is the statistic of Mann and Whitney (1947) over the number of pairs, and the area under
    the ROC curve; equals ``sklearn.metrics.roc_auc_score``. ``labels`` [n] of 0 and 1, ``scores``
    [n] of any scale. Raises ``ValueError`` where either class is missing.
    """
    positive, scores = _two_classes(labels, scores)
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]  # equal scores share their mean rank
    positives = np.count_nonzero(positive)
    wins = rank[positive].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * (len(scores) - positives)))


def roc(labels: ArrayLike, scores: ArrayLike) -> Roc:
    """Every point of the ROC curve; equals ``sklearn.metrics.roc_curve`` with no point dropped.

    ``labels`` [n] of 0 and 1, ``scores`` [n]. Raises ``ValueError`` where either class is missing.
    """
    positive, scores = _two_classes(labels, scores)
    found, let_in, threshold = _cumulated(positive, scores)
    return Roc(
        np.concatenate([[0], let_in / let_in[-1]]),
        np.concatenate([[0], found / found[-1]]),
        np.concatenate([[np.inf], threshold]),
    )


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Precision at each threshold, weighted by the recall it adds (0 to 1).

    Equal scores are let in together; equals ``sklearn.metrics.average_precision_score``.
    ``labels`` [n] of 0 and 1, ``scores`` [n]. Raises ``ValueError`` where either class is missing.
    """
    positive, scores = _two_classes(labels, scores)
    found, let_in, _ = _cumulated(positive, scores)
    added = np.diff(found, prepend=0) / found[-1]
    return float((added * found / (found + let_in)).sum())


def recall_at(
    k: int, rankings: Sequence[Sequence[Hashable]], relevant: Sequence[Collection[Hashable]]
) -> float:
    """Share of a question's relevant items among its first ``k``, averaged over questions.

    ``rankings`` holds a list of items a question, best first; ``relevant`` the items wanted.
    Raises ``ValueError`` for k below 1, a question without relevant items, an item ranked twice.
    """
    if k < 1:
        raise ValueError(f"k is {k}; look at 1 item or more")
    _check_rankings(rankings, relevant)
    shares = [
        len(set(ranking[:k]) & set(wanted)) / len(set(wanted))
        for ranking, wanted in zip(rankings, relevant, strict=True)
    ]
    return float(np.mean(shares))


def mean_reciprocal_rank(
    rankings: Sequence[Sequence[Hashable]], relevant: Sequence[Collection[Hashable]]
) -> float:
    """One over the place of the first relevant item (0 if none), averaged over questions.

    Source: Voorhees (1999). Raises ``ValueError`` as ``recall_at`` does.
    """
    _check_rankings(rankings, relevant)
    return float(np.mean([_reciprocal(r, w) for r, w in zip(rankings, relevant, strict=True)]))


def _reciprocal(ranking: Sequence[Hashable], wanted: Collection[Hashable]) -> float:
    return next((1 / place for place, item in enumerate(ranking, 1) if item in wanted), 0.0)


def _check_rankings(
    rankings: Sequence[Sequence[Hashable]], relevant: Sequence[Collection[Hashable]]
) -> None:
    if len(rankings) != len(relevant) or not rankings:
        raise ValueError(
            f"{len(rankings)} rankings and {len(relevant)} sets of relevant items do not pair up; "
            "give one of each a question, and at least one question"
        )
    for question, (ranking, wanted) in enumerate(zip(rankings, relevant, strict=True)):
        if not wanted:
            raise ValueError(
                f"question {question} has no relevant item; leave out what has no answer"
            )
        if len(set(ranking)) < len(ranking):
            raise ValueError(f"question {question} ranks an item twice; rank each item once")


def _cumulated(
    positive: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positives and negatives at or above each distinct score, from the highest score down."""
    distinct, place = np.unique(-scores, return_inverse=True)
    found = np.bincount(place, positive).cumsum()
    let_in = np.bincount(place, ~positive).cumsum()
    return found, let_in, -distinct


def _two_classes(labels: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = np.asarray(labels), np.asarray(scores, float)
    if labels.shape != scores.shape or labels.ndim != 1:
        raise ValueError(
            f"labels of shape {labels.shape} and scores of shape {scores.shape} cannot be ranked; "
            "give one score a label"
        )
    strange = labels[~np.isin(labels, (0, 1))]
    if strange.size:
        raise ValueError(f"labels hold {strange[0]}; expected only 0 and 1")
    if not np.isfinite(scores).all():
        raise ValueError("a score is NaN or infinite and has no place in a ranking; repair it")
    if not 0 < labels.sum() < len(labels):
        raise ValueError(
            "all labels are of one class, so nothing can be ranked before anything; expected both "
            "0 and 1"
        )
    return labels == 1, scores
