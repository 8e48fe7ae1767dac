"""The status page: what each chapter holds and takes, and what was recorded, made at build time."""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from .chapters import read_chapters, written_chapters

MARKS = {
    "words": lambda cells: sum(len(text.split()) for kind, text in cells if kind == "markdown"),
    "equations": lambda cells: sum(text.count("Partner: `") for _, text in cells),
    "exercises": lambda cells: sum(text.count(":::{exercise}") for _, text in cells),
    "claims": lambda cells: sum(
        text.count("claim(") + text.count("agree(") for kind, text in cells if kind == "code"
    ),
}
COLUMNS = ("chapter", *MARKS, "seconds of processor", "memory (GB)")


def cells_of(path: Path) -> list[tuple[str, str]]:
    """(kind, text) of each cell of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]


def chapter_rows(source: Path) -> list[list[str]]:
    """A row a written chapter, as ``COLUMNS`` names them."""
    path = source / "book" / "status.json"
    taken: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    rows = []
    for number, document in written_chapters(source).items():
        title = read_chapters(source)[number - 1]["en"]
        cells = cells_of(source / f"{document}.ipynb")
        counts = [f"{count(cells):,}" for count in MARKS.values()]
        took = taken.get(Path(document).name, {})
        memory = took.get("peak_memory_bytes")
        cost = [
            str(took.get("processor_seconds", "not measured")),
            f"{memory / 1e9:.1f}" if memory else "not measured",
        ]
        rows.append([f"[{number} {title}](/{document}.ipynb)", *counts, *cost])
    return rows


def record_rows() -> list[list[str]]:
    """A row a recorded run: its name, its seeds, where it ran and for how long."""
    from llm_book.results import names, recorded

    rows = []
    for name in names():
        record = recorded(name)
        if record is None:
            continue
        summary, machine = record.document["summary"], record.document["machine"]
        rows.append(
            [
                f"`{name}`",
                str(len(record.document["seeds"])),
                machine["gpu"] or f"{machine['processor']}, {machine['threads']} thread(s)",
                f"{summary['seconds'] / 60:.0f}",
                f"{summary['peak_memory_bytes'] / 1e9:.1f}",
                "earlier" if record.earlier_code else "this",
            ]
        )
    return rows


def table(head: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    """Lines of a Markdown table."""
    return [
        "| " + " | ".join(head) + " |",
        "|" + " --- |" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


class ChapterFigures(SphinxDirective):
    """What each chapter holds, and what its small preset took."""

    def run(self) -> list[nodes.Node]:
        source = Path(self.env.srcdir)
        for name in ("book/status.json", "book/chapters.yml", "_toc.yml"):
            self.env.note_dependency(str(source / name))
        for document in written_chapters(source).values():
            self.env.note_dependency(str(source / f"{document}.ipynb"))
        return parsed(self, table(COLUMNS, chapter_rows(source)))


class RecordedRuns(SphinxDirective):
    """Every record that the package carries."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(Path(self.env.srcdir) / "book" / "results"))
        head = ("record", "seeds", "machine", "minutes", "memory (GB)", "version of the code")
        return parsed(self, table(head, record_rows()))


def parsed(directive: SphinxDirective, lines: list[str]) -> list[nodes.Node]:
    """The nodes that Markdown lines make."""
    holder = nodes.container(classes=["status-table"])
    directive.state.nested_parse(StringList(lines), directive.content_offset, holder)
    return [holder]


def register(app: Sphinx) -> None:
    app.add_directive("chapter-figures", ChapterFigures)
    app.add_directive("recorded-runs", RecordedRuns)
