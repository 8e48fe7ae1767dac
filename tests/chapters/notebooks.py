"""The chapters, found by search, and what their cells are made of."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "chapters"


def chapters() -> list[Path]:
    """Every notebook of the book, in order; what JupyterLab keeps beside them is not one."""
    return sorted(path for path in FOLDER.glob("*.ipynb") if not path.name.startswith("."))


def notebooks() -> list[Path]:
    """The chapters, and before them the notebooks among the book's other pages."""
    others = sorted(path for path in (ROOT / "book").glob("*.ipynb") if path.name[0] != ".")
    return [*others, *chapters()]


def each_chapter() -> pytest.MarkDecorator:
    """Run a test once a chapter; before there is one, skip it and say so."""
    return _each(chapters())


def each_notebook() -> pytest.MarkDecorator:
    """Run a test once a chapter, and once for each other notebook of the book."""
    return _each(notebooks())


def _each(paths: list[Path]) -> pytest.MarkDecorator:
    found = [pytest.param(path, id=path.stem) for path in paths]
    why = "no chapter is written yet: chapters/ holds no notebook"
    return pytest.mark.parametrize(
        "chapter", found or [pytest.param(None, marks=pytest.mark.skip(reason=why), id="none")]
    )


def read(path: Path) -> Any:
    """A notebook in nbformat 4, its multi-line strings joined."""
    return nbformat.read(path, as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    """The cells that run, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def markdown_cells(notebook: Any) -> list[Any]:
    """The cells that are read, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def tags(cell: Any) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))


def tagged(notebook: Any, prefix: str) -> Iterator[tuple[Any, str]]:
    """Each code cell with a tag ``prefix:what``, and what."""
    for cell in code_cells(notebook):
        for tag in tags(cell):
            if tag.startswith(prefix + ":"):
                yield cell, tag.removeprefix(prefix + ":")


def note(cell: Any, name: str) -> Any:
    """What the book's own metadata of a cell says under ``name``, or None."""
    return cell.metadata.get("llm_book", {}).get(name)


def where(chapter: Path, cell: Any) -> str:
    """A cell, so that its author finds it."""
    lines = cell.source.strip().splitlines() or ["(empty)"]
    return f"{chapter.name}, cell {cell.get('id', '?')} ({lines[0][:60]})"
