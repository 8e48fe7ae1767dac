"""The attention map in a browser: every view by mouse and by keyboard, links, files, themes."""

import csv
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from llm_book.widgets import attention_still
from llm_book.widgets.attention_map import attention_map
from llm_book.widgets.attention_record import encoded
from llm_book.widgets.attention_steps import AttentionSteps
from tests.site.axe import violations
from tests.widgets import hostile
from tests.widgets.pages import opened
from tests.widgets.test_attention_map import WORDS, softmaxed

pytestmark = pytest.mark.needs_browser
STAGE = "[role=application]"


def small(**more):
    return attention_map(softmaxed(2, 3, 9, 9, causal=True), WORDS, **more)


def with_steps():
    query, key, value = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(1))
    mask = torch.ones(6, 6, dtype=torch.bool).tril()
    steps = AttentionSteps(query, key, value, mask)
    return attention_map(steps.weights(), WORDS[:6], steps=steps, title="Steps")


def read_out(page):
    return page.locator(".readout").inner_text()


def sentence(page):
    return page.locator(".sentence").inner_text()


def dial(page, label):
    return page.get_by_role("combobox", name=label, exact=True)


def choose(page, label, value):
    dial(page, label).select_option(value)


def press(page, *keys):
    page.locator(STAGE).focus()
    for key in keys:
        page.keyboard.press(key)
    return read_out(page)


def weight(record, layer, head, query, key):
    return record.number(record.map(len(record.checkpoints) - 1, layer, head)[query, key])


def test_it_begins_with_all_heads_and_the_clearest_chosen(chromium, tmp_path):
    shown = small()
    with opened(chromium, shown, tmp_path) as page:
        assert sentence(page) == shown.sentence
        layer, head = shown.record.start
        assert read_out(page) == f"Layer {layer + 1}, head {head + 1} of 3"
        assert page.locator("canvas").evaluate("c => c.width") > 200


def test_the_overview_by_keyboard_and_enter_enlarges(chromium, tmp_path):
    shown = small()
    with opened(chromium, shown, tmp_path) as page:
        assert press(page, "Home") == "Layer 1, head 1 of 3"
        assert press(page, "ArrowRight", "ArrowDown") == "Layer 2, head 2 of 3"
        assert press(page, "PageUp", "]") == "Layer 1, head 3 of 3"
        assert page.locator("[role=status]").inner_text() == "Layer 1, head 3 of 3"
        press(page, "End", "Enter")
        assert dial(page, "view").input_value() == "matrix"
        assert sentence(page) == shown.record.head_sentence(0, 1, 2)


def test_the_overview_by_mouse_and_its_order(chromium, tmp_path):
    shown = small()
    with opened(chromium, shown, tmp_path) as page:
        choose(page, "sort by", "entropy")
        values = [float(v) for v in page.locator(".drawn text").all_text_contents()[1::2]]
        assert len(values) == 6 and values == sorted(values, reverse=True)
        choose(page, "sort by", "")
        page.locator(".drawn").click(position={"x": 64 + 100 * 2 + 30, "y": 20 + 100 + 30})
        assert dial(page, "view").input_value() == "matrix"
        assert sentence(page) == shown.record.head_sentence(0, 1, 2)


def test_the_matrix_by_keyboard_reads_exact_numbers(chromium, tmp_path):
    shown = small()
    with opened(chromium, shown, tmp_path) as page:
        choose(page, "view", "matrix")
        layer, head = shown.record.start
        assert press(page, "Home", *["ArrowDown"] * 9, "ArrowRight", "ArrowUp") == (
            f"“the” (8) → “cat” (2): {weight(shown.record, layer, head, 7, 1)}"
        )
        assert press(page, "Enter").endswith(", pinned")
        page.locator(".drawn").hover(position={"x": 60, "y": 60})
        assert read_out(page).startswith("“the” (8) → “cat” (2)")
        assert not press(page, "Escape").endswith("pinned")
        assert press(page, "End").startswith("“the” (8) → “rat” (9): 0")
        assert press(page, "PageDown", "[", "[", "[").startswith("“the” (8)")
        assert dial(page, "layer").input_value() == "1"
        assert dial(page, "attention head").input_value() == "0"


