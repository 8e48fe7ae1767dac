"""The book's terms in English and Chinese, read from the glossary that the package carries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

ENTRY = re.compile(
    r"^- \{en: (?P<en>.+?), (?:short: (?P<short>.+?), )?zh: (?P<zh>.+?), "
    r'built: "(?P<built>[\d.]+)",\s+means: "(?P<means>(?:[^"\\]|\\.)*)"\}$',
    re.MULTILINE,
)


@dataclass(frozen=True)
class Term:
    """A term: its English and Chinese, one sentence, and the section where the idea is built.

    ``short`` is its abbreviation, or nothing.
    """

    en: str
    zh: str
    means: str
    built: str
    short: str = ""


@cache
def terms() -> tuple[Term, ...]:
    """Every term of the book, in the order of the file."""
    path = resources.files("llm_book") / "assets" / "glossary.yml"
    return read_terms(path.read_text(encoding="utf-8"))


def read_terms(text: str) -> tuple[Term, ...]:
    """The terms of a glossary written as ``book/glossary.yml`` is: one entry, two lines.

    It is YAML, of which this reads the one form that the file has; no library is needed. Raises
    ValueError for an entry in any other form.
    """
    found = tuple(
        Term(**{name: _unquoted(value or "") for name, value in match.groupdict().items()})
        for match in ENTRY.finditer(text)
    )
    if len(found) != (begun := len(re.findall(r"(?m)^- ", text))):
        raise ValueError(
            f"{begun} entries begin and {len(found)} can be read; write each as "
            '- {en: …, short: …, zh: …, built: "2.1", means: "… ."}'
        )
    return found


def _unquoted(value: str) -> str:
    text = value.removeprefix('"').removesuffix('"')
    return re.sub(r"\\(.)", r"\1", text)
