"""The glossary page, made from book/glossary.yml at build time."""

from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.domains.std import Glossary
from sphinx.errors import ExtensionError

from .chapters import written_chapters

FIELDS = {"en", "short", "zh", "means", "built"}


def read_glossary(path: Path) -> list[dict[str, str]]:
    """Every entry, in the order of the file. Raises where one lacks or misspells a field."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    for entry in entries:
        missing, unknown = FIELDS - {"short"} - set(entry), set(entry) - FIELDS
        if missing or unknown:
            raise ExtensionError(
                f"glossary entry {entry.get('en', entry)!r}: fields missing {sorted(missing)}, "
                f"unknown {sorted(unknown)}; an entry has en, zh, means, built and may have short"
            )
    return entries


def place(section: str, written: dict[int, str]) -> str:
    """The section where an idea is built, linked where its chapter exists."""
    document = written.get(int(section.split(".")[0]))
    return f"[{section}](/{document}.ipynb)" if document else section


class BookGlossary(Glossary):
    """Sphinx's glossary, its lines written from the YAML file."""

    def run(self) -> list[nodes.Node]:
        source = Path(self.env.srcdir)
        path = source / "book" / "glossary.yml"
        for dependency in (path, source / "_toc.yml"):
            self.env.note_dependency(str(dependency))
        self.options["sorted"] = None
        self.content = StringList()
        written = written_chapters(source)
        for entry in read_glossary(path):
            for line in self.lines(entry, written):
                self.content.append(line, str(path))
        return super().run()

    @staticmethod
    def lines(entry: dict[str, str], written: dict[int, str]) -> list[str]:
        terms = [entry["en"]] + ([entry["short"]] if "short" in entry else [])
        chinese = f"[{entry['zh']}]{{.language-zh .zh-term}}"
        where = f"[{place(entry['built'], written)}]{{.built-in}}"
        return [*terms, f"    {chinese} {entry['means']} {where}", ""]


def register(app: Sphinx) -> None:
    app.add_directive("book-glossary", BookGlossary)
