"""The index pages hold what the chapters hold, each with its place, and follow by themselves."""

import json
import re
import sys
from pathlib import Path

import pytest

from tests.chapters.markdown import equations
from tests.chapters.notebooks import ROOT, chapters, code_cells, each_chapter, read

sys.path.insert(0, str(ROOT / "book" / "_ext"))
from llmbook_sphinx import annotated, definitions, indexes, places


@pytest.fixture(scope="module")
def found() -> dict[str, list[list[str]]]:
    """The rows of three indexes, made once."""
    return {
        "equations": indexes.equation_rows(ROOT),
        "functions": indexes.function_rows(ROOT),
        "widgets": indexes.widget_rows(ROOT),
    }


@each_chapter()
def test_every_equation_with_a_label_is_in_the_index(chapter, found):
    labels = {row[0] for row in found["equations"]}
    assert [
        e.label for e in equations(read(chapter)) if e.label and f"{{eq}}`{e.label}`" not in labels
    ] == []


@each_chapter()
def test_every_claim_of_a_chapter_is_in_the_index_with_its_place(chapter):
    rows = indexes.experiment_rows(chapter)
    last = [cell for cell in code_cells(read(chapter)) if cell.source.rstrip().endswith("table()")]
    shown = last[-1].outputs[-1]["data"]["text/plain"].splitlines()
    assert len(rows) == len(shown) - 1 > 0
    assert [row for row in rows if not (all(row) and row[3].startswith("{ref}`"))] == []
    elsewhere = [row for row in rows if "What we saw" not in row[3]]
    assert len(elsewhere) > 0.9 * len(rows), "claims are found where they were printed"


def test_every_view_is_in_the_index(found):
    shown = sum(
        len(set(re.findall(r'data-llm-book="([\w-]+)"', cell.shown("text/html"))))
        for path in chapters()
        for cell in places.placed(path)
    )
    assert len(found["widgets"]) == shown > 0
    assert [row for row in found["widgets"] if not all(row)] == []


def test_every_row_has_a_place_and_every_link_a_target(found):
    labels = {cell.label for path in chapters() for cell in places.placed(path)}
    for rows in found.values():
        for row in rows:
            targets = re.findall(r"\{ref\}`[^`<]+<([\w-]+)>`", " ".join(row))
            assert targets and set(targets) <= labels, row


def test_functions_are_those_that_the_package_describes(found):
    known = definitions.Definitions(ROOT)
    for row in found["functions"]:
        dotted = re.fullmatch(r"\{py:obj\}`~([\w.]+)`", row[0])
        assert dotted and known.found[dotted[1]].says
        assert row[2] or row[3], f"{row[0]} is neither built nor used"


def test_what_a_shelf_passes_on_is_found_where_it_is_defined():
    known = definitions.Definitions(ROOT)
    assert known.of("llm_book.data.world.reviews").dotted.endswith("film_reviews.reviews")
    assert known.of("llm_book.models.recurrent.GRUCell.step").dotted.endswith(".GRUCell")
    assert known.of("llm_book.nothing.here") is None and known.of("llm_book") is None


def markdown(*lines: str) -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": "\n".join(lines)}


def code(source: str, outputs: list[dict], **metadata) -> dict:
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": outputs}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A book of one chapter and one function."""
    for folder in ("book", "chapters", "llm_book"):
        (tmp_path / folder).mkdir()
    outline = '- {file: 01_one, en: One, zh: 一, promise: "It counts."}\n'
    (tmp_path / "book" / "chapters.yml").write_text(outline, encoding="utf-8")
    (tmp_path / "_toc.yml").write_text("  - file: chapters/01_one\n", encoding="utf-8")
    source = 'def double(x):\n    """Twice ``x``, in <angle> brackets."""\n    return x + x\n'
    (tmp_path / "llm_book" / "twice.py").write_text(source, encoding="utf-8")
    view = {"data": {"text/html": ['<div data-llm-book="loss_curve">']}}
    cells = [
        markdown("(chap-one)=", "# One"),
        markdown("(sec-two)=", "## Two `of` <them>", "", "$$", "y = 2x", "$$ (eq-double)"),
        markdown("Partner: `llm_book.twice.double`"),
        code("def double(x):\n    return x + x", [], tags=["same-as:llm_book.twice"]),
        code("show()", [view], mystnb={"figure": {"caption": "It falls."}}),
        code("claim('a|b', 2, within=(1, 3))", [{"text": ["a|b: ⟨2⟩ (must lie in 1 … 3)\n"]}]),
        markdown("(sec-seen)=", "## What we saw"),
        code(
            "table()",
            [{"data": {"text/plain": "what | value | asked\na|b | ⟨2⟩ | must lie in 1 … 3"}}],
        ),
    ]
    (tmp_path / "chapters" / "01_one.ipynb").write_text(
        json.dumps({"cells": cells}), encoding="utf-8"
    )
    return tmp_path


def test_a_new_chapter_is_indexed_as_soon_as_the_contents_list_it(tree: Path):
    home = "{ref}`Two of them <sec-two>`"
    says = "Twice `x`, in \\<angle\\> brackets."
    name = "{py:obj}`~llm_book.twice.double`"
    assert indexes.equation_rows(tree) == [["{eq}`eq-double`", name, says, home]]
    assert indexes.function_rows(tree) == [[name, says, home, ""]]
    assert indexes.widget_rows(tree) == [["loss curve", "It falls.", home]]
    rows = indexes.experiment_rows(tree / "chapters" / "01_one.ipynb")
    assert rows == [["a\\|b", "⟨2⟩", "must lie in 1 … 3", home]]
    (tree / "_toc.yml").write_text("", encoding="utf-8")
    assert indexes.equation_rows(tree) == indexes.function_rows(tree) == []


def test_words_are_shown_as_they_are_and_code_as_code():
    assert places.escaped("a*b_c `d_e` <f>") == "a\\*b\\_c `d_e` \\<f\\>"
    assert places.escaped("[猫] cat") == "\\[[猫]{.language-zh}\\] cat"


def test_an_entry_is_followed_by_its_annotation_and_numbers_run_on():
    from pybtex.database import parse_string
    from pybtex.plugin import register_plugin

    register_plugin("pybtex.style.labels", annotated.NAME, annotated.Running, force=True)

    text = (
        "@misc{a, title={T}, author={B, A}, year={2001}, annotation={Says it.}}\n"
        "@misc{c, title={U}, author={D, C}, year={2002}}"
    )
    data = parse_string(text, "bibtex")
    lists = [annotated.Annotated().format_bibliography(data, [key]) for key in ("a", "c", "a")]
    done = [entry for one in lists for entry in one]
    assert done[0].label == done[2].label != done[1].label
    shown = {entry.key: entry.text.render_as("text") for entry in done}
    assert shown["a"].endswith(" Says it.") and shown["a"].startswith("A B.")
    assert shown["c"].endswith("2002.")
