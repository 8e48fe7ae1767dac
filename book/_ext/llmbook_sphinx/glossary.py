"""The glossary page, made from book/glossary.yml at build time."""

from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.domains.std import Glossary
from sphinx.errors import ExtensionError

from llm_book.glossary import Term, read_terms

from .chapters import written_chapters


def read_glossary(path: Path) -> tuple[Term, ...]:
    """Every term, in the order of the file. Raises where an entry lacks or misspells a field."""
    try:
        return read_terms(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ExtensionError(str(error)) from None


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
        for term in read_glossary(path):
            for line in self.lines(term, written):
                self.content.append(line, str(path))
        return super().run()

    @staticmethod
    def lines(term: Term, written: dict[int, str]) -> list[str]:
        names = [term.en] + ([term.short] if term.short else [])
        chinese = f"[{term.zh}]{{.language-zh .zh-term}}"
        where = f"[{place(term.built, written)}]{{.built-in}}"
        return [*names, f"    {chinese} {term.means} {where}", ""]


def register(app: Sphinx) -> None:
    app.add_directive("book-glossary", BookGlossary)
