"""ROUGE-L is what counting by hand gives, and Google's ``rouge_score``."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.evaluation.overlap import (
    Overlap,
    corpus_rouge_l,
    longest_common_subsequence,
    rouge_l,
)

TEXT = st.lists(st.sampled_from("abc"), max_size=7)


def by_brute_force(a, b):
    """The longest of all ways of leaving tokens out of a that can be had from b as well."""
    inside = {
        tuple(b[i] for i in kept)
        for n in range(len(b) + 1)
        for kept in combinations(range(len(b)), n)
    }
    return max(
        n
        for n in range(len(a) + 1)
        for kept in combinations(range(len(a)), n)
        if tuple(a[i] for i in kept) in inside
    )


@given(a=TEXT, b=TEXT)
@settings(max_examples=150, deadline=None)
def test_the_longest_common_subsequence_is_found(a, b):
    assert longest_common_subsequence(a, b) == by_brute_force(a, b)
    assert longest_common_subsequence(b, a) == by_brute_force(a, b)


@given(hypothesis=TEXT, references=st.lists(TEXT, min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_rouge_l_is_google_s(hypothesis, references):
    scorer = pytest.importorskip(
        "rouge_score.rouge_scorer", reason="rouge_score is not installed"
    ).RougeScorer(["rougeL"])
    scores = [scorer.score(" ".join(r), " ".join(hypothesis))["rougeL"] for r in references]
    best = max(scores, key=lambda score: score.fmeasure)
    ours = rouge_l(hypothesis, references)
    assert (ours.precision, ours.recall, ours.f) == pytest.approx(
        (best.precision, best.recall, best.fmeasure)
    )


def test_the_worked_example_of_the_paper():
    # Lin (2004), section 3.1: S1 police killed the gunman; S2 police kill the gunman
    reference = ["police", "killed", "the", "gunman"]
    assert rouge_l(["police", "kill", "the", "gunman"], [reference]) == Overlap(0.75, 0.75, 0.75)
    assert rouge_l(["the", "gunman", "kill", "police"], [reference]) == Overlap(0.5, 0.5, 0.5)


def test_beta_leans_to_precision_or_to_recall():
    text, reference = list("ab"), list("abxyz")
    assert rouge_l(text, [reference], beta=0).f == pytest.approx(1)
    assert rouge_l(text, [reference], beta=1e6).f == pytest.approx(2 / 5)
    assert rouge_l(text, [reference], beta=2).f == pytest.approx(5 * 0.4 / (0.4 + 4))
    assert rouge_l(text, [reference]).f == pytest.approx(2 * 0.4 / 1.4)


def test_the_best_reference_counts_and_a_corpus_is_the_mean_of_its_texts():
    texts = [list("abc"), list("xy")]
    references = [[list("z"), list("abcd")], [list("yx")]]
    assert rouge_l(texts[0], references[0]) == rouge_l(texts[0], [references[0][1]])
    found = corpus_rouge_l(texts, references)
    assert found.precision == pytest.approx((1 + 1 / 2) / 2)
    assert found.recall == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert found.f == pytest.approx((6 / 7 + 1 / 2) / 2)
    assert corpus_rouge_l([list("ab")], [[list("abxyz")]], beta=0).f == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: rouge_l("a b", [["a"]]), "'a b' is a string; split it into words"),
        (lambda: rouge_l(["a"], ["a b"]), "'a b' is a string; split it into words"),
        (lambda: rouge_l(["a"], []), "a text without a reference has no overlap"),
        (lambda: rouge_l(["a"], [["a"]], beta=-1.0), "beta is -1.0"),
        (lambda: rouge_l(["a"], [["a"]], beta=float("nan")), "beta is nan"),
        (lambda: corpus_rouge_l([], []), "0 texts and 0 lists of references"),
        (lambda: corpus_rouge_l([["a"]], []), "1 texts and 0 lists of references"),
    ],
)
def test_what_has_no_overlap_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
