"""Which tests run which line of the package, and how long each takes.

Loaded as a pytest plugin (``-p tests.mutants.touching``) it writes what it saw to the file that
``MUTANTS_MAP`` names: one JSON line a test. Workers of xdist append to the same file.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).resolve().parents[2]


class Recorder:
    """Notes for every test the lines of ``llm_book`` that it ran."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.coverage = coverage.Coverage(data_file=None, source=[str(ROOT / "llm_book")])
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.erase()
        self.coverage.start()
        self.passed, self.seconds = True, 0.0
        result = yield
        self.coverage.stop()
        data = self.coverage.get_data()
        lines = {
            Path(name).relative_to(ROOT).as_posix(): sorted(data.lines(name) or [])
            for name in data.measured_files()
        }
        if self.passed:
            record = {"test": item.nodeid, "seconds": self.seconds, "lines": lines}
            with self.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed &= report.passed
        self.seconds += report.duration


def pytest_configure(config: pytest.Config) -> None:
    if (out := os.environ.get("MUTANTS_MAP")) and not getattr(config.option, "numprocesses", None):
        config.pluginmanager.register(Recorder(Path(out)))


@dataclass
class Touching:
    """Lines to tests, files to tests, seconds a test."""

    by_line: dict[tuple[str, int], set[str]]
    by_file: dict[str, set[str]]
    seconds: dict[str, float]

    def tests(self, path: str, line: int) -> list[str]:
        """The tests that run a line, the mirrored file's first, then the quickest.

        A line that runs at import, or in processes that a test starts, belongs to every test that
        runs anything of its file and to every test of the mirrored file.
        """
        stem = f"test_{Path(path).stem}"
        found = self.by_line.get((path, line))
        if not found:
            mirrored = {test for test in self.seconds if f"/{stem}" in test}
            found = self.by_file.get(path, set()) | mirrored
        return sorted(found, key=lambda test: (stem not in test, self.seconds[test], test))


def measured(tests: Sequence[str], out: Path, workers: int) -> Touching:
    """Run the tests once under coverage."""
    out.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "tests.mutants.touching", "-n", str(workers), "--dist", "loadfile", *tests]
    env = os.environ | {"MUTANTS_MAP": str(out), "COVERAGE_CORE": "ctrace"}
    subprocess.run(command, cwd=ROOT, env=env, check=False)
    return read(out)


def read(out: Path) -> Touching:
    """What a run noted."""
    touching = Touching(defaultdict(set), defaultdict(set), {})
    for text in out.read_text(encoding="utf-8").splitlines():
        record = json.loads(text)
        touching.seconds[record["test"]] = record["seconds"]
        for path, lines in record["lines"].items():
            if lines:
                touching.by_file[path].add(record["test"])
            for line in lines:
                touching.by_line[path, line].add(record["test"])
    return touching
