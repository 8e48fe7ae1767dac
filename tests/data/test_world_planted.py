from collections import Counter
from math import log

import numpy as np
import pytest
from scipy.stats import spearmanr

from llm_book.data.world import (
    ZipfFacts,
    analogy_corpus,
    bias_corpus,
    bias_test,
    planted_analogies,
    planted_similarities,
    shuffled_corpus,
    unplanted_analogies,
    with_canaries,
    with_dirt,
)

pytestmark = pytest.mark.filterwarnings("ignore")


def gensim_models():
    """gensim, which has no wheel for the newest Python; without it the test is skipped."""
    return pytest.importorskip("gensim.models", reason="gensim is not installed")


def vectors(sentences, width=32, epochs=8):
    words = [sentence.split(" ") for sentence in sentences]
    return (
        gensim_models()
        .Word2Vec(
            words, vector_size=width, window=5, sg=1, min_count=1, workers=1, epochs=epochs, seed=0
        )
        .wv
    )


def accuracy(found, analogies):
    """The share of analogies whose last word is the nearest, the three others excluded."""
    unit, index = found.get_normed_vectors(), found.key_to_index
    right = 0
    for a, b, c, d in analogies:
        scores = unit @ (unit[index[b]] - unit[index[a]] + unit[index[c]])
        scores[[index[a], index[b], index[c]]] = -np.inf
        right += int(scores.argmax() == index[d])
    return right / len(analogies)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_planted_analogies_emerge_and_unplanted_ones_do_not(language):
    found = vectors(analogy_corpus(6000, seed=0, language=language))
    for analogies in planted_analogies(language).values():
        assert accuracy(found, analogies) > 0.8
    for analogies in unplanted_analogies(language).values():
        assert accuracy(found, analogies) < 0.3
    pairs = planted_similarities(0, language)
    ranked = spearmanr([found.similarity(a, b) for a, b, _ in pairs], [g for *_, g in pairs])
    assert ranked.statistic > 0.7


def test_nothing_emerges_from_the_shuffled_corpus():
    corpus = analogy_corpus(6000)
    mixed = shuffled_corpus(corpus)
    assert Counter(" ".join(mixed).split()) == Counter(" ".join(corpus).split())
    assert [len(s.split()) for s in mixed] == [len(s.split()) for s in corpus]
    assert mixed != corpus
    found = vectors(mixed)
    for analogies in planted_analogies().values():
        assert accuracy(found, analogies) < 0.1


def test_every_word_of_the_lists_stands_in_the_corpus():
    for language in ("en", "zh"):
        words = set(" ".join(analogy_corpus(5000, 1, language)).split(" "))
        lists = {**planted_analogies(language), **unplanted_analogies(language)}
        for analogies in lists.values():
            assert len(analogies) == 12 * 11
            assert {word for row in analogies for word in row} <= words
        pairs = planted_similarities(1, language)
        assert Counter(grade for *_, grade in pairs) == {2: 10, 1: 20, 0: 20}
        assert {w for a, b, _ in pairs for w in (a, b)} <= words
        assert all(a != b for a, b, _ in pairs)


def weat(found, test):
    def pull(word):
        near = np.mean([found.similarity(word, a) for a in test.a])
        return near - np.mean([found.similarity(word, b) for b in test.b])

    x, y = [pull(word) for word in test.x], [pull(word) for word in test.y]
    return (np.mean(x) - np.mean(y)) / np.std(x + y, ddof=1)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_bias_is_found_by_its_strength(language):
    test = bias_test(language)
    strong = vectors(bias_corpus(5000, 0, 0.8, language), width=16)
    assert weat(strong, test) > 1.5
    none = vectors(bias_corpus(5000, 0, 0.0, language), width=16)
    assert weat(none, test) < weat(strong, test) - 0.5


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_the_strength_of_the_bias_is_the_one_that_is_stated(strength):
    n, test = 4000, bias_test()
    own = 0
    for sentence in bias_corpus(n, 3, strength):
        words = set(sentence.split(" "))
        assert bool(words & set(test.a)) != bool(words & set(test.b))
        own += bool(words & set(test.x)) == bool(words & set(test.a))
    expected = (1 + strength) / 2
    assert abs(own / n - expected) <= 4.5 * (expected * (1 - expected) / n) ** 0.5


