"""Intervals cover the truth as often as they say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from llm_book.evaluation.intervals import (
    T95,
    Interval,
    bootstrap,
    over_seeds,
    paired_bootstrap,
    wilson,
)
from llm_book.evaluation.ranking import roc_auc


@given(n=st.integers(1, 500), data=st.data())
@settings(max_examples=100, deadline=None)
def test_wilson_equals_scipys(n, data):
    correct = data.draw(st.integers(0, n))
    ours = wilson(correct, n)
    theirs = stats.binomtest(correct, n).proportion_ci(0.95, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_a_perfect_score_on_ten_is_not_certainty():
    assert wilson(10, 10).low == pytest.approx(0.722, abs=1e-3)
    assert wilson(10, 10).high == pytest.approx(1)
    assert wilson(10, 10).high <= 1


def test_wilson_stays_inside_0_and_1():
    for n in range(1, 200):
        assert wilson(0, n).low >= 0 and wilson(n, n).high <= 1


def test_the_ends_are_inside():
    interval = Interval(0.5, 0.25, 0.75)
    assert [interval.excludes(x) for x in (0.2, 0.25, 0.75, 0.8)] == [True, False, False, True]


def test_two_thousand_draws_from_seed_0_unless_told_otherwise():
    rng = np.random.default_rng(5)
    ours, theirs = rng.random(30), rng.random(30)
    told = {"draws": 2000, "seed": 0}
    assert paired_bootstrap(ours, theirs) == paired_bootstrap(ours, theirs, **told)
    assert bootstrap(np.mean, ours) == bootstrap(np.mean, ours, **told)
    one = bootstrap(np.mean, ours, draws=1)
    assert one.low == one.high


def test_wilson_covers_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(0)
    hits = [not wilson(int(rng.binomial(50, 0.9)), 50).excludes(0.9) for _ in range(2000)]
    assert 0.92 < np.mean(hits) < 0.98


def test_the_table_of_t_is_scipys():
    for runs, value in T95.items():
        assert value == pytest.approx(stats.t.ppf(0.975, runs - 1), abs=1e-3)


def test_over_seeds_is_the_t_interval():
    values = [0.90, 0.91, 0.93]
    mean, half = np.mean(values), stats.t.ppf(0.975, 2) * stats.sem(values)
    ours = over_seeds(values)
    assert (ours.estimate, ours.low, ours.high) == pytest.approx(
        (mean, mean - half, mean + half), abs=1e-4
    )


@pytest.mark.parametrize("runs", [11, 30])
def test_beyond_the_table_t_is_scipys(runs):
    values = np.random.default_rng(runs).normal(size=runs)
    theirs = stats.t.interval(0.95, runs - 1, loc=values.mean(), scale=stats.sem(values))
    ours = over_seeds(values)
    assert (ours.low, ours.high) == pytest.approx(theirs, abs=1e-12)


def test_the_bootstrap_of_any_statistic_is_scipys_percentile_interval():
    rng = np.random.default_rng(3)
    labels = rng.random(200) < 0.4
    scores = rng.normal(size=200) + labels
    peer = stats.bootstrap(
        (labels, scores), roc_auc, paired=True, vectorized=False, method="percentile",
        n_resamples=3000, rng=0,
    ).confidence_interval  # fmt: skip
    ours = bootstrap(roc_auc, labels, scores)
    assert (ours.low, ours.high) == pytest.approx((peer.low, peer.high), abs=0.01)
    assert ours.estimate == roc_auc(labels, scores)


def test_the_bootstrap_of_a_mean_is_the_paired_one_against_nothing():
    values = np.random.default_rng(4).random(50)
    ours, paired = bootstrap(np.mean, values, seed=7), paired_bootstrap(values, 0 * values, seed=7)
    assert (ours.low, ours.high) == pytest.approx((paired.low, paired.high), abs=1e-12)
    assert bootstrap(np.mean, values, seed=8) != ours


def test_lists_are_drawn_as_lists_and_rows_stay_together():
    words, lengths = ["a", "bb", "ccc"], [1, 2, 3]

    def fits(drawn_words, drawn_lengths):
        assert isinstance(drawn_words, list)
        return float([len(word) for word in drawn_words] == drawn_lengths)

    assert bootstrap(fits, words, lengths, draws=20) == Interval(1.0, 1.0, 1.0)


def test_one_run_says_nothing_about_the_next():
    assert over_seeds([0.9]) == Interval(0.9, -math.inf, math.inf)
    assert over_seeds([0.9]).as_dict() == {"estimate": 0.9, "low": None, "high": None}


def test_the_paired_bootstrap_equals_scipys_percentile_interval():
    rng = np.random.default_rng(1)
    ours, theirs = rng.random(300) < 0.9, rng.random(300) < 0.8
    difference = ours.astype(float) - theirs
    peer = stats.bootstrap(
        (difference,), np.mean, method="percentile", n_resamples=4000, rng=0
    ).confidence_interval
    mine = paired_bootstrap(ours, theirs, draws=4000)
    assert (mine.low, mine.high) == pytest.approx((peer.low, peer.high), abs=0.01)
    assert mine.estimate == pytest.approx(difference.mean())


def test_pairing_sees_a_small_gain_that_two_separate_intervals_hide():
    hard = np.random.default_rng(2).random(2000) < 0.3
    theirs = ~hard
    ours = theirs.copy()
    ours[np.flatnonzero(hard)[:25]] = True
    assert paired_bootstrap(ours, theirs).excludes(0)
    assert wilson(int(ours.sum()), 2000).low < wilson(int(theirs.sum()), 2000).high


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: wilson(5, 4), "5 right out of 4 is no share"),
        (lambda: wilson(-1, 4), "-1 right out of 4 is no share"),
        (lambda: wilson(0, 0), "0 right out of 0 is no share"),
        (lambda: paired_bootstrap([[1]], [[1]]), "cannot be resampled in pairs"),
        (lambda: paired_bootstrap([], []), "cannot be resampled in pairs"),
        (lambda: paired_bootstrap([1, 0, 1], [1]), r"shapes \(3,\) and \(1,\)"),
        (lambda: over_seeds([]), r"\[\] are no results of runs"),
        (lambda: over_seeds([0.5, float("nan")]), "are no results of runs"),
        (lambda: over_seeds([[0.5, 0.6]]), "are no results of runs"),
        (lambda: bootstrap(np.mean, []), r"samples of \[0\] examples cannot be drawn"),
        (lambda: bootstrap(max, [1, 2], [1]), r"samples of \[2, 1\] examples cannot be drawn"),
        (lambda: bootstrap(np.mean, [1], draws=0), "cannot be drawn from 0 times"),
        (lambda: bootstrap(lambda x: float("nan"), [1]), "the statistic is NaN for 2000 of 2000"),
    ],
)
def test_what_has_no_interval_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
