"""What stored outputs must be: all there, compared almost everywhere, free of any machine."""

import json
import platform
import re
from collections.abc import Iterator
from typing import Any

import nbformat

from tests.chapters.notebooks import code_cells, tags
from tests.chapters.outputs import (
    altered,
    compared_places,
    masked_characters,
    shows_a_view,
    texts,
)
from tests.nbval_policy import outputs_differ

LARGEST = 4 * 2**20  # bytes of a notebook
SMALLEST_COMPARED = 0.90  # of the cells that print
LARGEST_MASKED = 0.05  # of the characters printed
IGNORED_CELLS: frozenset[str] = frozenset()  # ids of cells that may carry an nbval-ignore tag
TRAINED_PICTURES = {  # cells a chapter that may be tagged trained-picture
    "01_background": 3,
    "02_core_concepts": 2,
    "03_algorithms": 4,
    "04_mathematics": 1,
    "05_project": 3,
    "06_applications": 10,
    "07_tools": 1,
    "08_trends": 7,
    "09_questions": 4,
}

PATHS = re.compile(
    r"(?<![\w.:/])/(?:home|Users|root|tmp|usr|opt|var|work|content|private|mnt)/\w"
    r"|\b[A-Z]:\\\w|\bsite-packages\b"
)
ADDRESS = re.compile(r"\b0x[0-9a-f]{8,}\b")  # of an object in memory


def faults(notebook: Any) -> Iterator[str]:
    """What is wrong with a notebook's stored outputs, one sentence each."""
    yield from _cells_not_run(notebook)
    yield from _errors(notebook)
    yield from _traces_of_a_machine(notebook)
    yield from _not_compared(notebook)
    if "widgets" in notebook.metadata:
        yield "metadata.widgets holds widget state; refresh with `make outputs`"
    size = len(nbformat.writes(notebook).encode())
    if size > LARGEST:
        yield f"{size:,} bytes; a chapter has at most {LARGEST:,}"


def _cells_not_run(notebook: Any) -> Iterator[str]:
    run = [cell.execution_count for cell in code_cells(notebook) if cell.source.strip()]
    if run != list(range(1, len(run) + 1)):
        yield f"cells ran in the order {run}; refresh with `make outputs`"
    if not any(cell.outputs for cell in code_cells(notebook)):
        yield "no output is stored; refresh with `make outputs`"


def _errors(notebook: Any) -> Iterator[str]:
    for cell in code_cells(notebook):
        failed = [o for o in cell.outputs if o.output_type == "error"]
        expected = "raises-exception" in tags(cell)
        if failed and not expected:
            yield f"cell {cell.id} failed: {failed[0].ename}: {failed[0].evalue}"
        if expected and not failed:
            yield f"cell {cell.id} is tagged raises-exception and raises nothing"
        if any(o.get("name") == "stderr" for o in cell.outputs):
            yield f"cell {cell.id} writes to stderr: {cell.outputs[0].get('text', '')[:80]!r}"
        if any("different on input" in text.text for text in texts(cell)):
            yield f"cell {cell.id}: a stored answer differs from ours"


def _traces_of_a_machine(notebook: Any) -> Iterator[str]:
    name = platform.node()
    for cell in code_cells(notebook):
        stored = json.dumps([_without_pictures(o) for o in cell.outputs], ensure_ascii=False)
        stored = stored.replace("\\\\", "\\")
        for what, pattern in (("a path", PATHS), ("an address in memory", ADDRESS)):
            if found := pattern.search(stored):
                yield f"cell {cell.id} shows {what}: {stored[found.start() :][:60]!r}"
        if len(name) > 3 and name in stored:
            yield f"cell {cell.id} shows the name of the machine"


def _without_pictures(output: Any) -> dict[str, Any]:
    data = {k: v for k, v in output.get("data", {}).items() if not k.startswith("image/")}
    return {**output, "data": data}


def _not_compared(notebook: Any) -> Iterator[str]:
    for cell in code_cells(notebook):
        marks = [tag for tag in tags(cell) if tag.startswith("nbval-")]
        marks += re.findall(r"NBVAL_\w+|PYTEST_VALIDATE\w+", cell.source)
        if marks and cell.id not in IGNORED_CELLS:
            yield f"cell {cell.id} is kept from the comparison by {marks[0]}"
    share = compared_share(notebook)
    if share < SMALLEST_COMPARED:
        yield f"only {share:.0%} of the cells that print are compared; {SMALLEST_COMPARED:.0%} must"
    share = masked_share(notebook)
    if share >= LARGEST_MASKED:
        yield f"{share:.1%} of the characters are masked; less than {LARGEST_MASKED:.0%} may be"


def compared_share(notebook: Any) -> float:
    """Of the cells that print, how many fail the comparison when one character is altered."""
    printing = [cell for cell in code_cells(notebook) if texts(cell)]
    return sum(map(_notices, printing)) / len(printing) if printing else 1.0


def _notices(cell: Any) -> bool:
    if any("ignore" in tag or "skip" in tag for tag in tags(cell)) or not cell.execution_count:
        return False
    for text in texts(cell):
        places = compared_places(text.text, r"\w")
        if not places:
            continue
        changed = text.replaced(cell.outputs, altered(text.text, places[0]))
        return bool(outputs_differ(cell.outputs, changed, cell.metadata))
    return False


def masked_share(notebook: Any) -> float:
    """Of the characters printed, how many are not compared.

    Views are left out: their records are unpacked and compared, and all they say follows.
    """
    printed = [
        text.text
        for cell in code_cells(notebook)
        for text in texts(cell)
        if not shows_a_view(cell.outputs[text.output])
    ]
    return sum(map(masked_characters, printed)) / max(1, sum(map(len, printed)))
