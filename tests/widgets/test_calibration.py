"""The calibration view: the page measures what the package measures, at any temperature."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.evaluation.calibration import (
    brier_score,
    calibrated,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    top_class_reliability,
)
from llm_book.evaluation.intervals import wilson
from llm_book.widgets.calibration import MOST_LOGITS, calibration, calibration_record
from llm_book.widgets.render import words
from tests.widgets.hostile import IMAGE, SCRIPT
from tests.widgets.node import run
from tests.widgets.pages import opened

READ = "w.read(a[0], Uint8Array.from(a[1]))"
MEASURES = (
    f"(() => {{ const d = {READ}, m = w.measured(d, a[2]), f = w.binned(m, !d.classes, a[3]);"
    " return { brier: m.brier, surprise: m.surprise, error: w.calibrationError(f),"
    " count: f.map((b) => b.count), confidence: f.map((b) => b.confidence),"
    " accuracy: f.map((b) => b.accuracy) }; })()"
)
SENTENCE = (
    f"(() => {{ const d = {READ}, m = w.measured(d); return w.sentence(m,"
    " w.binned(m, !d.classes, d.bins), d, speaker(a[2])); })()"
)


def made(n=300, classes=4, scale=2.0, seed=0, kind=np.float32):
    """Logits that know something of the labels and are surer than they should be."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, max(classes, 2), n)
    if not classes:
        return (scale * rng.normal(2 * labels - 1, 1.5)).astype(kind), labels
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), labels] += 1
    return (scale * logits).astype(kind), labels


def parts(record):
    return record.document(), list(record.blob())


def assert_measures_equal(got, probabilities, labels, bins):
    of = (reliability if probabilities.ndim == 1 else top_class_reliability)(
        probabilities, labels, bins
    )
    assert got["count"] == of.count.tolist()
    assert got["error"] == pytest.approx(of.expected_calibration_error, abs=1e-6)
    assert got["brier"] == pytest.approx(brier_score(probabilities, labels), abs=1e-6)
    for name in ("confidence", "accuracy"):
        ours = [np.nan if v is None or v == "NaN" else v for v in got[name]]
        assert np.allclose(ours, getattr(of, name), atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("classes", [0, 2, 4])
@pytest.mark.parametrize("temperature", [0.25, 1, 1.37, 8])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_at_every_temperature_the_page_measures_as_the_package_does(classes, temperature, kind):
    logits, labels = made(classes=classes, kind=kind)
    record = calibration_record(None, labels, logits=logits)
    got = run("calibration", MEASURES, *parts(record), temperature, 7)
    assert_measures_equal(got, calibrated(logits, temperature), labels, 7)
    assert got["surprise"] == pytest.approx(
        negative_log_likelihood(logits, labels, temperature), abs=1e-6
    )


@pytest.mark.parametrize("classes", [0, 4])
@pytest.mark.parametrize("bins", [2, 10, 50])
def test_without_logits_the_page_measures_the_same(classes, bins):
    logits, labels = made(classes=classes)
    probabilities = calibrated(logits, 1)
    record = calibration_record(probabilities, labels)
    got = run("calibration", MEASURES, *parts(record), 1, bins)
    assert_measures_equal(got, probabilities, labels, bins)
    assert got["surprise"] == pytest.approx(negative_log_likelihood(logits, labels), abs=1e-6)


@settings(max_examples=10)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=30),
    st.integers(2, 20),
)
def test_confidences_on_an_edge_fall_into_the_packages_bin(pairs, bins):
    probabilities = np.array([share / 20 for share, _ in pairs])
    labels = np.array([int(label) for _, label in pairs])
    record = calibration_record(probabilities, labels)
    got = run("calibration", MEASURES, *parts(record), 1, bins)
    assert_measures_equal(got, probabilities, labels, bins)


