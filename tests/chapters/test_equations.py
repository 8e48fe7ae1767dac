"""Each formula names its partner, and the two give the same; a mutated partner does not."""

import importlib

import numpy as np
import pytest

from tests.chapters.equations import Equation, partner, survivors
from tests.chapters.markdown import equations
from tests.chapters.notebooks import ROOT, chapters, each_chapter, read


def table() -> dict[str, Equation]:
    """The partners of all modules in ``tests/equations``, or nothing before there is one."""
    found: dict[str, Equation] = {}
    for path in sorted((ROOT / "tests" / "equations").glob("test_equations*.py")):
        part = importlib.import_module(f"tests.equations.{path.stem}").EQUATIONS
        twice = sorted(found.keys() & part.keys())
        assert not twice, f"{path.name}: {twice} stand in another table as well"
        found |= part
    return found


def each_equation() -> pytest.MarkDecorator:
    why = "no equation has a partner yet: tests/equations/test_equations.py is not there"
    none = pytest.param(None, marks=pytest.mark.skip(reason=why), id="none")
    return pytest.mark.parametrize("label", sorted(table()) or [none])


@each_chapter()
def test_every_equation_of_a_chapter_has_a_test_and_names_the_partner_tested(chapter):
    for equation in equations(read(chapter)):
        if equation.derivation and not equation.label:
            continue
        assert equation.label in table(), f"{equation.label} has no entry in EQUATIONS"
        tested = table()[equation.label].shown
        assert tested in equation.partners, (
            f"{equation.label}: `Partner: {tested}` stands neither in its cell nor in the next"
        )


def test_every_entry_of_the_table_stands_in_a_chapter():
    if not chapters():
        pytest.skip("no chapter is written yet: chapters/ holds no notebook")
    written = {e.label for path in chapters() for e in equations(read(path))}
    assert sorted(set(table()) - written) == []


@each_chapter()
def test_no_label_stands_twice(chapter):
    labels = [e.label for path in chapters() for e in equations(read(path)) if e.label]
    here = {e.label for e in equations(read(chapter))}
    assert [label for label in here if labels.count(label) > 1] == []


@each_equation()
def test_a_formula_equals_its_partner(label):
    equation = table()[label]
    equation.check(partner(equation))


@each_equation()
def test_a_mutated_partner_is_found_out(label):
    passed, tried = survivors(table()[label])
    assert tried, f"nothing in {table()[label].partner} could be mutated"
    assert passed == []


# The mechanism itself, on a formula small enough to see every mutant.


def check_difference(function) -> None:
    """|a − b| largest, evaluated by NumPy."""
    a, b = np.random.default_rng(0).normal(size=(2, 5))
    assert abs(function(a, b) - np.max(np.abs(a - b))) < 1e-12


SOURCE = '''\
import numpy as np

def largest_difference(a: np.ndarray, b: np.ndarray) -> float:
    """The largest of |a - b|."""
    return float(np.max(np.abs(a - b)) * 1)
'''


@pytest.fixture
def example(tmp_path, monkeypatch) -> str:
    (tmp_path / "small_example.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return "small_example.largest_difference"


def test_a_good_check_finds_every_mutant(example):
    equation = Equation(example, check_difference)
    equation.check(partner(equation))
    passed, tried = survivors(equation)
    assert tried >= 4 and passed == ["line 3: * became /"]


def test_a_mutant_that_computes_the_same_can_be_spared_with_a_reason(example):
    spared = {"line 3: * became /": "by one, both are the same"}
    assert survivors(Equation(example, check_difference, spared))[0] == []


def test_a_check_that_checks_nothing_lets_mutants_pass(example):
    passed, tried = survivors(Equation(example, lambda function: None))
    assert len(passed) == tried >= 4
