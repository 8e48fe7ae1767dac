"""Public functions and classes that nothing a reader meets uses yet.

Reached is what a chapter's code, a recipe or the command line names, and what the code of something
reached names in turn. ``python -m tests.house.orphans`` writes the list that the test holds; the
issues that write chapters empty it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.chapters.notebooks import FOLDER, code_cells, read

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("orphans.txt")
SHELVES = ("text", "data", "models", "training", "generation", "evaluation", "interpret")
ROOTS = ("recipes", "widgets", "classroom", "cli.py", "session.py", "results.py", "exercises.py")


def names_in(tree: ast.AST) -> set[str]:
    """Every name, attribute and imported name that some code mentions."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            found |= {alias.name.rpartition(".")[2] for alias in node.names}
    return found


def definitions() -> dict[str, tuple[str, ast.AST]]:
    """Every top-level function and class of the shelves: dotted name to (name, tree)."""
    found = {}
    for shelf in SHELVES:
        for path in sorted((ROOT / "llm_book" / shelf).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    found[f"{module}.{node.name}"] = (node.name, node)
    return found


def beginnings() -> Iterator[ast.AST]:
    """The code that readers run: chapters, recipes, commands."""
    for chapter in sorted(FOLDER.glob("*.ipynb")):
        for cell in code_cells(read(chapter)):
            yield ast.parse(cell.source)
    for name in ROOTS:
        path = ROOT / "llm_book" / name
        for file in [path] if path.suffix else sorted(path.rglob("*.py")):
            yield ast.parse(file.read_text(encoding="utf-8"))


def orphans() -> list[str]:
    """Dotted names of what is public and not reached, sorted."""
    known = definitions()
    reached: set[str] = set()
    wanted = set().union(*(names_in(tree) for tree in beginnings()))
    while fresh := {
        dotted for dotted, (name, _) in known.items() if name in wanted and dotted not in reached
    }:
        reached |= fresh
        wanted |= set().union(*(names_in(known[dotted][1]) for dotted in fresh))
    return sorted(
        dotted
        for dotted, (name, _) in known.items()
        if dotted not in reached and not any(p.startswith("_") for p in dotted.split("."))
    )


if __name__ == "__main__":
    LIST.write_text("".join(f"{name}\n" for name in orphans()), encoding="utf-8", newline="\n")
