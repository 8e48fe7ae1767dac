"""The finished figure in a page, and the growing one in a notebook."""

import json
import math
import os
import sys

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from llm_book.widgets import curve_picture, frames
from llm_book.widgets.loss_curve import LossCurve, loss_curve
from tests.chapters.kernels import execute
from tests.chapters.notebooks import ROOT
from tests.nbval_policy import child_environment
from tests.site.axe import violations
from tests.widgets import hostile
from tests.widgets.curves import LEARNING, noise
from tests.widgets.node import run
from tests.widgets.pages import opened

LOOKS = [("light", "none"), ("dark", "none"), ("light", "active")]


def a_curve(n: int = 400, **settings) -> LossCurve:
    """A run with everything that can be seen, short of its end."""
    curve = LossCurve(total=500, uniform=math.log(25), recorded="imdb_gru.small.cpu", **settings)
    for index in range(1, n + 1):
        loss = 1.2 + 2 * math.exp(-index / 80) + 0.05 * math.sin(index * index)
        curve.log(
            index=index, loss=loss, learning_rate=1e-3, gradient_norm=1.0, tokens_per_second=9
        )
        if index % 50 == 0:
            curve.validation(index, loss + 0.1)
            curve.checkpoint(index)
    curve.growing.end("stopped", n)
    return curve


def several(**settings):
    names = {"a": LEARNING + noise(0.05, 1), hostile.SCRIPT: LEARNING + 0.5, "c": [3.0, 2.0]}
    return loss_curve(names, **settings)


def test_smoothing_is_an_average_that_begins_at_the_first_value():
    assert run("loss_curve", "w.smoothed([2, 2, 2], 0.9)") == pytest.approx([2, 2, 2])
    assert run("loss_curve", "w.smoothed([4, null, 1], 0.5)") == [4, None, 2]
    assert run("loss_curve", "w.smoothed([4, 2, 3], 0)") == [4, 2, 3]


@pytest.mark.parametrize(
    ("low", "high", "log", "expected"),
    [
        (0, 10, False, [0, 2, 4, 6, 8, 10]),
        (-0.1, 0.31, False, [-0.1, 0, 0.1, 0.2, 0.3]),
        (1, 1000, True, [1, 3, 10, 30, 100, 300, 1000]),
        (0.9, 5, True, [1, 2, 3, 5]),
        (1, 1e6, True, [1, 10, 100, 1000, 1e4, 1e5, 1e6]),
    ],
)
def test_axes_have_round_numbers(low, high, log, expected):
    assert run("loss_curve", "w.ticks(a[0], a[1], 5, a[2])", low, high, log) == pytest.approx(
        expected
    )


@pytest.mark.needs_browser
def test_the_curve_is_read_by_keyboard(chromium, tmp_path):
    with opened(chromium, a_curve().view(), tmp_path) as page:
        plot = page.get_by_role("slider", name="Step on the curve")
        plot.focus()
        page.keyboard.press("Home")
        assert page.locator(".read").inner_text().startswith("step 1 · loss 3.")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("PageUp")
        said = page.locator(".read").inner_text()
        assert said.startswith("step 12 · loss 2.") and "learning rate 0.00100" in said
        assert "gradient norm 1.00 · 9.00 tokens/s" in said
        assert plot.get_attribute("aria-valuenow") == "12"
        assert plot.get_attribute("aria-valuetext") == said
        page.keyboard.press("End")
        assert plot.get_attribute("aria-valuenow") == plot.get_attribute("aria-valuemax") == "400"
        page.keyboard.press("Escape")
        assert page.locator(".read").inner_text().startswith("Point at the curve")


@pytest.mark.needs_browser
def test_the_curve_is_read_by_mouse(chromium, tmp_path):
    with opened(chromium, a_curve().view(), tmp_path) as page:
        box = page.locator(".plot svg").bounding_box()
        page.mouse.move(box["x"] + 52, box["y"] + 100)
        assert page.locator(".read").inner_text().startswith("step 1 ·")
        page.mouse.move(box["x"] + box["width"] - 12, box["y"] + 100)
        assert page.locator(".read").inner_text().startswith("step 400 ·")
        assert page.locator(".cross line").count() == 1


