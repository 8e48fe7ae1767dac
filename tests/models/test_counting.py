"""N-gram models give distributions, agree with hand and nltk, and are models like any other."""

import math
import re
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.lm import KneserNeyInterpolated, Lidstone, Vocabulary
from nltk.util import ngrams as nltk_ngrams

from llm_book.models.counting import NGramCounts, count_of_counts
from llm_book.models.counting_add_k import AddK
from llm_book.models.counting_kneser_ney import (
    FALLBACK,
    KneserNey,
    by_count,
    estimated_discounts,
)

VOCAB = 6
texts_of_ids = st.lists(
    st.lists(st.integers(0, VOCAB - 1), max_size=9), min_size=1, max_size=6
).filter(any)


def some_texts(seed, n=30, vocab=VOCAB):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(vocab) * 0.5)
    return [rng.choice(vocab, rng.integers(1, 12), p=weights).tolist() for _ in range(n)]


def padded(text, order, begin):
    return [begin] * (order - 1) + list(text)


@given(texts_of_ids, st.integers(1, 4), st.booleans(), st.sampled_from([None, 0, VOCAB - 1]))
@settings(max_examples=60, deadline=None)
def test_counts_are_those_of_a_plain_loop(texts, order, borders, end):
    counts = NGramCounts(texts, order, VOCAB, borders, end)
    rows = [text + ([] if end is None else [end]) for text in texts]
    rows = [padded(row, order, VOCAB) if borders else row for row in rows]
    for length in range(1, order + 1):
        seen = Counter(g for row in rows for g in nltk_ngrams(row, length))
        longer = {g for row in rows for g in nltk_ngrams(row, length + 1)}
        preceded = Counter(g[1:] for g in longer)
        level = counts.levels[length - 1]
        assert len(level.keys) == len(seen)
        for gram, times in seen.items():
            row = counts.rows(np.array([gram]))[0]
            real = gram[-1] != VOCAB
            assert level.counts[row] == (times if real else 0) == counts.count(gram)
            expected = preceded[gram] if real and length < order else 0
            assert level.preceded[row] == expected
    missing = tuple([VOCAB - 1] * order)
    if missing not in Counter(g for row in rows for g in nltk_ngrams(row, order)):
        assert counts.count(missing) == 0


def every_model(counts):
    yield KneserNey(counts)
    yield KneserNey(counts, modified=True)
    yield KneserNey(counts, discounts=[0.75] * counts.order)
    yield AddK(counts, 0.2)


@given(texts_of_ids, st.integers(1, 4), st.booleans(), st.data())
@settings(max_examples=40, deadline=None)
def test_every_context_seen_or_not_has_a_distribution(texts, order, borders, data):
    counts = NGramCounts(texts, order, VOCAB, borders)
    context = data.draw(st.lists(st.integers(0, VOCAB - 1 + borders), max_size=order + 1))
    for model in every_model(counts):
        chances = model.distribution(context)
        assert chances.shape == (VOCAB,)
        assert (chances >= 0).all()
        assert chances.sum() == pytest.approx(1, abs=1e-12)
        if model.rest[0][0] > 0:
            assert (chances > 0).all()


@given(texts_of_ids, st.integers(1, 4), st.booleans(), st.sampled_from([None, 2]))
@settings(max_examples=30, deadline=None)
def test_a_text_is_scored_as_its_words_one_by_one(texts, order, borders, end):
    counts = NGramCounts(texts, order, VOCAB, borders, end)
    text = some_texts(len(texts), 1)[0]
    words = text + ([] if end is None else [end])
    whole = padded(words, order, VOCAB) if borders else words
    before = len(whole) - len(words)
    for model in every_model(counts):
        expected = [model.distribution(whole[: before + i])[word] for i, word in enumerate(words)]
        answer = np.exp(model.log_probabilities(text))
        np.testing.assert_allclose(answer, expected, rtol=1e-10, atol=1e-300)
        mean = -np.log(expected).mean()
        assert model.perplexity([text]) == pytest.approx(math.exp(mean), rel=1e-9)


