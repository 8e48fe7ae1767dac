"""Repetition is counted by n-grams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.evaluation.diversity import distinct, repetition

TEXTS = st.lists(st.lists(st.integers(0, 3), max_size=8), min_size=1, max_size=4)


@given(texts=TEXTS, order=st.integers(1, 4))
def test_distinct_is_different_over_all(texts, order):
    grams = [str(t[i : i + order]) for t in texts for i in range(len(t)) if i + order <= len(t)]
    if grams:
        assert distinct(texts, order) == pytest.approx(len(set(grams)) / len(grams))


def test_n_grams_do_not_run_from_text_to_text():
    assert distinct([["a", "b"], ["b", "a"]], 2) == 1
    assert distinct([["a", "b"], ["a", "b"]], 2) == 0.5


def test_a_loop_repeats_and_a_list_of_different_words_does_not():
    assert repetition(
        ["round", "and", "round", "and", "round", "and", "round"], 2
    ) == pytest.approx(1 - 2 / 6)
    assert repetition(list("abcdefgh")) == 0
    assert repetition(list("aaaaaaa")) == pytest.approx(3 / 4)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: distinct([["a"]], 2), "no text has 2 tokens"),
        (lambda: distinct([], 1), "no text has 1 tokens"),
        (lambda: distinct([["a"]], 0), "order is 0; an n-gram has at least 1 token"),
        (lambda: distinct(["a b"], 1), "'a b' is a string; split it first"),
        (lambda: repetition(["a"]), "no text has 4 tokens"),
        (lambda: repetition("a b c d e"), "is a string; split it first"),
    ],
)
def test_what_has_no_n_grams_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