def test_the_matrix_by_mouse(chromium, tmp_path):
    shown = small()
    with opened(chromium, shown, tmp_path) as page:
        choose(page, "view", "matrix")
        box = page.locator(".drawn rect").first.bounding_box()  # the frame of the cells
        cell = box["width"] / 9

        def at(query, key):
            return box["x"] + cell * (key + 0.5), box["y"] + cell * (query + 0.5)

        page.mouse.move(*at(6, 2))
        assert read_out(page).startswith("“and” (7) → “sat” (3)")
        page.mouse.click(*at(5, 1))
        assert read_out(page).startswith("“mat” (6) → “cat” (2)")
        assert read_out(page).endswith("pinned")
        page.mouse.move(*at(6, 2))
        assert read_out(page).startswith("“mat” (6)")
        page.mouse.click(*at(5, 1))
        assert not read_out(page).endswith("pinned")


def pixels(page, x, y, width, height):
    """The points of the canvas, [height, width, 3]."""
    data = page.locator("canvas").evaluate(
        """(c, [x, y, w, h]) => {
          const copy = new OffscreenCanvas(w, h).getContext('2d', { willReadFrequently: true });
          copy.drawImage(c, -x, -y);
          return Array.from(copy.getImageData(0, 0, w, h).data);
        }""",
        [x, y, width, height],
    )
    return np.array(data).reshape(height, width, 4)[..., :3]


def becomes(page, where, wanted):
    """Wait until one point of the canvas is as wanted: a new theme is drawn a moment later."""
    for _ in range(50):
        point = pixels(page, *where, 1, 1)
        if wanted(point):
            return point
        page.wait_for_timeout(100)
    raise AssertionError(f"the point stayed {point.ravel()}")


def frame(page):
    """Left, top and size of the matrix on its canvas."""
    box = page.locator(".drawn rect").first.evaluate("r => [r.x, r.y, r.width].map(v => "
                                                     "v.baseVal.value)")  # fmt: skip
    return round(box[0] + 0.5), round(box[1] + 0.5), round(box[2] - 1)


@pytest.mark.parametrize("causal", [True, False])
def test_each_cell_has_the_colour_of_its_weight(chromium, tmp_path, causal):
    shown = attention_map(softmaxed(1, 1, 9, 9, causal=causal), WORDS)
    with opened(chromium, shown, tmp_path, color_scheme="light") as page:
        left, top, size = frame(page)
        cell = size // 9
        found = pixels(page, left, top, size, size)
        codes = encoded(shown.record.map(0, 0, 0))
        wanted = attention_still.ramp(False)[codes].repeat(cell, axis=0).repeat(cell, axis=1)
        far = np.abs(found - wanted.astype(int)).max(axis=-1)
        assert far.max() <= 12 and (far > 0).mean() < 0.1  # a root may be rounded the other way


def test_of_many_cells_on_one_point_the_strongest_is_seen(chromium, tmp_path):
    shown = attention_map(
        softmaxed(2, 2, 150, 150, causal=True, scale=6), [f"w{i}" for i in range(150)]
    )
    with opened(chromium, shown, tmp_path, color_scheme="light") as page:
        found = pixels(page, 64, 20, 96, 96)  # the first small map
        codes = attention_still._pooled(encoded(shown.record.map(0, 0, 0)), 96, False)
        assert np.abs(found - attention_still.ramp(False)[codes].astype(int)).max() <= 12


@pytest.mark.parametrize("tokens", [WORDS, [f"a longer token {i}" for i in range(9)]])
def test_each_token_stands_beside_its_row_and_above_its_column(chromium, tmp_path, tokens):
    shown = attention_map(softmaxed(1, 1, 9, 9), tokens)
    with opened(chromium, shown, tmp_path) as page:
        box = page.locator(".drawn rect").first.bounding_box()
        cell = box["width"] / 9
        labels = [
            (label.text_content(), label.bounding_box())
            for label in page.locator(".drawn text").all()
        ]
        for place in range(9):
            middle = cell * (place + 0.5)
            above = [b for _, b in labels if b["y"] + b["height"] <= box["y"] + 3
                     and abs(b["x"] + b["width"] / 2 - box["x"] - middle) < cell / 3]  # fmt: skip
            beside = [b for _, b in labels if b["x"] + b["width"] <= box["x"]
                      and abs(b["y"] + b["height"] / 2 - box["y"] - middle) < cell / 3]  # fmt: skip
            assert len(above) == 1 and len(beside) == 1, place