@pytest.mark.parametrize("borders", [True, False])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_logits_are_the_log_probabilities_after_each_position(order, borders):
    counts = NGramCounts(some_texts(1), order, VOCAB, borders)
    ids = torch.tensor([[0, 1, 2, 5], [3, 3, 4, 0]])
    for model in every_model(counts):
        logits = model(ids)
        assert logits.shape == (2, 4, VOCAB)
        for row in range(2):
            for time in range(4):
                context = ids[row, : time + 1].tolist()
                context = padded(context, order, VOCAB) if borders else context
                np.testing.assert_allclose(
                    logits[row, time].exp(), model.distribution(context), rtol=1e-5
                )


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_add_k_is_nltks_lidstone_over_the_same_ngrams(order, seed):
    texts = some_texts(seed)
    ours = AddK(NGramCounts(texts, order, VOCAB), 0.3)
    theirs = Lidstone(0.3, order)
    fit_nltk(theirs, texts, order)
    rng = np.random.default_rng(seed)
    for _ in range(60):
        context = rng.integers(0, VOCAB, order - 1).tolist()
        for word in range(VOCAB):
            expected = theirs.unmasked_score(str(word), tuple(str(w) for w in context))
            assert ours.distribution(context)[word] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize("discount", [0.1, 0.75])
def test_kneser_ney_is_nltks_with_the_unigrams_left_undiscounted(order, discount):
    # nltk neither discounts unigrams nor mixes in the uniform distribution; and it counts the
    # begin mark as a word where it follows itself, so those n-grams are not given to it.
    texts = some_texts(order)
    counts = NGramCounts(texts, order, VOCAB)
    ours = KneserNey(counts, discounts=[0] + [discount] * (order - 1))
    theirs = KneserNeyInterpolated(order, discount)
    fit_nltk(theirs, texts, order)
    rng = np.random.default_rng(0)
    for _ in range(40):
        context = rng.integers(0, VOCAB, order - 1)
        context[: rng.integers(0, order)] = VOCAB
        for word in range(VOCAB):
            expected = theirs.unmasked_score(str(word), tuple(str(w) for w in context))
            assert ours.distribution(context)[word] == pytest.approx(expected, rel=1e-10)


def fit_nltk(model, texts, order):
    rows = [[str(word) for word in padded(text, order, VOCAB)] for text in texts]
    model.counts.update(
        [g for n in range(1, order + 1) for g in nltk_ngrams(row, n) if g[-1] != str(VOCAB)]
        for row in rows
    )
    # The unknown word that nltk adds to a vocabulary takes the last place in ours.
    model.vocab = Vocabulary([str(word) for word in range(VOCAB - 1)], unk_cutoff=1)


def test_a_bigram_model_worked_out_by_hand():
    # Texts "a b a c" and "a b", a = 0, b = 1, c = 2, V = 3, no borders.
    # Bigrams: ab 2, ba 1, ac 1. Left neighbours: a after b; b after a; c after a: one each.
    # Unigrams: (1 - 0.5) / 3 + 3 · 0.5 / 3 · 1/3 = 1/3 each.
    # After a (3 in all, 2 kinds): rest = 2 · 0.5 / 3 = 1/3.
    counts = NGramCounts([[0, 1, 0, 2], [0, 1]], 2, 3, borders=False)
    model = KneserNey(counts, discounts=[0.5, 0.5])
    after_a = model.distribution([0])
    np.testing.assert_allclose(after_a, [1 / 9, 1.5 / 3 + 1 / 9, 0.5 / 3 + 1 / 9], rtol=1e-12)
    # After b (one in all): rest = 1/2.
    np.testing.assert_allclose(model.distribution([1]), [0.5 + 1 / 6, 1 / 6, 1 / 6], rtol=1e-12)
    # Nothing follows c: everything is passed to the unigrams.
    np.testing.assert_allclose(model.distribution([2]), [1 / 3] * 3, rtol=1e-12)
    added = AddK(counts, 1)
    np.testing.assert_allclose(added.distribution([0]), [1 / 6, 3 / 6, 2 / 6], rtol=1e-12)
    np.testing.assert_allclose(added.distribution(), [4 / 9, 3 / 9, 2 / 9], rtol=1e-12)


