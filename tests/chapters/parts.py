"""The parts that every chapter has, in their order."""

import re
from collections.abc import Iterator
from typing import Any

from tests.chapters.markdown import (
    Heading,
    bibliography,
    citations,
    directives,
    equations,
    headings,
    without_code,
)
from tests.chapters.notebooks import code_cells, markdown_cells, note, tags

FIRST, LAST = "Borrowed ideas", ["Check yourself", "What we saw", "Read on"]
PROMISES = ("You need first:", "Time:", "Memory:", "Run it:")
CHINESE = re.compile(r"[一-鿿]")


def faults(notebook: Any) -> Iterator[str]:
    """What is missing from a chapter, one sentence each."""
    yield from _title(notebook)
    yield from _order(headings(notebook))
    yield from _labels(headings(notebook))
    yield from _exercises(notebook)
    yield from _what_we_saw(notebook)
    yield from _read_on(notebook)
    for equation in equations(notebook):
        if not equation.label and not equation.derivation:
            yield f"an equation has no label: {equation.tex.strip()[:50]!r}"
        if equation.label and not equation.label.startswith("eq-"):
            yield f"the label of an equation begins with eq-, {equation.label!r} does not"


def _title(notebook: Any) -> Iterator[str]:
    cells = notebook.cells
    if (
        not cells
        or cells[0].cell_type != "markdown"
        or not re.search(r"^# \S", cells[0].source, re.MULTILINE)
    ):
        yield "the first cell holds no title (# …)"
        return
    for promise in PROMISES:
        if f"**{promise}**" not in cells[0].source:
            yield f"the title cell has no line **{promise}**"
    prose = [p for p in cells[0].source.split("\n\n") if re.match(r"[A-Z]", p)]
    if not any(len(paragraph) > 80 for paragraph in prose):
        yield "the title cell makes no promise (a paragraph of more than 80 characters)"
    if sum(heading.level == 1 for heading in headings(notebook)) != 1:
        yield "a chapter has exactly one heading of level 1"


def _order(found: list[Heading]) -> Iterator[str]:
    names = [heading.text for heading in found if heading.level == 2]
    if names[:1] != [FIRST]:
        yield f"the first section is {FIRST!r}, not {names[:1]}"
    if names[-3:] != LAST:
        yield f"the last sections are {LAST}, not {names[-3:]}"
    if len(names) < 5:
        yield "there is no section between the parts that every chapter has"


def _labels(found: list[Heading]) -> Iterator[str]:
    for heading in found:
        prefix = {1: "chap-", 2: "sec-", 3: "sec-"}.get(heading.level)
        if prefix and not heading.label.startswith(prefix):
            yield f"heading {heading.text!r} has no label ({prefix}…)= above it"
        ours = re.fullmatch(r"<small>.*\bours\b.*</small>", heading.under)
        chinese = re.fullmatch(r'<small lang="zh">(.+)</small>', heading.under)
        if heading.level <= 2 and not ours and not (chinese and CHINESE.search(chinese[1])):
            yield f'under heading {heading.text!r} no <small lang="zh">…</small> stands'
    labels = [heading.label for heading in found if heading.label]
    for label in sorted({label for label in labels if labels.count(label) > 1}):
        yield f"label {label!r} stands twice"


def _exercises(notebook: Any) -> Iterator[str]:
    asked = [
        exercise
        for cell in markdown_cells(notebook)
        for exercise in directives(cell.source, "exercise")
    ]
    if len(asked) < 5:
        yield f"{len(asked)} exercises; a chapter has at least 5"
    answers = {note(cell, "answers"): cell for cell in code_cells(notebook)}
    solutions = {note(cell, "solves"): cell for cell in code_cells(notebook)}
    for exercise in asked:
        label = exercise.options.get("label", "")
        if not re.match(r"★{1,3} \S", exercise.title):
            yield f"exercise {label!r}: its title {exercise.title!r} begins with ★, ★★ or ★★★"
        if not label.startswith("ex-"):
            yield f"exercise {exercise.title!r} has no label ex-…"
        elif label not in answers or label not in solutions:
            yield f"exercise {label!r} needs an answer cell and a solution cell"
        else:
            yield from _answer(label, answers[label])
            yield from _solution(label, solutions[label])


def _answer(label: str, cell: Any) -> Iterator[str]:
    said = "".join(output.get("text", "") for output in cell.outputs)
    if "check_same(" not in cell.source or "..." not in cell.source:
        yield f"the answer cell of {label!r} has no empty answer (...) with a check_same"
    elif cell.outputs and said.strip() != "not answered yet":
        yield f"the answer cell of {label!r} is stored with an answer: {said.strip()[:60]!r}"


def _solution(label: str, cell: Any) -> Iterator[str]:
    if "hide-cell" not in tags(cell):
        yield f"the solution of {label!r} has no tag hide-cell"
    if not cell.metadata.get("jupyter", {}).get("source_hidden"):
        yield f"the solution of {label!r} has no metadata jupyter.source_hidden"
    if cell.metadata.get("cellView") != "form" or not re.match("# ?@title ", cell.source):
        yield f"the solution of {label!r} is no Colab form (cellView, and `# @title` first)"
    if not cell.execution_count:
        yield f"the solution of {label!r} was not executed"


def _section(notebook: Any, title: str) -> list[Any]:
    """The cells from one heading of level 2 to the next."""
    found, inside = [], False
    for cell in notebook.cells:
        text = without_code(cell.source) if cell.cell_type == "markdown" else ""
        if re.search(r"^## ", text, re.MULTILINE):
            inside = bool(re.search(rf"^## {re.escape(title)}\s*$", text, re.MULTILINE))
        if inside:
            found.append(cell)
    return found


def _what_we_saw(notebook: Any) -> Iterator[str]:
    code = [cell for cell in _section(notebook, "What we saw") if cell.cell_type == "code"]
    if not any(re.search(r"\btable\(\)\s*$", cell.source) for cell in code):
        yield "under 'What we saw' no cell ends with table()"


def _read_on(notebook: Any) -> Iterator[str]:
    cells = [cell for cell in _section(notebook, "Read on") if cell.cell_type == "markdown"]
    items = [
        item
        for cell in cells
        for item in re.findall(r"^[-*] .+(?:\n  .+)*", cell.source, re.MULTILINE)
    ]
    cited = [item for item in items if citations(item)]
    if not 3 <= len(cited) <= 6:
        yield f"'Read on' lists {len(cited)} cited works; 3 to 6 are asked for"
    for item in cited:
        if len(re.sub(r"\{cite:?\w*\}`[^`]+`", "", item).split()) < 5:
            yield f"'Read on' does not say why: {item[:60]!r}"
    known = bibliography()
    for cell in markdown_cells(notebook):
        for key in citations(cell.source):
            if key not in known:
                yield f"{key!r} is cited and is not in book/references.bib"