@pytest.mark.needs_browser
def test_a_higher_loss_is_higher_and_the_lowest_validation_is_ringed(chromium, tmp_path):
    validation = [{"index": i, "loss": loss} for i, loss in ((1, 4.0), (2, 2.0), (3, 3.0))]
    columns = {"index": [1, 2, 3], "loss": [4.0, 3.5, 3.0]}
    shown = loss_curve({"curve": columns, "validation": validation})
    with opened(chromium, shown, tmp_path) as page:
        places = page.locator(".plot circle").evaluate_all(
            "all => all.map(e => [e.cx.baseVal.value, e.cy.baseVal.value, e.getAttribute('r')])"
        )
    dots = [place[:2] for place in places if place[2] == "3"][1:]  # the first explains
    rings = [place[:2] for place in places if place[2] == "6"][1:]
    assert dots[0][1] < dots[2][1] < dots[1][1] and dots[0][0] < dots[1][0] < dots[2][0]
    assert rings == [dots[1]]


@pytest.mark.needs_browser
def test_axes_and_smoothing_redraw_the_curve(chromium, tmp_path):
    with opened(chromium, a_curve().view(), tmp_path) as page:
        drawn = lambda: page.locator(".plot svg").inner_html()  # noqa: E731
        seen = [drawn()]
        for name in ("logarithmic steps", "logarithmic loss"):
            page.get_by_role("checkbox", name=name).check()
            seen.append(drawn())
        page.locator("input[type=range]").focus()
        page.keyboard.press("End")
        seen.append(drawn())
        assert len(set(seen)) == 4
        page.get_by_role("checkbox", name="logarithmic loss").uncheck()
        page.set_viewport_size({"width": 360, "height": 800})
        page.wait_for_function(
            "document.querySelector('.llm-book-live > div').shadowRoot"
            ".querySelector('.plot svg').viewBox.baseVal.width < 340"
        )
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 360


@pytest.mark.needs_browser
def test_runs_are_compared_and_can_be_hidden(chromium, tmp_path):
    with opened(chromium, several(), tmp_path) as page:
        assert page.locator(".sentence").inner_text().startswith("Of 3 runs a ends lowest")
        assert hostile.SCRIPT in page.locator(".plot").inner_text()
        page.locator(".plot").focus()
        page.keyboard.press("Home")
        assert page.locator(".read").inner_text().count(";") == 2
        before = page.locator(".plot path").count()
        page.get_by_role("checkbox", name=hostile.SCRIPT).uncheck()
        assert page.locator(".plot path").count() == before - 1
        for name in ("a", "c"):
            page.get_by_role("checkbox", name=name, exact=True).uncheck()
        assert page.locator(".plot path").count() == 0


@pytest.mark.needs_browser
def test_a_link_restores_the_view(chromium, tmp_path):
    shown = several()
    with opened(chromium, shown, tmp_path) as page:
        page.goto("about:blank")
        where = f"#w={shown.key}&smooth=0.5&logx=1&at=10&off=1.2"
        page.goto((tmp_path / f"{shown.key}.html").as_uri() + where)
        page.wait_for_selector(".llm-book[data-alive]")
        assert page.locator("input[type=range]").input_value() == "0.5"
        checked = [box.is_checked() for box in page.locator("input[type=checkbox]").all()]
        assert checked == [True, False, True, False, False]
        assert page.locator(".read").inner_text().startswith("step 10 · a · loss")


@pytest.mark.needs_browser
def test_a_link_with_nonsense_in_it_does_no_harm(chromium, tmp_path):
    shown = a_curve().view()
    with opened(chromium, shown, tmp_path) as page:
        page.goto("about:blank")
        where = f"#w={shown.key}&smooth=99&logx=x&at=<b>&off=7.nan&__proto__=1"
        page.goto((tmp_path / f"{shown.key}.html").as_uri() + where)
        page.wait_for_selector(".llm-book[data-alive]")
        assert page.locator(".plot path").count() > 2


@pytest.mark.needs_browser
def test_the_figure_is_saved_as_picture_and_as_numbers(chromium, tmp_path):
    curve = a_curve()
    with opened(chromium, curve.view(), tmp_path) as page:
        saved = {}
        for name in ("SVG", "PNG", "CSV"):
            with page.expect_download() as download:
                page.get_by_role("button", name=name).click()
            saved[name] = download.value.path().read_bytes()
    assert b"var(--" not in saved["SVG"] and b"uniform guess" in saved["SVG"]
    assert saved["PNG"].startswith(b"\x89PNG")
    head, *rows = saved["CSV"].decode("utf-8-sig").strip().split("\r\n")
    assert head == (
        "run,step,loss,low,high,learning_rate,gradient_norm,tokens_per_second,validation"
    )
    run_ = curve.record().runs[0]
    assert len(rows) == len(run_.step) + len(run_.validation)
    assert [float(row.split(",")[2]) for row in rows[:400]] == run_.loss.tolist()


