"""Translation pairs, questions, dialogues, arithmetic, facts, classes: what each promises."""

import re
from collections import Counter
from itertools import pairwise

import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from llm_book.data.world import (
    arithmetic,
    class_bag_ceiling,
    class_ceiling,
    class_names,
    classes,
    dialogues,
    facts,
    is_right,
    people,
    questions,
    translation_pairs,
)
from llm_book.data.world.aligned import compose, leaf
from llm_book.data.world.class_tasks import TASKS
from llm_book.data.world.classified_texts import CLASS_NOISE, ORDER_DECIDES
from llm_book.data.world.conversation import SYSTEM, USER
from llm_book.data.world.passage_questions import UNANSWERABLE
from llm_book.data.world.relations import QUESTIONS, STATEMENTS
from llm_book.data.world.requests import SPLITS
from llm_book.data.world.translation import HELD_OUT, LONG, SHORT

N = 600


def within(share, expected, n):
    """A share of n draws lies within 4.5 standard deviations of its probability."""
    return abs(share - expected) < 4.5 * (expected * (1 - expected) / n) ** 0.5


def test_a_rule_orders_words_and_holes_and_links_what_has_one_label():
    noun = leaf("book", "书")
    made = compose("the/1 {n} who/2 ran", "跑 的/2 那/1 本/1 {n}", ("run", "book"), n=noun)
    assert made.english == ("the", "book", "who", "ran")
    assert made.chinese == ("跑", "的", "那", "本", "书")
    assert made.links == ((0, 2), (0, 3), (1, 4), (2, 1))
    assert made.combinations == {("run", "book")}
    outer = compose("see/1 {x} now", "现在 看/1 {x}", x=made)
    assert outer.links == ((0, 1), (1, 4), (1, 5), (2, 6), (3, 3))
    assert outer.combinations == made.combinations


@pytest.mark.parametrize("setting", ["random", "combinations", "length"])
def test_alignment_links_lie_in_the_sentence_and_cover_its_nouns(setting):
    words = {}
    for pair in translation_pairs(N, 1, "train", setting):
        assert pair.alignment == tuple(sorted(set(pair.alignment)))
        for i, j in pair.alignment:
            words.setdefault(pair.english_tokens[i], set()).add(pair.chinese_tokens[j])
        assert "".join(pair.chinese_tokens) == pair.chinese
        assert re.findall(r"\w+|[^\w\s]", pair.english.lower()) == [
            token.lower() for token in pair.english_tokens
        ]
        for i, position in pair.character_alignment:
            assert any(
                pair.chinese_characters[position] in pair.chinese_tokens[j]
                for k, j in pair.alignment
                if k == i
            )
        linked = {j for _, j in pair.alignment}
        free = {pair.chinese_tokens[j] for j in range(len(pair.chinese_tokens))} - {
            pair.chinese_tokens[j] for j in linked
        }
        assert free <= {"把", "了", "，"}
    assert words["key"] == {"钥匙"}
    assert words["girl"] == {"女孩"}
    assert words["than"] == {"比"}
    assert words.get("because", {"因为", "所以"}) == {"因为", "所以"}


def test_held_out_combinations_meet_in_the_test_split_alone():
    for split in SPLITS:
        for pair in translation_pairs(150, 2, split, "combinations"):
            assert bool(pair.combinations & HELD_OUT) == (split == "test")
    trained = translation_pairs(1000, 2, "train", "combinations")
    met = {word for pair in trained for word in pair.english_tokens}
    for pair in translation_pairs(100, 2, "test", "combinations"):
        assert set(pair.english_tokens) <= met


def test_every_test_sentence_of_length_is_longer_than_every_training_sentence():
    for split in SPLITS:
        sizes = [len(p.english_tokens) for p in translation_pairs(150, 3, split, "length")]
        assert min(sizes) >= LONG if split == "test" else max(sizes) <= SHORT
    assert SHORT < LONG


def test_chinese_orders_its_words_differently():
    crossed = 0
    for pair in translation_pairs(N, 0):
        links = pair.alignment
        crossed += any(a < c and b > d for a, b in links for c, d in links)
    assert crossed > N / 3


