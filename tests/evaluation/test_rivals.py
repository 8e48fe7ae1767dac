"""The rivals are what their names say."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import make_pipeline

from llm_book.evaluation.rivals import (
    RIVALS,
    WORD,
    log_count_ratio,
    naive_bayes_bigrams,
    tfidf_bigrams,
    tfidf_classes,
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


def made_up(n, seed):
    """Texts of few words, some said twice; label 1 likes the first half of them."""
    rng = np.random.default_rng(seed)
    words, labels = np.array(["a", "film", "warm", "dull", "cold", "!", "slow", "fun"]), []
    texts = []
    for _ in range(n):
        label = int(rng.integers(2))
        share = np.where((np.arange(8) < 4) == bool(label), 3.0, 1.0)
        texts.append(" ".join(rng.choice(words, size=rng.integers(2, 7), p=share / share.sum())))
        labels.append(label)
    return texts, labels


@pytest.mark.parametrize(("rival", "longest"), [(tfidf_unigrams, 1), (tfidf_bigrams, 2)])
def test_tf_idf_is_scikit_learns_of_what_two_texts_hold(rival, longest):
    (texts, labels), (new, _) = made_up(40, 0), made_up(10, 1)
    bag = TfidfVectorizer(ngram_range=(1, longest), min_df=2, sublinear_tf=True, token_pattern=WORD)
    peer = make_pipeline(bag, LogisticRegression(C=10)).fit(texts, labels)
    assert rival(texts, labels, new) == pytest.approx(peer.predict_proba(new)[:, 1], abs=1e-9)


def test_naive_bayes_weighs_presence_by_the_ratio_of_smoothed_shares():
    (texts, labels), (new, _) = made_up(40, 2), made_up(10, 3)
    bag = CountVectorizer(ngram_range=(1, 2), min_df=2, binary=True, token_pattern=WORD)
    held, chosen = bag.fit_transform(texts).toarray(), np.array(labels) == 1
    p, q = held[chosen].sum(axis=0) + 1, held[~chosen].sum(axis=0) + 1
    ratio = np.log(p / p.sum() / (q / q.sum()))
    ours = log_count_ratio(held[chosen].sum(axis=0), held[~chosen].sum(axis=0))
    np.testing.assert_allclose(ours, ratio, atol=1e-12)
    peer = LogisticRegression().fit(held * ratio, labels)
    expected = peer.predict_proba(bag.transform(new).toarray() * ratio)[:, 1]
    assert naive_bayes_bigrams(texts, labels, new) == pytest.approx(expected, abs=1e-3)
    less = naive_bayes_bigrams(texts, labels, new, smoothing=0.1)
    assert np.abs(less - expected).max() > 1e-2


def test_several_classes_get_a_probability_each_and_one_not_seen_gets_none():
    texts = ["good film", "good film", "bad film", "bad film", "long film", "long film"]
    answer = tfidf_classes(texts, [0, 0, 2, 2, 3, 3], ["good", "bad", "long"], 4)
    assert answer.argmax(axis=1).tolist() == [0, 2, 3]
    np.testing.assert_allclose(answer.sum(axis=1), 1)
    assert (answer[:, 1] == 0).all()


def test_of_two_classes_the_second_is_what_the_other_rival_gives():
    texts, labels = ["good film", "good film", "bad film", "bad film"], [1, 1, 0, 0]
    both = tfidf_classes(texts, labels, ["good", "bad film"], 2)
    np.testing.assert_allclose(both[:, 1], tfidf_bigrams(texts, labels, ["good", "bad film"]))


def test_a_label_that_is_no_class_is_refused():
    with pytest.raises(ValueError, match="do not fit 2 classes"):
        tfidf_classes(["a b", "a b", "a c"], [0, 0, 2], ["a"], 2)
