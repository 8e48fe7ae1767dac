"""Leaks between splits are found: equal, equal in all but form, nearly equal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.data.leaks import (
    LeakReport,
    NearDuplicate,
    find_leaks,
    near_duplicates,
    near_duplicates_between,
    ngram_overlap,
    normalised,
    shingles,
    words,
)
from llm_book.data.minhash import MinHash, jaccard

LONG = "the quick brown fox jumps over the lazy dog while seven old sailors watch from the pier"
NEARLY = LONG.replace("pier", "quay")
texts = st.lists(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12).map(" ".join), max_size=12
)


def test_words_are_without_case_width_and_signs():
    assert words("Don't — \uff33\uff34OP, straße! 3.5") == ["don", "t", "stop", "strasse", "3", "5"]
    mixed = [*"三国演义", "is", *"カナ", "a", "novel", *"第1回"]
    assert words("三国演义 is カナ a novel。第1回") == mixed
    assert normalised(" Hello,  World!\n") == normalised("hello world") == "hello world"
    assert words(" — !") == []


def test_shingles_are_runs_of_words():
    assert shingles("a b c d", 3) == {"a b c", "b c d"}
    assert shingles("A, b", 3) == {"a b"}
    assert shingles("a b c", 3) == {"a b c"}
    assert shingles("a b c", 1) == {"a", "b", "c"}
    assert shingles(" - ", 3) == set()
    assert len(shingles(LONG)) == len(words(LONG)) - 4


def test_each_leak_is_named_once_by_the_strictest():
    train = ["plain text", LONG, "Case, and signs", "unrelated words stand here"]
    test = ["new", "plain text", "case and SIGNS!", NEARLY, "Plain text", LONG, "?"]
    report = find_leaks(train, test)
    assert (report.n_train, report.n_test) == (4, 7)
    assert report.exact == (1, 5)
    assert report.normalised == (2, 4)
    similarity = jaccard(shingles(LONG), shingles(NEARLY))
    assert report.near == (NearDuplicate(1, 3, similarity),)
    assert report.leaked == (1, 2, 3, 4, 5)
    assert similarity == pytest.approx(12 / 14)


def test_the_report_prints_in_a_sentence():
    report = LeakReport(12_000, 3_000, (1,), (2, 3), (NearDuplicate(0, 4, 0.9),), 0.8, 0.99999)
    assert str(report) == (
        "of 3,000 test texts 1 stand among the 12,000 training texts letter for letter, 2 more but "
        "for case and punctuation, and 1 more nearly (similarity 0.8 or more; a pair at 0.8 is "
        "found with probability 1.0000)"
    )
    assert find_leaks(["a b"], ["c d"]).chance_found == MinHash().chance_found(0.8)
    assert find_leaks(["a"], ["b"], 0.5, 2, MinHash(8, 2)).chance_found == 1 - 0.75**8
    assert find_leaks(["a"], ["b"], threshold=0.5).threshold == 0.5


def test_the_nearest_training_text_is_the_one_named():
    far = " ".join(LONG.split()[2:])
    report = find_leaks([far, LONG, far], [NEARLY], threshold=0.5)
    assert [(pair.first, pair.second) for pair in report.near] == [(1, 0)]
    report = find_leaks([LONG, far], [NEARLY], threshold=0.5)
    assert [(pair.first, pair.second) for pair in report.near] == [(0, 0)]


def test_texts_without_a_word_leak_only_letter_for_letter():
    report = find_leaks(["...", "?"], ["!", "?"])
    assert (report.exact, report.normalised, report.near) == ((1,), (), ())


@given(texts, texts, st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_near_duplicates_are_those_that_comparing_every_pair_finds(first, second, threshold):
    minhash = MinHash(256, 1)  # chance_found(0.3) differs from 1 by 1e-40
    found = near_duplicates_between(first, second, threshold, 2, minhash)
    pairs = {(pair.first, pair.second): pair.similarity for pair in found}
    expected = {
        (i, j): jaccard(shingles(a, 2), shingles(b, 2))
        for i, a in enumerate(first)
        for j, b in enumerate(second)
    }
    assert len(pairs) == len(found)
    assert pairs == {place: value for place, value in expected.items() if value >= threshold}


@given(texts)
def test_within_one_set_each_pair_comes_once(within):
    minhash = MinHash(256, 1)
    found = {(pair.first, pair.second) for pair in near_duplicates(within, 0.5, 2, minhash)}
    between = near_duplicates_between(within, within, 0.5, 2, minhash)
    assert found == {(p.first, p.second) for p in between if p.first < p.second}
    assert {(p.second, p.first) for p in between if p.first > p.second} == found


@given(texts, texts)
def test_a_text_of_both_splits_is_always_found(train, test):
    report = find_leaks(train, [*test, *train])
    assert set(range(len(test), len(test) + len(train))) <= set(report.leaked)
    assert all(test[i] in train for i in report.exact if i < len(test))


def test_overlap_is_the_share_of_runs_that_were_seen():
    train = ["a b c d", "x y z"]
    assert ngram_overlap(train, ["A b, c", "b c d e", "x y", "q r s", ""], 3) == [1, 0.5, 0, 0, 0]
    assert ngram_overlap(train, ["d a"], 1) == [1]
    assert ngram_overlap([LONG], [NEARLY]) == [pytest.approx(4 / 5)]
    assert ngram_overlap([], ["a b c"], 2) == [0]


@pytest.mark.parametrize("threshold", [0, -1, 1.01, float("nan")])
def test_a_threshold_that_means_nothing_is_refused(threshold):
    for call in (find_leaks, near_duplicates_between):
        with pytest.raises(ValueError, match=r"it must lie in \(0, 1\], such as 0.8"):
            call(["a"], ["b"], threshold)


def test_a_run_of_no_words_is_refused():
    for call in (
        lambda: shingles("a b", 0),
        lambda: shingles("", 0),
        lambda: ngram_overlap(["a"], ["b"], 0),
        lambda: find_leaks(["a"], ["b"], shingle=0),
    ):
        with pytest.raises(ValueError, match="a run of 0 words is none; choose at least 1"):
            call()
