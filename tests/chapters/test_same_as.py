"""The page shows the package's own code, or simpler code that a test holds to it."""

import ast
import importlib.util
from pathlib import Path

import pytest

from tests.chapters.notebooks import ROOT, chapters, each_chapter, note, read, tagged, where
from tests.chapters.same_as import Definition, alterations, disagreements, segment, statements

MODULE = '''\
"""A module."""
from dataclasses import dataclass

LIMIT = 5

@dataclass(frozen=True)
class Gate:
    """One gate."""

    width: int
    bias: bool = True

    def open(self, x: Float[Tensor, "batch width"], h: Tensor) -> Float[Tensor, "batch width"]:
        """How far it is open; ⟨ünïcödé⟩ in a docstring moves no place."""
        scale: float = 0.5
        return sigmoid(self.weight @ x + scale * h - 1) if self.bias else x ** 2

@jaxtyped(typechecker=beartype)
def clip(x: float, name: str = "norm") -> float:
    """At most LIMIT."""
    return min(x, LIMIT) if x >= 0 and name != "none" else None
'''

CELL = """\
@dataclass(frozen=True)
class Gate:
    width: int
    bias: bool = True

    def open(self, x, h):
        scale = 0.5
        return sigmoid(self.weight @ x + scale * h - 1) if self.bias else x**2


def clip(x, name="norm"):
    return min(x, LIMIT) if x >= 0 and name != "none" else None
"""


def source(module: str) -> str:
    """The text of a module of the package."""
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin, f"there is no module {module}"
    return Path(spec.origin).read_text(encoding="utf-8")


def pairs() -> list:
    """Every cell of every chapter that says whose code it holds."""
    found = [
        pytest.param(cell.source, module, id=f"{path.stem}-{cell.get('id')}-{module}")
        for path in chapters()
        for cell, module in tagged(read(path), "same-as")
    ]
    why = "no cell is tagged same-as: yet"
    return found or [pytest.param("", "", marks=pytest.mark.skip(reason=why), id="none")]


def test_code_without_docstrings_and_types_is_the_same():
    assert disagreements(CELL, MODULE) == []


def test_a_cell_may_hold_some_of_the_modules_definitions():
    assert disagreements(CELL[CELL.index("def clip") :], MODULE) == []


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("def clop(x): ...", "clop is not defined in the module"),
        ("LIMIT = 6\ndef clip(x): ...", "LIMIT is not the module's LIMIT"),
        ("def clip(x): return x\nprint(clip(1))", "line 2 is no definition"),
        ("import math", "the cell defines nothing"),
        (CELL.replace("(frozen=True)", ""), "Gate is not the module's Gate"),
        (CELL.replace("    bias: bool = True\n", "    bias = True\n"), "Gate is not"),
        (CELL.replace('name="norm"', 'name="norms"'), "clip is not"),
    ],
)
def test_other_code_is_noticed(cell, why):
    assert any(why in reason for reason in disagreements(cell, MODULE))


def unnoticed(cell: str, module: str) -> list[str]:
    """Changes of one letter in the module that the comparison with the cell lets pass."""
    names = [name for name, node in statements(cell).items() if isinstance(node, Definition)]
    found, tried = [], 0
    for name in names:
        shown = ast.unparse(statements(cell)[name])
        for what, text in alterations(segment(module, name)):
            tried += 1
            found += [] if disagreements(shown, text) else [f"{name}, {what}"]
    assert tried > 5 * len(names), "almost nothing was altered"
    return found


def test_every_changed_letter_of_the_example_is_noticed():
    assert unnoticed(CELL, MODULE) == []


def test_what_the_page_leaves_out_is_not_altered():
    changes = " ".join(w for n in ("Gate", "clip") for w, _ in alterations(segment(MODULE, n)))
    assert not any(word in changes for word in ("Tensor", "jaxtyped", "float", "At most", "bool"))


def test_every_changed_letter_of_the_packages_gru_is_noticed():
    module = source("llm_book.models.recurrent")
    shown = {n: ast.unparse(node) for n, node in statements(module).items() if "gru" in n.lower()}
    assert shown, "llm_book.models.recurrent defines no GRU"
    assert unnoticed("\n".join(shown.values()), module) == []


@pytest.mark.parametrize(("cell", "module"), pairs())
def test_a_tagged_cell_is_the_packages_code(cell, module):
    assert disagreements(cell, source(module)) == []


@pytest.mark.parametrize(("cell", "module"), pairs())
def test_a_changed_letter_in_the_package_is_noticed_by_its_cell(cell, module):
    assert unnoticed(cell, source(module)) == []


@each_chapter()
def test_simpler_code_names_the_test_that_holds_it_to_the_packages(chapter):
    for cell, module in tagged(read(chapter), "simpler-than"):
        named = note(cell, "test")
        assert named, f"{where(chapter, cell)} names no test in metadata.llm_book.test"
        file, _, function = named.partition("::")
        defined = statements((ROOT / file).read_text(encoding="utf-8"))
        assert function.partition("[")[0] in defined, f"{named} does not exist ({module})"
