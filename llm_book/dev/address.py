"""One address and one version: every other file follows pyproject.toml."""

from __future__ import annotations

import subprocess
from pathlib import Path

from llm_book.dev.tell import ROOT, Refusal

KEPT = ("pyproject.toml", "CHANGELOG.md", "tests/")


def address() -> int:
    """Bring every file to the repository address and the version that pyproject.toml holds."""
    old, new = cited(ROOT), declared(ROOT)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        raise Refusal("git could not list the files: give this command in a clone.")
    # Tests invent addresses and versions of their own; the changelog tells what was.
    names = [n for n in listed.stdout.split("\0") if n and not n.startswith(KEPT)]
    changed = [name for name in names if replace_in(ROOT / name, forms(old), forms(new))]
    print(f"{old[0]} {old[1]} → {new[0]} {new[1]}: {', '.join(changed) or 'nothing to change'}")
    return 0


def declared(root: Path) -> tuple[str, str]:
    """Repository address and version, from the one place where they stand."""
    import tomllib  # here, not above: an older Python must be able to read this file

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"], project["version"]


def cited(root: Path) -> tuple[str, str]:
    """Repository address and version as the citation file has them: what was last brought in."""
    lines = (root / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(": ", 1) for line in lines if ": " in line)
    return fields["repository-code"].strip('"'), fields["version"].strip('"')


def forms(published: tuple[str, str]) -> list[str]:
    """The ways in which address and version are written in other files."""
    url, version = published
    owner, name = url.rstrip("/").split("/")[-2:]
    return [
        f"{owner}/{name}",
        f"{owner}.github.io/{name}",
        f"blob/v{version}/",
        f"@v{version}",
        f'version: "{version}"',
    ]


def replace_in(path: Path, old: list[str], new: list[str]) -> bool:
    """Write ``new`` for ``old`` in a text file; whether that changed it."""
    try:
        before = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    after = before
    for one, other in zip(old, new, strict=True):
        after = after.replace(one, other)
    if after != before:
        path.write_bytes(after.encode("utf-8"))
    return after != before
