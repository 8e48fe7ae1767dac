"""How the commands speak and run programs: one heading a step, one sentence a refusal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Refusal(Exception):
    """One sentence that says what is missing and what to do."""


def heading(text: str) -> None:
    """Announce a step, in order with what the step itself prints."""
    print(f"\n── {text} ".ljust(80, "─"), flush=True)


def run(command: Sequence[str | Path], env: dict[str, str] | None = None) -> int:
    """Run a program at the root of the repository, its words on our output; its exit status."""
    sys.stdout.flush()
    return subprocess.run([str(word) for word in command], cwd=ROOT, env=env).returncode


def must_run(command: Sequence[str | Path], env: dict[str, str] | None, otherwise: str) -> None:
    """Run a program; where it fails, refuse with ``otherwise``."""
    if run(command, env) != 0:
        raise Refusal(otherwise)
