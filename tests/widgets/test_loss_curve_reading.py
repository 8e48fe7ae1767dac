"""What a curve says of itself: true of curves whose story is known, never more than they show."""

import re

import numpy as np
import pytest

from llm_book.i18n import ZH
from llm_book.widgets import curve_reading as rules
from llm_book.widgets.curve_record import CurveRecord, Growing
from llm_book.widgets.loss_curve import LossCurve, loss_curve
from tests.widgets.curves import HIDDEN, LEARNING, STEPS, STORIES, VALIDATED, noise, steps
from tests.widgets.node import run

SAID = {
    "falling": r"The loss fell from 3\.9\d to 1\.6\d and is still falling at the end\.",
    "plateau": r"The loss fell from 3\.\d+ to 1\.\d+; it has been flat since about step [45]\d\d\.",
    "not learned": r"The loss stays near 6\.2\d, what a uniform guess gives: the model has not .*",
    "flat": r"The loss stays near 2\.00 from the first step to the last\.",
    "rising again": r"The loss fell from 3.* to 1\.2\d near step [56]\d\d and has risen to 1.* s.*",
    "diverging": r"The loss rises from 3.* to \d\d\.\d, far above its start: training diverges\.",
    "rising": r"The loss rose from \d\.\d\d to 2\.\d\d\.",
    "spike and back": r".*A spike reaches 4.* near step 50\d; the loss is back by step 51\d\.",
    "spike at the end": r".*A spike reaches 4.* near step 98\d; the loss has not come back since\.",
    "noisy": r"The loss fell.* Neighbouring points scatter by 0.*, so a single one says little\.",
    "not a number": r"The loss is not a number at 10 of 1,000 steps, first at step 7\. The loss .*",
}


def sentence(losses, **more) -> str:
    return loss_curve(steps(losses), **more).sentence


@pytest.mark.parametrize("story", STORIES)
def test_a_curve_tells_its_story(story):
    said = sentence(STORIES[story], uniform=HIDDEN if story == "not learned" else None)
    assert re.fullmatch(SAID[story], said), said


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ("overfitting", "Validation was best, 1.36, at step 500 and has risen since: overfitting"),
        ("scattered", "; its last point is "),
        ("best at its end", "Validation is best, 1.30, at its last point, step 1,000."),
        ("one point", "Validation is 1.40 at step 500; one point is no trend."),
    ],
)
def test_validation_tells_where_it_was_best_and_no_trend_that_is_none(points, said):
    losses = LEARNING - STEPS / 5000 + noise(0.02)
    told = loss_curve(history(losses, VALIDATED[points])).sentence
    assert said in told


def test_where_training_gets_worse_too_nothing_is_called_overfitting():
    losses = np.where(STEPS < 500, LEARNING, 1.27 + (STEPS - 500) / 500)
    told = loss_curve(history(losses, VALIDATED["overfitting"])).sentence
    assert "at step 500 and has risen since." in told and "overfitting" not in told


def test_a_curve_diverges_that_ends_half_above_its_start_and_not_before():
    assert rules.diverges(np.linspace(2, 3.3, 100).tolist())  # its end is at 3.24
    assert not rules.diverges(np.linspace(2, 2.9, 100).tolist())
    assert rules.diverges(np.linspace(-2, 0, 100).tolist())


def test_training_kept_falling_where_its_end_is_below_its_level_around_the_step():
    steps_, losses = [1, 2, 3, 4], [1.0, 5.0, 4.0, 2.0]
    assert rules.kept_falling(2, rules.Curve(steps_, losses, losses))  # 2 is below (1 + 5) / 2
    assert not rules.kept_falling(1, rules.Curve(steps_, losses, losses))
    assert not rules.kept_falling(9, rules.Curve(steps_, losses, losses))


def test_two_later_points_or_a_small_rise_are_no_overfitting():
    assert not rules.has_risen([1.5, 1.4, 1.45], 1)
    assert not rules.has_risen([2.0, 1.5, 1.4, 1.401, 1.402, 1.403], 2)
    assert rules.has_risen([2.0, 1.7, 1.5, 1.4, 1.5, 1.7, 2.0], 3)


def history(losses, validation) -> dict:
    columns = {"index": STEPS.tolist(), "loss": losses.tolist()}
    return {"curve": columns, "validation": [{"index": i, "loss": v} for i, v in validation]}


@pytest.mark.parametrize("n", [8, 20, 100, 500])
def test_pure_noise_seldom_has_a_trend(n):
    random = np.random.default_rng(n)
    flat = [(2 + 0.1 * random.normal(size=n)).tolist() for _ in range(200)]
    assert np.mean([rules.trend(losses) in ("falling", "rising") for losses in flat]) < 0.08
    assert np.mean([rules.has_fallen(losses) for losses in flat]) < 0.08
    overfit = [rules.has_risen(losses, losses.index(min(losses))) for losses in flat]
    assert np.mean(overfit) < 0.08