@pytest.mark.needs_browser
@pytest.mark.parametrize(("scheme", "forced"), LOOKS)
@pytest.mark.parametrize("width", [360, 900])
def test_axe_finds_nothing_and_nothing_is_too_wide(chromium, tmp_path, scheme, forced, width):
    options = {"color_scheme": scheme, "forced_colors": forced, "width": width}
    for view in (a_curve(lang="zh").view(), several(title=hostile.IMAGE)):
        with opened(chromium, view, tmp_path, **options) as page:
            page.locator(".foot summary").click()
            assert violations(page, ".llm-book") == []
            assert page.evaluate("document.scrollingElement.scrollWidth") <= width


@pytest.mark.needs_browser
@pytest.mark.parametrize(
    "losses", [[], [2.0], [2.0, 2.0], [math.nan, math.nan], [-1.0, -2.0], [0.0]]
)
def test_the_shortest_and_the_oddest_runs_are_drawn(chromium, tmp_path, losses):
    with opened(chromium, loss_curve(losses), tmp_path) as page:
        page.get_by_role("checkbox", name="logarithmic steps").check()
        page.locator(".plot").focus()
        page.keyboard.press("End")
        page.keyboard.press("ArrowLeft")
        drawn = page.locator(".plot svg").inner_html()
    assert "NaN" not in drawn and "Infinity" not in drawn and "undefined" not in drawn


@pytest.mark.needs_browser
def test_ten_thousand_steps_need_few_nodes_and_a_redraw_leaves_none_behind(chromium, tmp_path):
    losses = 1 + np.exp(-np.arange(10_000) / 900)
    with opened(chromium, loss_curve(losses), tmp_path) as page:
        before, after = page.evaluate(
            """() => { const root = document.querySelector('.llm-book-live > div').shadowRoot;
            const box = root.querySelector('input[type=checkbox]');
            const nodes = () => root.querySelectorAll('.plot svg *').length, before = nodes();
            for (let i = 0; i < 10; i++) box.click();
            return [before, nodes()]; }"""
        )
    assert before == after < 600


@pytest.mark.needs_browser
def test_a_frame_has_the_notebooks_colours(chromium):
    curve = a_curve()
    line = curve._line(curve.record().runs[0].loss)
    svg = curve_picture.frame(curve.record(), "Training", line, "en")
    page = chromium.new_page()
    page.set_content(
        "<style>:root { --jp-layout-color0: #111; --jp-content-font-color1: #eee }</style>"
        f'<div id="frame" style="{frames.FRAME}">{svg}</div>'
    )
    look = "e => { const s = getComputedStyle(e); return [s.backgroundColor, s.color, s.fill]; }"
    assert page.locator("#frame").evaluate(look)[:2] == ["rgb(17, 17, 17)", "rgb(238, 238, 238)"]
    assert page.locator("#frame text").first.evaluate(look)[2] == "rgb(238, 238, 238)"
    page.close()


TRAINING = """\
from llm_book.widgets.loss_curve import LossCurve
import time

with LossCurve(total=940, path="curve.jsonl") as curve:
    for index in range(1, 2000):
        time.sleep(0.001)
        curve.log(index=index, loss=2 / index)
        if index == 812:
            {end}"""


@pytest.mark.slow
def test_a_cell_of_a_notebook_holds_one_output_the_last_frame(tmp_path):
    cells = [new_code_cell(TRAINING.format(end="break")), new_code_cell("curve.view()")]
    cells.append(new_code_cell(TRAINING.format(end="raise KeyboardInterrupt")))
    cells[2].metadata["tags"] = ["raises-exception"]
    notebook = new_notebook(cells=cells)
    environment = child_environment(os.environ) | {"PYTHONPATH": str(ROOT)}
    execute(notebook, sys.executable, tmp_path, environment)
    nbformat.validate(notebook)
    trained, viewed, interrupted = (cell.outputs for cell in cells)
    assert [o.output_type for o in trained] == ["display_data"]
    assert [o.output_type for o in interrupted] == ["display_data", "error"]
    assert interrupted[1].ename == "KeyboardInterrupt"
    assert trained[0].data == viewed[0].data
    assert 'class="llm-book"' in trained[0].data["text/html"]
    assert "The run ended at step 812 of 940." in trained[0].data["text/html"]
    assert "stopped at step 812" in interrupted[0].data["text/html"]
    rows = (tmp_path / "curve.jsonl").read_text().splitlines()
    assert [json.loads(row)["index"] for row in rows] == list(range(1, 813))
