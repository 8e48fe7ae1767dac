"""Each formula on a page, evaluated independently of the code that computes it.

Each module ``tests/equations/test_equations*.py`` holds a table ``EQUATIONS``: label of the formula
to ``Equation``. Its check gets the partner and raises where the two disagree, so that it can be
given a mutated partner as well, and must then raise.
"""

import ast
import importlib
import importlib.util
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chapters.notebooks import FOLDER, code_cells, read
from tests.chapters.same_as import Definition, alterations, segment, statements

# A name for another that computes something else; other names would only fail to be found.
NAMES = {"sigmoid": "tanh", "tanh": "sigmoid", "sum": "mean", "mean": "sum", "max": "min"}
NAMES |= {"min": "max", "log": "exp", "exp": "log", "sin": "cos", "cos": "sin", "sqrt": "exp"}


@dataclass(frozen=True)
class Equation:
    """A formula's partner and the check that both give the same.

    ``partner`` is ``llm_book.module.function``, ``llm_book.module.Class.method`` (the check gets
    the class, only the method is mutated) or ``05_project:function`` for one that a chapter
    defines. ``spared`` names mutants that compute the same, each with the reason why.
    """

    partner: str
    check: Callable[[Any], None]
    spared: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """How the chapter writes the partner: what stands after ``Partner:``."""
        return self.partner.rpartition(":")[2]


def partner(equation: Equation) -> Any:
    """The function or class that computes the formula."""
    source, name, namespace = _found(equation.partner)
    return namespace[name] if name in namespace else _built(source, name, namespace)


def mutants(equation: Equation) -> Iterator[tuple[str, Any]]:
    """The partner with one sign, number or function of its code changed: (what, partner)."""
    source, name, namespace = _found(equation.partner)
    first, last = _lines(source, equation.partner)
    for what, text in alterations(source):
        row, old = _row_and_word(what)
        if not first <= row <= last or (old.isidentifier() and old not in {"and", "or"}):
            continue
        if old == "-" and _counts_from_the_end(text):
            continue
        yield what, _Late(text, name, namespace)
    for what, text in _renamed(source):
        if first <= _row_and_word(what)[0] <= last:
            yield what, _Late(text, name, namespace)


def survivors(equation: Equation) -> tuple[list[str], int]:
    """Mutants that the check lets pass, and how many there were."""
    passed, tried = [], 0
    for what, late in mutants(equation):
        tried += 1
        try:
            equation.check(late.built())
        except Exception:  # a mutant that cannot run is found out as well
            continue
        if what not in equation.spared:
            passed.append(what)
    return passed, tried


@dataclass(frozen=True)
class _Late:
    """A changed source, made into a function or class only when it is asked for."""

    text: str
    name: str
    namespace: dict[str, Any]

    def built(self) -> Any:
        return _built(self.text, self.name, self.namespace)


def _built(source: str, name: str, namespace: dict[str, Any]) -> Any:
    around = dict(namespace)
    exec(compile(source, f"<{name}>", "exec"), around)
    return around[name]


def _found(dotted: str) -> tuple[str, str, dict[str, Any]]:
    """A definition's source, its name, and what surrounds it."""
    if ":" in dotted:
        chapter, name = dotted.split(":")
        cells = code_cells(read(FOLDER / f"{chapter}.ipynb"))
        return _in_chapter([cell.source for cell in cells], name)
    parts = dotted.split(".")
    size = next(n for n in range(len(parts), 0, -1) if _is_module(".".join(parts[:n])))
    module = importlib.import_module(".".join(parts[:size]))
    source = Path(inspect.getfile(module)).read_text(encoding="utf-8")
    return segment(source, parts[size]), parts[size], vars(module)


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _in_chapter(sources: list[str], name: str) -> tuple[str, str, dict[str, Any]]:
    """A chapter's definition, surrounded by all the chapter's imports and definitions."""
    namespace: dict[str, Any] = {}
    kinds = (ast.Import, ast.ImportFrom, Definition)
    for source in sources:
        kept = [node for node in ast.parse(source).body if isinstance(node, kinds)]
        with warnings.catch_warnings(action="ignore"):  # those of the libraries it imports
            exec(compile(ast.Module(kept, []), "<chapter>", "exec"), namespace)
    source = next(s for s in reversed(sources) if name in statements(s))
    return segment(source, name), name, namespace


def _lines(source: str, dotted: str) -> tuple[int, int]:
    """First and last line of the method that the partner names, or of the whole definition."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name == dotted.rpartition(".")[2]:
            return node.body[0].lineno, node.end_lineno or node.lineno
    return 1, len(source.splitlines())


def _counts_from_the_end(changed: str) -> bool:
    """Whether the minus that became a plus was that of ``dim=-1``: +1 may be the same axis."""
    return any(
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.UAdd)
        and isinstance(node.operand, ast.Constant)
        for node in ast.walk(ast.parse(changed))
    )


def _renamed(source: str) -> Iterator[tuple[str, str]]:
    """Where a known function is called, another in its place."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            old = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if old in NAMES:
                row, end = node.func.end_lineno, node.func.end_col_offset
                line = lines[row - 1].encode()
                new = line[: end - len(old)] + NAMES[old].encode() + line[end:]
                text = "".join([*lines[: row - 1], new.decode(), *lines[row:]])
                yield f"line {row}: {old} became {NAMES[old]}", text


def _row_and_word(what: str) -> tuple[int, str]:
    place, _, change = what.partition(": ")
    return int(place.removeprefix("line ")), change.partition(" became ")[0]
