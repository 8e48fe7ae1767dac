"""The way down: the page walks as the package's optimisers do, on the same surfaces."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from llm_book.i18n import ZH
from llm_book.widgets.contours import contour
from llm_book.widgets.descent import (
    NAMES,
    descent,
    descent_record,
    heights,
    highest_rate,
    leaves,
)
from llm_book.widgets.surfaces import SURFACES
from tests.site.axe import violations
from tests.widgets import hostile
from tests.widgets.node import run
from tests.widgets.pages import opened

PHASES = (Phase.generate,)  # each step of shrinking would start Node
EVERY = tuple(NAMES)


@st.composite
def walks(draw):
    """Settings of a walk, and a factor of its learning rates.

    Up to the rates that suit the surface: beyond them the banana valley is chaos, in which the
    last bit of a number decides. Where all is linear any rate will do.
    """
    surface = draw(st.sampled_from(list(SURFACES)))
    place = SURFACES[surface]
    free = surface in ("bowl", "valley", "saddle")
    return {
        "surface": surface,
        "optimizer": draw(st.sampled_from(EVERY)),
        "start": [m + place.half * draw(st.integers(-64, 64)) / 64 for m in place.middle],
        "steps": draw(st.integers(1, 60)),
        "compared": draw(st.lists(st.sampled_from(EVERY), unique=True)),
        "condition": draw(st.floats(1, 1000)),
        "momentum": draw(st.floats(0.01, 0.95)),
        "beta2": draw(st.floats(0.5, 0.9999)),
    }, draw(st.floats(0.01, 30 if free else 1))


def walked(settings, factor):
    record = descent_record(**settings)
    rates = {name: rate * factor for name, rate in record.rates.items()}
    return replace(record, rates=rates)


@settings(max_examples=5, phases=PHASES)
@given(st.lists(walks(), min_size=8, max_size=15))
def test_the_page_walks_as_the_packages_optimisers_do(walks):
    records = [walked(*walk) for walk in walks]
    documents = [record.document() for record in records]
    got = run(
        "descent", "a[0].map((r) => a[1].map((name) => w.path(r, name)))", documents, list(EVERY)
    )
    for record, paths in zip(records, got, strict=True):
        for name, points in zip(EVERY, paths, strict=True):
            ours = record.path(name)
            assert np.shape(points) == ours.shape
            assert np.allclose(points, ours, rtol=1e-6, atol=1e-9), (record, name)


@settings(max_examples=5, phases=PHASES)
@given(st.lists(walks(), min_size=8, max_size=15))
def test_sentences_agree_to_the_letter(walks):
    records = [walked(*walk) for walk in walks]
    got = run(
        "descent", "a[0].map((r) => w.sentence(r, r.steps, t))", [r.document() for r in records]
    )
    assert got == [record.sentence("en") for record in records]


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize(("lang", "words"), [("en", {}), ("zh", ZH)])
def test_sentence_and_table_agree_at_every_step_of_the_slider(surface, lang, words):
    record = descent_record(surface, "adam", compared=EVERY, steps=40)
    for at in (1, 7, 40):
        said, rows = run(
            "descent",
            "[w.sentence(a[0], a[1], speaker(a[2])), w.rows(a[0], a[1])]",
            record.document(),
            at,
            words,
        )
        here = replace(record, steps=at)
        assert said == here.sentence(lang)
        assert [tuple(row) for row in rows] == list(here.table(lang).rows)


@pytest.mark.parametrize("surface", SURFACES)
def test_the_page_paints_the_packages_surface(surface):
    record = descent_record(surface, condition=37)
    got = run("descent", "[...w.heights(a[0], 20)]", record.document())
    ours = heights(record, 20)
    assert np.allclose(got, ours.ravel(), atol=1e-9)
    assert ours.min() == 0 and ours.max() == pytest.approx(1)


@pytest.mark.parametrize("surface", SURFACES)
def test_gradients_are_those_of_the_losses(surface):
    place = SURFACES[surface]
    for x, y in np.random.default_rng(0).uniform(-1.5, 1.5, (20, 2)):
        step = 1e-6
        by_x = (place.loss(x + step, y, 7.0) - place.loss(x - step, y, 7.0)) / (2 * step)
        by_y = (place.loss(x, y + step, 7.0) - place.loss(x, y - step, 7.0)) / (2 * step)
        assert place.gradient(x, y, 7.0) == pytest.approx((by_x, by_y), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("surface", [name for name in SURFACES if name != "saddle"])
def test_a_minimum_is_flat_and_nothing_on_the_map_is_lower(surface):
    place = SURFACES[surface]
    assert place.gradient(*place.minimum, 10.0) == pytest.approx((0, 0), abs=1e-12)
    assert place.loss(*place.minimum, 10.0) == pytest.approx(0, abs=1e-12)
    (a, b), half = place.middle, place.half
    x, y = np.meshgrid(np.linspace(a - half, a + half, 101), np.linspace(b - half, b + half, 101))
    assert place.loss(x, y, 10.0).min() >= -1e-12
    assert place.inside(*place.start)


@pytest.mark.parametrize(("name", "theirs"), [
    ("sgd", lambda w: torch.optim.SGD(w, 0.07)),
    ("momentum", lambda w: torch.optim.SGD(w, 0.07, 0.8)),
    ("nesterov", lambda w: torch.optim.SGD(w, 0.07, 0.8, nesterov=True)),
    ("adagrad", lambda w: torch.optim.Adagrad(w, 0.07)),
    ("adam", lambda w: torch.optim.Adam(w, 0.07, (0.8, 0.99))),
    ("adamw", lambda w: torch.optim.AdamW(w, 0.07, (0.8, 0.99))),
])  # fmt: skip
def test_each_name_is_the_optimiser_that_pytorch_calls_so(name, theirs):
    record = descent_record(
        "two wells", name, learning_rate=0.07, momentum=0.8, beta2=0.99, steps=25
    )
    weights = torch.tensor(record.start, dtype=torch.float64, requires_grad=True)
    optimizer = theirs([weights])
    for point in record.path(name):
        assert weights.tolist() == pytest.approx(point.tolist(), rel=1e-9)
        optimizer.zero_grad()
        SURFACES["two wells"].loss(weights[0], weights[1], 1.0).backward()
        optimizer.step()


@pytest.mark.parametrize("surface", ["bowl", "valley"])
@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov"])
@pytest.mark.parametrize("momentum", [0.3, 0.9])
def test_below_the_bound_a_path_settles_and_above_it_flees(surface, name, momentum):
    def end(share):
        record = descent_record(surface, name, start=(1, 1), momentum=momentum, steps=1000)
        _, bound = highest_rate(record, name)
        return np.abs(replace(record, rates={name: share * bound}).path(name)[-1]).max()

    assert end(0.98) < 1e-3
    assert end(1.02) > 1e3


def test_no_bound_is_claimed_where_none_is_known():
    assert highest_rate(descent_record("rosenbrock"), "sgd") is None
    assert highest_rate(descent_record("valley"), "adam") is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"learning_rate": 0.3},
            "SGD leaves the map at step 2: the learning rate 0.300 is above 2/λmax = 0.200.",
        ),
        (
            {"optimizer": "momentum", "learning_rate": 0.5, "momentum": 0.5},
            "SGD + momentum leaves the map at step 1: the learning rate 0.500 is above "
            "2(1 + μ)/λmax = 0.300.",
        ),
        (
            {"surface": "rosenbrock", "learning_rate": 0.1},
            "SGD leaves the map at step 1.",
        ),
        (  # below the bound: it would come back
            {"surface": "bowl", "optimizer": "momentum", "learning_rate": 3, "steps": 1},
            "SGD + momentum leaves the map at step 1.",
        ),
        (
            {"surface": "saddle", "steps": 3, "start": (0, 0)},
            "After 3 steps SGD stands at (0, 0), loss 0; there is no minimum, only a saddle at "
            "(0, 0).",
        ),
        (
            {"surface": "two wells", "steps": 200},
            "After 200 steps SGD stands at (0.960, 0), loss 0.600; the lower minimum is at "
            "(-1.04, 0).",
        ),
        (
            {"learning_rate": 0.25, "start": (1, 0), "steps": 4},
            "After 4 steps SGD stands at (0.316, 0), loss 0.0501; the minimum is at (0, 0).",
        ),
        (
            {"surface": "bowl", "learning_rate": 1, "compared": ("adam",), "steps": 1},
            "After 1 steps SGD stands at (0, 0), loss 0; the minimum is at (0, 0). "
            "Lowest of the 2 is SGD, loss 0.",
        ),
    ],
)
def test_the_sentence_says_where_it_stands_or_why_it_left(settings, said):
    shown = descent(**settings)
    assert shown.sentence == said
    document = shown.record.document()
    assert run("descent", "w.sentence(a[0], a[0].steps, t)", document) == said


def test_who_left_the_map_is_not_called_the_lowest():
    record = descent_record("saddle", "adam", compared=("sgd",), steps=60)
    assert leaves(record, record.path("adam")) is not None
    assert "Lowest" not in record.sentence("en")
    assert "Lowest of the 2 is SGD" in replace(record, steps=50).sentence("en")


def test_a_path_that_swings_out_and_comes_back_has_not_left():
    record = descent_record("bowl", "momentum", learning_rate=1.5, momentum=0.5, start=(1.9, 0))
    points = record.path("momentum")
    assert np.abs(points[:3]).max() > 0.9 and leaves(record, points) is None
    out = np.array([[0.0, 0.0], [3.0, 0.0], [1.0, 0.0], [2.5, 0.0], [4.0, 0.0]])
    assert leaves(record, out) == 3
    assert leaves(record, out[:3]) is None


def test_a_path_that_flees_is_cut_short():
    record = descent_record("rosenbrock", learning_rate=10, steps=1000)
    points = record.path("sgd")
    assert len(points) < 10 and np.isfinite(points).all()
    assert run("descent", "w.path(a[0], 'sgd').length", record.document()) == len(points)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"surface": "moon"}, "surface 'moon' is unknown; choose one of bowl, valley"),
        ({"optimizer": "lion"}, "optimizer 'lion' is unknown; choose one of sgd, momentum"),
        ({"compared": ["lion"]}, "optimizer 'lion' is unknown"),
        ({"learning_rate": 0}, "learning_rate is 0; it must be a number from 1e-06 to 10"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; it must be a number"),
        ({"learning_rate": "fast"}, "learning_rate is fast; it must be a number"),
        ({"momentum": 1}, "momentum is 1; it must be a number from 0 to 0.999"),
        ({"beta2": 1.0}, "beta2 is 1.0; it must be a number from 0 to 0.99999"),
        ({"condition": 0.5}, "condition is 0.5; it must be a number from 1 to 1000"),
        ({"steps": 0}, "steps is 0; it must be a whole number from 1 to 1,000"),
        ({"steps": True}, "steps is True; it must be a whole number"),
        ({"steps": 10**6}, "steps is 1000000; it must be a whole number"),
        ({"start": (3, 0)}, r"start (3, 0) is not on the map; choose x from -2 to 2"),
        (
            {"surface": "rosenbrock", "start": (0, -1.5)},
            "choose x from -2 to 2 and y from -1 to 3",
        ),
        ({"start": (float("nan"), 0)}, "start (nan, 0) is not on the map"),
        ({"start": 3}, "start is 3; give two numbers (x, y)"),
        ({"start": (1, 2, 3)}, "start is (1, 2, 3); give two numbers (x, y)"),
        ({"optimizer": "nesterov", "momentum": 0}, "nesterov needs a velocity"),
    ],
)
def test_what_cannot_walk_is_refused_in_a_sentence(settings, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        descent(**settings)


def test_contours_pass_where_the_level_is():
    y, x = np.mgrid[0:21, 0:21]
    (circle,) = contour((x - 10.0) ** 2 + (y - 10.0) ** 2, 36.0)
    assert circle[0] == circle[-1] and len(circle) > 20
    far = [abs(np.hypot(a - 10, b - 10) - 6) for a, b in circle]
    assert max(far) < 0.05
    slope = contour(x + 0.0, 3.5)
    assert len(slope) == 1 and {a for a, _ in slope[0]} == {3.5}
    assert contour(x + 0.0, 99.0) == []
    crossed = contour(np.array([[1.0, 0.0], [0.0, 1.0]]), 0.5)
    assert sorted(len(line) for line in crossed) == [2, 2]


@pytest.mark.parametrize("surface", SURFACES)
def test_the_picture_is_small_whole_and_names_every_path(surface):
    still = descent_record(surface, compared=EVERY, steps=300).still("en")
    assert len(still) < 40_000
    drawn = ElementTree.fromstring(still)
    assert len(drawn.findall(".//{*}polyline")) == len(EVERY)
    assert all(f">{name}<" in still for name in NAMES.values())
    assert ("× minimum" in still) == (surface != "saddle")
    assert "nan" not in still and "inf" not in still


def test_a_record_is_what_was_asked_for():
    record = descent_record("valley", "adam", 0.25, (1, -1), 5, ("sgd", "adam"), 3, 0.5, 0.9)
    assert (record.rates["adam"], record.start, record.steps) == (0.25, (1.0, -1.0), 5)
    assert (record.shown(), record.condition) == (("adam", "sgd"), 3)
    assert record.blob() == b"" and record.document()["beta2"] == 0.9
    assert record.rates["sgd"] == descent_record("valley").rates["sgd"]
    assert descent(lang="zh").sentence.startswith("60 步之后，SGD 位于")


@pytest.mark.needs_browser
def test_the_start_is_moved_by_keyboard_and_by_hand(chromium, tmp_path):
    with opened(chromium, descent("bowl", steps=1), tmp_path) as page:
        said = page.locator(".sentence")

        def stands(x, y):
            got = [float(n) for n in re.search(r"\((.*?), (.*?)\)", said.inner_text()).groups()]
            return got == pytest.approx([0.9 * x, 0.9 * y], abs=0.02)

        page.locator(".map").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Shift+ArrowDown")
        moved = descent_record("bowl", start=(-1.52, 0.8), steps=1)
        assert said.inner_text() == moved.sentence("en")
        assert page.locator("[role=status]").inner_text() == "The start is at (-1.52, 0.800)"
        page.keyboard.press("Home")
        assert said.inner_text() == descent_record("bowl", steps=1).sentence("en")
        for _ in range(6):
            page.keyboard.press("Shift+ArrowUp")
        assert stands(-1.6, 2)
        box = page.locator(".map svg").bounding_box()
        page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
        assert stands(1, 1)
        page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.9, steps=4)
        page.mouse.up()
        assert stands(0, -1.6)


@pytest.mark.needs_browser
def test_controls_change_what_is_said(chromium, tmp_path):
    with opened(chromium, descent("valley"), tmp_path) as page:
        said = page.locator(".sentence")
        page.locator("select").nth(1).select_option("adam")
        assert said.inner_text() == descent_record("valley", "adam").sentence("en")
        page.locator("fieldset input").nth(1).check()
        both = descent_record("valley", "adam", compared=("momentum",))
        assert said.inner_text() == both.sentence("en")
        step = page.locator(".time input")
        step.focus()
        page.keyboard.press("ArrowLeft")
        assert said.inner_text() == replace(both, steps=59).sentence("en")
        page.locator("select").nth(0).select_option("rosenbrock")
        other = descent_record("rosenbrock", "adam", compared=("momentum",), steps=59)
        assert said.inner_text() == other.sentence("en")
        rate = page.locator(".controls input").first
        rate.focus()
        page.keyboard.press("End")
        assert said.inner_text() != other.sentence("en")
        page.locator("select").nth(1).select_option("sgd")
        page.locator(".controls input").first.focus()
        page.keyboard.press("End")
        assert said.inner_text().startswith("SGD leaves the map at step 1.")
        page.locator(".llm-book-live summary").click()
        assert page.locator(".llm-book-live tbody tr").count() == 2


@pytest.mark.needs_browser
def test_playing_goes_through_the_steps_and_can_be_stopped(chromium, tmp_path):
    shown = descent("bowl", steps=8)
    with opened(chromium, shown, tmp_path) as page:
        said = page.locator(".sentence")
        page.get_by_role("button", name="Play").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Pause").wait_for()
        page.get_by_role("button", name="Play").wait_for(timeout=5000)
        assert said.inner_text() == shown.sentence
        page.evaluate("globalThis.ticks = 0")
        page.keyboard.press("Enter")
        page.evaluate(
            "() => { const host = document.querySelector('.llm-book-live > div');"
            "const text = host.shadowRoot.querySelector('.sentence');"
            "new MutationObserver(() => { globalThis.ticks += 1; }).observe(text,"
            "{ childList: true }); }"
        )
        page.wait_for_function("globalThis.ticks > 1")
        page.get_by_role("button", name="Pause").click()
        page.wait_for_timeout(150)
        before = page.evaluate("globalThis.ticks")
        page.wait_for_timeout(300)
        assert page.evaluate("globalThis.ticks") == before


@pytest.mark.needs_browser
def test_no_timer_outlives_the_widget(chromium, tmp_path):
    shown = descent("bowl", steps=500)
    with opened(chromium, shown, tmp_path) as page:
        page.evaluate(
            "() => { globalThis.running = new Set(); const [set, clear] = [setInterval,"
            "clearInterval]; globalThis.setInterval = (...a) => { const id = set(...a);"
            "running.add(id); return id; };"
            "globalThis.clearInterval = (id) => { running.delete(id); clear(id); }; }"
        )
        page.get_by_role("button", name="Play").click()
        assert page.evaluate("running.size") == 1
        # Another model takes the place: the widget is disposed before it is drawn.
        page.evaluate(
            "key => { for (const draw of llmBook.roots[key]) try { draw({ get() {} }); }"
            "catch { /* this model holds nothing to draw */ } }",
            shown.key,
        )
        assert page.evaluate("running.size") == 0


@pytest.mark.needs_browser
def test_with_reduced_motion_playing_shows_the_end_at_once(chromium, tmp_path):
    shown = descent("bowl", steps=500)
    with opened(chromium, shown, tmp_path, reduced_motion="reduce") as page:
        page.locator(".time input").focus()
        page.keyboard.press("Home")
        assert "After 0 steps" in page.locator(".sentence").inner_text()
        page.get_by_role("button", name="Play").click()
        assert page.locator(".sentence").inner_text() == shown.sentence
        assert page.get_by_role("button", name="Pause").count() == 0


@pytest.mark.needs_browser
def test_a_link_restores_the_walk_and_a_bad_one_harms_nothing(chromium, tmp_path):
    shown = descent("valley")
    address = (tmp_path / f"{shown.key}.html").as_uri() + f"#w={shown.key}&"
    good = "surface=plateau&optimizer=adam&compared=sgd.adagrad&rate=0.2&momentum=0.5&beta2=0.9"
    with opened(chromium, shown, tmp_path) as page:
        page.goto("about:blank")
        page.goto(address + good + "&x=1&y=-2&step=33")
        page.wait_for_selector(".llm-book[data-alive]")
        expected = descent_record(
            "plateau", "adam", 0.2, (1, -2), 33, ("sgd", "adagrad"), momentum=0.5, beta2=0.9
        )
        assert page.locator(".sentence").inner_text() == expected.sentence("en")
        for bad in (
            f"surface={hostile.SCRIPT}&optimizer=__proto__&compared=x.y",
            "rate=NaN&momentum=7&beta2=-1&condition=1e9&x=99&y=nan&step=1e9",
        ):
            page.goto("about:blank")
            page.goto(address + bad)
            page.wait_for_selector(".llm-book[data-alive]")
            assert page.locator(".sentence").inner_text() == shown.sentence


@pytest.mark.needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 900])
def test_nothing_is_in_the_way_of_a_reader(chromium, tmp_path, scheme, width):
    shown = descent("saddle", compared=EVERY, title=hostile.IMAGE)
    with opened(chromium, shown, tmp_path, width, color_scheme=scheme) as page:
        page.locator(".llm-book-live summary").click()
        assert violations(page, ".llm-book-live") == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator(".title").inner_text() == hostile.IMAGE


@pytest.mark.needs_browser
def test_pictures_and_numbers_can_be_taken_along(chromium, tmp_path):
    with opened(chromium, descent(compared=("adam",)), tmp_path) as page:
        for name in ("SVG", "PNG", "CSV"):
            with page.expect_download() as got:
                page.get_by_role("button", name=name, exact=True).click()
            saved = Path(got.value.path()).read_bytes()
            assert {"SVG": b"<svg", "PNG": b"\x89PNG", "CSV": b"\xef\xbb\xbf"}[name] in saved[:200]
            assert name != "SVG" or (b"data:image/png" in saved and b"var(--" not in saved)
            assert name != "CSV" or saved.count(b"\r\n") == 1 + 2 * 61


@pytest.mark.needs_browser
def test_a_redraw_leaves_nothing_behind(chromium, tmp_path):
    with opened(chromium, descent(compared=EVERY), tmp_path) as page:
        nodes = page.evaluate(
            "() => { const root = document.querySelector('.llm-book-live > div').shadowRoot;"
            "const box = root.querySelector('.time input'), nodes = [];"
            "for (const i of [60, 30, 1, 30, 60]) { box.value = i;"
            "box.dispatchEvent(new Event('input'));"
            "nodes.push(root.querySelectorAll('*').length); }"
            "return nodes; }"
        )
    assert nodes == nodes[::-1] and max(nodes) < 600
