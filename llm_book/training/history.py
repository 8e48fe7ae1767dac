"""The curve of a run: one JSON object a line, readable while the run still writes."""

import json
from pathlib import Path
from typing import Any


class History:
    """An append-only file of records, each with an ``index`` (the step it speaks of)."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def append(self, record: dict[str, Any]) -> None:
        """Add one record; what was written before is never touched."""
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(record) + "\n")

    def read(self) -> list[dict[str, Any]]:
        """Every complete record; a line cut short by a killed process is left out."""
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def forget_after(self, index: int) -> None:
        """Drop the records past step ``index``, so that a resumed run writes them once."""
        kept = [record for record in self.read() if record["index"] <= index]
        aside = self.path.with_suffix(".writing")
        text = "".join(json.dumps(record) + "\n" for record in kept)
        aside.write_text(text, encoding="utf-8", newline="\n")
        aside.replace(self.path)
