"""The works that the book prints, read from the bibliography that the package carries."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from urllib.parse import quote

ACCENTS = {
    '"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", ".": "\u0307",
    "v": "\u030c", "c": "\u0327",
}  # fmt: skip
LETTERS = {"L": "Ł", "l": "ł", "O": "Ø", "o": "ø", "i": "\u0131"}
PLACES = ("journal", "booktitle", "publisher", "institution", "howpublished", "note")
FIELD = re.compile(r"(\w+) = \{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")


@dataclass(frozen=True)
class Work:
    """One entry of the bibliography: its key, its kind, and its fields as a reader sees them."""

    key: str
    kind: str
    fields: Mapping[str, str]

    @property
    def title(self) -> str:
        """What it is called."""
        return self.fields["title"]

    @property
    def year(self) -> int:
        """When it came out."""
        return int(self.fields["year"])

    @property
    def families(self) -> tuple[str, ...]:
        """The authors' family names in their order; ``others`` where the entry says no more."""
        return tuple(name.partition(",")[0] for name in self.fields["author"].split(" and "))

    @property
    def cited(self) -> str:
        """How the text cites it: Kingma and Ba (2015), Vaswani et al. (2017)."""
        first, *rest = self.families
        tail = f" and {rest[0]}" if len(rest) == 1 and rest != ["others"] else " et al."
        return f"{first}{tail if rest else ''} ({self.year})"

    @property
    def place(self) -> str:
        """Where it appeared: journal, proceedings, publisher, or arXiv."""
        found = (self.fields[name] for name in PLACES if name in self.fields)
        return next(found, "arXiv" if "eprint" in self.fields else "")

    @property
    def address(self) -> str:
        """Where it can be read: at arXiv, by its DOI, or at its own address; else nothing."""
        if "eprint" in self.fields:
            return f"https://arxiv.org/abs/{self.fields['eprint']}"
        if "doi" in self.fields:
            return f"https://doi.org/{quote(self.fields['doi'], safe='/:;()')}"
        return self.fields.get("url", "")

    @property
    def annotation(self) -> str:
        """One line: what it did, and what it is good for."""
        return self.fields.get("annotation", "")

    @property
    def topic(self) -> str:
        """The shelf under which the book lists it."""
        return self.fields.get("topic", "")

    @property
    def builds_on(self) -> tuple[str, ...]:
        """Keys of the works that it uses, extends, tests or answers, as the book judges it."""
        return tuple(re.findall(r"[\w-]+", self.fields.get("builds_on", "")))

    @property
    def checked(self) -> bool:
        """Whether its facts were compared with a public record."""
        return self.fields.get("checked") == "yes"


def works() -> dict[str, Work]:
    """Every work that the book prints, by its key, in the order of the file.

    Printed is what was compared with a public record.
    """
    return {key: work for key, work in entries().items() if work.checked}


@cache
def entries() -> dict[str, Work]:
    """Every entry of the bibliography, printed or not, by its key."""
    path = resources.files("llm_book") / "assets" / "references.bib"
    return parse_bibtex(path.read_text(encoding="utf-8"))


def parse_bibtex(text: str) -> dict[str, Work]:
    """The entries of a BibTeX text by their keys, its LaTeX turned into letters.

    Values stand in braces, ``name = {value}``, as in ``book/references.bib``. Raises ValueError
    for a key that comes twice and for an entry without title, author or year.
    """
    found: dict[str, Work] = {}
    for entry in re.split(r"(?m)^@", text)[1:]:
        kind, _, rest = entry.partition("{")
        key = rest.partition(",")[0].strip()
        fields = {name.lower(): plain(value) for name, value in FIELD.findall(entry)}
        missing = [name for name in ("title", "author", "year") if not fields.get(name)]
        if missing or key in found:
            why = f"has no {missing[0]}" if missing else "stands twice"
            raise ValueError(f"the entry {key!r} {why}; mend it in book/references.bib")
        found[key] = Work(key, kind.strip().lower(), fields)
    return found


def plain(latex: str) -> str:
    """A value without its LaTeX: accents become letters, dashes dashes, braces go."""
    text = re.sub(r"\\([\"'`^~.]|[vc](?![a-z]))\s*\{?(\w)\}?", _accented, latex)
    text = re.sub(r"\\([LlOoi])(?![a-zA-Z])\s*", lambda found: LETTERS[found[1]], text)
    text = re.sub(r"\\([&%$#_])", r"\1", text)
    text = text.replace("---", "—").replace("--", "–")
    return " ".join(re.sub(r"[{}]", "", text).split())


def _accented(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", found[2] + ACCENTS[found[1]])
