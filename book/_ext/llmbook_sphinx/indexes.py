"""The indexes: every equation, function, view and experiment of the book, each with its place.

They are read from the notebooks and the package when the site is built, so that a new chapter is in
them as soon as the table of contents lists it.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from .chapters import written_chapters
from .definitions import Definition, Definitions
from .places import Placed, escaped, placed
from .status import parsed, table

EQUATION = re.compile(r"\$\$\s*\((eq-[\w-]+)\)|^:label: (eq-[\w-]+)$", re.MULTILINE)
PARTNER = re.compile(r"\bPartners?: *`([\w.]+)`")
VIEW = re.compile(r'data-llm-book="([\w-]+)"')
SAME = "same-as:"
Rows = list[list[str]]


def notebooks(source: Path) -> list[Path]:
    """The written chapters, in order."""
    return [source / f"{document}.ipynb" for document in written_chapters(source).values()]


def equation_rows(source: Path) -> Rows:
    """An equation a row: its number, the function that computes it, what that says, its place."""
    known, rows = Definitions(source), []
    for path in notebooks(source):
        cells = [cell for cell in placed(path) if cell.kind == "markdown"]
        for cell, after in zip(cells, [*cells[1:], None], strict=True):
            labels = [first or second for first, second in EQUATION.findall(cell.source)]
            partners = PARTNER.findall(cell.source)
            partners = partners or (PARTNER.findall(after.source) if after else [])
            for number, label in enumerate(labels):
                one = partners[min(number, len(partners) - 1)] if partners else ""
                rows.append([f"{{eq}}`{label}`", *described(known.of(one), one), cell.link])
    return rows


def described(found: Definition | None, name: str) -> list[str]:
    """A name, linked where the API pages have it, and its first sentence."""
    if found is None:
        return [f"`{name}`", "Built in the chapter."] if name else ["", ""]
    return [found.link, escaped(found.says)]


@dataclass
class Uses:
    """Where the chapters build a name, and where they first import it."""

    built: list[str] = field(default_factory=list)
    used: dict[str, str] = field(default_factory=dict)  # chapter to link


def uses(source: Path) -> dict[Definition, Uses]:
    """Every function and class that a chapter builds or imports."""
    known = Definitions(source)
    found: dict[Definition, Uses] = {}
    for path in notebooks(source):
        for cell in placed(path):
            if cell.kind != "code":
                continue
            for dotted in built_in(cell):
                if one := known.found.get(dotted):
                    found.setdefault(one, Uses()).built.append(cell.link)
            for dotted in imported_in(cell):
                if one := known.of(dotted):
                    found.setdefault(one, Uses()).used.setdefault(path.stem, cell.link)
    return found


def built_in(cell: Placed) -> Iterator[str]:
    """The dotted names of what a cell tagged same-as builds."""
    for tag in cell.tags:
        if tag.startswith(SAME):
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    yield f"{tag.removeprefix(SAME)}.{node.name}"


def imported_in(cell: Placed) -> Iterator[str]:
    """The dotted names that a cell imports from the package."""
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("llm_book"):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def function_rows(source: Path) -> Rows:
    """A function or class a row: its name, its first sentence, where it is built, where used."""
    found = sorted(uses(source).items(), key=lambda one: one[0].dotted.rpartition(".")[2].lower())
    return [
        [
            *described(definition, definition.dotted),
            "; ".join(dict.fromkeys(where.built)),
            "; ".join(where.used.values()),
        ]
        for definition, where in found
    ]


def widget_rows(source: Path) -> Rows:
    """A view a row: its kind, its caption, its place."""
    rows = []
    for path in notebooks(source):
        for cell in placed(path):
            for kind in sorted(set(VIEW.findall(cell.shown("text/html")))):
                figure = cell.metadata.get("mystnb", {}).get("figure", {})
                rows.append([kind.replace("_", " "), figure.get("caption", ""), cell.link])
    return sorted(rows, key=lambda row: row[0])


def experiment_rows(path: Path) -> Rows:
    """A claim of one chapter a row: what, what came out, what was asked of it, its place."""
    cells = list(placed(path))
    tables = [cell for cell in cells if re.search(r"\btable\(\)\s*$", cell.source)]
    rows = []
    for line in (tables[-1].shown("text/plain") if tables else "").splitlines()[1:]:
        name, value, demand = line.rsplit(" | ", 2)
        said = re.compile(rf"^{re.escape(name)}: ", re.MULTILINE)
        home = next((cell for cell in cells if said.search(cell.printed())), tables[-1])
        rows.append([*map(escaped, (name, value, demand)), home.link])
    return rows


class Index(SphinxDirective):
    """A table made from the notebooks."""

    head: tuple[str, ...]
    rows: Callable[[Path], Rows]

    def run(self) -> list[nodes.Node]:
        source = Path(self.env.srcdir)
        self.env.note_dependency(str(source / "_toc.yml"))
        for path in notebooks(source):
            self.env.note_dependency(str(path))
        return parsed(self, self.lines(source))

    def lines(self, source: Path) -> list[str]:
        return table(self.head, type(self).rows(source))


class EquationIndex(Index):
    """Every numbered equation."""

    head = ("equation", "computed by", "what it gives", "where")
    rows = staticmethod(equation_rows)


class FunctionIndex(Index):
    """Every function and class that a chapter builds or uses."""

    head = ("name", "what it gives", "built in", "used in")
    rows = staticmethod(function_rows)


class WidgetIndex(Index):
    """Every view in a chapter."""

    head = ("view", "what it shows", "where")
    rows = staticmethod(widget_rows)


class ExperimentIndex(Index):
    """Every claim and measurement, a table a chapter."""

    head = ("what", "value", "what was asked of it", "where")

    def lines(self, source: Path) -> list[str]:
        lines = []
        for document in written_chapters(source).values():
            path = source / f"{document}.ipynb"
            title = next(cell for cell in placed(path) if cell.heading)
            rows = experiment_rows(path)
            lines += [f"**{title.link}**", "", *table(self.head, rows), ""]
        return lines


def register(app: Sphinx) -> None:
    for kind in (EquationIndex, FunctionIndex, WidgetIndex, ExperimentIndex):
        name = re.sub(r"Index$", "-index", kind.__name__).lower()
        app.add_directive(name, kind)