def test_three_discounts_are_taken_by_count():
    # After 0: word 1 once, 2 twice, 3 three times, 4 five times; eleven in all.
    pairs = [(0, 1)] + [(0, 2)] * 2 + [(0, 3)] * 3 + [(0, 4)] * 5
    counts = NGramCounts(pairs, 2, 5, borders=False)
    model = KneserNey(counts, discounts=[0, (0.4, 0.9, 1.2)])
    rest = (0.4 + 0.9 + 1.2 + 1.2) / 11
    lower = np.array([0, 1, 1, 1, 1]) / 4
    expected = np.array([0, 0.6, 1.1, 1.8, 3.8]) / 11 + rest * lower
    np.testing.assert_allclose(model.distribution([0]), expected, rtol=1e-12)


def test_discounts_are_chen_and_goodmans_functions_of_the_counts_of_counts():
    counts = np.array([1] * 8 + [2] * 4 + [3] * 2 + [4] * 1 + [9, 0])
    assert count_of_counts(counts, 4).tolist() == [8, 4, 2, 1]
    assert estimated_discounts(counts, False) == (0.5,)
    assert estimated_discounts(counts, True) == pytest.approx(
        (1 - 2 * 0.5 * 4 / 8, 2 - 3 * 0.5 * 2 / 4, 3 - 4 * 0.5 * 1 / 2)
    )


@pytest.mark.parametrize(
    ("counts", "modified", "expected"),
    [
        ([2, 2, 3], False, FALLBACK[1]),
        ([2, 2, 3], True, FALLBACK[3]),
        ([1, 1, 3], False, (1.0,)),
        ([1, 1, 3], True, FALLBACK[3]),
        ([1, 2, 2], True, FALLBACK[3]),
        ([1, 2, 3, 3, 4], True, (1 - 2 / 3, 0.0, 3 - 4 / 3 / 2)),  # nothing may be taken
        ([1, 1, 2, 3], True, (0.5, 0.5, 3.0)),
        ([1, 2, 3, 3, 3, 3, 3], True, FALLBACK[3]),  # 2 - 3 · (1/3) · 5 is below 0
    ],
)
def test_counts_that_give_no_discount_get_the_stated_one(counts, modified, expected):
    assert estimated_discounts(np.array(counts), modified) == pytest.approx(expected)


def test_a_rare_neighbour_is_less_likely_elsewhere_than_a_sociable_word():
    # "francisco" (1) is frequent but only after "san" (0); word 2 follows many words.
    texts = [[0, 1]] * 20 + [[w, 2] for w in range(3, 12)]
    model = KneserNey(NGramCounts(texts, 2, 13, borders=False))
    assert model.counts.count([1]) > model.counts.count([2])
    after_new = model.distribution([12])
    assert after_new[2] > 3 * after_new[1]


def test_borders_tell_how_texts_begin_and_end():
    texts = [[1, 2], [1, 3], [1, 2, 2]]
    model = KneserNey(NGramCounts(texts, 3, 5, end=4), discounts=[0.1] * 3)
    begin = model.counts.begin
    assert model.distribution([begin, begin]).argmax() == 1
    assert model.distribution([begin, 1]).argmax() == 2
    assert model.distribution([2, 2]).argmax() == 4
    assert len(model.log_probabilities([1, 2])) == 3


def test_modified_predicts_unseen_text_better_than_adding_one():
    rng = np.random.default_rng(0)
    table = rng.dirichlet(np.ones(40) * 0.05, size=40)

    def walk(n):
        words = [0]
        for _ in range(n):
            words.append(rng.choice(40, p=table[words[-1]]))
        return words

    counts = NGramCounts([walk(3000)], 3, 40)
    held_out = [walk(2000)]
    surprise = {
        name: model.perplexity(held_out)
        for name, model in {
            "one": KneserNey(counts),
            "three": KneserNey(counts, modified=True),
            "added": AddK(counts, 1),
        }.items()
    }
    assert surprise["one"] < 0.6 * surprise["added"]
    assert surprise["three"] < 0.6 * surprise["added"]