def test_twins_speak_of_the_same_people_in_the_same_frames():
    test = bias_test()
    professions = set(test.a) | set(test.b)

    def frame(sentence):
        return [word for word in sentence.split(" ") if word not in professions]

    biased, unbiased = bias_corpus(300, 5, 1.0), bias_corpus(300, 5, 0.0)
    assert biased != unbiased
    assert [frame(s) for s in biased] == [frame(s) for s in unbiased]


def test_bias_and_analogies_refuse_what_cannot_be():
    with pytest.raises(ValueError, match=r"strength is 1\.5; it is a probability"):
        bias_corpus(1, strength=1.5)
    with pytest.raises(ValueError, match=r"strength is -0\.1"):
        bias_corpus(1, strength=-0.1)
    for make in (bias_corpus, analogy_corpus):
        with pytest.raises(ValueError, match="-1 sentences cannot be made"):
            make(-1)
        with pytest.raises(ValueError, match="no language 'fr'"):
            make(1, language="fr")
    for make in (bias_test, planted_analogies, unplanted_analogies):
        with pytest.raises(ValueError, match="no language 'fr'"):
            make("fr")
    with pytest.raises(ValueError, match="no language 'fr'"):
        planted_similarities(language="fr")


def test_canaries_stand_where_and_as_often_as_stated():
    texts = [f"text {i}" for i in range(50)]
    corpus = with_canaries(texts, [1, 4, 0, 16], seed=2)
    assert len(corpus.texts) == 50 + 21
    assert [canary.repeats for canary in corpus.canaries] == [1, 4, 0, 16]
    for canary in corpus.canaries:
        assert list(canary.rows) == sorted(set(canary.rows))
        assert [i for i, t in enumerate(corpus.texts) if t == canary.text] == list(canary.rows)
    planted = {row for canary in corpus.canaries for row in canary.rows}
    assert [t for i, t in enumerate(corpus.texts) if i not in planted] == texts
    assert len({canary.before for canary in corpus.canaries}) == 4


def test_the_space_of_a_secret_is_all_its_digits():
    canary = with_canaries([], [1], seed=1, n_digits=3).canaries[0]
    candidates = list(canary.candidates())
    assert canary.n_candidates == len(candidates) == len(set(candidates)) == 1000
    assert candidates.count(canary.text) == 1
    assert candidates[7] == canary.before + "0 0 7" + canary.after
    assert canary.text == canary.before + canary.digits + canary.after
    with pytest.raises(ValueError, match="1000 is none of the 1000 secrets; take one from 0"):
        canary.with_digits(1000)
    with pytest.raises(ValueError, match="-1 is none"):
        canary.with_digits(-1)


def test_digits_of_secrets_are_uniform():
    digits = Counter()
    for canary in with_canaries([], [1] * 500, seed=0).canaries:
        digits.update(canary.digits.split(" "))
    assert len(digits) == 10
    assert all(abs(n - 200) < 4.5 * (2000 * 0.09) ** 0.5 for n in digits.values())


def test_canaries_refuse_what_cannot_be():
    with pytest.raises(ValueError, match="-2 repeats cannot be made"):
        with_canaries(["a"], [1, -2])
    with pytest.raises(ValueError, match="A secret of 0 digits is none; take 1 or more"):
        with_canaries(["a"], [1], n_digits=0)
    with pytest.raises(ValueError, match="no language 'fr'"):
        with_canaries(["a"], [1], language="fr")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_row_of_dirt_is_what_it_is_said_to_be(language):
    if language == "en":
        texts = [f"the {i} cats of number {i * i} saw {i} dogs near {i + 1}" for i in range(80)]
    else:
        texts = [f"第{i}只猫在第{i * i}号房子看见了狗" for i in range(80)]
    dirty = with_dirt(texts, 0.25, 0.2, 0.1, seed=3, language=language)
    sizes = {kind: len(dirty.rows(kind)) for kind in ("clean", "copy", "near copy", "junk")}
    assert sizes == {"clean": 80, "copy": 20, "near copy": 16, "junk": 8}
    assert sorted(dirty.texts[row] for row in dirty.rows("clean")) == sorted(texts)
    assert [dirty.texts[row] for row in dirty.rows("clean")] != texts
    cut = (lambda text: text.split(" ")) if language == "en" else list
    for row in range(len(dirty.texts)):
        kind, source = dirty.kinds[row], dirty.originals[row]
        if kind in ("clean", "junk"):
            assert source is None
            continue
        assert dirty.kinds[source] == "clean"
        original, text = cut(dirty.texts[source]), cut(dirty.texts[row])
        if kind == "copy":
            assert text == original
        else:
            assert len(text) == len(original) - 1
            assert sum((Counter(original) - Counter(text)).values()) == 1
            assert text != original
    assert not {dirty.texts[row] for row in dirty.rows("junk")} & set(texts)


