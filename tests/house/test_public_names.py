"""What is public says what it does, and is there because a reader meets it."""

import ast
from collections.abc import Iterator

from llm_book.widgets.records import Record
from tests.house.orphans import LIST, ROOT, definitions, orphans


def public(tree: ast.AST, prefix: str) -> Iterator[tuple[str, ast.AST]]:
    """Modules, classes, functions and methods whose names do not begin with an underscore."""
    yield prefix, tree
    for node in getattr(tree, "body", []):
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        if isinstance(node, kinds) and not node.name.startswith("_"):
            inner = node if isinstance(node, ast.ClassDef) else ast.Module([], [])
            yield f"{prefix}.{node.name}", node
            if isinstance(node, ast.ClassDef):
                for name, child in public(inner, f"{prefix}.{node.name}"):
                    if child is not inner:
                        yield name, child


def documented_above(name: str, tree: ast.Module) -> bool:
    """Whether a method overrides one of the same file that says what both do."""
    *_, owner, method = name.split(".")
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    bases = [ast.unparse(base) for base in classes[owner].bases] if owner in classes else []
    return any(
        (isinstance(node, ast.FunctionDef) and node.name == method and ast.get_docstring(node))
        or documented_above(f"{base}.{method}", tree)
        for base in bases
        if base in classes
        for node in classes[base].body
    )


def of_a_record(name: str, tree: ast.Module) -> bool:
    """Whether a method is one that ``widgets.records.Record`` documents for every record."""
    *_, owner, method = name.split(".")
    owners = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == owner]
    marks = [
        ast.unparse(node) for n in owners for node in n.body if isinstance(node, ast.AnnAssign)
    ]
    is_record = any(mark.startswith("kind: ClassVar[str]") for mark in marks)
    return is_record and bool(getattr(getattr(Record, method, None), "__doc__", ""))


def test_every_public_name_has_a_docstring() -> None:
    silent = []
    for path in sorted((ROOT / "llm_book").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name, node in public(tree, module):
            said = ast.get_docstring(node) or documented_above(name, tree)  # type: ignore[arg-type]
            if not said and not of_a_record(name, tree):
                silent.append(name)
    assert silent == []


def test_the_list_of_orphans_is_what_it_says() -> None:
    """Used by no chapter, exercise or recipe yet; write it with python -m tests.house.orphans."""
    listed = LIST.read_text(encoding="utf-8").split()
    found = orphans()
    print(f"{len(found)} public names wait for their chapter")
    assert listed == found


def test_what_a_chapter_uses_is_no_orphan() -> None:
    known = definitions()
    assert "llm_book.models.recurrent.RecurrentStack" in known
    assert "llm_book.models.recurrent.RecurrentStack" not in orphans()
