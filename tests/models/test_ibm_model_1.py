"""IBM model 1 climbs, agrees with hand and nltk, and finds what the world knows."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate import AlignedSent
from nltk.translate import IBMModel1 as NltkModel

from llm_book.data.world import translation_pairs
from llm_book.evaluation.alignment import alignment_error_rate
from llm_book.models.ibm_model_1 import EMPTY, IBMModel1
from llm_book.text.vocabulary import Vocabulary

SENTENCES = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=5), min_size=2, max_size=6)


@given(SENTENCES, SENTENCES)
@settings(max_examples=60, deadline=None)
def test_the_likelihood_never_falls_and_is_that_of_the_table(sources, targets):
    n = min(len(sources), len(targets))
    model = IBMModel1(sources[:n], targets[:n])
    before = -math.inf
    for _ in range(6):
        likelihood = model.log_likelihood(sources[:n], targets[:n])
        assert model.step() == pytest.approx(likelihood)
        assert likelihood >= before - 1e-9
        before = likelihood


@given(SENTENCES, SENTENCES)
@settings(max_examples=40, deadline=None)
def test_every_word_has_a_distribution_and_every_target_word_a_source(sources, targets):
    n = min(len(sources), len(targets))
    model = IBMModel1(sources[:n], targets[:n])
    model.step()
    for word in {EMPTY, *(w for s in sources[:n] for w in s)}:
        found = model.translations(word, most=99)
        assert sum(p for _, p in found) == pytest.approx(1)
        assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
        assert all(model.probability(word, f) == p for f, p in found)
    np.testing.assert_allclose(model.posteriors(sources[0], targets[0]).sum(axis=1), 1)


def test_two_pairs_by_hand():
    """the house / 那 房子, the book / 那 书: one round, as chapter 6 works it out."""
    the, house, book = 0, 1, 2
    that, fangzi, shu = 0, 1, 2
    model = IBMModel1([[the, house], [the, book]], [[that, fangzi], [that, shu]])
    # At first: EMPTY and the meet three words, house and book two.
    assert model.probability(the, that) == pytest.approx(1 / 3)
    assert model.probability(house, fangzi) == pytest.approx(1 / 2)
    assert model.step() == pytest.approx(4 * math.log((1 / 3 + 1 / 3 + 1 / 2) / 3))
    # Every target word: 2/7 from EMPTY, 2/7 from the, 3/7 from house or book.
    assert model.probability(the, that) == pytest.approx(1 / 2)
    assert model.probability(the, shu) == pytest.approx(1 / 4)
    assert model.probability(house, fangzi) == pytest.approx(1 / 2)
    assert model.probability(house, shu) == 0
    # After another round house means 房子 more than it means 那, which the explains as well.
    model.step()
    assert model.probability(house, fangzi) > 1 / 2 > model.probability(house, that)


def test_it_agrees_with_nltk_after_any_number_of_rounds():
    rng = np.random.default_rng(0)
    # No target sentence says a word twice: nltk divides its share between the two.
    pairs = [(rng.integers(0, 5, 4).tolist(), rng.permutation(5)[:3].tolist()) for _ in range(12)]
    # nltk begins from one number for all pairs of words; given ours, it must end with ours.
    sentences = [AlignedSent([f"f{f}" for f in t], [f"e{e}" for e in s]) for s, t in pairs]
    model = IBMModel1([s for s, _ in pairs], [t for _, t in pairs])
    theirs = NltkModel(sentences, 0)
    for e in range(-1, 5):
        for f in range(5):
            word = None if e == EMPTY else f"e{e}"
            theirs.translation_table[f"f{f}"][word] = max(model.probability(e, f), 1e-300)
    for _ in range(4):
        model.step()
        theirs.train(sentences)
    for e in range(5):
        for f in range(5):
            table = theirs.translation_table[f"f{f}"][f"e{e}"]
            assert model.probability(e, f) == pytest.approx(table, abs=1e-9)


def test_the_alignment_that_the_world_knows_is_found_again():
    pairs = translation_pairs(800)
    english = Vocabulary.build([p.english_tokens for p in pairs])
    chinese = Vocabulary.build([p.chinese_tokens for p in pairs])
    sources = [english.encode(p.english_tokens) for p in pairs]
    targets = [chinese.encode(p.chinese_tokens) for p in pairs]
    model = IBMModel1(sources, targets)
    gold = [set(p.alignment) for p in pairs[:100]]

    def rate():
        found = [model.align(s, t) for s, t in zip(sources[:100], targets[:100], strict=True)]
        return alignment_error_rate(found, gold)

    before = rate()
    for _ in range(8):
        model.step()
    assert rate() < 0.4 < 0.6 < before
    for word, translation in (("teacher", "老师"), ("violin", "小提琴"), ("yesterday", "昨天")):
        assert model.translations(english[word])[0][0] == chinese[translation]


def test_words_that_never_met_have_no_chance():
    model = IBMModel1([[0], [1]], [[0], [1]])
    for _ in range(30):
        model.step()
    assert model.probability(0, 1) == 0
    assert model.log_likelihood([[0]], [[1]]) > -math.inf  # the empty word met it
    assert model.log_likelihood([[0]], [[7]]) == -math.inf
    assert model.align([0, 1], [1, 0]) == {(1, 0), (0, 1)}
    assert model.translations(5) == []
    assert model.probability(0, 3) == model.probability(7, 0) == 0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: IBMModel1([], []), "0 sources with 0 targets"),
        (lambda: IBMModel1([[0]], []), "1 sources with 0 targets"),
        (lambda: IBMModel1([[0]], [[]]), "pair 0 has a side []"),
        (lambda: IBMModel1([[-1]], [[0]]), "pair 0 has a side [-1]"),
    ],
)
def test_what_are_no_sentence_pairs_is_refused(call, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        call()