def test_different_sentences_have_different_translations():
    made = translation_pairs(2000, 5)
    assert len({pair.english for pair in made}) == len({pair.chinese for pair in made}) == 2000
    with pytest.raises(ValueError, match="no setting 'hard'; take one of random, combinations"):
        translation_pairs(1, setting="hard")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("split", SPLITS)
def test_answers_are_spans_of_the_passage_and_some_have_none(split, language):
    made = questions(N, 1, split, language)
    for q in made:
        if q.answer:
            end = q.answer.start + len(q.answer.text)
            assert q.context[q.answer.start : end] == q.answer.text != ""
            assert q.context.count(q.answer.text) >= 1
    assert within(sum(q.answer is None for q in made) / N, UNANSWERABLE, N)
    assert {q.relation for q in made} == set(QUESTIONS)
    assert 0.25 <= UNANSWERABLE <= 0.3


def test_an_answer_stands_in_the_sentence_about_the_right_person():
    names = {p.name[0] for p in people(0)}
    for q in questions(N, 3):
        (asked,) = names & set(re.findall(r"\w+", q.text))
        frames = [frame for frame, _ in STATEMENTS[q.relation]["train"]]
        said = []
        for sentence in re.findall(r"[^.]+\.", q.context):
            for frame in frames:
                pattern = re.escape(frame).replace(r"\{p\}", asked).replace(r"\{y\}", "(.+)")
                said += re.findall(f"(?i)^{pattern}$", sentence.strip())
        said = [found for found in said if not found.startswith("a friend of")]
        assert said == ([q.answer.text] if q.answer else [])


def test_wordings_of_a_split_occur_in_no_other():
    tables = [*STATEMENTS.values(), *QUESTIONS.values(), *SYSTEM.values(), *USER.values()]
    tables += [t for task in TASKS.values() for t in (task.greetings, task.plain, task.decisive)]
    for table in tables:
        for side in (0, 1):
            frames = [frame[side] for split in SPLITS for frame in table[split]]
            assert len(set(frames)) == len(frames), frames


