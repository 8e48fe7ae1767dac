"""What each chapter took when its outputs were stored: book/status.json, for the status page."""

import json
import platform
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from llm_book.results import write_json
from tests.chapters.kernels import Cost
from tests.chapters.notebooks import ROOT, code_cells, read

FIGURES = ROOT / "book" / "status.json"
SECONDS, MEMORY = 90, 2 * 2**30  # what a chapter should take at most, on one thread
OVERRUN = 3  # how many times as much fails


def figures() -> dict[str, dict[str, Any]]:
    """What was noted, by the chapter's file name without its ending."""
    return json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}


def code_hash(path: Path) -> str:
    """One hash over what a notebook's code cells say."""
    sources = [cell.source for cell in code_cells(read(path))]
    return sha256(json.dumps(sources).encode()).hexdigest()[:16]


def note(path: Path, cost: Cost) -> None:
    """Keep what a chapter took, and on which code, Python and PyTorch."""
    if path.parent.name != "chapters":
        return
    found = figures()
    found[path.stem] = {
        "seconds": round(cost.seconds),
        "processor_seconds": round(cost.processor_seconds),
        "peak_memory_bytes": cost.peak_memory_bytes,
        "code_sha256": code_hash(path),
        "python": platform.python_version(),
        "torch": version("torch"),
    }
    write_json(FIGURES, dict(sorted(found.items())))


def overruns(found: dict[str, dict[str, Any]]) -> list[str]:
    """A sentence for each chapter that took more than three times what it should."""
    bounds = {"processor_seconds": SECONDS, "peak_memory_bytes": MEMORY}
    return [
        f"{chapter}: {name} is {took[name]:,}, {OVERRUN} times {most:,} is allowed"
        for chapter, took in found.items()
        for name, most in bounds.items()
        if (took[name] or 0) > OVERRUN * most
    ]
