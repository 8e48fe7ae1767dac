import random
from collections import Counter
from itertools import combinations
from math import exp, inf, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.data.world import (
    entropy,
    nouns,
    people,
    stories,
    story_entropy,
    story_grammar,
    story_log_prob,
    story_tokens,
    text_log_prob,
)
from llm_book.data.world.chances import entropy_of, log_sum, uniform, weighted, zipf
from llm_book.data.world.scenes import PLOTS, SCENES
from llm_book.data.world.story_numbers import every_derivation, expected_tokens, grammar_entropy
from llm_book.data.world.story_parser import StoryParser
from llm_book.data.world.storytelling import PARTS, checksum, story_derivations
from llm_book.data.world.tokens import count_tokens, tokens
from llm_book.data.world.weighted_grammar import Plot, Scene, Slot, StoryGrammar, Variable, slots_of
from llm_book.text.tokenizers import WordTokenizer

LANGUAGES = ("en", "zh")
N = 1000


def small_grammar():
    """Few enough stories to write out: a variable avoids another, scenes are left out."""
    animals = (("cat", "猫"), ("old dog", "老狗"), ("hen", "鸡"))
    return StoryGrammar(
        variables={
            "a": Variable(animals, (0.5, 0.3, 0.2)),
            "b": Variable(animals, (0.6, 0.3, 0.1), unlike="a"),
            "c": Variable((True, False), uniform(2)),
        },
        slots={
            "A": Slot(("a",), lambda a: a),
            "B": Slot(("b",), lambda b: b),
            "C": Slot(("c", "a", "b"), lambda c, a, b: a if c else b),
        },
        scenes={
            "meet": Scene(
                ("a", "b"),
                (("The {A} saw the {B}.", "{A}看见{B}。"), ("{B} or {A}?", "{B}或{A}？")),
            ),
            "rain": Scene((), (("It rained.", "下雨。"), ("It snowed all day.", "整天下雪。"))),
            "end": Scene(("c",), (("The {C} won.", "{C}赢了。"),)),
        },
        plots=(
            Plot(0.7, (("meet", 1.0), ("rain", 0.4), ("end", 1.0))),
            Plot(0.3, (("rain", 1.0), ("meet", 0.5))),
        ),
    )


@pytest.fixture(scope="module")
def drawn():
    return {split: stories(N, seed=1, split=split) for split in ("train", "validation", "test")}


def test_probabilities_of_all_stories_of_a_small_grammar_sum_to_one():
    grammar = small_grammar()
    logs = [derivation.log_prob for derivation in every_derivation(grammar)]
    assert len(logs) == 2 * 6 * 3 * 2 + 2 * (1 + 2 * 6)
    assert sum(map(exp, logs)) == pytest.approx(1, abs=1e-12)


def test_entropy_equals_that_of_the_stories_written_out():
    grammar = small_grammar()
    logs = [derivation.log_prob for derivation in every_derivation(grammar)]
    assert grammar_entropy(grammar) == pytest.approx(-sum(exp(x) * x for x in logs), abs=1e-12)


@pytest.mark.parametrize("side", [0, 1])
def test_expected_length_equals_that_of_the_stories_written_out(side):
    grammar = small_grammar()
    rows = list(every_derivation(grammar))
    mean = sum(exp(row.log_prob) * count_tokens(grammar.text(row)[side]) for row in rows)
    assert expected_tokens(grammar, LANGUAGES[side]) == pytest.approx(mean, abs=1e-12)


@pytest.mark.parametrize("side", [0, 1])
def test_every_story_of_a_small_grammar_is_read_back_as_what_it_is(side):
    grammar = small_grammar()
    parser = StoryParser(grammar, LANGUAGES[side])
    texts = set()
    for row in every_derivation(grammar):
        (found,) = parser.parses(grammar.text(row)[side])
        assert (found.plot, found.scenes, found.bindings) == (row.plot, row.scenes, row.bindings)
        assert found.log_prob == pytest.approx(row.log_prob, abs=1e-12)
        texts.add(grammar.text(row)[side])
    assert len(texts) == len(list(every_derivation(grammar)))


