"""The README's picture says what the repository holds."""

import runpy
from xml.etree import ElementTree

from tests.house.tracked import ROOT

SCRIPT = ROOT / "book" / "figures" / "overview.py"
SVG = "{http://www.w3.org/2000/svg}"


def test_picture_is_what_its_script_draws() -> None:
    drawn = runpy.run_path(str(SCRIPT))["overview"](ROOT)
    stored = SCRIPT.with_suffix(".svg").read_text(encoding="utf-8")
    assert stored == drawn, "run `make assets`"


def test_picture_is_wellformed_and_fetches_nothing() -> None:
    tree = ElementTree.parse(SCRIPT.with_suffix(".svg"))
    tags = {element.tag.removeprefix(SVG) for element in tree.iter()}
    assert tags == {"svg", "title", "style", "rect", "text", "path"}


def test_every_chapter_builds_shelves_that_are_drawn() -> None:
    script = runpy.run_path(str(SCRIPT))
    chapters = script["outline"](ROOT)
    assert set(script["BUILDS"]) == set(range(1, len(chapters) + 1))
    assert all(set(shelves) <= set(script["SHELVES"]) for shelves in script["BUILDS"].values())


def test_every_shelf_that_is_drawn_stands_in_the_package() -> None:
    package = ROOT / "llm_book"
    for shelf in runpy.run_path(str(SCRIPT))["SHELVES"]:
        assert (package / f"{shelf}.py").exists() or any((package / shelf).glob("[!_]*.py")), shelf