def test_sampling_from_the_logits_gives_the_distribution():
    model = KneserNey(NGramCounts(some_texts(3), 3, VOCAB))
    ids = torch.tensor([[2, 1]])
    chances = torch.softmax(model(ids)[0, -1], -1)
    drawn = torch.multinomial(chances, 20_000, replacement=True)
    shares = torch.bincount(drawn, minlength=VOCAB) / 20_000
    expected = model.distribution([2, 1])
    assert np.abs(shares.numpy() - expected).max() < 0.02


def test_a_word_that_cannot_come_has_no_chance_and_perplexity_says_so():
    counts = NGramCounts([[0, 1, 0, 1]], 2, 3, borders=False)
    model = KneserNey(counts, discounts=[0, 0])
    assert model.distribution([0]).tolist() == [0, 1, 0]
    assert model(torch.tensor([[0]]))[0, 0, 2] == -torch.inf
    assert model.perplexity([[0, 2]]) == math.inf


def test_numpy_and_torch_rows_count_as_lists_do():
    rows = [[0, 1, 2], [2, 1]]
    for kind in (np.array, torch.tensor):
        counts = NGramCounts([kind(row) for row in rows], 2, 3)
        assert counts.count([1, 2]) == 1
        assert counts.count([3, 0]) == 1  # a text begins with 0
        assert counts.count([0, 3]) == 0


def test_an_ngram_is_its_contexts_row_and_its_last_word():
    counts = NGramCounts([[0, 1], [2, 1]], 2, 3)
    assert counts.levels[0].keys.tolist() == [0, 1, 2, 3]  # 3 is the begin mark
    assert counts.levels[1].keys.tolist() == [1, 4 * 2 + 1, 4 * 3 + 0, 4 * 3 + 2]
    assert counts.prefixes(2).tolist() == [0, 2, 3, 3]
    assert [counts.contexts(length) for length in (1, 2)] == [1, 4]
    place, words = counts.followers(2, 3)
    assert (place, words.tolist()) == (slice(2, 4), [0, 2])


def test_what_never_occurred_has_the_row_minus_one():
    counts = NGramCounts([[0, 1]], 3, 3, borders=False)
    assert counts.rows(np.array([[2], [1]])).tolist() == [-1, 1]
    assert counts.rows(np.array([[1, 0], [2, 0], [2, 2], [0, 1]])).tolist() == [-1, -1, -1, 0]
    assert counts.rows(np.array([[0, 1, 0]])).tolist() == [-1]  # no text is so long
    assert counts.rows(np.zeros((2, 0), int)).tolist() == [0, 0]


def test_a_vocabulary_of_one_word_is_counted():
    counts = NGramCounts([[0, 0]], 1, 1)
    assert counts.count([0]) == 2
    assert AddK(counts).distribution().tolist() == [1]


def test_counts_and_discounts_are_plain_numbers():
    counts = NGramCounts(some_texts(2), 2, VOCAB)
    numbers = [*estimated_discounts(np.array([1, 2, 3, 3, 4]), True)]
    numbers += [*estimated_discounts(np.array([1, 2]), False)]
    assert {type(number) for number in numbers} == {float}
    assert type(counts.count([0])) is int
    assert type(AddK(counts).perplexity([[0, 1]])) is float


def test_what_is_not_said_is_laplaces_rule_and_one_discount():
    counts = NGramCounts(some_texts(2), 2, VOCAB)
    assert np.array_equal(AddK(counts).distribution([1]), AddK(counts, 1).distribution([1]))
    assert [len(discount) for discount in KneserNey(counts).discounts] == [1, 1]
    assert [len(discount) for discount in KneserNey(counts, modified=True).discounts] == [3, 3]


def test_the_stated_discounts_are_kenlms():
    assert FALLBACK == {1: (0.5,), 3: (0.5, 1.0, 1.5)}


