"""The table of commands: one function each, whose docstring is its line in ``help``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

OLDEST = (3, 11)


def show_help() -> int:
    """Say what each command does."""
    print("make COMMAND, or without make: python -m llm_book.dev COMMAND\n")
    for name, function in commands().items():
        print(f"  {name:10} {(function.__doc__ or '').strip()}")
    print("\nOptions stand behind the command, as in `make book SERVE=0`:\n")
    for name, meaning in OPTIONS.items():
        print(f"  {name:15} {meaning}")
    return 0


OPTIONS = {
    "SERVE=0": "book: only build, do not serve",
    "PORT=8000": "book: the port to serve on; without it the first free one from 8000 on",
    "TORCH_INDEX=…": "the address of another index to take PyTorch from, such as a smaller CPU "
    "build; the selector under “Get started” on pytorch.org shows it",
    "SEED=0": "mutants: which bugs to plant",
    "LLM_BOOK_MIRROR=…": "test: a folder with the real data sets, to test on those too",
}


def commands() -> dict[str, Callable[[], int]]:
    """Every command by name, in the order in which ``help`` shows them."""
    from llm_book.dev import address, carried, checks, clean, environment, pages

    return {
        "help": show_help,
        "book": pages.book,
        "test": checks.test,
        "test-twice": checks.test_twice,
        "outputs": checks.outputs,
        "assets": carried.assets,
        "lint": checks.lint,
        "bench": checks.bench,
        "mutants": checks.mutants,
        "clean": clean.clean,
        "address": address.address,
        "env": environment.env,
    }


def main(arguments: list[str]) -> int:
    """Run one command with its ``NAME=value`` options; return its exit status."""
    if sys.version_info < OLDEST:
        found, wanted = (".".join(map(str, v[:2])) for v in (sys.version_info, OLDEST))
        print(
            f"This is Python {found} and the book needs {wanted} or newer; install one and name "
            "it: make book PYTHON=python3.12",
            file=sys.stderr,
        )
        return 2
    words = [word for word in arguments if "=" not in word] or ["help"]
    for word in arguments:
        name, equals, value = word.partition("=")
        if equals:
            os.environ[name] = value
    known = commands()
    if len(words) > 1 or words[0] not in known:
        print(f"{' '.join(words)}: not one of {', '.join(known)}", file=sys.stderr)
        return 2
    from llm_book.dev.tell import Refusal

    try:
        return known[words[0]]()
    except Refusal as refusal:
        print(f"\n{refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