def test_a_line_is_never_called_flat_and_a_plateau_seldom_anything_else():
    random = np.random.default_rng(0)
    x = np.linspace(0, 1, 100)
    for shape, right in ((3 - 2 * x, {"falling", "unclear"}), (1 + 2 * np.exp(-9 * x), {"flat"})):
        for size in (0.02, 0.05):
            ends = [
                rules.trend((shape + size * random.normal(size=100)).tolist()) for _ in range(99)
            ]
            assert np.mean([end in right for end in ends]) > 0.95
    few = [rules.trend((3 - 2 * x[::5] + 0.1 * random.normal(size=20)).tolist()) for _ in range(99)]
    assert "flat" not in few


def test_a_line_that_falls_without_noise_is_falling_to_its_end():
    for n in (8, 9, 50, 500):
        losses = np.linspace(3, 1, n).tolist()
        assert rules.trend(losses) == "falling" and rules.has_fallen(losses)
        assert rules.trend(losses[::-1]) == "rising"


def test_scatter_is_the_noise_and_not_the_trend():
    assert rules.scatter(noise(0.2).tolist()) == pytest.approx(0.2, rel=0.1)
    assert rules.scatter((noise(0.2) + STEPS / 500).tolist()) == pytest.approx(0.2, rel=0.1)
    assert rules.bend((noise(0.2) + STEPS**2 / 1e5).tolist()) == pytest.approx(0.2, rel=0.15)
    assert rules.scatter([1.0]) == rules.bend([1.0, 2.0, 3.0]) == 0


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ([], "No step has been logged."),
        ([2.5], "The loss is 2.50 at step 1; one step is no curve."),
        (
            [3, 2, 1],
            "The loss is 3.00 at step 1 and 1.00 at step 3: too few steps to read a trend.",
        ),
        ([float("nan")] * 3, "The loss is not a number at 3 of 3 steps, first at step 1."),
    ],
)
def test_of_few_steps_no_more_is_said_than_they_show(losses, said):
    assert said in sentence(losses)


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ("stopped", "The run was stopped at step 812."),
        ("early stop", "Early stopping ended the run at step 812."),
        ("short", "The run ended at step 812 of 940."),
        ("diverged", "At step 813 the loss or its gradient is no longer a number"),
        ("finished", ""),
    ],
)
def test_how_the_run_ended_is_said(ended, said):
    growing = Growing()
    growing.add(np.array([[i, 1.0, np.nan, np.nan, np.nan] for i in range(1, 813)]))
    growing.end(ended, 812)
    told = CurveRecord((growing.run(total=940),)).sentence("en")
    assert said in told and ("run" in told) == (ended not in ("finished", "diverged"))


def test_of_several_runs_the_lowest_is_named_only_where_it_is_lower_than_chance():
    a, b = LEARNING + noise(0.05, 1), LEARNING + noise(0.05, 2)
    assert loss_curve({"a": a, "b": b + 0.1}).sentence == (
        "Of 2 runs a ends lowest, at 1.20; next is b, at 1.31."
    )
    assert "too close to tell apart" in loss_curve({"a": a, "b": b + 0.001}).sentence
    assert "too close to tell apart" in loss_curve({"a": [1, 1, 1], "b": [2, 2, 2]}).sentence
    assert loss_curve({"a": [], "b": b}).sentence == ""


def records() -> list[CurveRecord]:
    """One of every kind."""
    found = [loss_curve(steps(losses), uniform=HIDDEN).record for losses in STORIES.values()]
    found += [loss_curve(history(LEARNING, points)).record for points in VALIDATED.values()]
    found += [loss_curve(list(range(9, 9 - n, -1))).record for n in (0, 1, 2, 7, 8)]
    names = {"a": LEARNING, "{low} $1": LEARNING + 0.1, "c": [3, 2], "d": []}
    found += [loss_curve(names).record, loss_curve({"a": [2.0], "b": [2.0]}).record]
    for ended in ("stopped", "early stop", "short", "diverged"):
        curve = LossCurve(total=940, recorded="imdb_gru.small.cpu")
        for index in range(10, 813, 2):
            curve.log(index=index, loss=0.7 - index / 3000, learning_rate=1 / index)
        curve.resumed(400)
        curve.growing.end(ended, 400)
        found.append(curve.record())
    return found


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_page_and_package_say_the_same_to_the_letter(lang):
    found = records()
    page = run(
        "loss_curve",
        "a[0].map((r) => [w.sentence(r, speaker(a[1])), w.numbers(r, speaker(a[1]))])",
        [record.document() for record in found],
        ZH if lang == "zh" else {},
    )
    for record, (said, (head, rows)) in zip(found, page, strict=True):
        assert said == record.sentence(lang)
        table = record.table(lang)
        assert (tuple(head), tuple(map(tuple, rows))) == (table.head, table.rows)
        assert len(rows) <= 20
