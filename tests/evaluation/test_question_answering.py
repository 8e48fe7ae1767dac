"""Answers are compared as SQuAD's scripts compare them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.evaluation.question_answering import (
    AnswerScores,
    answer_scores,
    answer_tokens,
    exact_match,
    normalise,
    token_f1,
)

ANSWERS = st.lists(
    st.sampled_from(["the", "cat", "Cat!", "a", "an", "9", "--", "x-y"]), max_size=5
).map(" ".join)


@pytest.mark.parametrize(
    ("answer", "normal"),
    [
        ("The Cat!", "cat"),
        ("  a  cat,\tan\nowl ", "cat owl"),
        ("theatre and banana", "theatre and banana"),
        ("U.S.A.", "usa"),
        ("a-b the-c", "ab thec"),
        ("the", ""),
        ("$5.00 (about)", "500 about"),
        ("“curly”", "“curly”"),
        ("", ""),
    ],
)
def test_case_punctuation_articles_and_spaces_do_not_count(answer, normal):
    assert normalise(answer) == normal


@given(ANSWERS)
@settings(max_examples=60, deadline=None)
def test_normalising_again_changes_nothing_but_what_punctuation_hid(answer):
    once = normalise(answer)
    assert normalise(once) == once
    assert answer_tokens(answer) == once.split()


@given(answer=ANSWERS, references=st.lists(ANSWERS, min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_f1_is_the_harmonic_mean_of_shared_tokens_over_the_best_reference(answer, references):
    said = normalise(answer).split()
    wanted = [normalise(r).split() for r in references if normalise(r)] or [[]]
    best = 0.0
    for other in wanted:
        rest = list(other)
        shared = 0
        for token in said:
            if token in rest:
                rest.remove(token)
                shared += 1
        if not said or not other:
            f1 = float(said == other)
        elif not shared:
            f1 = 0.0
        else:
            precision, recall = shared / len(said), shared / len(other)
            f1 = 2 * precision * recall / (precision + recall)
        best = max(best, f1)
    assert token_f1(answer, references) == pytest.approx(best)
    assert exact_match(answer, references) == float(said in wanted)


def test_repeated_tokens_count_as_often_as_both_have_them():
    assert token_f1("red red red", ["red red blue"]) == pytest.approx(2 / 3)
    assert token_f1("red", ["blue", "red car"]) == pytest.approx(2 / 3)


def test_a_question_without_an_answer_wants_an_empty_one():
    for nothing in ([], [""], ["the"]):
        assert exact_match("", nothing) == token_f1("", nothing) == 1
        assert exact_match("x", nothing) == token_f1("x", nothing) == 0
    assert exact_match("", ["x", ""]) == token_f1("", ["x", ""]) == 0  # an answer there is


def test_a_corpus_is_the_mean_over_its_questions():
    found = answer_scores(["the cat", "red", ""], [["cat"], ["red car"], ["owl"]])
    assert (found.exact_match, found.f1) == pytest.approx((1 / 3, (1 + 2 / 3) / 3))
    assert found.n == 3


def test_chinese_is_compared_by_characters():
    assert answer_tokens("《红楼梦》，曹雪芹 著。", "characters") == list("红楼梦曹雪芹著")
    assert exact_match("北京。", ["北 京"], "characters") == 1
    assert token_f1("北京市", ["北京"], "characters") == pytest.approx(4 / 5)
    assert token_f1("北京市", ["北京"]) == 0
    assert normalise("The GPT-2 模型！", "characters") == "thegpt2模型"
    assert answer_scores(["北京。"], [["北京"]], "characters") == AnswerScores(1, 1, 1)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: exact_match("a", "a"), "references is the string 'a'; give a list"),
        (lambda: token_f1("a", "a"), "references is the string 'a'; give a list"),
        (lambda: answer_scores([], []), "0 answers and 0 lists of references"),
        (lambda: answer_scores(["a"], []), "1 answers and 0 lists of references"),
        (lambda: normalise("a", "letters"), "unit 'letters' is unknown; choose one of words"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
