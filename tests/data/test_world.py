import hashlib
import re
from collections import Counter
from itertools import combinations, pairwise

import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from llm_book.data.world import (
    bag_of_words_ceiling,
    bayes_ceiling,
    derivations,
    frames,
    lexicon,
    reviews,
    twin,
)
from llm_book.data.world.decisive_frames import DECISIVE
from llm_book.data.world.film_reviews import NOISE, ORDER_DECIDED, SPLITS

FROZEN = {
    "train": "b6b5d70cbaa5d715547fbd7bab454610e0539309ed95418a8a685d4722ad0024",
    "validation": "379ac5096a6293f071e9fff9eaedd9246b009d20ea984188e99f399ea342f708",
    "test": "e53b21ebbca014a083998ab711511daf03b50948ad491edd1f5a2453cd0d313d",
}
N = 1500
FRAME_TABLES = [frames.OPENINGS, frames.FACTS, frames.OPINIONS, *DECISIVE.values()]


def words(text):
    return re.findall(r"\w+|[^\w\s]", text.lower())


def bag(tokens):
    """How often each token and each pair of neighbours occurs."""
    return Counter(tokens) + Counter(pairwise(tokens))


def within(share, expected, n):
    """A share of n draws lies within 4.5 standard deviations of its probability."""
    return abs(share - expected) < 4.5 * (expected * (1 - expected) / n) ** 0.5


@pytest.fixture(scope="module")
def made():
    return {split: derivations(N, seed=1, split=split) for split in SPLITS}


@pytest.mark.parametrize("split", SPLITS)
def test_the_same_seed_gives_the_same_bytes_on_every_machine(split):
    rows = [
        f"{review.id}\t{review.label}\t{review.text}\n"
        for language in ("en", "zh")
        for review in reviews(300, seed=0, split=split, language=language)
    ]
    assert hashlib.sha256("".join(rows).encode()).hexdigest() == FROZEN[split]


def test_other_seeds_give_other_reviews_and_more_reviews_begin_with_the_same_ones():
    assert reviews(50, seed=0)[0].text != reviews(50, seed=1)[0].text
    assert reviews(50, seed=3) == reviews(80, seed=3)[:50]
    assert reviews(0) == []


def test_english_and_chinese_reviews_are_the_same_derivations():
    made = derivations(200, seed=5, split="test")
    english = reviews(200, seed=5, split="test")
    chinese = reviews(200, seed=5, split="test", language="zh")
    assert [(r.id, r.label) for r in english] == [(r.id, r.label) for r in chinese]
    assert [r.text for r in english] == [d.english for d in made]
    assert [r.text for r in chinese] == [d.chinese for d in made]


def test_english_is_written_in_latin_letters_and_chinese_without_spaces(made):
    for d in made["test"]:
        assert d.english.isascii()
        assert not re.search(r"[\sA-Za-z,.;:!?]", d.chinese)
        assert 15 <= len(d.english.split()) <= 60


def test_every_slot_of_a_frame_is_spoken_in_both_languages():
    for table in FRAME_TABLES:
        for english, chinese in sum(table.values(), ()):
            slots = sorted(re.findall(r"{\w+}", english))
            assert slots == sorted(set(slots))
            if "{v}" in english:
                assert {"{a}", "{u}", "{v}", "{x}", "{y}"} <= set(slots)
            assert slots == sorted(re.findall(r"{\w+}", chinese)), english


def test_the_share_of_noise_is_the_one_that_is_stated(made):
    for split in SPLITS:
        assert within(sum(d.flipped for d in made[split]) / N, NOISE, N)
    assert all(d.label == (1 - d.meaning if d.flipped else d.meaning) for d in made["train"])
    assert bayes_ceiling() == pytest.approx(1 - NOISE)
    assert NOISE >= 0.05


def test_labels_and_kinds_come_as_often_as_stated(made):
    for split in SPLITS:
        kinds = Counter(d.kind for d in made[split])
        assert within(1 - kinds["plain"] / N, ORDER_DECIDED, N)
        for kind in DECISIVE:
            assert within(kinds[kind] / N, ORDER_DECIDED / len(DECISIVE), N)
        assert within(sum(d.label for d in made[split]) / N, 0.5, N)


def test_opinion_words_are_distinct_and_stand_nowhere_but_in_opinions():
    for language in (0, 1):
        opinions = [row[language] for row in lexicon.GOOD + lexicon.BAD]
        assert len(set(opinions)) == len(opinions)
        other = [row[language] for table in FRAME_TABLES for rows in table.values() for row in rows]
        other += [row[language] for row in lexicon.ASPECTS + sum(lexicon.ADVERBIALS, ())]
        other += [row[language] for row in lexicon.PLACES + lexicon.ROLES + lexicon.THINGS]
        other += [row[language] for row in lexicon.TITLE_THINGS]
        if language == 0:
            assert not {word for text in other for word in words(text)} & set(opinions)
        else:
            assert not [word for word in opinions if any(word in text for text in other)]


def test_good_and_bad_words_tie_exactly_where_order_decides(made):
    good, bad = ({word for word, _ in table} for table in (lexicon.GOOD, lexicon.BAD))
    for d in made["train"] + made["test"]:
        lead = sum((w in good) - (w in bad) for w in words(d.english))
        assert (lead == 0) == (d.kind != "plain")
        if d.kind == "plain":
            assert (lead > 0) == (d.meaning == 1)


