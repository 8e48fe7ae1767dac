"""What the package defines, read from its source: where a name lives, and its first sentence."""

import ast
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "llm_book"


@dataclass(frozen=True)
class Definition:
    """A public function or class: its dotted name and the first line of its docstring."""

    dotted: str
    says: str

    @property
    def link(self) -> str:
        """A link to its place on the API pages, in Markdown."""
        return f"{{py:obj}}`~{self.dotted}`"


class Definitions:
    """Every function and class of the package that its API pages describe."""

    def __init__(self, source: Path) -> None:
        self.found: dict[str, Definition] = {}
        self.passed_on: dict[str, str] = {}  # a name in a shelf's __init__ to where it is defined
        for path in sorted((source / PACKAGE).rglob("*.py")):
            parts = path.relative_to(source).with_suffix("").parts
            module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            private = any(part.startswith("_") for part in parts if part != "__init__")
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and not private:
                    self.add(module, node)
                elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                    for name in node.names:
                        self.passed_on[f"{module}.{name.asname or name.name}"] = (
                            f"{node.module}.{name.name}"
                        )

    def add(self, module: str, node: ast.FunctionDef | ast.ClassDef) -> None:
        says = ast.get_docstring(node)
        if says and not node.name.startswith("_"):
            dotted = f"{module}.{node.name}"
            self.found[dotted] = Definition(dotted, says.splitlines()[0])

    def of(self, dotted: str) -> Definition | None:
        """What a dotted name stands for; a method stands for its class; None for anything else."""
        seen: set[str] = set()
        while dotted not in self.found and dotted in self.passed_on and dotted not in seen:
            seen.add(dotted)
            dotted = self.passed_on[dotted]
        if dotted in self.found or dotted.count(".") < 2:
            return self.found.get(dotted)
        return self.of(dotted.rpartition(".")[0])
