"""The first code cell and the launch line of every chapter, made for one version and address.

A chapter that needs an extra of the book says so in book/chapters.yml; its cell installs that too.
`python -m tests.chapters.setup_cell` writes them into every chapter.
"""

import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import yaml

from tests.chapters.notebooks import ROOT, code_cells, markdown_cells, notebooks, read

TEMPLATE = """\
import subprocess
import sys
from importlib.metadata import distributions

BOOK = "git+{repository}@v{version}"
if BOOK.rpartition("@v")[2] not in {found.version for found in distributions(name="llm-book")}:
    if "/example/" in BOOK:
        raise ImportError("This book is not published yet: run it from a clone, with `make book`.")
    subprocess.check_call([sys.executable, "-m", "pip", "install", "-q", BOOK])
    if "llm_book" in sys.modules:
        raise ImportError("llm_book is now another version: restart the runtime, then run again.")
from llm_book.session import setup

session = setup(preset="small")  # "full": real data, needs a GPU or patience
"""
# What differs where a chapter needs an extra: (as above, with the extra).
WITH_EXTRA = [
    (
        "from importlib.metadata import distributions\n",
        "from importlib.metadata import distributions\nfrom importlib.util import find_spec\n",
    ),
    ('BOOK = "git+', 'BOOK = "llm-book[{extra}] @ git+'),
    (
        'if BOOK.rpartition("@v")[2] not in '
        '{found.version for found in distributions(name="llm-book")}:\n',
        "NEEDED = {imports}\n"
        'here = {found.version for found in distributions(name="llm-book")}\n'
        'if BOOK.rpartition("@v")[2] not in here or not all(map(find_spec, NEEDED)):\n',
    ),
]
LAUNCH = (
    "**Run it:** [Colab](https://colab.research.google.com/github/{owner}/{tree})"
    " · [Kaggle](https://kaggle.com/kernels/welcome?src={repository}/{tree})"
    " · [Binder](https://mybinder.org/v2/gh/{owner}/v{version}?labpath={path})"
)


@dataclass(frozen=True)
class Extra:
    """An extra of the book, by its name in pyproject.toml, and the modules needed of it."""

    name: str
    imports: tuple[str, ...]


@cache
def extras() -> dict[str, Extra]:
    """The extra that a chapter needs, by the chapter's file name without its ending."""
    outline = yaml.safe_load((ROOT / "book" / "chapters.yml").read_text(encoding="utf-8"))
    return {
        chapter["file"]: Extra(chapter["extra"], tuple(chapter["imports"]))
        for chapter in outline
        if "extra" in chapter
    }


def setup_cell(version: str, repository: str, extra: Extra | None = None) -> str:
    """The cell's text for one release of the book; ``repository`` is an https address."""
    text = TEMPLATE
    if extra:
        for plain, with_extra in WITH_EXTRA:
            assert text.count(plain) == 1
            text = text.replace(plain, with_extra)
        text = text.replace("{extra}", extra.name)
        text = text.replace("{imports}", json.dumps(extra.imports))
    text = text.replace("{version}", version).replace("{repository}", repository)
    return text.rstrip("\n")


def launch_line(path: str, version: str, repository: str) -> str:
    """Where to run a chapter (its path in the repository) at the release its setup cell pins."""
    owner = "/".join(repository.rstrip("/").split("/")[-2:])
    tree = f"blob/v{version}/{path}"
    return LAUNCH.format(owner=owner, tree=tree, repository=repository, version=version, path=path)


def published() -> tuple[str, str]:
    """The version and the address in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["version"], project["urls"]["Repository"]


def bring_up_to_date(notebook: Any, place: str) -> bool:
    """Write setup cell and launch line into a notebook, in place; says whether that changed it.

    ``place`` is its path in the repository.
    """
    before = nbformat.writes(notebook)
    if cells := code_cells(notebook):
        cells[0].source = setup_cell(*published(), extras().get(Path(place).stem))
    line = launch_line(place, *published())
    for cell in markdown_cells(notebook)[:1]:
        cell.source = re.sub(
            r"^\*\*Run it:\*\*.*$", lambda _: line, cell.source, flags=re.MULTILINE
        )
    return nbformat.writes(notebook) != before


def main() -> None:
    for path in notebooks():
        notebook = read(path)
        if bring_up_to_date(notebook, path.relative_to(ROOT).as_posix()):
            path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
            print(f"{path.name}: setup cell and launch line written")


if __name__ == "__main__":
    main()
