"""The bibliography's style: an entry, then the one line that says what it is good for."""

from collections.abc import Iterator
from typing import Any

from pybtex.plugin import register_plugin
from pybtex.richtext import Tag, Text
from pybtex.style import FormattedEntry
from pybtex.style.formatting.plain import Style as Plain
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx

NAME = "annotated"


class Running(BaseLabelStyle):
    """Numbers that run on from list to list, so that no two entries of a page share one."""

    given: dict[str, int] = {}  # noqa: RUF012  shared on purpose by all lists of a build

    def format_labels(self, sorted_entries: list[Any]) -> Iterator[str]:
        for entry in sorted_entries:
            yield str(self.given.setdefault(entry.key, len(self.given) + 1))


class Annotated(Plain):
    """The plain style by authors, each entry's annotation behind it."""

    default_label_style = NAME

    def format_entry(self, label: str, entry: Any, bib_data: Any = None) -> FormattedEntry:
        plain = super().format_entry(label, entry, bib_data=bib_data)
        said = entry.fields.get("annotation")
        text = Text(plain.text, " ", Tag("em", Text.from_latex(said))) if said else plain.text
        return FormattedEntry(plain.key, text, plain.label)


def register(app: Sphinx) -> None:
    register_plugin("pybtex.style.labels", NAME, Running, force=True)
    register_plugin("pybtex.style.formatting", NAME, Annotated, force=True)
