"""Instructions with an answer to learn from, and with two answers to choose between."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm_book.data.download import fetch
from llm_book.data.reading import malformed, member, read_json


@dataclass(frozen=True)
class Instruction:
    """What is asked, the text it is asked about (often empty), and a good answer."""

    instruction: str
    input: str
    output: str


@dataclass(frozen=True)
class Preference:
    """What is asked, the text it is asked about, and two answers: the better and the worse one."""

    instruction: str
    input: str
    output: str
    chosen: str
    rejected: str

    @property
    def decides(self) -> bool:
        """Whether the two answers differ: where they do not, there is nothing to prefer."""
        return self.chosen != self.rejected


def load_instructions(progress: bool = True) -> tuple[Instruction, ...]:
    """1,100 short instructions with answers, 775 of them without an input.

    Raises DataUnavailable where the file cannot be had. Source: Raschka (2024).
    """
    return read_instructions(fetch("instructions", progress=progress))


def read_instructions(path: str | Path) -> tuple[Instruction, ...]:
    """The instructions in a JSON list of objects. Raises ValueError at an entry of another form."""
    fields = ("instruction", "input", "output")
    return tuple(Instruction(*values) for values in _values(path, fields))


def load_preferences(progress: bool = True) -> tuple[Preference, ...]:
    """The same 1,100 instructions with a polite and a rude answer each; 6 pairs do not differ.

    Raises DataUnavailable where the file cannot be had. Source: Raschka (2024).
    """
    return read_preferences(fetch("preferences", progress=progress))


def read_preferences(path: str | Path) -> tuple[Preference, ...]:
    """The preferences in a JSON list of objects. Raises ValueError at an entry of another form."""
    fields = ("instruction", "input", "output", "chosen", "rejected")
    return tuple(Preference(*values) for values in _values(path, fields))


def _values(path: str | Path, fields: tuple[str, ...]) -> list[list[str]]:
    """Each entry's fields, in order. Rows are entries, counted from 1."""
    name = Path(path).name
    entries: list[Any] = read_json(path, list)
    found = [
        [member(entry, field, str, name, row) for field in fields]
        for row, entry in enumerate(entries, start=1)
    ]
    for row, values in enumerate(found, start=1):
        for field, value in zip(fields, values, strict=True):
            if field != "input" and not value.strip():
                raise malformed(name, row, f"{field!r} is empty")
    return found
