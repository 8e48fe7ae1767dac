"""The rule points beside what passage and question share, at the kind of thing that is asked."""

import pytest

from llm_book.models.lexical_span import (
    LexicalSpan,
    clues,
    kind_asked,
    maximal_runs,
    sentence_numbers,
    stemmed,
)

WARSAW = [
    *("The", "exchange", "was", "founded", "in", "1817", "by", "Anna", "Bell", "."),
    *("It", "closed", "in", "1939", "."),
]


def worth(word):
    return 0.1 if word in ("the", "was", "in", "by", "it", "is") else 2.0


def pointed(question, said=WARSAW, **settings):
    span = LexicalSpan(**settings)(question.split(), said, worth)
    return None if span is None else " ".join(said[span[0] : span[1] + 1])


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When was the exchange founded ?", "1817"),
        ("Who founded the exchange ?", "Anna Bell"),
        ("When closed it ?", "1939"),
    ],
)
def test_the_kind_of_the_question_chooses_beside_the_shared_words(question, answer):
    assert pointed(question) == answer


def test_words_of_the_question_are_no_answer():
    assert "exchange" not in pointed("What exchange was founded in 1817 ?")


def test_a_passage_that_shares_too_little_does_not_say():
    assert pointed("Who bakes bread ?", least=0.3) is None
    assert pointed("Who founded the exchange ?", least=0.3) == "Anna Bell"
    assert pointed("Who ?", said=["."]) is None


def test_a_long_run_is_cut_at_the_end_that_is_farther_from_shared_words():
    said = ["alpha", "beta", "gamma", "delta", "founded"]
    assert pointed("What founded it ?", said, longest=2) == "gamma delta"
    assert pointed("What founded it ?", said[::-1], longest=2) == "delta gamma"


def test_glue_stands_inside_an_answer_but_not_at_its_ends():
    said = ["founded", "the", "rule", "in", "law", "by"]
    assert pointed("What founded it ?", said) == "rule in law"


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("In what year was it ?", "figures"),
        ("它 建 于 什 么 时 候 ？", "figures"),
        ("有 多 少 人 ？", "figures"),
        ("Whose is it ?", "capitals"),
        ("What is it ?", "words"),
        ("谁 来 了 ？", "words"),
        ("Whenever ?", "words"),
    ],
)
def test_question_words_say_what_is_wanted(question, kind):
    assert kind_asked(question.split()) == kind


def test_sentences_end_at_marks_but_not_behind_an_initial():
    assert sentence_numbers(["J", ".", "Bell", "left", ".", "He", "ran"]) == [0, 0, 0, 0, 0, 1, 1]
    assert sentence_numbers(list("他来。我走")) == [0, 0, 0, 1, 1]


def test_a_run_ends_with_its_sentence():
    assert maximal_runs([True, True, True, False, True], [0, 0, 1, 1, 1]) == [
        (0, 1), (2, 2), (4, 4),
    ]  # fmt: skip


def test_clues_are_shares_of_what_the_question_is_worth():
    said = ["cats", "sleep", ".", "dogs", "chase", "cats", "."]
    found = clues(["dogs", "chase", "what"], said, lambda word: 1.0, stem=9)
    assert found.shared == [False, False, False, True, True, False, False]
    assert found.overlap == pytest.approx([0, 0, 0, *[2 / 3] * 4])
    assert found.closeness[5] == pytest.approx((1 / 3 + 1 / 2) / 3)


def test_words_can_be_made_to_count_only_beside_each_other():
    found = clues(list("建立了"), list("立建立"), lambda word: 1.0, stem=9, together=2)
    assert found.shared == [False, True, True]
    assert clues(list("建立了"), list("立建立"), lambda word: 1.0, stem=9).shared == [True] * 3


def test_a_stem_makes_forms_one():
    assert stemmed("Flowed", 4) == stemmed("flows", 4) == "flow"
