"""Whether a chapter's code is the package's: two syntax trees, less docstrings and types."""

import ast
import io
import tokenize
from collections.abc import Iterator

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
CHECKERS = {"jaxtyped", "beartype", "typechecked", "no_type_check"}  # decorators about types

# One letter or sign for another that means something else.
OTHER = {
    "+": "-", "-": "+", "*": "/", "/": "*", "//": "/", "@": "*", "%": "+", "**": "*",
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
    "+=": "-=", "-=": "+=", "*=": "/=", "&": "|", "|": "&", "~": "-",
    "and": "or", "or": "and", "True": "False", "False": "True",
}  # fmt: skip


class _Stripped(ast.NodeTransformer):
    """Takes away what a page does not show: docstrings, annotations, decorators about types."""

    in_class = False

    def _definition(self, node: Definition) -> Definition:
        node.decorator_list = [d for d in node.decorator_list if not _about_types(d)]
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        if hasattr(node, "type_params"):
            node.type_params = []
        outside, self.in_class = self.in_class, isinstance(node, ast.ClassDef)
        self.generic_visit(node)
        self.in_class = outside
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> Definition:
        return self._definition(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Definition:
        node.returns = None
        return self._definition(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if self.in_class:  # a dataclass's field: that it is one counts, its type does not
            node.annotation = ast.Constant("a type")
            return self.generic_visit(node)
        if node.value is None:
            return None
        return self.generic_visit(ast.Assign([node.target], node.value))


def _about_types(decorator: ast.expr) -> bool:
    names = {n.id for n in ast.walk(decorator) if isinstance(n, ast.Name)}
    names |= {n.attr for n in ast.walk(decorator) if isinstance(n, ast.Attribute)}
    return bool(names & CHECKERS)


def stripped(node: ast.stmt) -> str:
    """A statement's code as text that is the same exactly where the code is."""
    copy = ast.parse(ast.unparse(node))
    return ast.dump(_Stripped().visit(copy), annotate_fields=False)


def statements(source: str) -> dict[str, ast.stmt]:
    """What a source defines at its top level: functions, classes and constants, by name."""
    found: dict[str, ast.stmt] = {}
    for node in ast.parse(source).body:
        if isinstance(node, Definition):
            found[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {t.id: node for t in targets if isinstance(t, ast.Name)}
    return found


def disagreements(cell: str, module: str) -> list[str]:
    """Why a cell does not hold the module's own definitions; nothing where it does."""
    there, reasons, definitions = statements(module), [], 0
    for node in ast.parse(cell).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        if not isinstance(node, (Definition, ast.Assign, ast.AnnAssign)):
            reasons.append(f"line {node.lineno} is no definition; move it to another cell")
    for name, node in statements(cell).items():
        definitions += isinstance(node, Definition)
        if name not in there:
            reasons.append(f"{name} is not defined in the module")
        elif stripped(node) != stripped(there[name]):
            reasons.append(f"{name} is not the module's {name}")
    return reasons if definitions else [*reasons, "the cell defines nothing"]


def segment(module: str, name: str) -> str:
    """The lines of a module that hold one definition, its decorators with it."""
    node = statements(module)[name]
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return "\n".join(module.splitlines()[first - 1 : node.end_lineno]) + "\n"


def alterations(definition: str) -> Iterator[tuple[str, str]]:
    """One definition's source with one letter or sign of it changed: (what, new source).

    Every name, number, word and operator gets its turn, but for docstrings, annotations and
    decorators about types, which the page may leave out.
    """
    left_out = _left_out(definition)
    lines = definition.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(definition).readline):
        new = _changed(token)
        (row, column), (last, end) = token.start, token.end
        if new is None or row != last or any(a <= token.start < b for a, b in left_out):
            continue
        line = lines[row - 1]
        text = "".join([*lines[: row - 1], line[:column] + new + line[end:], *lines[row:]])
        if _parses(text):
            yield f"line {row}: {token.string} became {new}", text


def _changed(token: tokenize.TokenInfo) -> str | None:
    text = token.string
    if text in OTHER:
        return OTHER[text]
    if token.type == tokenize.NUMBER:
        return text[:-1] + str((int(text[-1]) + 1) % 10) if text[-1].isdigit() else None
    if token.type == tokenize.NAME:
        return text[:-1] + ("q" if text[-1] != "q" else "z")
    if token.type == tokenize.STRING and len(text) > 2 and text[-2].isalpha():
        return text[:-2] + ("q" if text[-2] != "q" else "z") + text[-1]
    return None


Place = tuple[int, int]


def _left_out(definition: str) -> list[tuple[Place, Place]]:
    """Where in a definition stands what is not compared."""
    lines, found = definition.splitlines(), []

    def span(node: ast.AST) -> tuple[Place, Place]:
        def place(row: int, byte: int) -> Place:  # ast counts bytes, tokenize characters
            return row, len(lines[row - 1].encode()[:byte].decode())

        return place(node.lineno, node.col_offset), place(node.end_lineno, node.end_col_offset)

    for node in ast.walk(ast.parse(definition)):
        if isinstance(node, Definition):
            for start, end in map(span, filter(_about_types, node.decorator_list)):
                found.append(((start[0], start[1] - 1), end))  # with the @ before it
            if ast.get_docstring(node, clean=False) is not None:
                found.append(span(node.body[0]))
        types = [getattr(node, field, None) for field in ("annotation", "returns")]
        found += [span(kind) for kind in types if isinstance(kind, ast.AST)]
    return found


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True
