"""Where in a notebook something stands: each cell with the labelled heading above it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEADING = re.compile(r"^\(([\w-]+)\)=\s*\n#{1,4} +(.+?)\s*$", re.MULTILINE)
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+")
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|$~^])")


@dataclass(frozen=True)
class Placed:
    """One cell of a notebook, and the label and the words of the last heading above its end."""

    kind: str
    source: str
    outputs: tuple[dict[str, Any], ...]
    metadata: dict[str, Any]
    label: str
    heading: str

    @property
    def link(self) -> str:
        """A link to that heading, in Markdown."""
        words = re.sub(r"[`<>$]", "", self.heading)
        return f"{{ref}}`{words} <{self.label}>`" if self.label else ""

    @property
    def tags(self) -> list[str]:
        """The cell's tags."""
        return list(self.metadata.get("tags", []))

    def printed(self) -> str:
        """All that the cell wrote to its streams."""
        parts = (output.get("text", "") for output in self.outputs)
        return "".join(map(joined, parts))

    def shown(self, kind: str) -> str:
        """All that the cell shows as one kind of data, ``text/html`` say."""
        return "".join(joined(output.get("data", {}).get(kind, "")) for output in self.outputs)


def joined(text: str | list[str]) -> str:
    """A notebook's text, which may be stored as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def placed(path: Path) -> Iterator[Placed]:
    """Every cell of a notebook, in order."""
    label = heading = ""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = joined(cell["source"])
        if cell["cell_type"] == "markdown":
            for found in HEADING.finditer(source):
                label, heading = found.groups()
        outputs = tuple(cell.get("outputs", ()))
        yield Placed(cell["cell_type"], source, outputs, cell["metadata"], label, heading)


def escaped(words: str) -> str:
    """Words that Markdown shall show as they are, but for code between backticks.

    Chinese among them is marked as such, for fonts and for screen readers.
    """
    parts = re.split(r"`+([^`|]+)`+", words)
    shown = (SPECIAL.sub(r"\\\1", part) for part in parts[::2])
    parts[::2] = [CHINESE.sub(r"[\g<0>]{.language-zh}", part) for part in shown]
    parts[1::2] = [f"`{part}`" for part in parts[1::2]]
    return "".join(parts)
