"""The built files as they lie on the disk; no browser is needed."""

import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
NEVER_CLOSED = {"img", "br", "hr", "input", "meta", "link", "source", "wbr", "col"}
NO_PROSE = {"pre", "code", "script", "style", "title", "svg", "table"}


class Page(HTMLParser):
    """Names, links and addresses of what a page loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = {name: value or "" for name, value in attrs}
        self.names |= {got[name] for name in ("id", "name") if name in got}
        if tag == "a" and "href" in got:
            self.links.append(got["href"])
        if got.get("rel") != "canonical" and LOADS.get(tag) in got:
            self.loads.append(got[LOADS[tag]])


@pytest.fixture(scope="module")
def parsed(site: Path, pages: list[str]) -> dict[str, Page]:
    """Every page, read."""
    return {name: Page((site / name).read_text(encoding="utf-8")) for name in pages}


def targets(page: str, links: list[str]) -> Iterator[tuple[str, str, str]]:
    """The links that stay inside the site: as written, the page they lead to, the place on it."""
    for link in links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        path = unquote(parts.path)
        folder = Path(page).parent
        goal = Path(page) if not path else Path(*resolve((folder / path).parts))
        yield link, goal.as_posix(), unquote(parts.fragment)


def resolve(parts: tuple[str, ...]) -> list[str]:
    """A path without its dots."""
    out: list[str] = []
    for part in parts:
        if part == "..":
            out.pop()
        elif part != ".":
            out.append(part)
    return out


def test_every_link_inside_the_book_leads_somewhere(site: Path, parsed: dict[str, Page]) -> None:
    lost = []
    for page, found in parsed.items():
        for link, goal, place in targets(page, found.links):
            if not (site / goal).is_file():
                lost.append(f"{page}: {link}")
            elif place and goal in parsed and place not in parsed[goal].names:
                lost.append(f"{page}: {link} (no such place)")
    assert lost == []


def test_no_page_names_another_host_to_load_from(parsed: dict[str, Page]) -> None:
    foreign = {page: [u for u in got.loads if urlsplit(u).netloc] for page, got in parsed.items()}
    assert {page: urls for page, urls in foreign.items() if urls} == {}


def test_no_page_prints_the_address_of_a_cdn(site: Path, written_pages: list[str]) -> None:
    cdn = re.compile(r"jsdelivr|unpkg|cdnjs|cloudflare|googleapis|gstatic|polyfill\.io")
    assert [name for name in written_pages if cdn.search((site / name).read_text("utf-8"))] == []


def test_the_site_keeps_no_styles_that_fetch(site: Path) -> None:
    fetch = re.compile(r"(?:@import|url\()\s*['\"]?(?:https?:)?//")
    sheets = sorted((site / "_static").rglob("*.css"))
    assert sheets
    assert [s.name for s in sheets if fetch.search(s.read_text("utf-8", errors="replace"))] == []


def test_chapter_5_offers_colab_at_the_release_tag(site: Path, repository: Path) -> None:
    import tomllib

    project = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]
    place = project["urls"]["Repository"].removeprefix("https://github.com/")
    button = f"/github/{place}/blob/v{project['version']}/chapters/05_project.ipynb"
    assert button in (site / "chapters" / "05_project.html").read_text(encoding="utf-8")


def test_chinese_words_are_marked_as_chinese(site: Path, written_pages: list[str]) -> None:
    """Prose only: what code prints is no prose. A screen reader needs the mark to say it right."""
    loose = {}
    for name in written_pages:
        reader = ChineseOutsideMarks()
        reader.feed((site / name).read_text(encoding="utf-8"))
        if reader.found:
            loose[name] = reader.found
    assert loose == {}


class ChineseOutsideMarks(HTMLParser):
    """Chinese characters in the article that no lang attribute covers."""

    def __init__(self) -> None:
        super().__init__()
        self.path: list[tuple[str, bool]] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in NEVER_CLOSED:
            covered = tag in NO_PROSE or dict(attrs).get("lang", "en") != "en"
            self.path.append((tag, covered))

    def handle_endtag(self, tag: str) -> None:
        while self.path and self.path.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        inside = any(tag == "article" for tag, _ in self.path)
        if inside and not any(covered for _, covered in self.path):
            self.found += [c for c in data if unicodedata.name(c, "").startswith("CJK UNIFIED")]


def test_equations_and_figures_of_chapter_5_are_numbered_in_it_from_one(site: Path) -> None:
    text = (site / "chapters" / "05_project.html").read_text(encoding="utf-8")
    for mark in (r'class="eqno">\(', r'class="caption-number">Figure '):
        numbers = re.findall(mark + r"([\d.]+)", text)
        assert numbers == [f"5.{i}" for i in range(1, len(numbers) + 1)] != []
