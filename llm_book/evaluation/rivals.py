"""The classical classifiers a network has to beat: bags of words under a linear model.

They are scikit-learn's, put together here; what they know of word order is word pairs.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression

Rival = Callable[[Sequence[str], Sequence[int], Sequence[str]], np.ndarray]
WORD = r"(?u)\b\w\w+\b|[^\w\s]|\b\w\b"


def tfidf_unigrams(
    texts: Sequence[str], labels: Sequence[int], new_texts: Sequence[str]
) -> np.ndarray:
    """P(label 1) of new texts by logistic regression on tf-idf of single words: [n]."""
    return _tfidf(texts, labels, new_texts, (1, 1))


def tfidf_bigrams(
    texts: Sequence[str], labels: Sequence[int], new_texts: Sequence[str]
) -> np.ndarray:
    """P(label 1) of new texts by logistic regression on tf-idf of words and word pairs: [n]."""
    return _tfidf(texts, labels, new_texts, (1, 2))


def _tfidf(
    texts: Sequence[str], labels: Sequence[int], new_texts: Sequence[str], ngrams: tuple[int, int]
) -> np.ndarray:
    return _tfidf_probabilities(texts, labels, new_texts, ngrams)[0][:, 1]


def tfidf_classes(
    texts: Sequence[str], labels: Sequence[int], new_texts: Sequence[str], n_classes: int
) -> np.ndarray:
    """P(class) of new texts, by tf-idf of words and pairs: [n, classes], 0 for a class not seen.

    Raises ``ValueError`` for a label that is none of the classes.
    """
    answer = np.zeros((len(new_texts), n_classes))
    found, seen = _tfidf_probabilities(texts, labels, new_texts, (1, 2))
    if not np.isin(seen, np.arange(n_classes)).all():
        raise ValueError(f"labels {seen.tolist()} do not fit {n_classes} classes, counted from 0")
    answer[:, seen] = found
    return answer


def _tfidf_probabilities(
    texts: Sequence[str], labels: Sequence[int], new_texts: Sequence[str], ngrams: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """P(class) of new texts: [n, classes seen], and which classes those are."""
    bag = TfidfVectorizer(ngram_range=ngrams, min_df=2, sublinear_tf=True, token_pattern=WORD)
    model = LogisticRegression(C=10, max_iter=1000)
    model.fit(bag.fit_transform(texts), labels)
    return model.predict_proba(bag.transform(new_texts)), model.classes_


def log_count_ratio(
    positive: np.ndarray, negative: np.ndarray, smoothing: float = 1.0
) -> np.ndarray:
    """How much more often each feature stands in positive texts (equation eq-log-count-ratio).

    ``positive`` and ``negative`` [features] count the texts of a class that hold a feature.
    Source: Wang and Manning (2012), section 2.1.
    """
    p, q = positive + smoothing, negative + smoothing
    return np.log(p / p.sum()) - np.log(q / q.sum())


def naive_bayes_bigrams(
    texts: Sequence[str], labels: Sequence[int], new_texts: Sequence[str], smoothing: float = 1.0
) -> np.ndarray:
    """P(label 1) of new texts by logistic regression on log-count-ratio weighted pairs: [n].

    Presence of each word and pair is weighted by log of its share among positive over its share
    among negative texts. Source: Wang and Manning (2012), with a logistic in place of the SVM.
    """
    bag = CountVectorizer(ngram_range=(1, 2), min_df=2, binary=True, token_pattern=WORD)
    counts = bag.fit_transform(texts)
    positive = np.asarray(labels) == 1
    held, other = (np.asarray(counts[rows].sum(axis=0)).ravel() for rows in (positive, ~positive))
    weigh = sparse.diags(log_count_ratio(held, other, smoothing))
    model = LogisticRegression(C=1, max_iter=1000)
    model.fit(counts @ weigh, labels)
    return model.predict_proba(bag.transform(new_texts) @ weigh)[:, 1]


RIVALS: dict[str, Rival] = {
    "tf-idf 1-grams + logistic regression": tfidf_unigrams,
    "tf-idf 1-2-grams + logistic regression": tfidf_bigrams,
    "NB-weighted 1-2-grams + logistic regression": naive_bayes_bigrams,
}
