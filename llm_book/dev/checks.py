"""Everything that is checked. Each step runs even when one before it failed."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from llm_book.dev import pages
from llm_book.dev.environment import child_env, ready
from llm_book.dev.tell import ROOT, Refusal, heading, run

PARALLEL = ["-n", "2", "--dist", "loadfile"]
CHAPTERS = [
    *["-p", "tests.nbval_policy", "--nbval", "--nbval-sanitize-with", "tests/nbval.cfg"],
    *["--nbval-current-env", "--nbval-cell-timeout=300", "book", "chapters"],
]


@dataclass(frozen=True)
class Outcome:
    """What one step found."""

    step: str
    passed: int
    failed: int
    skipped: int = 0
    seconds: float = 0.0


def test() -> int:
    """Check everything: layers, style, package, chapters, site."""
    python = ready()
    return summary(
        [
            timed("layers", lambda: layers(python)),
            timed("style", lambda: style(python)),
            timed("types", lambda: types(python)),
            timed("package", lambda: tests(python, ["tests", "--ignore=tests/site", *PARALLEL])),
            timed("chapters", lambda: tests(python, [*CHAPTERS, *PARALLEL])),
            timed("site build", lambda: one(pages.build())),
            timed("site in a browser", lambda: tests(python, ["tests/site"])),
        ]
    )


def test_twice() -> int:
    """Run the chapters twice in a row: outputs may depend on nothing that stays behind."""
    python = ready()
    rounds = ("chapters, first time", "chapters, second time")
    return summary([timed(name, lambda: tests(python, [*CHAPTERS, *PARALLEL])) for name in rounds])


def lint() -> int:
    """Check the layers, the style and the types."""
    python = ready()
    return summary(
        [
            timed("layers", lambda: layers(python)),
            timed("style", lambda: style(python)),
            timed("types", lambda: types(python)),
        ]
    )


def outputs() -> int:
    """Execute the chapters and store their outputs in them."""
    return run([ready(), ROOT / "tests" / "chapters" / "refresh_outputs.py"], child_env(threads=1))


def bench() -> int:
    """Compare speed and memory with the field's own and write benchmarks/README.md."""
    return run([ready(), ROOT / "benchmarks" / "everything.py"], child_env(threads=1))


def mutants() -> int:
    """Plant 200 bugs drawn by SEED=n and print those that no test notices."""
    seed = os.environ.get("SEED", "0")
    if not seed.isdigit():
        raise Refusal(f"SEED is {seed!r}; give a whole number, as in make mutants SEED=7")
    return run([ready(), "-m", "tests.mutants", seed], child_env(threads=1))


def layers(python: Path) -> tuple[int, int, int]:
    """Whether nothing imports upwards or sideways."""
    return one(run([python.with_name("lint-imports"), "--no-cache"], child_env()))


def style(python: Path) -> tuple[int, int, int]:
    """Whether the linter and the formatter are content."""
    ruff: list[str | Path] = [python, "-m", "ruff"]
    checked = one(run([*ruff, "check", "."], child_env()))
    formatted = one(run([*ruff, "format", "--check", "."], child_env()))
    return checked[0] + formatted[0], checked[1] + formatted[1], 0


def types(python: Path) -> tuple[int, int, int]:
    """Whether the type checker is content."""
    return one(run([python, "-m", "mypy"], child_env()))


def tests(python: Path, arguments: list[str]) -> tuple[int, int, int]:
    """Run pytest with one thread a process and count what it reports."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command: list[str | Path] = [python, "-m", "pytest", "-q"]
        command += [f"--junitxml={report}", *arguments]
        status = run(command, child_env(threads=1))
        return counted(report, status)


def counted(report: Path, status: int) -> tuple[int, int, int]:
    """Passed, failed and skipped in a JUnit report, at least one failed where pytest says so.

    An expected failure counts as a failure: nbval calls so the cells after one that ran too long.
    """
    passed = failed = skipped = 0
    if report.exists():
        for case in ElementTree.parse(report).iter("testcase"):
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif skip is None:
                passed += 1
            elif skip.get("type") == "pytest.xfail":
                failed += 1
            else:
                skipped += 1
    return passed, failed or int(status != 0), skipped


def one(status: int) -> tuple[int, int, int]:
    """A step that either passes or fails, by its exit status."""
    return (1, 0, 0) if status == 0 else (0, 1, 0)


def timed(step: str, check: Callable[[], tuple[int, int, int]]) -> Outcome:
    """Run one step; a refusal is a failure of this step alone."""
    heading(step)
    start = time.monotonic()
    try:
        numbers = check()
    except Refusal as refusal:
        print(refusal)
        numbers = (0, 1, 0)
    return Outcome(step, *numbers, seconds=time.monotonic() - start)


def summary(outcomes: list[Outcome]) -> int:
    """Print one line a step and one for all; 1 where anything failed."""
    heading("summary")
    for outcome in outcomes:
        print(
            f"{'FAILED' if outcome.failed else 'ok':7}{outcome.step:22}"
            f"{outcome.passed:6} passed{outcome.failed:6} failed{outcome.skipped:6} skipped"
            f"{outcome.seconds:8.0f} s"
        )
    passed, failed, skipped = (
        sum(getattr(outcome, name) for outcome in outcomes)
        for name in ("passed", "failed", "skipped")
    )
    print(f"\n{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return int(failed > 0)
