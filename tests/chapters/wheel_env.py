"""An environment that holds the wheel and what it asks for, and nothing else.

The wheel is built and installed by pip; its dependencies are those of the environment the tests
run in, linked one by one, so that nothing is downloaded and no version differs.
"""

import os
import shutil
import subprocess
import sys
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.chapters.notebooks import ROOT

KERNEL = ["ipykernel"]  # what a notebook needs beside the book
PASSED_ON = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH")


def build_wheel(folder: Path) -> Path:
    """The wheel of this tree; built from a copy, because a build leaves files behind that stay."""
    source = folder / "source"
    source.mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-text"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source / name)
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "llm_book", source / "llm_book", ignore=ignored)
    _run("pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
    (wheel,) = folder.glob("*.whl")
    return wheel


def wheel_environment(folder: Path, extra: str = "") -> Path:
    """Make the environment in ``folder``, with what the book's ``extra`` asks for; its Python."""
    wheel = build_wheel(folder / "wheel")
    home = folder / "environment"
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    _run("pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    site = next(path for path in home.rglob("site-packages") if path.is_dir())
    (installed,) = site.glob("llm_book-*.dist-info")
    for needed in closure([*(Distribution.at(installed).requires or []), *KERNEL], extra):
        link(needed, site)
    return python


def closure(requirements: list[str], extra: str = "") -> list[Distribution]:
    """The distributions that these requirements bring, found in this environment.

    Those that stand under a condition on an extra count where it is ``extra``.
    """
    todo = [(Requirement(text), extra) for text in requirements]
    found: dict[str, Distribution] = {}
    seen = set()
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        found.setdefault(name, distribution(requirement.name))
        for asked in ["", *requirement.extras]:
            if (name, asked) not in seen:
                seen.add((name, asked))
                todo += [(Requirement(text), asked) for text in found[name].requires or []]
    return list(found.values())


def link(needed: Distribution, site: Path) -> None:
    """Put a distribution's packages into ``site`` without copying them, where that is possible."""
    names = {file.parts[0] for file in needed.files or [] if file.parts[0] != ".."}
    for name in names:
        source, target = Path(str(needed.locate_file(name))), site / name
        if target.exists() or not source.exists() or name.endswith((".pth", "__pycache__")):
            continue
        try:
            target.symlink_to(source, target_is_directory=source.is_dir())
        except OSError:  # Windows lets not everyone make links
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, target)


def bare_environment(home: Path) -> dict[str, str]:
    """A reader's environment on an empty machine: ``home`` is empty, no variable names a path."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return kept | {"HOME": str(home), "USERPROFILE": str(home), "PYTHONNOUSERSITE": "1"}


def _run(*arguments: object) -> None:
    command = [sys.executable, "-m", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
