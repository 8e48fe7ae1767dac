"""The book in a real browser, with the network shut."""

import html
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.site.browser import NARROW, WIDE, Visit, set_theme, settle

pytestmark = pytest.mark.needs_browser


def faults(visits: list[Visit], part: str) -> dict[str, list[str]]:
    """Page by page, what one list of the visit holds."""
    return {seen.page: getattr(seen, part) for seen in visits if getattr(seen, part)}


def facts(visits: list[Visit], part: str) -> dict[str, Any]:
    """Page by page, one fact."""
    return {seen.page: seen.facts[part] for seen in visits}


def test_chapter_5_and_the_front_page_are_among_the_pages(pages: list[str]) -> None:
    assert {"book/index.html", "chapters/05_project.html"} <= set(pages)


def test_the_address_of_the_site_leads_to_the_front_page(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    page.wait_for_url("**/book/index.html")
    assert page.locator("article h1").count() == 1
    page.close()


def test_no_page_asks_another_host_for_anything(walk: list[Visit]) -> None:
    assert faults(walk, "foreign") == {}


def test_nothing_that_a_page_asks_for_is_missing(walk: list[Visit]) -> None:
    assert faults(walk, "broken") == {}


def test_the_console_stays_empty(walk: list[Visit]) -> None:
    assert faults(walk, "console") == {}


def test_no_page_is_wider_than_the_screen(walk: list[Visit]) -> None:
    assert faults(walk, "too_wide") == {}


def test_every_page_has_a_title_and_says_it_is_english(walk: list[Visit]) -> None:
    assert [page for page, title in facts(walk, "title").items() if not title.strip()] == []
    assert set(facts(walk, "lang").values()) == {"en"}


def test_every_picture_has_words(walk: list[Visit]) -> None:
    assert {page: images for page, images in facts(walk, "images").items() if images} == {}


def test_headings_begin_with_one_and_skip_no_level(
    walk: list[Visit], written_pages: list[str]
) -> None:
    levels = {page: got for page, got in facts(walk, "headings").items() if page in written_pages}
    assert {page: got for page, got in levels.items() if got.count(1) != 1 or got[0] != 1} == {}
    jumps = {p: got for p, got in levels.items() if any(b > a + 1 for a, b in pairwise(got))}
    assert jumps == {}


def test_every_formula_is_drawn(walk: list[Visit]) -> None:
    assert sum(facts(walk, "formulas").values()) > 0
    assert facts(walk, "drawn") == facts(walk, "formulas")
    assert {page: n for page, n in facts(walk, "wrong").items() if n} == {}


def test_no_markup_is_left_raw(walk: list[Visit], written_pages: list[str]) -> None:
    for part in ("raw", "roles"):
        left = {page: found for page, found in facts(walk, part).items() if found}
        assert {page: found for page, found in left.items() if page in written_pages} == {}


def test_the_book_reads_the_same_from_a_disk(walk_from_disk: list[Visit]) -> None:
    for part in ("foreign", "broken", "console", "too_wide"):
        assert faults(walk_from_disk, part) == {}
    assert facts(walk_from_disk, "drawn") == facts(walk_from_disk, "formulas")


def test_search_finds_a_word_without_a_network(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/search.html?q=embedding")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    assert page.locator("#search-results li a").count() > 0
    page.close()


def test_the_themes_differ_and_the_button_changes_them(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.goto(f"{address}/book/notation.html")
    settle(page)
    paper = "() => getComputedStyle(document.body).backgroundColor"
    set_theme(page, "light")
    light = page.evaluate(paper)
    set_theme(page, "dark")
    assert page.evaluate(paper) != light
    seen = set()
    for _ in range(3):
        page.locator("button.theme-switch-button:visible").first.click()
        seen.add(page.evaluate("() => document.documentElement.dataset.mode"))
    assert seen == {"auto", "light", "dark"}
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_first_paint_follows_the_system(browser: Any, address: str, theme: str) -> None:
    context = browser.browser.new_context(color_scheme=theme)
    page = context.new_page()
    page.goto(f"{address}/book/notation.html")
    assert page.evaluate("() => document.documentElement.dataset.theme") == theme
    context.close()


def test_on_a_telephone_the_contents_open_and_lead_to_a_page(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.set_viewport_size({"width": NARROW, "height": 700})
    page.goto(f"{address}/book/index.html")
    settle(page)
    page.locator("button.primary-toggle:visible").first.click()
    page.locator("a:visible", has_text="Glossary").first.click()
    page.wait_for_url("**/book/glossary.html")
    assert "Glossary" in page.title()
    page.close()


def test_every_glossary_term_is_on_its_page(walk: list[Visit], site: Path) -> None:
    import yaml

    source = site.parents[1] / "book" / "glossary.yml"
    entries = yaml.safe_load(source.read_text(encoding="utf-8"))
    terms = [entry[key] for entry in entries for key in ("en", "short") if key in entry]
    text = (site / "book" / "glossary.html").read_text(encoding="utf-8")
    shown = re.findall(r'<dt id="term-[^"]+">([^<]+)', text)
    assert sorted(html.unescape(term).strip() for term in shown) == sorted(terms)
