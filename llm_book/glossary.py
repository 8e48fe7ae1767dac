"""The book's terms in English and Chinese, read from the glossary that the package carries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

FORM = (
    'write it as {en: …, short: …, zh: …, built: "2.1", means: "… ."}, where short may be left out'
)
NEEDED = {"en", "zh", "means", "built"}


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
    """The terms of a glossary written as ``book/glossary.yml`` is, in YAML.

    Raises ValueError for a text that is no YAML list, and for an entry that lacks a field, has an
    unknown one, or a value that is no text.
    """
    try:
        entries = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"the glossary is no YAML ({error}); for each term, {FORM}") from None
    if not isinstance(entries, list):
        raise ValueError(f"the glossary is no list of terms; for each term, {FORM}")
    return tuple(map(_term, entries))


def _term(entry: Any) -> Term:
    if not isinstance(entry, dict) or not all(isinstance(v, str) for v in entry.values()):
        raise ValueError(f"the glossary entry {entry!r} does not hold texts only; {FORM}")
    missing, unknown = NEEDED - set(entry), set(entry) - NEEDED - {"short"}
    if missing or unknown:
        raise ValueError(
            f"glossary entry {entry.get('en', entry)!r}: fields missing {sorted(missing)}, "
            f"unknown {sorted(unknown)}; {FORM}"
        )
    return Term(**entry)