def test_equal_logits_are_decided_as_the_package_decides():
    for logits in ([0.0, 0.0, 1.0], [[1.0, 1.0, 0.0], [0.0, 2.0, 2.0], [3.0, 3.0, 3.0]]):
        for labels in ([0, 1, 1], [1, 2, 0] if isinstance(logits[0], list) else [1, 0, 0]):
            record = calibration_record(None, labels, logits=logits)
            got = run("calibration", f"[...w.measured({READ}).right]", *parts(record))
            assert got == record.right.astype(int).tolist()


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (3, 10), (91, 100), (100, 100)])
def test_the_pages_interval_is_wilsons(right, n):
    interval = wilson(right, n)
    got = run("calibration", "w.wilson(a[0], a[1])", right, n)
    assert got == pytest.approx([interval.low, interval.high], abs=1e-9)


RECORDS = {
    "too sure": calibration_record(None, made()[1], logits=made()[0]),
    "two classes": calibration_record(calibrated(made(classes=0)[0], 1), made(classes=0)[1], 5),
    "not sure enough": calibration_record([0.6, 0.55, 0.4, 0.3], [1, 1, 0, 0]),
    "halves": calibration_record([0.8525] * 40, [1] * 33 + [0] * 7),
    "even": calibration_record([0.75] * 4, [1, 1, 1, 0]),
    "impossible": calibration_record([0.0, 1.0], [1, 1]),
    "all right": calibration_record(None, [0, 1], logits=[[4.0, 0.0], [0.0, 4.0]]),
}


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_page_and_package_say_the_same_sentence(name, lang):
    record = RECORDS[name]
    said = run("calibration", SENTENCE, *parts(record), words("calibration", lang))
    assert said == record.sentence(lang)


def test_the_sentence_says_how_sure_and_how_right():
    probabilities = [0.941] * 100
    record = calibration_record(probabilities, [1] * 91 + [0] * 9)
    assert record.sentence("en") == (
        "Mean confidence 94.1 %, accuracy 91.0 %: too sure by 3.1 points; "
        "expected calibration error 0.031 with 10 bins."
    )
    assert "as sure as it is right" in RECORDS["even"].sentence("en")
    assert "not sure enough by 46.2 points" not in RECORDS["even"].sentence("en")
    assert "not sure enough by 38.8 points" in RECORDS["not sure enough"].sentence("en")


def test_the_fitted_temperature_is_the_packages_and_none_where_there_is_none():
    logits, labels = made()
    record = calibration_record(None, labels, logits=logits)
    assert record.fitted == pytest.approx(fit_temperature(logits, labels))
    assert f"temperature of {record.fitted:.2f}" in record.sentence("en")
    assert RECORDS["all right"].fitted is None
    assert "temperature" not in RECORDS["all right"].sentence("en")


def test_an_impossible_truth_is_infinitely_surprising():
    record = RECORDS["impossible"]
    assert record.surprise == np.inf and record.document()["surprise"] is None
    assert run("calibration", MEASURES, *parts(record), 1, 10)["surprise"] == "Infinity"


def test_a_truth_that_a_sigmoid_rounds_away_keeps_its_surprise():
    for logits in ([60.0, -60.0], [[0.0, 60.0], [60.0, 0.0]]):
        record = calibration_record(None, [0, 1], logits=logits)
        assert record.surprise == pytest.approx(60)
        assert run("calibration", MEASURES, *parts(record), 1, 10)["surprise"] == pytest.approx(60)


