"""What a chapter's Markdown holds: headings, labels, equations, exercises, citations."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.chapters.notebooks import ROOT, markdown_cells

HEADING = re.compile(r"^(#{1,4}) +(.+?)\s*$", re.MULTILINE)
LABELLED_MATH = re.compile(r"\$\$(?P<tex>.+?)\$\$\s*\((?P<label>[\w-]+)\)", re.DOTALL)
DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\}(?P<title>[^\n]*)\n(?P<body>.*?)^(?P=fence)",
    re.MULTILINE | re.DOTALL,
)
OPTION = re.compile(r"^:([\w-]+):[ \t]*(.*)$", re.MULTILINE)
CITATION = re.compile(r"\{cite:?\w*\}`([^`]+)`")
PARTNER = re.compile(r"\bPartners?: *`([\w.]+)`")


@dataclass(frozen=True)
class Heading:
    """A heading with what must stand around it."""

    level: int
    text: str
    label: str  # of the line `(label)=` above it, or nothing
    under: str  # the first line of text under it


@dataclass(frozen=True)
class Directive:
    """A fenced block of MyST: `{name} title` with its options."""

    name: str
    title: str
    options: dict[str, str]
    body: str


@dataclass(frozen=True)
class Equation:
    """A display equation: its label, or nothing, and the functions said to be its partners."""

    label: str
    tex: str
    partners: tuple[str, ...]
    derivation: bool


def without_code(text: str) -> str:
    """Markdown whose fenced code (not directives) is gone, so that `# a comment` is no heading."""
    return re.sub(r"^(`{3,})(?!\{)[^\n]*\n.*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(notebook: Any) -> list[Heading]:
    """Every heading of a notebook, in order."""
    return [h for cell in markdown_cells(notebook) for h in _headings(without_code(cell.source))]


def _headings(text: str) -> Iterator[Heading]:
    for match in HEADING.finditer(text):
        above = text[: match.start()].rstrip().rpartition("\n")[2]
        label = re.fullmatch(r"\(([\w-]+)\)=", above.strip())
        under = text[match.end() :].lstrip().partition("\n")[0]
        yield Heading(len(match[1]), match[2], label[1] if label else "", under)


def directives(text: str, name: str) -> list[Directive]:
    """The blocks of one kind in a text."""
    return [
        Directive(name, m["title"].strip(), dict(OPTION.findall(m["body"])), m["body"])
        for m in DIRECTIVE.finditer(text)
        if m["name"] == name
    ]


def equations(notebook: Any) -> list[Equation]:
    """Every display equation; its partner stands in the same Markdown cell or in the next."""
    cells = markdown_cells(notebook)
    found = []
    for here, after in zip(cells, [*cells[1:], None], strict=True):
        blocks = [(d.options.get("label", ""), d.body) for d in directives(here.source, "math")]
        labelled = list(LABELLED_MATH.finditer(here.source))
        blocks += [(m["label"], m["tex"]) for m in labelled]
        rest = LABELLED_MATH.sub("", DIRECTIVE.sub("", here.source))
        blocks += [("", m[1]) for m in re.finditer(r"\$\$(.+?)\$\$", rest, re.DOTALL)]
        partners = PARTNER.findall(here.source)
        partners = partners or (PARTNER.findall(after.source) if after else [])
        derived = "derivation" in here.metadata.get("tags", [])
        found += [Equation(label, tex, tuple(partners), derived) for label, tex in blocks]
    return found


def citations(text: str) -> list[str]:
    """The keys that a text cites."""
    return [key.strip() for group in CITATION.findall(text) for key in group.split(",")]


def bibliography() -> set[str]:
    """The keys of book/references.bib."""
    path = ROOT / "book" / "references.bib"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return set(re.findall(r"^@\w+\s*\{\s*([^,\s]+)\s*,", text, re.MULTILINE))
