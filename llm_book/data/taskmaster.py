"""Taskmaster TM-4: dialogues in which an assistant gets a task done by calling functions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm_book.data.download import fetch
from llm_book.data.reading import malformed, member, read_json

SPEAKERS = ("user", "assistant")


@dataclass(frozen=True)
class Annotation:
    """One fact about a call: its `name` ("api_call", "request", …), its value, and which call."""

    name: str
    value: str
    call: str


@dataclass(frozen=True)
class Turn:
    """What one of the two said, and the calls that were made beside it."""

    speaker: str
    text: str
    annotations: tuple[Annotation, ...]


@dataclass(frozen=True)
class Dialogue:
    """A whole dialogue: its id, its field ("Coffee"), its scenario, what the user was told."""

    id: str
    vertical: str
    scenario: str
    instructions: str
    turns: tuple[Turn, ...]


def load_taskmaster(progress: bool = True) -> tuple[Dialogue, ...]:
    """500 dialogues with 1,883 turns in which somebody orders coffee (TM-4, part 00).

    Raises DataUnavailable where the file cannot be had. Source: Byrne et al. (2019).
    """
    return read_taskmaster(fetch("taskmaster", progress=progress))


def read_taskmaster(path: str | Path) -> tuple[Dialogue, ...]:
    """The dialogues in a JSON list, in order; rows are dialogues, counted from 1.

    Raises ValueError at one of another form, or without a turn.
    """
    name = Path(path).name
    entries = enumerate(read_json(path, list), start=1)
    return tuple(_dialogue(entry, name, row) for row, entry in entries)


def _dialogue(entry: Any, name: str, row: int) -> Dialogue:
    identity = member(entry, "conversation_id", str, name, row)
    turns = [_turn(turn, name, row) for turn in member(entry, "utterances", list, name, row)]
    if not turns:
        raise malformed(name, row, f"the dialogue {identity} has no turn")
    return Dialogue(
        id=identity,
        vertical=member(entry, "vertical", str, name, row),
        scenario=member(entry, "scenario", str, name, row),
        instructions=member(entry, "instructions", (str, type(None)), name, row) or "",
        turns=tuple(turns),
    )


def _turn(entry: Any, name: str, row: int) -> Turn:
    speaker = member(entry, "speaker", str, name, row)
    if speaker not in SPEAKERS:
        raise malformed(name, row, f"the speaker {speaker!r} is none of {', '.join(SPEAKERS)}")
    text = member(entry, "text", str, name, row)
    annotations = member(entry, "annotations", list, name, row)
    return Turn(speaker, text, tuple(_annotation(part, name, row) for part in annotations))


def _annotation(entry: Any, name: str, row: int) -> Annotation:
    keys = ("name", "value", "context")
    return Annotation(*(member(entry, key, str, name, row) for key in keys))
