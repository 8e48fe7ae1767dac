"""Every small change that could be made to a file, and a fair draw from all of them."""

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
SIGNED = (ast.Add, ast.Sub)
AXES = {"dim", "axis"}


@dataclass(frozen=True)
class Mutant:
    """One change: in which file, where, of which kind, and the file's text with it."""

    path: str
    line: int
    kind: str
    before: str
    after: str
    text: str
    scope: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.scope} [{self.kind}] {self.before} → {self.after}"

    @property
    def name(self) -> str:
        """What it is, wherever the line may move to."""
        return f"{self.path} {self.scope}: {self.before} → {self.after}"


def candidates(path: str, source: str) -> list[Mutant]:
    """Every mutant of one file, in the order of its lines."""
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    return finder.found


def drawn(files: Sequence[Path], root: Path, n: int, seed: int) -> list[Mutant]:
    """``n`` mutants of the files, each candidate equally likely; all of them where fewer exist."""
    found = [
        mutant
        for file in sorted(files)
        for mutant in candidates(
            file.relative_to(root).as_posix(), file.read_text(encoding="utf-8")
        )
    ]
    return random.Random(seed).sample(found, min(n, len(found)))


class _Finder(ast.NodeVisitor):
    """Walks a file; leaves out what no behaviour depends on: annotations, messages, imports."""

    def __init__(self, path: str, source: str) -> None:
        self.path, self.source = path, source
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line.encode()))
        self.scope: list[str] = []
        self.found: list[Mutant] = []

    def _add(self, kind: str, node: ast.expr | ast.stmt, after: str) -> None:
        raw = self.source.encode()
        start = self.starts[node.lineno - 1] + node.col_offset
        end = self.starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        text = (raw[:start] + after.encode() + raw[end:]).decode()
        before = " ".join(raw[start:end].decode().split())
        where = ".".join(self.scope)
        self.found.append(Mutant(self.path, node.lineno, kind, before, after, text, where))

    def _changed(self, kind: str, node: ast.expr, **fields: object) -> None:
        other = type(node)(**{name: fields.get(name, getattr(node, name)) for name in node._fields})
        self._add(kind, node, f"({ast.unparse(ast.fix_missing_locations(other))})")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.scope.append(node.name)
        for statement in node.body:
            self.visit(statement)
        self.scope.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.scope.append(node.name)
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self.visit(default)
        for statement in node.body:
            self.visit(statement)
        self.scope.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None and ast.unparse(node.annotation) != "TypeAlias":
            self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        return  # what a message says is tested by its words, not by its numbers

    def visit_Import(self, node: ast.Import) -> None:
        return

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._add("dropped call", node, "pass")
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        return

    def visit_BinOp(self, node: ast.BinOp) -> None:
        strings = any(
            isinstance(side, ast.JoinedStr)
            or (isinstance(side, ast.Constant) and isinstance(side.value, str))
            for side in (node.left, node.right)
        )
        other = OPERATORS.get(type(node.op))
        types = isinstance(node.op, ast.BitOr) and _is_type(node)
        if other and not strings and not types:
            kind = "sign" if isinstance(node.op, SIGNED) else "operator"
            self._changed(kind, node, op=other())
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        other = OPERATORS.get(type(node.op))
        if other:
            changed = ast.AugAssign(node.target, other(), node.value)
            self._add("sign", node, ast.unparse(ast.fix_missing_locations(changed)))
        self.visit(node.value)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            self._number(node, -node.operand.value)  # type: ignore[operator]
            return
        kind = "sign" if isinstance(node.op, ast.USub) else "operator"
        self._add(kind, node, f"({ast.unparse(node.operand)})")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        self._changed("operator", node, op=other)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for place, operator in enumerate(node.ops):
            ops: list[ast.cmpop] = list(node.ops)
            ops[place] = COMPARISONS[type(operator)]()
            self._changed("comparison", node, ops=ops)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._add("constant", node, str(not node.value))
        elif isinstance(node.value, int | float):
            self._number(node, node.value)

    def _number(self, node: ast.expr, value: float) -> None:
        for other in (value + 1, value - 1):
            self._add("constant", node, f"({other!r})" if other < 0 else repr(other))

    def visit_Call(self, node: ast.Call) -> None:
        if len(node.args) == 1 and not isinstance(node.args[0], ast.Starred):
            self._add("dropped call", node, f"({ast.unparse(node.args[0])})")
        elif not node.args and not node.keywords and isinstance(node.func, ast.Attribute):
            self._add("dropped call", node, f"({ast.unparse(node.func.value)})")
        self.visit(node.func)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            self._keyword(keyword)

    def _keyword(self, keyword: ast.keyword) -> None:
        axis = _whole_number(keyword.value) if keyword.arg in AXES else None
        if axis is None:
            self.visit(keyword.value)
        else:
            for other in (axis + 1, axis - 1):
                self._add("axis", keyword.value, str(other))


def _whole_number(node: ast.expr) -> int | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_type(node: ast.BinOp) -> bool:
    """Whether ``a | b`` joins types, as in ``isinstance(x, int | float)``."""
    names = [child.id for child in ast.walk(node) if isinstance(child, ast.Name)]
    known = {"int", "float", "str", "bytes", "list", "tuple", "dict", "Tensor", "Path", "None"}
    return any(name in known for name in names)


def files_of(root: Path, shelves: Sequence[str]) -> Iterator[Path]:
    """Every module of the named shelves or files."""
    for shelf in shelves:
        path = root / shelf
        yield from [path] if path.is_file() else path.rglob("*.py")