def test_drawn_stories_of_a_small_grammar_are_as_frequent_as_probable():
    grammar, rng = small_grammar(), random.Random("small")
    n = 20000
    seen = Counter()
    for _ in range(n):
        row = grammar.draw(rng)
        seen[grammar.text(row)[0], round(row.log_prob, 9)] += 1
    expected = {
        (grammar.text(row)[0], round(row.log_prob, 9)): exp(row.log_prob)
        for row in every_derivation(grammar)
    }
    assert seen.keys() <= expected.keys()
    for key, p in expected.items():
        assert abs(seen[key] / n - p) < 5 * (p * (1 - p) / n) ** 0.5


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_entropy_is_what_drawn_stories_cost_on_the_average(drawn, split):
    costs = [-story.log_prob for story in drawn[split]]
    mean = sum(costs) / N
    spread = (sum((cost - mean) ** 2 for cost in costs) / N) ** 0.5
    assert abs(mean - story_entropy(1, split)) < 4.5 * spread / N**0.5


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_expected_length_is_that_of_drawn_stories(split, language):
    counts = [count_tokens(s.text) for s in stories(N, seed=1, split=split, language=language)]
    mean = sum(counts) / N
    spread = (sum((count - mean) ** 2 for count in counts) / N) ** 0.5
    assert abs(mean - story_tokens(1, split, language)) < 4.5 * spread / N**0.5


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_text_read_back_has_one_derivation_and_the_probability_it_was_drawn_with(split, language):
    grammar = story_grammar(2, split)
    parser = StoryParser(grammar, language)
    for story in stories(25, seed=2, split=split, language=language):
        (found,) = parser.parses(story.text)
        assert found.log_prob == pytest.approx(story.log_prob, abs=1e-9)
        assert story_log_prob(story) == pytest.approx(story.log_prob, abs=1e-9)
        if split != "test":
            assert (checksum(found) == 0) == (split == "validation")


def test_a_text_the_grammar_cannot_say_has_no_probability():
    story = stories(1, seed=0)[0]
    assert text_log_prob(story.text) > -inf
    for text in ("", story.text + " ", story.text[:-1], story.text + " It began to rain.", "No."):
        assert text_log_prob(text) == -inf
    assert text_log_prob(story.text, seed=1) == -inf  # others live in that world
    assert text_log_prob(story.text, split="test") == -inf


def test_who_was_named_before_must_be_meant_again():
    story = next(s for s in stories(50, seed=0) if "In the evening" in s.text)
    hero = story.text.split("In the evening ")[1].split(" ")[0]
    other = next(p.name[0] for p in people(0) if p.name[0] not in story.text)
    head, tail = story.text.split("In the evening ")
    assert story_log_prob(story) > -inf
    assert text_log_prob(head + "In the evening " + tail.replace(hero, other)) == -inf


def test_the_entropy_a_token_counts_the_end_as_a_token():
    for language in LANGUAGES:
        per_token = story_entropy(3, "test") / (story_tokens(3, "test", language) + 1)
        assert entropy(3, "test", language) == pytest.approx(per_token)
    assert entropy() > entropy(language="zh")


def test_three_words_of_memory_are_clearly_worse_than_the_floor():
    """An interpolated trigram, with all of memory for three words, pays more than twice it."""
    trigrams, pairs = Counter(), Counter()
    texts = [["", "", *tokens(s.text), "."] for s in stories(2000, seed=0)]
    for text in texts:
        for i in range(2, len(text)):
            trigrams[tuple(text[i - 2 : i + 1])] += 1
            pairs[tuple(text[i - 2 : i])] += 1
    # What the training text itself costs under its own trigrams is less than any trigram model
    # can hope for on other text.
    cost = -sum(n * log(n / pairs[row[:2]]) for row, n in trigrams.items())
    assert cost / sum(trigrams.values()) > 2 * entropy()


def test_there_are_a_few_hundred_words(drawn):
    words = {word.lower() for story in drawn["train"] for word in tokens(story.text)}
    assert 300 <= len(words) <= 800
    heads = Counter(story.text.split(".")[0] for story in drawn["train"])
    assert max(heads.values()) < N / 50


def test_tokens_are_those_of_the_word_tokenizer(drawn):
    for story in drawn["train"][:200]:
        assert len(WordTokenizer().tokenize(story.text)) == count_tokens(story.text)
    for story in stories(200, language="zh"):
        assert len(WordTokenizer().tokenize(story.text)) == count_tokens(story.text)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(0, 10))
def test_training_and_validation_share_no_story_whatever_the_seeds(seed, n):
    for split in ("train", "validation"):
        for derivation in story_derivations(n, seed=seed, split=split):
            assert (checksum(derivation) == 0) == (split == "validation")
    assert len(nouns.TIMES) % PARTS == 0