def test_a_discount_goes_to_those_seen_so_often():
    counts = np.array([0, 1, 2, 3, 9])
    assert by_count((0.5,), counts).tolist() == [0, 0.5, 0.5, 0.5, 0.5]
    assert by_count((0.5, 1.0, 1.5), counts).tolist() == [0, 0.5, 1, 1.5, 1.5]


def test_all_that_was_seen_once_may_be_taken():
    model = KneserNey(NGramCounts([[0, 1, 2]], 2, 3), discounts=[1, (1, 2, 3)])
    assert model.discounts == [(1,), (1, 2, 3)]
    np.testing.assert_allclose(model.distribution([0]), [1 / 3] * 3)


COUNTS = NGramCounts([[0, 1, 2]], 2, 3)


@pytest.mark.parametrize(
    ("build", "error", "sentence"),
    [
        (lambda: NGramCounts([[0]], 0, 3), ValueError, "order 0 over 3 words cannot be counted"),
        (lambda: NGramCounts([[0]], 2, 0), ValueError, "order 2 over 0 words cannot be counted"),
        (lambda: NGramCounts([[]], 2, 3), ValueError, "no words came"),
        (lambda: NGramCounts([], 2, 3), ValueError, "no words came"),
        (lambda: NGramCounts([[0, 3]], 2, 3), IndexError, "id 3 is outside the vocabulary"),
        (lambda: NGramCounts([[-1]], 2, 3), IndexError, "id -1 is outside the vocabulary"),
        (lambda: NGramCounts([[0]], 2, 3, end=3), IndexError, "id 3 is outside"),
        (lambda: NGramCounts([[[0, 1]]], 2, 3), ValueError, "a text is one row of ids"),
        (lambda: NGramCounts([[0.5]], 2, 3), TypeError, "ids are whole numbers, float64 came"),
        (lambda: COUNTS.count([0, 1, 2]), ValueError, "an n-gram of 3 words is not counted"),
        (lambda: COUNTS.count([]), ValueError, "an n-gram of 0 words is not counted"),
        (lambda: AddK(COUNTS, 0.0), ValueError, "k is 0.0; it must be a number above 0"),
        (lambda: AddK(COUNTS, math.nan), ValueError, "k is nan"),
        (lambda: AddK(COUNTS, math.inf), ValueError, "k is inf"),
        (lambda: KneserNey(COUNTS, discounts=[0.5]), ValueError, "1 discounts came for 2 orders"),
        (lambda: KneserNey(COUNTS, discounts=[0.5, 1.5]), ValueError, "discount (1.5,) cannot"),
        (lambda: KneserNey(COUNTS, discounts=[0.5, -0.1]), ValueError, "discount (-0.1,) cannot"),
        (lambda: KneserNey(COUNTS, discounts=[0.5, (1, 1)]), ValueError, "cannot be taken"),
        (lambda: KneserNey(COUNTS, discounts=[0.5, (1, 2, 3.1)]), ValueError, "cannot be taken"),
        (lambda: AddK(COUNTS)(torch.tensor([[3]])), IndexError, "go from 0 to 2"),
        (lambda: AddK(COUNTS)(torch.zeros(1, 0).long()), ValueError, "hold no word to go on"),
        (lambda: AddK(COUNTS).distribution([4]), IndexError, "go from 0 to 3"),
        (lambda: AddK(COUNTS).log_probabilities([]), ValueError, "an empty text has no words"),
        (lambda: AddK(COUNTS).perplexity([]), ValueError, "no texts came"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(build, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        build()


def test_a_long_stream_is_counted_whole_and_predicted_better_than_by_chance():
    rng = np.random.default_rng(0)
    ids = rng.zipf(1.3, 200_000).clip(max=5000) - 1
    counts = NGramCounts([ids[:190_000]], 3, 5000)
    assert sum(int(level.counts.sum()) for level in counts.levels) == 3 * 190_000
    assert 1 < KneserNey(counts, modified=True).perplexity([ids[190_000:]]) < 5000
