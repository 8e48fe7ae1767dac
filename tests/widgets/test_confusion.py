"""The confusion view: the page counts what the package counts, and every cell can be reached."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve

from llm_book.evaluation.classification import confusion_table
from llm_book.widgets.confusion import (
    EXAMPLES,
    MOST_CLASSES,
    MOST_EXAMPLES,
    confusion,
    confusion_record,
)
from llm_book.widgets.render import words
from tests.widgets.hostile import ALL, IMAGE, LONG, PERCENT, SCRIPT
from tests.widgets.node import run
from tests.widgets.pages import opened

NAMES = ["negative", "positive"]
LABELS = [0, 1, 1, 0, 1, 0, 0, 1]
CHANCES = [0.1, 0.9, 0.3, 0.6, 0.75, 0.45, 0.2, 0.5]
SAID = [int(chance >= 0.5) for chance in CHANCES]
TEXTS = [f"text {i}" for i in range(8)]
READ = "w.read(a[0], Uint8Array.from(a[1]))"
SIZE = 77


def two(**changes):
    given = {"probabilities": CHANCES, "texts": TEXTS} | changes
    return confusion_record(LABELS, SAID, NAMES, **given)


def parts(record):
    return record.document(), list(record.blob())


def intents(n=2000):
    rng = np.random.default_rng(0)
    true = rng.integers(0, SIZE, n)
    said = np.where(rng.random(n) < 0.8, true, rng.integers(0, SIZE, n))
    return true, said


def assert_scores_equal(got, table):
    for name in ("precision", "recall", "f1", "support", "predicted"):
        assert np.allclose(got[name], getattr(table, name), atol=1e-6)
    assert got["accuracy"] == pytest.approx(table.accuracy, abs=1e-6)
    for name in ("macro", "weighted"):
        means = getattr(table, name)
        for score in ("precision", "recall", "f1"):
            assert got[name][score] == pytest.approx(getattr(means, score), abs=1e-6)


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_the_page_scores_as_the_package_does(pairs):
    labels, said = zip(*pairs, strict=True)
    record = confusion_record(list(labels), list(said), [0, 1, 2, 3, 4])
    got = run("confusion", "w.scoresOf(a[0].counts, a[0].classes.length)", record.document())
    assert_scores_equal(got, confusion_table(list(labels), list(said), [0, 1, 2, 3, 4]))


@pytest.mark.parametrize("threshold", [0, 0.2, 0.45, 0.450001, 0.6, 0.75, 1])
def test_at_every_threshold_the_page_counts_as_the_package_does(threshold):
    table = confusion_table(LABELS, [int(c >= threshold) for c in CHANCES], [0, 1])
    expression = f"w.scoresOf(w.countsAt({READ}, a[2]), 2)"
    assert_scores_equal(run("confusion", expression, *parts(two()), threshold), table)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_scores_travel_without_loss(kind):
    chances = np.random.default_rng(0).random(50).astype(kind)
    labels = np.arange(50) % 2
    record = confusion_record(labels, chances >= 0.5, [False, True], chances)
    unpacked = f"(() => {{ const r = {READ}; return [[...r.scores], [...r.positive]]; }})()"
    got = run("confusion", unpacked, *parts(record))
    assert got[0] == np.sort(chances)[::-1].astype(float).tolist()
    assert got[1] == labels[np.argsort(-chances)].tolist()
    assert len(record.blob()) == 50 * (1 + np.dtype(kind).itemsize)


def test_the_curve_is_scikit_learns():
    chances = [0.1, 0.9, 0.3, 0.6, 0.6, 0.3, 0.2, 0.9]  # with ties
    record = confusion_record(LABELS, np.array(chances) >= 0.5, [False, True], chances)
    got = run("confusion", f"w.curve({READ})", *parts(record))
    precision, recall, threshold = precision_recall_curve(LABELS, chances)
    assert [one["threshold"] for one in got] == threshold[::-1].tolist()
    assert np.allclose([one["precision"] for one in got], precision[-2::-1])
    assert np.allclose([one["recall"] for one in got], recall[-2::-1])


RECORDS = {
    "with a threshold": two(),
    "two classes": two(probabilities=None),
    "several": confusion_record([0, 0, 1, 2, 2, 2], [0, 1, 1, 0, 0, 2]),
    "all right": confusion_record(["a", "b", "c"], ["a", "b", "c"]),
    "one class": confusion_record([3], [3]),
    "names with places": confusion_record([0, 0, 1, 2], [1, 1, 1, 2], ["{f1}", "{count}", PERCENT]),
    "many": confusion_record(*intents()),
}


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_page_and_package_say_the_same_sentence(name, lang):
    record = RECORDS[name]
    expression = (
        f"(() => {{ const r = {READ}; return w.sentence(r, w.countsAt(r, r.threshold), r.threshold,"
        " speaker(a[2])); })()"
    )
    said = run("confusion", expression, *parts(record), words("confusion", lang))
    assert said == record.sentence(lang)


def test_the_sentences_say_what_the_numbers_are():
    assert RECORDS["with a threshold"].sentence("en") == (
        "6 of 8 predictions are right, 75.0 %. With a threshold of 0.500, “positive” has "
        "precision 0.750, recall 0.750 and F1 0.750."
    )
    assert RECORDS["several"].sentence("en") == (
        "3 of 6 predictions are right, 50.0 %. The mean F1 of the classes is 0.522. "
        "The most frequent confusion is “2” taken for “0”: 2 of 3."
    )
    assert RECORDS["all right"].sentence("en").endswith("classes is 1.00.")
    assert "“{f1}” taken for “{count}”: 2 of 2" in RECORDS["names with places"].sentence("en")


@pytest.mark.parametrize(
    ("said", "chances", "threshold"),
    [
        ([0, 1], [0.2, 0.9], 0.5),
        ([0, 1], [0.2, 0.5], 0.5),
        ([0, 1], [0.5, 0.6], 0.6),  # as arg max decides a tie
        ([0, 1], [0.6, 0.7], 0.7),
        ([0, 1], [0.1, 0.3], 0.3),
        ([0, 0], [0.1, 0.7], np.nextafter(0.7, 1)),
        ([1, 1], [0.0, 0.7], 0.0),
    ],
)
def test_the_threshold_is_the_one_that_gives_the_predictions(said, chances, threshold):
    record = confusion_record([0, 1], said, NAMES, chances)
    assert record.threshold == threshold
    assert [int(c >= record.threshold) for c in chances] == said


def test_the_surest_examples_of_a_cell_come_first():
    n, size = 60, 3
    rng = np.random.default_rng(1)
    chances = rng.dirichlet(np.ones(size), n)
    true, said = rng.integers(0, size, n), chances.argmax(axis=1)
    record = confusion_record(true, said, probabilities=chances, texts=[f"t{i}" for i in range(n)])
    for (row, column), found in record.examples.items():
        places = np.flatnonzero((true == row) & (said == column))
        best = places[np.argsort(-chances[places, column], kind="stable")][:EXAMPLES]
        assert [one.place for one in found] == best.tolist()
        assert [one.text for one in found] == [f"t{i}" for i in best]
        assert [one.probability for one in found] == chances[best, column].tolist()


def test_every_threshold_has_its_surest_examples():
    found = two().examples
    assert [one.place for one in found[0, 0]] == [0, 6, 5, 3]
    assert [one.place for one in found[0, 1]] == [3, 5, 6, 0]
    assert [one.place for one in found[1, 1]] == [1, 4, 7, 2]


def test_two_columns_are_read_as_the_second_class():
    chances = np.stack([1 - np.array(CHANCES), CHANCES], axis=1)
    assert two(probabilities=chances).document() == two().document()


def test_tensors_and_arrays_and_words_count_alike():
    tensor = confusion_record(torch.tensor(LABELS), torch.tensor(SAID), NAMES)
    named = confusion_record([NAMES[i] for i in LABELS], [NAMES[i] for i in SAID], NAMES)
    assert tensor.document() == named.document() == confusion_record(LABELS, SAID, NAMES).document()


def test_of_many_cells_fewer_examples_are_kept():
    rng = np.random.default_rng(0)
    true, said = rng.integers(0, 60, (2, 12_000))
    record = confusion_record(true, said)
    assert sum(map(len, record.examples.values())) <= MOST_EXAMPLES
    assert all(record.examples.values())
    assert len(record.table("en").rows) <= 20


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (([0, 1], [0]), "2 labels and 1 predictions"),
        (([], []), "0 labels"),
        (([[0, 1]], [[0, 1]]), "one class an example"),
        (([0.5], [1]), "whole number or a word"),
        (([0, 2], [0, 1], ["a", "b"]), "2 is none of the classes"),
        (([0, 1], [0, 1], "ab"), "a list with one name a class"),
        (([0, 1], [0, 1], ["a", "b"], [0.1]), "for 2 examples of 2 classes"),
        (([0, 1], [0, 1], ["a", "b"], [0.1, 1.4]), "outside 0 and 1"),
        (([0, 1], [0, 1], ["a", "b"], [0.1, float("nan")]), "NaN or infinity"),
        (([0, 1], [0, 1], ["a", "b"], [0.9, 0.1]), "give the probabilities of “b”"),
        (([0, 1], [0, 1], ["a", "b"], None, ["x"]), "1 texts came for 2 labels"),
        (([0, 1], [0, 1], ["a", "b"], None, "xy"), "one string"),
        (([0, 1], [0, 1], ["a", "b"], None, [1, 2]), "is no text"),
        ((range(MOST_CLASSES + 1), range(MOST_CLASSES + 1)), "put rare ones together"),
    ],
)
def test_what_cannot_be_counted_is_refused_in_a_sentence(arguments, why):
    arguments = [list(one) if isinstance(one, range) else one for one in arguments]
    with pytest.raises(ValueError, match=why):
        confusion_record(*arguments)


def sentence(page):
    return page.locator(".sentence").inner_text()


@pytest.mark.needs_browser
def test_a_cell_is_chosen_by_keyboard_alone(chromium, tmp_path):
    shown = confusion(LABELS, SAID, NAMES, probabilities=CHANCES, texts=TEXTS)
    with opened(chromium, shown, tmp_path) as page:
        page.get_by_role("grid").focus()
        for key in ("ArrowDown", "ArrowRight", "End", "Home", "PageDown", "ArrowLeft"):
            page.keyboard.press(key)
        assert "true “\u2068positive\u2069”, predicted “\u2068negative\u2069”: 1 examples" in (
            page.locator(".where").inner_text()
        )
        page.keyboard.press("Enter")
        assert page.locator(".examples li").all_inner_texts() == ["70.0 % text 2"]
        assert page.locator("[role=status]").text_content().startswith("true “\u2068positive")


@pytest.mark.needs_browser
def test_the_threshold_moves_table_sentence_and_examples(chromium, tmp_path):
    shown = confusion(LABELS, SAID, NAMES, probabilities=CHANCES, texts=TEXTS)
    with opened(chromium, shown, tmp_path) as page:
        page.get_by_role("grid").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        assert page.locator(".examples li").count() == 3
        page.get_by_label("threshold").focus()
        for _ in range(21):
            page.keyboard.press("ArrowRight")
        assert "threshold of 0.710" in sentence(page)
        assert "precision 1.00, recall 0.500" in sentence(page)
        assert page.locator(".examples li").all_inner_texts() == ["90.0 % text 1", "75.0 % text 4"]
        page.get_by_label("threshold").press("Home")
        assert "precision 0.500, recall 1.00" in sentence(page)


@pytest.mark.needs_browser
def test_the_cells_show_counts_or_shares(chromium, tmp_path):
    with opened(chromium, confusion([0, 0, 0, 1, 2], [0, 0, 1, 1, 1]), tmp_path) as page:
        matrix = page.locator(".matrix svg")
        assert {"2", "1"} <= set(matrix.locator("text").all_text_contents())
        page.get_by_label("Cells show").select_option("row")
        assert {"67 %", "33 %", "100 %"} <= set(matrix.locator("text").all_text_contents())
        page.get_by_label("Cells show").select_option("column")
        assert "50 %" not in matrix.locator("text").all_text_contents()


@pytest.mark.needs_browser
def test_the_mouse_chooses_a_cell_of_77_classes_and_the_worst_pairs_are_listed(chromium, tmp_path):
    true, said = intents()
    names = [f"intent {i}" for i in range(SIZE)]
    with opened(chromium, confusion(true, said, names), tmp_path) as page:
        assert page.locator("ol").first.locator("li").count() == 10
        page.locator("ol button").first.click()
        assert page.locator(".examples li").count() > 0
        text = page.locator(".examples li").first.inner_text()
        place = int(text.removeprefix("labels[").removesuffix("]"))
        assert f"true “\u2068intent {true[place]}\u2069”" in page.locator(".examples").inner_text()
        page.locator(".matrix svg").click(position=first_cell(page))
        assert "true “\u2068intent 0\u2069”, predicted “\u2068intent 0\u2069”" in (
            page.locator(".examples .head").inner_text()
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= 900


def first_cell(page):
    frame = page.locator(".matrix svg > rect[fill=none]").first
    return {side: float(frame.get_attribute(side)) + 3 for side in ("x", "y")}


@pytest.mark.needs_browser
def test_a_link_restores_the_view_and_nonsense_in_it_is_left_alone(chromium, tmp_path):
    shown = confusion(LABELS, SAID, NAMES, probabilities=CHANCES, texts=TEXTS)
    place = (tmp_path / f"{shown.key}.html").as_uri()
    with opened(chromium, shown, tmp_path) as page:
        for extra, expected in (
            ("threshold=0.2&show=row&row=1&column=1", "threshold of 0.200"),
            ("threshold=7&show=toString&row=9&column=length", "threshold of 0.500"),
        ):
            page.goto("about:blank")
            page.goto(f"{place}#w={shown.key}&{extra}")
            page.wait_for_selector(".llm-book[data-alive]")
            assert expected in sentence(page)
        assert page.locator(".examples li").count() == 0


@pytest.mark.needs_browser
def test_hostile_names_and_texts_are_shown_and_not_run(chromium, tmp_path):
    names = [SCRIPT, IMAGE, LONG]
    texts = [*ALL][:6]
    shown = confusion([0, 1, 2, 0, 1, 2], [0, 1, 2, 1, 2, 0], names, texts=texts, title=SCRIPT)
    with opened(chromium, shown, tmp_path, width=360) as page:
        page.get_by_role("grid").focus()
        page.keyboard.press("Enter")
        assert SCRIPT in page.locator(".examples").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0


@pytest.mark.needs_browser
def test_the_exports_hold_the_counts(chromium, tmp_path):
    with opened(chromium, confusion(LABELS, SAID, NAMES), tmp_path) as page:
        saved = {}
        for name in ("SVG", "PNG", "CSV"):
            with page.expect_download() as waiting:
                page.get_by_role("button", name=name, exact=True).click()
            saved[name] = waiting.value.path().read_bytes()
    lines = saved["CSV"].decode("utf-8-sig").split("\r\n")
    assert lines[1:3] == ["negative,3,1", "positive,1,3"]
    assert saved["PNG"].startswith(b"\x89PNG") and saved["SVG"].startswith(b"<svg")
    assert b"var(--" not in saved["SVG"]


def test_the_document_is_plain_json():
    for record in RECORDS.values():
        json.dumps(record.document(), allow_nan=False)
        assert record.still("en").startswith("<svg")