@pytest.mark.parametrize("split", SPLITS)
def test_a_twin_has_the_same_words_and_word_pairs_and_the_opposite_label(made, split):
    rival = CountVectorizer(ngram_range=(1, 2)).build_analyzer()
    seen = set()
    for d in made[split]:
        if d.kind == "plain":
            continue
        other = twin(d)
        assert other.label == 1 - d.label
        assert twin(other) == d
        assert other.english != d.english
        assert bag(words(other.english)) == bag(words(d.english))
        assert Counter(rival(other.english)) == Counter(rival(d.english))
        assert bag(list(other.chinese)) == bag(list(d.chinese))
        seen |= {s.frame for s in d.sentences if "x" in s.words}
    assert seen == {frame for table in DECISIVE.values() for frame in table[split]}


def test_twins_are_equally_probable_in_every_frame(made):
    good = Counter()
    every = Counter()
    for d in made["train"] + made["validation"] + made["test"]:
        for s in d.sentences:
            if "x" in s.words:
                every[s.frame] += 1
                good[s.frame] += d.meaning
    assert all(within(good[frame] / n, 0.5, n) for frame, n in every.items())


def test_the_opinion_that_counts_stands_first_about_as_often_as_last():
    for split in SPLITS:
        for table in DECISIVE.values():
            first = [english.index("{y}") < english.index("{x}") for english, _ in table[split]]
            assert 0.4 <= sum(first) / len(first) <= 0.6


def test_the_best_reader_without_order_meets_the_bag_of_words_ceiling(made):
    """Count good and bad words, and guess where they tie."""
    good, bad = ({word for word, _ in table} for table in (lexicon.GOOD, lexicon.BAD))
    every = made["train"] + made["validation"] + made["test"]
    right = 0.0
    for d in every:
        lead = sum((w in good) - (w in bad) for w in words(d.english))
        right += 0.5 if lead == 0 else float((lead > 0) == (d.label == 1))
    q = ORDER_DECIDED
    assert bag_of_words_ceiling() == pytest.approx((1 - q) * (1 - NOISE) + q / 2)
    assert within(right / len(every), bag_of_words_ceiling(), len(every))


def test_frames_of_one_split_never_occur_in_another():
    for table in FRAME_TABLES:
        for language in (0, 1):
            for one, other in combinations(SPLITS, 2):
                assert not {f[language] for f in table[one]} & {f[language] for f in table[other]}


def test_names_of_one_split_never_occur_in_another(made):
    names = {}
    for split in SPLITS:
        names[split] = {
            pair
            for d in made[split]
            for s in d.sentences
            for slot, pair in s.words.items()
            if slot in ("p", "q", "title")
        }
        assert len(names[split]) > N
    for language in (0, 1):
        for one, other in combinations(SPLITS, 2):
            assert not {n[language] for n in names[one]} & {n[language] for n in names[other]}
        syllables = [row[language] for row in lexicon.NAME_SYLLABLES]
        assert len(set(syllables)) == len(syllables)


def test_only_names_are_words_never_met_in_training(made):
    """So a model can read the sentences of the test split, though it has met none of them."""
    met = {word for d in made["train"] for word in words(d.english)}
    met_characters = {character for d in made["train"] for character in d.chinese}
    for table in FRAME_TABLES:
        for split in ("validation", "test"):
            for english, chinese in table[split]:
                assert set(words(re.sub(r"{\w+}", "", english))) <= met
                assert set(re.sub(r"{\w+}", "", chinese)) <= met_characters


def test_no_text_occurs_twice_in_a_split_or_in_two_splits(made):
    for language in ("english", "chinese"):
        texts = [getattr(d, language) for split in SPLITS for d in made[split]]
        assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("longest", [1, 2])
def test_tf_idf_with_logistic_regression_lands_between_75_and_88_percent(longest):
    train, test = reviews(5000, seed=0), reviews(2000, seed=0, split="test")
    rival = make_pipeline(
        TfidfVectorizer(ngram_range=(1, longest)), LogisticRegression(C=10, max_iter=1000)
    )
    rival.fit([r.text for r in train], [r.label for r in train])
    assert 0.75 <= rival.score([r.text for r in test], [r.label for r in test]) <= 0.88


def test_explain_names_each_opinion_and_what_it_adds_up_to(made):
    d = next(d for d in made["test"] if d.kind == "contrast" and not d.flipped)
    told = d.explain()
    assert told.count("does not count (contrast)") == 1
    assert told.endswith(f"contrast: {'positive' if d.meaning else 'negative'}")
    noisy = next(d for d in made["test"] if d.flipped)
    assert noisy.explain().endswith("label turned round by noise")


def test_bad_input_is_refused_in_one_sentence(made):
    with pytest.raises(ValueError, match=r"no split 'dev'; take one of train, validation, test\."):
        reviews(1, split="dev")
    with pytest.raises(ValueError, match=r"no language 'fr'; take one of en, zh\."):
        reviews(1, language="fr")
    with pytest.raises(ValueError, match=r"-1 reviews cannot be made; ask for 0 or more\."):
        reviews(-1)
    with pytest.raises(ValueError, match="A plain review has no twin"):
        twin(next(d for d in made["train"] if d.kind == "plain"))