def test_tensors_in_half_precision_are_taken():
    logits, labels = made()
    half = torch.tensor(logits).bfloat16()
    record = calibration_record(half.softmax(-1), torch.tensor(labels), logits=half)
    assert np.array_equal(record.logits, half.double().numpy())


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (([0.5], [1], 1), "1 bins"),
        (([0.5], [1], 51), "from 2 to 50"),
        (([0.5], [1], 2.5), "whole number"),
        ((None, [1]), "give one of them"),
        (([0.5, 0.5], [1]), "2 probabilities and 1 labels"),
        (([1.5], [1]), "through a sigmoid"),
        (([float("nan")], [1]), "NaN or infinity"),
        (([0.5], [2]), "must be 0 and 1"),
        (([0.5], [0.5]), "number of one class"),
        (([[0.5, 0.5]], [[1, 0]]), "number of one class"),
        (([[0.5, 0.2]], [1]), "does not sum to 1"),
        (([[0.5, 0.5]], [2]), "label 2 is none of 2"),
        (([[0.5, 0.5]], [1], 10, [[3.0, 0.0]]), "other probabilities"),
        (([0.5], [1], 10, [[0.0, 0.0]]), "other probabilities"),
        ((None, [1], 10, [[1.0], [2.0]]), "cannot be compared"),
        ((None, [0] * 501, 10, np.zeros((501, 500))), "the first 500 rows"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_a_sentence(arguments, why):
    assert MOST_LOGITS == 250_000
    with pytest.raises(ValueError, match=why):
        calibration_record(*arguments)


def sentence(page):
    return page.locator(".sentence").inner_text()


def measures(page):
    return page.locator(".measures tbody tr").all_inner_texts()


@pytest.mark.needs_browser
def test_the_sliders_work_by_keyboard(chromium, tmp_path):
    logits, labels = made()
    shown = calibration(None, labels, logits=logits)
    with opened(chromium, shown, tmp_path) as page:
        first = measures(page)
        page.get_by_label("bins").focus()
        page.keyboard.press("ArrowLeft")
        assert "with 9 bins" in sentence(page)
        page.get_by_label("temperature").focus()
        page.keyboard.press("ArrowRight")
        assert sentence(page) != shown.sentence and measures(page) != first
        page.get_by_role("button", name=f"Fitted: {shown.record.fitted:.2f}").focus()
        page.keyboard.press("Enter")
        likely = calibrated(logits, shown.record.fitted)
        brier = f"{brier_score(likely, labels):.3f}"
        assert measures(page)[3].split("\t")[-1] == brier
        page.get_by_role("button", name="As it was: 1").click()
        page.get_by_label("bins").press("ArrowRight")
        assert sentence(page) == shown.sentence and measures(page) == first


@pytest.mark.needs_browser
def test_a_link_restores_bins_and_temperature_and_leaves_nonsense_alone(chromium, tmp_path):
    logits, labels = made()
    shown = calibration(None, labels, logits=logits)
    place = (tmp_path / f"{shown.key}.html").as_uri()
    with opened(chromium, shown, tmp_path) as page:
        for extra, expected, head in (
            ("bins=4&temperature=3", "with 4 bins", "temperature 3.00"),
            ("bins=1000&temperature=-1", "with 10 bins", "temperature 1.00"),
        ):
            page.goto("about:blank")
            page.goto(f"{place}#w={shown.key}&{extra}")
            page.wait_for_selector(".llm-book[data-alive]")
            assert expected in sentence(page)
            assert page.locator(".measures th").nth(2).inner_text() == head


@pytest.mark.needs_browser
@pytest.mark.parametrize("classes", [0, 4])
def test_on_a_narrow_page_the_picture_fits_and_a_hostile_title_is_shown(
    chromium, tmp_path, classes
):
    logits, labels = made(classes=classes)
    shown = calibration(calibrated(logits, 1), labels, title=SCRIPT + IMAGE)
    with opened(chromium, shown, tmp_path, width=360, color_scheme="dark") as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.locator(".title").inner_text() == SCRIPT + IMAGE
        assert page.locator("input[type=range]").count() == 1  # no logits, no temperature


@pytest.mark.needs_browser
def test_the_exports_hold_the_bins(chromium, tmp_path):
    logits, labels = made()
    saved = {}
    with opened(chromium, calibration(None, labels, logits=logits), tmp_path) as page:
        for name in ("SVG", "PNG", "CSV"):
            with page.expect_download() as waiting:
                page.get_by_role("button", name=name, exact=True).click()
            saved[name] = waiting.value.path().read_bytes()
    rows = [line.split(",") for line in saved["CSV"].decode("utf-8-sig").splitlines()[1:]]
    assert len(rows) == 10 and sum(int(row[1]) for row in rows) == len(labels)
    assert saved["PNG"].startswith(b"\x89PNG") and b"var(--" not in saved["SVG"]


def test_the_document_is_plain_json_and_the_table_is_short():
    for record in RECORDS.values():
        json.dumps(record.document(), allow_nan=False)
        assert record.still("en").startswith("<svg")
    many = calibration_record(calibrated(made(2000)[0], 1), made(2000)[1], 50)
    assert len(many.table("en").rows) == 20
