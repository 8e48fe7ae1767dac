"""A curve's files, in the ledger's format: one JSON object a line, each with the step it speaks of.

The curve stands in the file that was named, validation losses and marks beside it: with
``curve.jsonl`` they are ``validation.jsonl``, as in the folder of a run, and ``marks.jsonl``.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from llm_book.training.history import History


class CurveFile:
    """Writes what a curve is given, many lines at once, and reads it back."""

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        if path.is_dir():
            raise ValueError(f"{path} is a folder; name a file in it: {path / 'curve.jsonl'}")
        stem = "" if path.name == "curve.jsonl" else f"{path.stem}."
        self.steps = History(path)
        self.validation = History(path.with_name(f"{stem}validation.jsonl"))
        self.marks = History(path.with_name(f"{stem}marks.jsonl"))

    def append(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add steps, numbers all: the lines are those that ``History.append`` writes."""
        lines = json.dumps(list(rows))[1:-1].replace("}, {", "}\n{")  # one call is faster
        if lines:
            with self.steps.path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(lines + "\n")

    def keep_until(self, index: int) -> None:
        """Drop what lies past step ``index``; make the folder where there is none."""
        self.steps.path.parent.mkdir(parents=True, exist_ok=True)
        for history in (self.steps, self.validation, self.marks):
            if history.path.exists():
                history.forget_after(index)
