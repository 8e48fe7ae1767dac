"""The timeline: every fact has a status and a source, and the page says what the package says."""

import json
import re
from xml.etree import ElementTree

import pytest

from llm_book.dev.carried import SOURCES
from llm_book.i18n import ZH
from llm_book.widgets.timeline import compact, said, shares, timeline, timeline_record
from llm_book.widgets.timeline_models import (
    CELLS,
    DATE,
    KINDS,
    LINKS,
    STATUSES,
    WEIGHTS,
    carried_models,
    read_models,
    sources,
)
from tests.chapters.markdown import ROOT
from tests.site.axe import violations
from tests.widgets import hostile
from tests.widgets.node import run
from tests.widgets.pages import opened

FILE = json.loads((ROOT / "book" / "timeline.json").read_text(encoding="utf-8"))
BIBLIOGRAPHY = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
KEYS = re.findall(r"(?m)^@\w+\{([^,]+),", BIBLIOGRAPHY)
RECORDS = [(one["name"], key, one.get(key)) for one in FILE["models"] for key in CELLS]
PAPER = {"title": "A paper", "authors": "Somebody", "year": 2024, "arxiv": "2401.00001"}


def fact(value, status="disclosed", source=None, **more):
    return {"value": value, "status": status, "source": source or PAPER, **more}


def a_model(**change):
    cells = {"name": "M", "date": fact("2024-01"), "parameters": fact(7_000_000_000)}
    return {key: cell for key, cell in (cells | change).items() if cell is not None}


def control(page, label):
    return page.locator("label", has_text=re.compile(f"^{label}")).locator("select")


def month_of(key):
    """Year and month of a source that is at arXiv, else None."""
    number = FILE["sources"].get(key, {}).get("arxiv")
    if entry := re.search(rf"(?ms)^@\w+\{{{key},.*?^\}}", BIBLIOGRAPHY):
        found = re.search(r"eprint = \{(\d{4}\.\d+)\}", entry[0])
        number = found[1] if found else None
    return number and f"20{number[:2]}-{number[2:4]}"


@pytest.mark.parametrize(("name", "key", "cell"), [r for r in RECORDS if r[1] != "active" or r[2]])
def test_every_cell_is_disclosed_estimated_or_unknown_and_has_its_source(name, key, cell):
    assert cell["status"] in STATUSES
    if cell["status"] == "unknown":
        assert set(cell) == {"status"}
        return
    assert {"value", "source"} <= set(cell) <= {"value", "source", "status", "unit"}
    assert (cell["source"] in KEYS) != (cell["source"] in FILE["sources"])
    if key in ("parameters", "active", "tokens"):
        assert isinstance(cell["value"], int) and 10**6 < cell["value"] < 10**14
    assert key != "kind" or cell["value"] in KINDS
    assert key != "weights" or cell["value"] in WEIGHTS
    assert "unit" not in cell or (key, cell["unit"]) == ("tokens", "words")


def test_the_file_is_in_the_order_of_its_dates_and_names_nothing_twice():
    dates = [one["date"]["value"] for one in FILE["models"]]
    assert dates == sorted(dates) and all(DATE.fullmatch(date) for date in dates)
    names = [one["name"] for one in FILE["models"]]
    assert len(set(names)) == len(names) >= 40
    assert [model.name for model in carried_models()] == names
    assert dates[0].startswith("2003") and dates[-1] >= "2025"


def test_a_date_is_the_month_in_which_its_paper_appeared():
    checked = 0
    for one in FILE["models"]:
        if month := month_of(one["date"]["source"]):
            assert one["date"]["value"][:7] == month, one["name"]
            checked += 1
    assert checked > 30


def test_every_source_is_well_formed_and_used():
    used = {cell["source"] for _, _, cell in RECORDS if cell and "source" in cell}
    assert set(FILE["sources"]) <= used
    assert list(FILE["sources"]) == sorted(FILE["sources"])
    for key, source in FILE["sources"].items():
        assert len(set(source) & set(LINKS)) == 1 and source["title"] and source["authors"], key
        assert 2000 < source["year"] < 2030
        month = month_of(key)
        assert month is None or month[:4] == str(source["year"]), key
    assert not {s.get("arxiv") for s in FILE["sources"].values()} & set(
        re.findall(r"eprint = \{([^}]+)\}", BIBLIOGRAPHY)
    ), "this source is in the bibliography; name its key"


def test_what_experts_use_of_a_model_is_less_than_the_whole():
    for model in carried_models():
        if model.active.value is not None:
            assert model.active.value < model.parameters.value
            assert model.kind.value in ("mixture of experts", "reasoning")


