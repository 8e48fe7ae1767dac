"""The rivals are what their names say."""

import numpy as np
import pytest
from sklearn.naive_bayes import BernoulliNB

from llm_book.evaluation.rivals import (
    RIVALS,
    naive_bayes_bigrams,
    tfidf_bigrams,
    tfidf_unigrams,
)

GOOD, BAD = "a fine film with a warm heart", "a dull film with a cold heart"
TRAIN = [GOOD, BAD] * 20
LABELS = [1, 0] * 20


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_learns_which_words_praise(name):
    p = RIVALS[name](TRAIN, LABELS, ["a warm heart", "a cold heart", ""])
    assert p[0] > 0.6 > 0.4 > p[1]
    assert 0 <= p[2] <= 1


def test_only_the_rival_with_pairs_sees_which_word_not_stands_before():
    train = ["not good , bad", "not bad , good"] * 30
    labels = [0, 1] * 30
    single = tfidf_unigrams(train, labels, train[:2])
    pairs = tfidf_bigrams(train, labels, train[:2])
    assert abs(single[0] - single[1]) < 1e-6
    assert pairs[1] - pairs[0] > 0.5


def test_the_weights_of_words_have_the_sign_of_naive_bayes():
    p = naive_bayes_bigrams(TRAIN, LABELS, [GOOD, BAD])
    bayes = BernoulliNB().fit([[1, 0], [0, 1]] * 20, LABELS).predict_proba([[1, 0], [0, 1]])[:, 1]
    assert np.array_equal(p > 0.5, bayes > 0.5)
