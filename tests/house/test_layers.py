"""The layers are proven by a tool, and the tool sees what it should."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tracked import ROOT

BROKEN = {
    "upwards": ("llm_book/training/schedule.py", "import llm_book.recipes"),
    "sideways": ("llm_book/models/recurrent.py", "import llm_book.text"),
    "of the commands": ("llm_book/shapes.py", "import llm_book.dev"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its contracts, free to be broken."""
    shutil.copytree(ROOT / "llm_book", tmp_path / "llm_book")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def linted(root: Path) -> subprocess.CompletedProcess[str]:
    """What lint-imports says of the package that lies in a folder."""
    program = "from importlinter.cli import lint_imports; exit(lint_imports(no_cache=True))"
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, encoding="utf-8")


def test_the_layers_hold(copy: Path) -> None:
    done = linted(copy)
    assert done.returncode == 0, done.stdout
    assert "1 kept, 0 broken" in done.stdout


@pytest.mark.parametrize("direction", BROKEN)
def test_an_import_in_a_wrong_direction_is_seen(copy: Path, direction: str) -> None:
    name, line = BROKEN[direction]
    path = copy / name
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    done = linted(copy)
    assert done.returncode == 1, done.stdout
    assert "BROKEN" in done.stdout


def test_a_module_without_a_place_is_seen(copy: Path) -> None:
    (copy / "llm_book" / "drawer.py").write_text("", encoding="utf-8")
    assert linted(copy).returncode == 1
