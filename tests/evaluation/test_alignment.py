"""Alignments are compared as Och and Ney compare them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate import Alignment
from nltk.translate.metrics import alignment_error_rate as nltk_rate

from llm_book.evaluation.alignment import alignment_error_rate, links_from_attention, shifted

LINKS = st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)))


@given(found=LINKS, sure=LINKS, possible=LINKS)
def test_one_pair_is_scored_as_nltk_scores_it(found, sure, possible):
    if not found | sure:
        return
    theirs = nltk_rate(Alignment(sure), Alignment(found), Alignment(possible | sure))
    assert alignment_error_rate([found], [sure], [possible]) == pytest.approx(theirs)
    theirs = nltk_rate(Alignment(sure), Alignment(found))
    assert alignment_error_rate([found], [sure]) == pytest.approx(theirs)


def test_a_corpus_counts_links_and_not_pairs():
    found, sure = [{(0, 0)}, {(0, 1), (1, 1)}], [[(0, 0)], [(0, 0), (1, 1), (2, 2)]]
    assert alignment_error_rate(found, sure) == pytest.approx(1 - (2 + 2) / (3 + 4))


def test_links_run_from_source_to_target_and_attention_links_its_peak():
    weights = torch.tensor([[0.1, 0.9, 0.0], [0.8, 0.1, 0.1]])  # [target, source]
    links = links_from_attention(weights)
    assert links == {(1, 0), (0, 1)}
    assert shifted(links, 1) == {(1, 1), (0, 2)}
    assert shifted(links, -1) == {(0, 0)}


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: alignment_error_rate([set()], [set()]), "no link was found and none is sure"),
        (lambda: alignment_error_rate([], []), "no link was found and none is sure"),
        (lambda: alignment_error_rate([{(0, 0)}], []), "1 found, 0 sure and 0 possible"),
        (lambda: alignment_error_rate([set()], [{(0, 0)}], []), "1 found, 1 sure and 0 possible"),
    ],
)
def test_what_has_no_rate_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