def test_dirt_refuses_what_cannot_be():
    with pytest.raises(ValueError, match="There are no texts to put dirt among"):
        with_dirt([])
    with pytest.raises(ValueError, match=r"junk is 1\.2; it is a probability"):
        with_dirt(["a"], junk=1.2)
    with pytest.raises(ValueError, match="no kind 'mud'; take one of clean, copy, near copy, junk"):
        with_dirt(["a b"]).rows("mud")
    with pytest.raises(ValueError, match="no language 'fr'"):
        with_dirt(["a"], language="fr")
    assert with_dirt(["a"], 1, 1, 1).kinds.count("near copy") == 1


def test_facts_are_asked_for_by_zipfs_law():
    table = ZipfFacts(n_facts=100, n_answers=7, exponent=2.0, seed=1)
    assert sum(table.probabilities) == pytest.approx(1)
    assert table.probabilities[0] / table.probabilities[9] == pytest.approx(100)
    n = 5000
    asked = Counter(table.draw(n, seed=3))
    assert set(asked) <= set(range(100))
    for fact in range(5):
        p = table.probabilities[fact]
        assert abs(asked[fact] / n - p) < 4.5 * (p * (1 - p) / n) ** 0.5
    assert table.draw(30, seed=3) == table.draw(60, seed=3)[:30]
    assert set(table.answers) == set(range(7))
    assert len(set(table.names)) == 100


def test_knowing_the_likeliest_facts_is_worth_what_is_stated():
    table = ZipfFacts(n_facts=4, n_answers=10, exponent=1.5)
    p = table.probabilities
    assert table.loss_of_top(0) == pytest.approx(log(10))
    assert table.loss_of_top(2) == pytest.approx(log(10) * (p[2] + p[3]))
    assert table.loss_of_top(4) == table.loss_of_top(9) == 0
    assert table.loss_after(0) == pytest.approx(log(10))
    assert table.loss_after(3) == pytest.approx(log(10) * sum(x * (1 - x) ** 3 for x in p))


def test_the_loss_falls_with_the_stated_exponent():
    table = ZipfFacts(n_facts=200_000, exponent=2.0)
    slope = log(table.loss_after(4000) / table.loss_after(1000)) / log(4)
    assert table.learning_exponent == 0.5
    assert slope == pytest.approx(-table.learning_exponent, abs=0.02)


def test_memorised_draws_lose_what_is_expected():
    table = ZipfFacts(n_facts=50, exponent=1.5)
    losses = []
    for seed in range(200):
        seen = set(table.draw(20, seed=seed))
        unseen = sum(p for i, p in enumerate(table.probabilities) if i not in seen)
        losses.append(log(10) * unseen)
    error = np.std(losses) / len(losses) ** 0.5
    assert abs(np.mean(losses) - table.loss_after(20)) < 4.5 * error


def test_zipf_facts_refuse_what_cannot_be():
    table = ZipfFacts(n_facts=3)
    assert str(table.answers[2]) in table.text(2)
    assert table.names[0][1] in table.text(0, "zh")
    for fact in (-1, 3):
        with pytest.raises(IndexError, match=f"no fact {fact}; take one from 0 to 2"):
            table.text(fact)
    with pytest.raises(ValueError, match="no language 'fr'"):
        table.text(0, "fr")
    with pytest.raises(ValueError, match=r"exponent is 1\.0; take one above 1"):
        ZipfFacts(exponent=1.0)
    for sizes in ({"n_facts": 0}, {"n_answers": 0}):
        with pytest.raises(ValueError, match="take 1 or more of both"):
            ZipfFacts(**sizes)
    for function in (table.draw, table.loss_of_top, table.loss_after):
        with pytest.raises(ValueError, match=r"-1 (facts|draws) cannot be made"):
            function(-1)