def test_a_dialogue_alternates_and_ends_with_the_assistant():
    for d in dialogues(N, 1):
        roles = [turn.role for turn in d.turns]
        assert roles == ["system", *["user", "assistant"] * (len(roles) // 2)]
        assert d.messages[1] == {"role": "user", "content": d.turns[1].text}
        assert [answer for _, answer in d.examples] == [t.text for t in d.turns[2::2]]
        assert d.examples[0][0] == d.turns[:2]


def test_what_was_agreed_follows_from_what_was_said():
    tasks = Counter()
    for d in dialogues(N, 2):
        tasks[d.task] += 1
        slots, last = dict(d.slots), d.turns[-1].text
        if d.task == "table":
            assert all(value in last for value in slots.values())
            assert slots["day"] not in d.turns[0].text
        if d.task == "ticket":
            row = rf"to {slots['to']} at (\d+) o'clock for (\d+) pounds"
            ((_, price),) = re.findall(row, d.turns[0].text)
            assert int(slots["total"]) == int(slots["count"]) * int(price)
            assert last == (
                f"{slots['count']} tickets to {slots['to']} cost {slots['total']} pounds."
            )
        if d.task == "people":
            for _, value in d.slots:
                assert value == "unknown" or value.lower() in d.turns[0].text.lower()
    assert all(within(n / N, 1 / 3, N) for n in tasks.values())


def test_answers_of_arithmetic_are_right_and_checked():
    made = arithmetic(N, 1, modulus=17)
    value = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}
    for q in made:
        assert q.answer == value[q.sign](q.a, q.b) % 17
        assert 0 <= q.a < 17 and 0 <= q.b < 17
        assert f"{q.a} {q.sign} {q.b}" in q.question and "17" in q.question
        assert is_right(q, f"I think 3 + 4, so the answer is {q.answer}.")
        assert is_right(q, f"00{q.answer}")
        assert not is_right(q, f"{q.answer}, or rather {q.answer + 1}")
        assert not is_right(q, "no idea")
        assert is_right(q, f"12-{q.answer}")
        assert is_right(q, f"-{q.answer}") == (False if q.answer else is_right(q, "-0"))
    assert not is_right(made[0], "9" * 10_000)
    assert {q.sign for q in made} == {"+", "-", "*"}
    with pytest.raises(ValueError, match="modulus is 9; take 10 or more"):
        arithmetic(1, modulus=9)
    assert {(q.a, q.b, q.sign) for q in made}.isdisjoint(
        (q.a, q.b, q.sign) for q in arithmetic(N, 9, "test", modulus=17)
    )


def test_facts_are_those_of_the_people():
    everybody = {p.name[0]: p for p in people(4)}
    rows = facts(4)
    assert len(rows) == len(everybody) * len(STATEMENTS) == 280
    for fact in rows:
        person = everybody[fact.subject]
        assert fact.subject in fact.text and fact.object.lower() in fact.text.lower()
        if fact.relation == "home":
            assert fact.object == person.home[0]
        if fact.relation == "friend":
            assert everybody[fact.object].friend[0] == fact.subject != fact.object
    assert all(p.likes != p.dislikes for p in everybody.values())
    assert [f.relation for f in rows] == [f.relation for f in facts(4, language="zh")]
    assert facts(4) != facts(5)
    with pytest.raises(ValueError, match="no language 'fr'"):
        facts(language="fr")
    with pytest.raises(ValueError, match="no split 'dev'"):
        facts(split="dev")


@pytest.mark.parametrize("task", TASKS)
def test_noise_and_ties_come_as_often_as_stated(task):
    n = 2000
    made = classes(task, n, 3)
    assert within(sum(t.label != t.meaning for t in made) / n, CLASS_NOISE, n)
    assert within(sum(t.decisive for t in made) / n, ORDER_DECIDES, n)
    counts = Counter(t.meaning for t in made if not t.decisive)
    total = sum(counts.values())
    for label, prior in enumerate(TASKS[task].priors):
        assert within(counts[label] / total, prior, total)
    assert len(class_names(task)) == len(TASKS[task].priors) == len(TASKS[task].phrases)
    assert sum(TASKS[task].priors) == pytest.approx(1)


def test_ceilings_are_what_their_formulas_say():
    assert class_ceiling() == pytest.approx(0.94)
    assert class_bag_ceiling("spam") == pytest.approx(0.68 * 0.94 + 0.16)
    assert class_bag_ceiling("topics") == pytest.approx(0.68 * 0.94 + 0.16 * (0.94 + 0.015))
    with pytest.raises(ValueError, match="no task 'mood'; take one of topics, spam, intents"):
        class_bag_ceiling("mood")
    with pytest.raises(ValueError, match="no task 'mood'"):
        classes("mood", 1)


@pytest.mark.parametrize("task", TASKS)
def test_exchanging_the_phrases_of_a_decisive_frame_leaves_words_and_pairs_as_they_were(task):
    read = CountVectorizer(ngram_range=(1, 2)).build_analyzer()
    for split in SPLITS:
        for english, chinese in TASKS[task].decisive[split]:
            one = english.format(x="aa bb", y="cc dd", p="pp")
            other = english.format(x="cc dd", y="aa bb", p="pp")
            assert one != other
            assert Counter(read(one)) == Counter(read(other)), english
            one, other = chinese.format(x="一二", y="三四"), chinese.format(x="三四", y="一二")
            assert Counter(one) == Counter(other)
            if task != "topics":
                pairs = [Counter(p for p in pairwise(t) if "啊" in p) for t in (one, other)]
                assert pairs[0] == pairs[1]


@pytest.mark.parametrize("task", TASKS)
def test_tf_idf_with_logistic_regression_lands_between_75_and_88_percent(task):
    train, test = classes(task, 3000, 0), classes(task, 1500, 0, "test")
    rival = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000))
    rival.fit([t.text for t in train], [t.label for t in train])
    assert 0.74 <= rival.score([t.text for t in test], [t.label for t in test]) <= 0.88
