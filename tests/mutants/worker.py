"""A process with a tree of its own, in which mutants are tried one after the other."""

import os
from pathlib import Path

from tests.mutants import trial
from tests.mutants.draw import Mutant

_trees: list[Path] = []


def ready(root: str, folder: str) -> None:
    """Copy the tree and import what is heavy, once."""
    _trees[:] = [trial.copied(Path(root), Path(folder) / f"tree-{os.getpid()}")]
    trial.warm_up()


def tried(work: tuple[Mutant, list[str], float]) -> tuple[Mutant, int, bool]:
    """The mutant, how many tests there were for it, and whether one of them noticed."""
    mutant, tests, seconds = work
    return mutant, len(tests), bool(tests) and trial.noticed(mutant, tests, _trees[0], seconds)