def test_facts_are_those_of_the_papers():
    by_name = {model.name: model for model in carried_models()}
    found = {
        name: (by_name[name].parameters.value, by_name[name].tokens.value)
        for name in ("GPT-3", "Chinchilla", "PaLM", "Llama 3.1", "GPT-4")
    }
    assert found == {
        "GPT-3": (175 * 10**9, 300 * 10**9),
        "Chinchilla": (70 * 10**9, 14 * 10**11),
        "PaLM": (540 * 10**9, 780 * 10**9),
        "Llama 3.1": (405 * 10**9, 156 * 10**11),
        "GPT-4": (None, None),
    }
    assert by_name["PaLM 2"].parameters.status == "estimated"


def test_the_bibliography_is_read_as_a_reader_sees_it():
    found = sources()
    assert set(KEYS) <= set(found)
    assert found["touvron2023llama"].said() == (
        "Touvron et al. (2023), LLaMA: Open and Efficient Foundation Language Models"
    )
    assert found["devlin2019bert"].link == "https://arxiv.org/abs/1810.04805"
    assert found["pennington2014glove"].link == "https://doi.org/10.3115/v1/D14-1162"
    assert not [key for key, source in found.items() if re.search(r"[{}\\]", source.said())]


def test_the_wheel_carries_the_file():
    assert "book/timeline.json" in SOURCES


