"""Every view in the built pages: alive, usable by mouse and by keyboard, readable by everybody."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.site.axe import violations
from tests.site.browser import NARROW, WIDE, set_theme, settle
from tests.site.shots import ROOT
from tests.widgets.kinds import kinds

pytestmark = pytest.mark.needs_browser

PAGES = ["book/gallery.html", "chapters/05_project.html"]
LOOKS = [("light", "none"), ("dark", "none"), ("light", "active")]
CONTROLS = "button, select, input, textarea, summary, [tabindex]"

# Everything in the shadow trees that the reader can operate, as [view, number] pairs.
OPERABLE = """selector => [...document.querySelectorAll('.llm-book')].map(root =>
  [...root.querySelector('.llm-book-live > div').shadowRoot.querySelectorAll(selector)].length)"""


class Window:
    """A page with everything it said and asked for."""

    def __init__(self, browser: Any, address: str, width: int = WIDE, **options: Any) -> None:
        self.trouble: list[str] = []
        viewport = {"width": width, "height": 900}
        self.context = browser.browser.new_context(viewport=viewport, **options)
        self.page = self.context.new_page()
        origin = "/".join(address.split("/")[:3])
        allowed = (origin, "data:", "blob:")
        self.page.on("console", self.said)
        self.page.on("response", lambda r: r.status < 400 or self.trouble.append(r.url))
        self.page.on("pageerror", lambda e: self.trouble.append(f"error: {e}"))
        self.page.on("request", lambda r: r.url.startswith(allowed) or self.trouble.append(r.url))
        self.page.goto(address)
        settle(self.page)
        self.views = self.page.locator(".llm-book")
        self.page.wait_for_function(
            "document.querySelectorAll('.llm-book').length > 0 &&"
            "[...document.querySelectorAll('.llm-book')].every(v => v.dataset.alive)",
            timeout=30_000,
        )

    def said(self, message: Any) -> None:
        """Keep every message but those in which the theme tells of itself."""
        if not message.text.startswith(("[PST]", "[togglebutton]")):
            self.trouble.append(f"{message.type}: {message.text}")

    def close(self) -> list[str]:
        """Close the page; what it said and asked for elsewhere."""
        self.context.close()
        return self.trouble


@pytest.fixture(params=PAGES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def window(browser: Any, address: str, name: str) -> Iterator[Window]:
    """The page from the local server; afterwards it must have said nothing."""
    opened = Window(browser, f"{address}/{name}")
    yield opened
    assert opened.close() == []


def test_the_gallery_shows_every_kind_of_view(browser: Any, address: str) -> None:
    opened = Window(browser, f"{address}/book/gallery.html")
    shown = opened.views.evaluate_all("views => views.map(v => v.dataset.llmBook)")
    assert set(shown) == set(kinds())
    assert opened.close() == []


def test_views_come_alive_from_the_disk_too(browser: Any, site: Path, name: str) -> None:
    opened = Window(browser, (site / name).as_uri())
    assert set(opened.views.evaluate_all("views => views.map(v => v.dataset.alive)")) == {"alone"}
    assert opened.close() == []


@pytest.mark.parametrize(("scheme", "forced"), LOOKS)
def test_axe_finds_nothing(browser: Any, address: str, name: str, scheme: str, forced: str) -> None:
    opened = Window(browser, f"{address}/{name}", color_scheme=scheme, forced_colors=forced)
    set_theme(opened.page, scheme)
    for summary in opened.page.locator(".foot summary").all():
        summary.click()
    assert violations(opened.page, ".llm-book") == []
    assert opened.close() == []


def test_every_control_works_by_mouse_and_nothing_breaks(window: Window) -> None:
    page = window.page
    before = [text for text in page.locator(".llm-book .sentence").all_inner_texts()]
    assert all(before), "a view has no sentence"
    for box in page.locator(".llm-book-live select:visible").all():
        for value in box.evaluate("s => [...s.options].map(o => o.value)"):
            box.select_option(value)
    for box in page.locator(".llm-book-live input[type=checkbox]:visible").all():
        if box.is_enabled():
            box.click()
    for box in page.locator(".llm-book-live input[type=range]:visible").all():
        if box.is_enabled():
            width = box.bounding_box()["width"]
            box.click(position={"x": 0.8 * width, "y": 8})
    for button in page.locator(".llm-book-live button:visible").all():
        if button.is_visible() and button.is_enabled():
            button.click()
    assert all(page.locator(".llm-book .sentence").all_inner_texts())


def test_every_control_is_reached_by_tab_and_none_holds_the_reader(window: Window) -> None:
    page = window.page
    reached = page.evaluate(REACHABLE)
    page.evaluate("() => document.querySelector('.llm-book').scrollIntoView()")
    first = page.locator(".llm-book-live :is(button, select, input):visible").first
    first.focus()
    seen, outside = set(), 0
    for _ in range(len(reached) * 2 + 400):
        if place := page.evaluate(FOCUSED):
            seen.add(place)
        elif not set(reached) - seen:
            outside += 1
            break
        page.keyboard.press("Tab")
    assert set(reached) - seen == set()


# Each view's enabled, visible, tabbable elements, by view and number.
REACHABLE = """() => [...document.querySelectorAll('.llm-book')].flatMap((root, v) => {
  const tree = root.querySelector('.llm-book-live > div').shadowRoot;
  const groups = new Set();
  return [...tree.querySelectorAll('button, select, input, textarea, summary, [tabindex], a[href]')]
    .map((e, n) => [e, `${v}:${n}`])
    .filter(([e]) => e.tabIndex >= 0 && !e.disabled)
    .filter(([e]) => e.checkVisibility({ visibilityProperty: true }))
    .filter(([e]) => !(e.type === 'radio' && (groups.has(e.name) || !groups.add(e.name))))
    .map(([, place]) => place);
})"""
FOCUSED = """() => {
  const host = document.activeElement, root = host?.closest?.('.llm-book');
  const inside = host?.shadowRoot?.activeElement;
  if (!root || !inside) return '';
  const v = [...document.querySelectorAll('.llm-book')].indexOf(root);
  const all = [...host.shadowRoot
    .querySelectorAll('button, select, input, textarea, summary, [tabindex], a[href]')];
  return `${v}:${all.indexOf(inside)}`;
}"""


def test_every_control_works_by_keyboard_alone(window: Window) -> None:
    page = window.page
    for box in page.locator(".llm-book-live input[type=range]:visible").all():
        if box.is_enabled():
            old = box.input_value()
            box.focus()
            page.keyboard.press("ArrowRight")
            if box.input_value() == old:  # at its end already
                page.keyboard.press("ArrowLeft")
            assert box.input_value() != old
    for box in page.locator(".llm-book-live input[type=checkbox]:enabled:visible").all():
        old = box.is_checked()
        box.focus()
        page.keyboard.press("Space")
        assert box.is_checked() != old
        page.keyboard.press("Space")
    for box in page.locator(".llm-book-live select:visible").all():
        if box.evaluate("s => s.options.length") > 1:
            old = box.input_value()
            box.focus()
            page.keyboard.press("ArrowDown")
            if box.input_value() == old:
                page.keyboard.press("ArrowUp")
            assert box.input_value() != old
    for summary in page.locator(".foot summary:visible").all():
        summary.focus()
        page.keyboard.press("Enter")
        assert summary.evaluate("s => s.parentElement.open")


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_view_fits_the_screen(
    browser: Any, address: str, name: str, width: int, theme: str
) -> None:
    opened = Window(browser, f"{address}/{name}", width)
    set_theme(opened.page, theme)
    folder = ROOT / "_build" / "shots"
    folder.mkdir(parents=True, exist_ok=True)
    for number, root in enumerate(opened.views.all()):
        root.scroll_into_view_if_needed()
        kind = root.get_attribute("data-llm-book")
        page = Path(name).stem
        root.screenshot(path=folder / f"{page}-{number}-{kind}-{width}-{theme}.png")
        box = root.locator(".shell").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, kind
    assert opened.close() == []


def test_at_twice_the_size_nothing_is_cut_off(browser: Any, address: str, name: str) -> None:
    opened = Window(browser, f"{address}/{name}", 720)
    opened.page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    reach = opened.page.evaluate("() => document.scrollingElement.scrollWidth")
    assert reach <= 720
    assert opened.close() == []


def test_what_can_be_touched_is_large_enough(browser: Any, address: str, name: str) -> None:
    opened = Window(browser, f"{address}/{name}", NARROW, has_touch=True)
    sizes = opened.page.locator(
        ".llm-book-live :is(button, select, summary, input:not([type=checkbox])):visible"
    ).evaluate_all("all => all.map(e => [e.outerHTML.slice(0, 60), e.getBoundingClientRect()])")
    small = [what for what, box in sizes if box["height"] < 16 or box["width"] < 24]
    assert small == []
    assert opened.close() == []


def test_a_link_to_a_view_is_copied_and_leads_back(browser: Any, address: str) -> None:
    opened = Window(browser, f"{address}/book/gallery.html", permissions=["clipboard-write"])
    page, view = opened.page, opened.page.locator(".llm-book[data-llm-book=sampling]").first
    view.locator("input[type=range]").nth(1).focus()
    page.keyboard.press("ArrowRight")
    sentence = view.locator(".sentence").inner_text()
    view.get_by_role("button", name="Link to this view").click()
    page.wait_for_timeout(200)
    link = view.locator(".foot input").input_value()
    assert re.search(r"#w=sampling-[0-9a-f]{8}&temperature=", link)
    page.goto("about:blank")
    page.goto(link)
    settle(page)
    page.wait_for_selector(".llm-book[data-llm-book=sampling][data-alive]")
    assert page.locator(".llm-book[data-llm-book=sampling] .sentence").first.inner_text() == (
        sentence
    )
    assert opened.close() == []