def test_times_are_equally_frequent_in_training(drawn):
    times = Counter()
    for story in drawn["train"]:
        times[next(t for t, _ in nouns.TIMES if t.lower() in story.text.lower())] += 1
    p = 1 / len(nouns.TIMES)
    assert len(times) == len(nouns.TIMES)
    assert all(abs(n / N - p) < 4.5 * (p / N) ** 0.5 for n in times.values())


def test_frames_of_the_test_split_are_not_those_of_training_and_use_its_words():
    met = {w.lower() for s in stories(N) for w in tokens(s.text)}
    met_characters = {c for s in stories(N, language="zh") for c in s.text}
    for _, frames in SCENES.values():
        assert not {f for pair in frames["train"] for f in pair} & {
            f for pair in frames["test"] for f in pair
        }
        for english, chinese in frames["test"]:
            plain_english, plain_chinese = english, chinese
            for slot in {*slots_of(english), *slots_of(chinese)}:
                plain_english = plain_english.replace("{" + slot + "}", " ")
                plain_chinese = plain_chinese.replace("{" + slot + "}", " ")
            assert {word.lower() for word in tokens(plain_english)} <= met, english
            assert set(plain_chinese) - {" "} <= met_characters, chinese


def test_every_frame_speaks_of_what_its_scene_draws_and_of_nothing_unknown():
    slots = story_grammar().slots
    for weight, steps in PLOTS:
        known = set()
        assert 0 < weight < 1
        for name, chance in steps:
            new, frames = SCENES[name]
            for row in (*frames["train"], *frames["test"]):
                for side in row:
                    spoken = {v for slot in slots_of(side) for v in slots[slot].variables}
                    assert set(new) <= spoken <= known | set(new), side
            if chance == 1:
                known |= set(new)
    assert sum(weight for weight, _ in PLOTS) == pytest.approx(1)


def test_people_of_a_split_are_in_no_story_of_another(drawn):
    names = {split: {p.name[0] for p in people(1, split)} for split in drawn}
    for one, other in combinations(names, 2):
        assert not names[one] & names[other]
    for story in drawn["test"]:
        assert not set(tokens(story.text)) & names["train"]


def test_english_is_ascii_and_chinese_has_no_latin_letters(drawn):
    for story in drawn["train"]:
        assert story.text.isascii()
        assert " a a" not in story.text and " a o" not in story.text and " a u" not in story.text
        assert "  " not in story.text and story.text[0].isupper()
    for story in stories(500, language="zh"):
        assert not set(story.text) & set(
            " abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ{}.,"
        )


def test_weights_fall_like_one_over_the_rank_and_sum_to_one():
    assert zipf(3) == pytest.approx((6 / 11, 3 / 11, 2 / 11))
    assert uniform(4) == (0.25,) * 4
    assert entropy_of(uniform(8)) == pytest.approx(log(8))
    assert entropy_of((1.0, 0.0)) == 0
    assert log_sum([]) == -inf
    assert log_sum([-1000 + log(3), -1000 + log(4)]) == pytest.approx(-1000 + log(7))


def test_drawing_by_weights_goes_by_the_running_sum():
    class Fixed:
        def __init__(self, value):
            self.value = value

        def random(self):
            return self.value

    weights = (0.5, 0.25, 0.25)
    for value, number in ((0, 0), (0.49, 0), (0.5, 1), (0.74, 1), (0.75, 2), (0.999999, 2)):
        rng = random.Random()
        rng.random = Fixed(value).random
        assert weighted(rng, weights) == number


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"-1 stories cannot be made; ask for 0 or more\."):
        stories(-1)
    with pytest.raises(ValueError, match=r"no split 'dev'; take one of train, validation, test\."):
        stories(1, split="dev")
    with pytest.raises(ValueError, match=r"no language 'fr'; take one of en, zh\."):
        stories(1, language="fr")
    for function in (entropy, story_tokens):
        with pytest.raises(ValueError, match="no language 'de'"):
            function(language="de")
        with pytest.raises(ValueError, match="no split 'x'"):
            function(split="x")
    with pytest.raises(ValueError, match="no split 'x'"):
        story_entropy(split="x")
    with pytest.raises(ValueError, match="no language 'de'"):
        text_log_prob("A", language="de")