def test_every_word_of_a_cell_has_a_chinese_one():
    assert [word for word in (*KINDS, *WEIGHTS, *STATUSES) if word not in ZH] == []
    assert run("timeline", "w.terms(t)") == [*KINDS, *WEIGHTS, "unknown", "disclosed", "estimated"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_says_what_the_package_says(lang):
    shown = timeline(lang=lang)
    document = shown.document()
    models, words = document["record"]["models"], document["words"]
    assert run("timeline", "w.sentence(a[0], speaker(a[1]))", models, words) == shown.sentence
    got = run(
        "timeline",
        "a[0].map((m) => a[2].map((key) => w.said(m[key], speaker(a[1]))))",
        models, words, CELLS,
    )  # fmt: skip
    for model, cells in zip(shown.record.models, got, strict=True):
        assert cells == [said(key, model.cells()[key], lang) for key in CELLS]


def test_the_sentence_counts_what_was_disclosed():
    models = [
        a_model(name="A", weights=fact("open")),
        a_model(name="B", date=fact("2019-05"), parameters=None, tokens=fact(5, unit="words")),
        a_model(name="C", date=fact("2020-02-29"), parameters=fact(9e9, "estimated")),
    ]
    assert timeline(models, lang="en").sentence == (
        "3 models from 2019 to 2024; 1 disclose their parameters, 1 their training tokens, and 1 "
        "offer their weights."
    )
    record = timeline_record(models)
    assert [model.name for model in record.models] == ["B", "C", "A"]
    assert record.table("en").rows[1][1:3] == ("2020-02-29", "≈ 9 B")


def test_only_numbers_are_roughly_so():
    [model] = read_models([a_model(weights=fact("closed", "estimated"))])
    assert said("weights", model.cells()["weights"], "en") == "closed"


def test_a_filter_keeps_kind_and_weights():
    models = timeline_record().document()["models"]
    for kind, weights in (("decoder", ""), ("", "open"), ("reasoning", "closed"), ("unknown", "")):
        got = run("timeline", "w.chosenOf(a[0], a[1]).map((m) => m.name)", models,
                  {"kind": kind, "weights": weights})  # fmt: skip
        assert got == [
            model.name
            for model in carried_models()
            if kind in ("", model.kind.value or "unknown")
            and weights in ("", model.weights.value or "unknown")
        ]
        assert got
    assert run("timeline", "w.sentence([], t)").startswith("No model is of this kind")


COUNTS = [1, 999, 1000, 93_600_000, 117e6, 1_542_000_000, 5.1e9, 70e9, 1_040e9, 15.6e12, 1e12, 20e6]


def test_counts_are_written_short_and_the_same():
    assert [compact(c) for c in (175e9, 1.4e12, 1e7, 15.6e12, 93.6e6, 300)] == [
        "175 B", "1.4 T", "10 M", "15.6 T", "93.6 M", "300",
    ]  # fmt: skip
    assert run("timeline", "a[0].map(w.compact)", COUNTS) == [compact(c) for c in COUNTS]


def test_time_runs_forward_and_years_with_more_models_are_wider():
    dates = ["2003-02", "2017-06", "2017-06-20", "2017-12-31", "2018-01-01", "2024-12"]
    places, years = shares(dates)
    assert places == sorted(places) and 0.0 < places[0] < places[-1] < 1
    assert (years[2003], years[2025]) == (0, 1)
    assert years[2018] - years[2017] > years[2004] - years[2003] > years[2005] - years[2004]
    assert years[2017] < places[1] < places[3] < years[2018] < places[4]
    got_places, got_years = run("timeline", "w.shares(a[0])", dates)
    assert got_places == pytest.approx(places, abs=1e-9)
    assert dict(map(tuple, got_years)) == pytest.approx(years, abs=1e-9)
    one, _ = shares(["2020-06"])
    assert one == pytest.approx([5.5 / 12])


def test_the_picture_names_landmarks_and_covers_nothing():
    picture = timeline_record().still("en")
    texts = [
        (float(node.get("x")), float(node.get("y")), node.text)
        for node in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")
    ]
    said_ = [text for *_, text in texts]
    assert {"NNLM", "Transformer", "GPT-3", "ChatGPT", "LLaMA", "o1"} <= set(said_)
    assert all(0 <= x <= 720 and 0 <= y <= 450 for x, y, _ in texts)
    assert len(timeline_record().table("en").rows) <= 20


@pytest.mark.parametrize(
    ("models", "why"),
    [
        ([], "no models came"),
        ({}, "no models came"),
        (["GPT"], "is no model"),
        ([{"date": fact("2024-01")}], "is no model"),
        ([a_model(), a_model()], "'M' stands twice"),
        ([a_model(size=fact(3))], "has a cell 'size'"),
        ([a_model(date=None)], "the date of M is unknown"),
        ([a_model(date=fact("May 2024"))], "write year and month"),
        ([a_model(date=fact("2024-13"))], "write year and month"),
        ([a_model(date=fact(2024))], "write year and month"),
        ([a_model(parameters=7)], "has no status"),
        ([a_model(parameters=fact(7, "guessed"))], "has no status"),
        ([a_model(parameters={"value": 7, "status": "disclosed"})], "give a value and a source"),
        ([a_model(parameters={"value": 7, "status": "unknown"})], "give a value and a source"),
        ([a_model(tokens={"status": "unknown", "source": PAPER})], "neither where it is unknown"),
        ([a_model(parameters=fact("7B"))], "give a count"),
        ([a_model(parameters=fact(float("nan")))], "give a count"),
        ([a_model(parameters=fact(True))], "give a count"),
        ([a_model(tokens=fact(0))], "give a count"),
        ([a_model(tokens=fact(9, unit="letters"))], "say tokens or words"),
        ([a_model(weights=fact(True))], "say open or closed"),
        ([a_model(kind=fact(3))], "is no text"),
        ([a_model(tokens=fact(9, source="nobody2020"))], "which the bibliography lacks"),
        ([a_model(tokens=fact(9, source={"title": "x"}))], "give title, authors, year"),
        ([a_model(tokens=fact(9, source=PAPER | {"arxiv": "24010.1"}))], "malformed"),
        ([a_model(tokens=fact(9, source=PAPER | {"doi": "10.1/2"}))], "one of arxiv, doi, url"),
        ([a_model(tokens=fact(9, source=PAPER | {"year": "2024"}))], "write 2020"),
        (
            [a_model(tokens=fact(9, source={**PAPER, "arxiv": "javascript:alert(1)"}))],
            "malformed",
        ),
    ],
)  # fmt: skip
def test_what_is_not_a_fact_with_a_source_is_refused_in_a_sentence(models, why):
    with pytest.raises(ValueError, match=why):
        timeline(models)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http://a.org", 'https://a.org/"x', "https://"]
)
def test_only_addresses_become_links(url):
    source = {"title": "x", "authors": "y", "year": 2024, "url": url}
    with pytest.raises(ValueError, match="malformed"):
        read_models([a_model(tokens=fact(9, source=source))])


@pytest.mark.needs_browser
def test_the_timeline_is_walked_by_keyboard_alone(chromium, tmp_path):
    with opened(chromium, timeline(), tmp_path) as page:
        chart = page.get_by_role("slider")
        control(page, "kind").focus()
        for _ in range(3):
            page.keyboard.press("Tab")
        for key, name in (("ArrowRight", "NNLM"), ("ArrowRight", "word2vec"), ("ArrowLeft", "NNLM"),
                          ("End", "gpt-oss-120b"), ("ArrowRight", "gpt-oss-120b"),
                          ("ArrowLeft", "Kimi K2"), ("Home", "NNLM")):  # fmt: skip
            page.keyboard.press(key)
            assert page.locator(".facts caption").inner_text() == name
            assert chart.get_attribute("aria-valuetext").startswith(f"{name}, date: ")
        assert "unknown" in page.locator(".facts").inner_text()
        page.keyboard.press("Escape")
        assert page.locator(".facts").count() == 0
        assert chart.get_attribute("aria-valuetext") == "No model is chosen."