def test_the_text_shows_both_directions(chromium, tmp_path):
    shown = small()
    with opened(chromium, shown, tmp_path) as page:
        choose(page, "view", "text")
        press(page, "Home", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight")
        assert page.locator(".words b").all_inner_texts() == [
            "“mat” looks at",
            "“mat” is looked at by",
        ]
        weights = shown.record.map(0, *shown.record.start)
        looks, looked = page.locator(".words").all()
        for place, values in ((looks, weights[5]), (looked, weights[:, 5])):
            tokens = place.locator("bdi")
            assert tokens.all_inner_texts() == WORDS
            for token, value in zip(tokens.all(), values, strict=True):
                said = token.get_attribute("data-w") or "0"
                assert float(said) == pytest.approx(value, abs=0.0051)
        looks.locator("bdi").nth(2).click()
        assert page.locator(".words b").first.inner_text() == "“sat” looks at"
        assert read_out(page).endswith("pinned")
        best = int(weights[:, 2].argmax())
        assert read_out(page).startswith(f"“{WORDS[best]}” ({best + 1}) → “sat” (3)")


def test_lines_above_the_threshold_and_of_the_pinned_token(chromium, tmp_path):
    shown = small()
    with opened(chromium, shown, tmp_path) as page:
        choose(page, "view", "lines")
        weights = shown.record.map(0, *shown.record.start)
        lines = page.locator(".drawn line")
        assert lines.count() == (weights >= 0.1).sum()
        page.get_by_label("lines from").fill("0.5")
        assert lines.count() == (weights >= 0.5).sum()
        page.get_by_label("lines from").fill("0.02")
        press(page, "Home", "ArrowDown", "ArrowDown", "ArrowDown", "Enter")
        assert lines.count() == (weights[3] >= 0.02).sum()
        assert read_out(page).startswith("“on” (4) → ")
        press(page, "ArrowRight")
        assert lines.count() == (weights[:, 3] >= 0.02).sum()
        page.locator(".drawn").click(position={"x": 150, "y": 24 * 6 + 12})
        assert lines.count() == (weights[6] >= 0.02).sum()


def test_several_heads_at_once(chromium, tmp_path):
    shown = small()
    maps = np.stack([shown.record.map(0, 1, head) for head in range(3)])
    with opened(chromium, shown, tmp_path) as page:
        choose(page, "view", "matrix")
        choose(page, "layer", "2")
        press(page, *["ArrowUp"] * 9, *["ArrowDown"] * 5, "Home", "ArrowRight")

        def value():
            return float(read_out(page).rpartition(": ")[2])

        choose(page, "weights of", "mean")
        assert value() == pytest.approx(maps.mean(axis=0)[5, 1], rel=6e-3)
        assert sentence(page).startswith("Layer 2, mean of 3 heads: on average")
        choose(page, "weights of", "max")
        assert value() == pytest.approx(maps.max(axis=0)[5, 1], rel=6e-3)
        choose(page, "weights of", "difference")
        choose(page, "attention head", "3")
        choose(page, "minus head", "2")
        assert value() == pytest.approx((maps[2] - maps[1])[5, 1], rel=6e-3)
        assert "the largest rise is" in sentence(page)
        choose(page, "weights of", "rollout")
        mixes = [(np.eye(9) + shown.record.weights[0, layer].mean(axis=0)) / 2
                 for layer in (0, 1)]  # fmt: skip
        assert value() == pytest.approx((mixes[1] @ mixes[0])[5, 1], rel=6e-3)


def test_the_calculation_has_every_number(chromium, tmp_path):
    shown = with_steps()
    steps = shown.record.steps
    with opened(chromium, shown, tmp_path) as page:
        choose(page, "view", "steps")
        grids = page.locator(".steps table")
        assert grids.locator("caption").all_inner_texts() == [
            "Q, the queries", "K, the keys", "QKᵀ", "QKᵀ / √4", "after the mask",
            "after the softmax", "V, the values", "softmax · V",
        ]  # fmt: skip
        for place, values in ((2, steps.scores()), (5, steps.weights()), (7, steps.output())):
            cells = [float(c) for c in grids.nth(place).locator("td").all_inner_texts()]
            assert np.allclose(cells, values.ravel(), rtol=6e-3, atol=1e-3)
        assert grids.nth(4).locator("td").nth(1).inner_text() == "−∞"
        said = press(page, "Home", *["ArrowUp"] * 6, "ArrowDown", "ArrowDown", "ArrowRight")
        assert said.startswith("“sat” (3) → “cat” (2): ")
        shares = [float(n) for n in re.findall(r"-?[\d.]+", said.partition(": ")[2])]
        at = (2, 1)
        wanted = [steps.scores()[at], 4, steps.scaled()[at], steps.weights()[at]]
        assert np.allclose(shares, wanted, rtol=6e-3)
        grids.nth(5).locator("td").nth(6 * 3).click()
        assert read_out(page).startswith("“on” (4) → “The” (1)")


def test_cross_attention_is_not_square(chromium, tmp_path):
    shown = attention_map(softmaxed(1, 1, 3, 6), WORDS[:3], WORDS[3:9], title="Cross")
    with opened(chromium, shown, tmp_path) as page:
        assert press(page, "ArrowUp", "ArrowUp", "Home", "End", "ArrowDown").startswith(
            "“cat” (2) → “rat” (6)"
        )
        for mode in ("text", "lines"):
            choose(page, "view", mode)
            assert press(page, "ArrowUp" if mode == "text" else "ArrowRight").startswith("“")
        press(page, "Home")
        assert "→ “on” (1)" in read_out(page)
        assert dial(page, "weights of").count() == 0


def test_two_sentences_are_filtered(chromium, tmp_path):
    shown = attention_map(softmaxed(1, 1, 9, 9), WORDS, sentence_b=4, title="Pair")
    with opened(chromium, shown, tmp_path) as page:
        choose(page, "sentences", "AB")
        assert press(page, *["ArrowUp"] * 9, "Home").startswith("“The” (1) → “the” (5)")
        assert press(page, *["ArrowDown"] * 9, "End").startswith("“on” (4) → “rat” (9)")
        choose(page, "view", "text")
        assert page.locator(".words").first.locator("bdi").all_inner_texts() == WORDS[4:]


def test_one_token_alone(chromium, tmp_path):
    with opened(chromium, attention_map([[1.0]], ["x"]), tmp_path) as page:
        for mode in ("text", "lines", "matrix"):
            choose(page, "view", mode)
            assert press(page, "ArrowDown", "ArrowRight", "End").startswith("“x” (1) → “x” (1): 1")


def test_the_slider_goes_through_checkpoints(chromium, tmp_path):
    maps = {step: softmaxed(1, 2, 9, 9, scale=step / 50) for step in (0, 50, 200)}
    shown = attention_map(None, WORDS, checkpoints=maps)
    with opened(chromium, shown, tmp_path) as page:
        slider = page.locator("input[type=range]:visible")
        assert slider.get_attribute("aria-valuetext") == "200"
        slider.focus()
        page.keyboard.press("Home")
        assert slider.get_attribute("aria-valuetext") == "0"
        layer, head = shown.record.start
        assert sentence(page) == shown.record.head_sentence(0, layer, head)


def test_a_link_restores_the_view(chromium, tmp_path):
    shown = small(sentence_b=4)
    said = "mode=lines&show=difference&layer=1&head=2&minus=0&block=BB"
    said += "&q=7&k=5&side=k&pin=1&threshold=0.3"
    with opened(chromium, shown, tmp_path) as page:
        page.goto("about:blank")
        page.goto((tmp_path / f"{shown.key}.html").as_uri() + f"#w={shown.key}&{said}")
        page.wait_for_selector(".llm-book[data-alive]")
        assert sentence(page).startswith("Layer 2, head 3 minus head 1:")
        assert page.get_by_label("lines from").input_value() == "0.3"
        assert "→ “mat” (6)" in read_out(page) and read_out(page).endswith("pinned")
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
        page.get_by_role("button", name="Link to this view").click()
        found = page.locator(".foot input").input_value().partition("#")[2]
        assert set(said.split("&")) <= set(found.split("&"))


def test_a_link_that_says_nonsense_is_put_right(chromium, tmp_path):
    shown = small()
    with opened(chromium, shown, tmp_path) as page:
        page.goto("about:blank")
        wrong = "mode=x&show=steps&layer=99&head=-3&q=NaN&k=1e9&threshold=7&sort=constructor&side="
        page.goto((tmp_path / f"{shown.key}.html").as_uri() + f"#w={shown.key}&{wrong}")
        page.wait_for_selector(".llm-book[data-alive]")
        assert read_out(page) == "Layer 2, head 1 of 3"


@pytest.mark.parametrize("mode", ["overview", "matrix", "text", "lines"])
def test_files_for_the_reader_have_content(chromium, tmp_path, mode):
    shown = small()
    with opened(chromium, shown, tmp_path) as page:
        choose(page, "view", mode)
        files = {}
        for kind in ("SVG", "PNG", "CSV"):
            with page.expect_download() as caught:
                page.get_by_role("button", name=kind).click()
            assert caught.value.suggested_filename == f"attention.{kind.lower()}"
            files[kind] = Path(caught.value.path()).read_bytes()
        tree = ElementTree.fromstring(files["SVG"])
        assert b"var(--" not in files["SVG"]
        pictures = [e for e in tree.iter() if e.tag.endswith("image")]
        assert len(pictures) == 1
        colours = Image.open(io.BytesIO(files["PNG"])).convert("RGB").getcolors(1 << 20)
        assert len(colours) > 20
        rows = list(csv.reader(io.StringIO(files["CSV"].decode("utf-8-sig"))))
        weights = shown.record.map(0, *shown.record.start)
        assert len(rows) == 1 + (weights > 0).sum()
        place = int(rows[9][0]) - 1, int(rows[9][2]) - 1
        assert rows[9][1::2] == [WORDS[place[0]], WORDS[place[1]]]
        assert float(rows[9][4]) == pytest.approx(weights[place])


@pytest.mark.parametrize("mode", ["matrix", "text", "lines", "overview"])
def test_hostile_tokens_are_words(chromium, tmp_path, mode):
    tokens = list(hostile.ALL)
    shown = attention_map(softmaxed(1, 2, len(tokens), len(tokens)), tokens, title=hostile.IMAGE)
    with opened(chromium, shown, tmp_path, width=360) as page:
        choose(page, "view", mode)
        press(page, "Home", *["ArrowRight"] * 3, *["ArrowDown"] * 3, "Enter")
        assert page.evaluate("document.scrollingElement.scrollWidth") == 360
        assert page.locator(".shell img, .shell script").count() == 0
        assert page.evaluate("typeof globalThis.x") == "undefined"


def test_right_to_left_tokens_keep_to_themselves(chromium, tmp_path):
    tokens = ["one", hostile.ARABIC, "two", "three"]
    with opened(chromium, attention_map(softmaxed(1, 1, 4, 4), tokens), tmp_path) as page:
        choose(page, "view", "text")
        places = [
            box.bounding_box()["x"] for box in page.locator(".words").first.locator("bdi").all()
        ]
        assert places == sorted(places)
        assert (
            page.locator(".words bdi").nth(1).evaluate("b => getComputedStyle(b).unicodeBidi")
            == "isolate"
        )


def test_a_long_token_is_shortened(chromium, tmp_path):
    shown = attention_map(softmaxed(1, 1, 3, 3), ["a", hostile.LONG, "b"])
    with opened(chromium, shown, tmp_path) as page:
        choose(page, "view", "text")
        assert "… (10,000)" in page.locator(".words bdi").nth(1).inner_text()
        assert page.locator(".words bdi").nth(1).bounding_box()["width"] < 500


VIEWS = ["overview", "matrix", "text", "lines"]


@pytest.mark.parametrize("width", [360, 900])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_view_is_wider_than_the_page_or_stumbled_over(chromium, tmp_path, width, theme):
    shown = attention_map(
        softmaxed(4, 12, 40, 40, causal=True), [f"token{i}" for i in range(40)], sentence_b=20
    )
    for one, modes in ((shown, VIEWS), (with_steps(), ["steps"])):
        with opened(chromium, one, tmp_path, width=width, color_scheme=theme) as page:
            for mode in modes:
                choose(page, "view", mode)
                assert page.evaluate("document.scrollingElement.scrollWidth") == width
                assert violations(page) == []


def test_forced_colours_are_those_of_the_system(chromium, tmp_path):
    with opened(chromium, small(), tmp_path, forced_colors="active") as page:
        choose(page, "view", "matrix")
        ink = "getComputedStyle(t).fill"
        assert page.locator(".drawn text").first.evaluate(f"t => {ink}") in (
            "rgb(0, 0, 0)",
            "rgb(255, 255, 255)",
        )


def test_on_paper_it_is_light_and_without_controls(chromium, tmp_path):
    with opened(chromium, small(), tmp_path, color_scheme="dark") as page:
        choose(page, "view", "matrix")
        left, top, size = frame(page)
        assert pixels(page, left + size - 2, top + 1, 1, 1).max() < 60  # nothing: dark
        page.emulate_media(media="print")
        assert page.locator("canvas").is_visible()
        becomes(page, (left + size - 2, top + 1), lambda point: point.min() > 240)
        assert not page.get_by_role("button", name="PNG").is_visible()
        page.emulate_media(media="screen")
        becomes(page, (left + size - 2, top + 1), lambda point: point.max() < 60)


def test_without_scripts_the_picture_stands(chromium, tmp_path):
    shown = small()
    with opened(chromium, shown, tmp_path, script=False) as page:
        assert page.locator("figure img").evaluate("i => i.complete && i.naturalWidth") > 300
        assert shown.sentence in page.locator("figcaption").inner_text()
        page.locator("summary").click()
        assert page.locator("tbody tr").count() == 20


def test_a_new_record_is_drawn_and_choices_reach_the_kernel(chromium, tmp_path):
    shown = small(caption="Before.")
    other = attention_map(softmaxed(1, 2, 4, 4, seed=5), WORDS[:4], caption="After.")
    with opened(chromium, shown, tmp_path) as page:
        told = page.evaluate(
            """([record, blob]) => {
              const root = document.querySelector('.llm-book'), acts = {};
              globalThis.heard = [];
              globalThis.values = { title: 'x', lang: 'en', words: {}, live: true };
              globalThis.change = (record, blob) => {
                const view = new DataView(Uint8Array.from(blob).buffer);
                Object.assign(values, { record, blob: view });
                acts['change:record']?.();
              };
              change(record, blob);
              const model = { get: (n) => values[n], on: (e, f) => { acts[e] = f; }, off() {},
                save_changes() {}, set: (n, v) => heard.push(v) };
              for (const draw of llmBook.roots[root.dataset.key]) draw(model);
              return root.dataset.alive;
            }""",
            [shown.record.document(), list(shown.record.blob())],
        )
        assert told == "live" and sentence(page).endswith("Before.")
        press(page, "Home", "Enter")
        choose(page, "view", "text")
        press(page, "Home", "ArrowRight", "Enter")
        last = page.evaluate("heard.at(-1)")
        assert (last["layer"], last["head"], last["pinned"], last["mode"]) == (0, 0, 1, "text")
        page.evaluate(
            "([record, blob]) => change(record, blob)",
            [other.record.document(), list(other.record.blob())],
        )
        assert sentence(page) == f"{other.record.head_sentence(0, 0, 0)} After."
