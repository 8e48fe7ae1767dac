"""A chapter runs from an empty folder where only the wheel is installed."""

import copy
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.chapters.kernels import execute
from tests.chapters.notebooks import code_cells, each_notebook, read, where
from tests.chapters.setup_cell import extras, published, setup_cell
from tests.chapters.status import overruns
from tests.chapters.wheel_env import bare_environment, closure, wheel_environment
from tests.nbval_policy import child_environment, outputs_differ

pytestmark = pytest.mark.slow

WHERE = "import llm_book\n\nprint(llm_book.__file__)"
ABSENT = """\
import importlib.util

print([n for n in ("pytest", "nbval", "beartype", "tests") if importlib.util.find_spec(n)])"""


@pytest.fixture(scope="module")
def python_with(tmp_path_factory) -> Callable[[str], Path]:
    """The Python of an environment with the wheel and its dependencies, those of an extra too."""
    return cache(lambda extra: wheel_environment(tmp_path_factory.mktemp("wheel_only"), extra))


@pytest.fixture
def python(python_with) -> Path:
    """The Python of the environment without an extra."""
    return python_with("")


def run(notebook, python: Path, folder: Path) -> str:
    """Run a notebook there, in an empty folder; where it found llm_book."""
    home, empty = folder / "home", folder / "empty"
    home.mkdir()
    empty.mkdir()
    notebook.cells.append(new_code_cell(WHERE))
    cost = execute(notebook, str(python), empty, child_environment(bare_environment(home)))
    assert not overruns({"this notebook": asdict(cost)})
    return notebook.cells.pop().outputs[0].text.strip()


def test_a_notebook_finds_the_wheel_and_nothing_of_the_tests(python, tmp_path):
    cells = [new_code_cell(text) for text in (setup_cell(*published()), ABSENT)]
    notebook = new_notebook(cells=cells)
    found = Path(run(notebook, python, tmp_path))
    assert found.is_relative_to(python.parents[1])
    assert cells[0].outputs[0].text.startswith("preset small · seed 0 · ⟨cpu")
    assert cells[1].outputs[0].text == "[]\n"


@each_notebook()
def test_a_chapter_gives_its_stored_outputs_from_the_wheel_alone(chapter, python_with, tmp_path):
    extra = extras().get(chapter.stem)
    stored, python = read(chapter), python_with(extra.name if extra else "")
    fresh = nbformat.from_dict(copy.deepcopy(stored))
    assert Path(run(fresh, python, tmp_path)).is_relative_to(python.parents[1])
    for a, b in zip(code_cells(fresh), code_cells(stored), strict=True):
        assert outputs_differ(a.outputs, b.outputs, b.metadata) == [], where(chapter, b)


def test_what_a_requirement_brings_is_found_with_its_extras():
    names = {d.metadata["Name"].lower() for d in closure(["nbformat"])}
    assert {"nbformat", "jsonschema", "traitlets"} <= names
    assert "pytest" not in names


def test_what_stands_under_an_extra_is_brought_by_that_extra_alone():
    asked = ["nbformat", 'pyyaml; extra == "some"', 'pytest; extra == "other"']
    names = {d.metadata["Name"].lower() for d in closure(asked, "some")}
    assert "pyyaml" in names and "pytest" not in names
    assert "pyyaml" not in {d.metadata["Name"].lower() for d in closure(asked)}