@pytest.mark.needs_browser
def test_a_model_is_chosen_by_mouse_or_from_the_list(chromium, tmp_path):
    with opened(chromium, timeline(), tmp_path) as page:
        label = page.locator(".chart text", has_text="GPT-3").bounding_box()
        page.mouse.click(label["x"] - 8, label["y"] + label["height"] / 2)
        assert page.locator(".facts caption").inner_text() == "GPT-3"
        assert "300 B" in page.locator(".facts").inner_text()
        link = page.locator(".facts a").first
        assert link.get_attribute("href") == "https://arxiv.org/abs/2005.14165"
        assert link.get_attribute("rel") == "noopener noreferrer"
        control(page, "model").select_option("PaLM 2")
        assert "≈ 340 B" in page.locator(".facts").inner_text()
        assert "estimated: CNBC (2023)" in page.locator(".facts").inner_text()


@pytest.mark.needs_browser
def test_filters_count_anew_and_drop_what_they_hide(chromium, tmp_path):
    with opened(chromium, timeline(), tmp_path) as page:
        control(page, "model").select_option("GPT-3")
        control(page, "kind").select_option(label="reasoning")
        assert page.locator(".sentence").inner_text().startswith("2 models from 2024 to 2025;")
        assert page.locator(".facts").count() == 0
        control(page, "weights").select_option(label="closed")
        page.locator(".foot summary").click()
        assert page.locator(".foot tbody th").all_inner_texts() == ["o1"]
        control(page, "kind").select_option(label="word vectors")
        assert page.locator(".sentence").inner_text().startswith("No model is of this kind")
        page.get_by_role("slider").focus()
        page.keyboard.press("ArrowRight")
        assert page.locator(".facts").count() == 0


@pytest.mark.needs_browser
def test_a_link_restores_model_and_filter(chromium, tmp_path):
    shown = timeline()
    with opened(chromium, shown, tmp_path) as page:
        page.goto("about:blank")
        address = (tmp_path / f"{shown.key}.html").as_uri()
        page.goto(f"{address}#w={shown.key}&model=Mixtral+8x7B&weights=open")
        page.wait_for_selector(".llm-book[data-alive]")
        assert page.locator(".facts caption").inner_text() == "Mixtral 8x7B"
        assert control(page, "weights").input_value() == "open"
        assert "active parameters" in page.locator(".facts").inner_text()


@pytest.mark.needs_browser
def test_hostile_words_stay_words(chromium, tmp_path):
    models = [
        a_model(name=word, kind=fact(word), tokens=fact(5, source=PAPER | {"title": word}))
        for word in hostile.ALL
        if word
    ]
    with opened(chromium, timeline(models, title=hostile.CLOSING), tmp_path) as page:
        page.get_by_role("slider").focus()
        for _ in models:
            page.keyboard.press("ArrowRight")
        assert page.locator(".chart img, .facts img").count() == 0
        control(page, "model").select_option(hostile.SCRIPT)
        assert hostile.SCRIPT in page.locator(".facts").inner_text()


@pytest.mark.needs_browser
def test_many_models_of_one_month_and_none_of_known_size_are_drawn(chromium, tmp_path):
    models = [a_model(name=f"M{i}", parameters=None) for i in range(60)]
    assert timeline_record(models).still("en").count("<circle") == 60 + 3
    with opened(chromium, timeline(models), tmp_path) as page:
        assert "60 models from 2024 to 2024; 0 disclose" in page.locator(".sentence").inner_text()


@pytest.mark.needs_browser
@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, {"forced_colors": "active"}])
def test_nothing_stands_in_the_way_of_a_reader(chromium, tmp_path, options):
    with opened(chromium, timeline(), tmp_path, width=360, **options) as page:
        control(page, "model").select_option("DeepSeek-V3")
        page.locator(".foot summary").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert violations(page) == []


@pytest.mark.needs_browser
def test_what_is_saved_is_what_is_seen(chromium, tmp_path):
    with opened(chromium, timeline(), tmp_path) as page:
        saved = {}
        for name in ("SVG", "PNG", "CSV"):
            with page.expect_download() as caught:
                page.get_by_role("button", name=name, exact=True).click()
            saved[name] = caught.value.path().read_bytes()
    assert saved["PNG"].startswith(b"\x89PNG") and b"var(--" not in saved["SVG"]
    lines = saved["CSV"].decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + len(FILE["models"])
    assert lines[0].startswith("model,date,status,source,kind,status,source,parameters")
    (palm,) = [line for line in lines if line.startswith("PaLM 2,")]
    assert "340000000000,estimated,https://www.cnbc.com/" in palm
