"""The text in stored outputs: which of it is masked, and how it looks when altered."""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.nbval_policy import sanitizers


@dataclass(frozen=True)
class Text:
    """One text of a cell's outputs: which output, which field of it, and the text itself."""

    output: int
    field: str
    text: str

    def replaced(self, outputs: list[Any], text: str) -> list[Any]:
        """A copy of the outputs in which this text is another."""
        changed = copy.deepcopy(outputs)
        entry = changed[self.output]
        entry.get("data", entry)[self.field] = text
        return changed


def shows_a_view(output: Any) -> bool:
    """Whether an output is a view, whose record the comparison unpacks."""
    return 'data-llm-book="' in str(output.get("data", {}).get("text/html", ""))


def texts(cell: Any) -> list[Text]:
    """Every text that a cell's stored outputs hold: streams, text/plain, HTML, an error's words."""
    found = []
    for index, output in enumerate(cell.outputs):
        fields = output.get("data", {}) or {
            name: output[name] for name in ("text", "ename", "evalue") if name in output
        }
        found += [
            Text(index, name, content)
            for name, content in fields.items()
            if isinstance(content, str) and not name.startswith(("image/png", "image/jpeg"))
        ]
    return found


def masked_spans(text: str) -> list[tuple[int, int]]:
    """Where the sanitiser reads over what stands there, marks not counted."""
    spans = []
    for pattern in sanitizers():
        for match in re.finditer(pattern, text):
            inside = re.search(r'(?<=\u27e8).*(?=\u27e9)|(?<=").*(?=")', match[0], re.DOTALL)
            start, end = inside.span() if inside else (0, len(match[0]))
            spans.append((match.start() + start, match.start() + end))
    return spans


def masked_characters(text: str) -> int:
    """How many characters are not compared."""
    return len({place for start, end in masked_spans(text) for place in range(start, end)})


def compared_places(text: str, kind: str = r"[0-9]") -> list[int]:
    """Where an unmasked character of a kind stands."""
    masked = {place for start, end in masked_spans(text) for place in range(start, end)}
    return [m.start() for m in re.finditer(kind, text) if m.start() not in masked]


def altered(text: str, place: int) -> str:
    """The text with the digit, letter or sign at ``place`` another of its kind."""
    old = text[place]
    other = "y" if old == "x" else "x"
    new = str((int(old) + 1) % 10) if old.isdigit() else other
    return text[:place] + new + text[place + 1 :]


def spread(places: list[int], most: int) -> Iterator[int]:
    """All places, or ``most`` of them evenly spread (the data of a picture holds very many)."""
    step = max(1, -(-len(places) // most))
    yield from places[::step]
