"""The table of the ten chapters: which exist is read from the table of contents, never claimed."""

from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def read_chapters(source: Path) -> list[dict[str, Any]]:
    """The outline: number, title, Chinese title, promise, and the file's name."""
    return yaml.safe_load((source / "book" / "chapters.yml").read_text(encoding="utf-8"))


def written_chapters(source: Path) -> dict[int, str]:
    """Number and document of each chapter that the table of contents lists."""
    contents = (source / "_toc.yml").read_text(encoding="utf-8")
    names = [chapter["file"] for chapter in read_chapters(source)]
    return {
        number: f"chapters/{name}"
        for number, name in enumerate(names, 1)
        if f"file: chapters/{name}" in contents
    }


class ChapterTable(SphinxDirective):
    """A list of the chapters; those not yet written are named and not linked."""

    def run(self) -> list[nodes.Node]:
        source = Path(self.env.srcdir)
        for name in ("book/chapters.yml", "_toc.yml"):
            self.env.note_dependency(str(source / name))
        written = written_chapters(source)
        lines = []
        for number, chapter in enumerate(read_chapters(source), 1):
            title, tail = f"{number} {chapter['en']}", "*(not written yet)*"
            if number in written:
                title, tail = f"[**{title}**](/{written[number]}.ipynb)", ""
            chinese = f"[{chapter['zh']}]{{.language-zh}}"
            lines += [f"- {title} {chinese} {tail}".rstrip(), f"  <br>{chapter['promise']}"]
        holder = nodes.container(classes=["chapter-table"])
        self.state.nested_parse(StringList(lines), self.content_offset, holder)
        return [holder]


def register(app: Sphinx) -> None:
    app.add_directive("chapter-table", ChapterTable)
