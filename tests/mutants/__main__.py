"""``python -m tests.mutants SEED``: draw mutants, run the tests that touch them, name survivors."""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from tests.mutants import touching, worker  # noqa: E402  the variables above are read once
from tests.mutants.draw import drawn, files_of  # noqa: E402

ROOT = touching.ROOT
SHELVES = tuple(f"llm_book/{name}" for name in ("models", "training", "generation", "evaluation"))
TESTS = ("tests/models", "tests/training", "tests/generation", "tests/evaluation")
TESTS += ("tests/interpret", "tests/recipes", "tests/chapters/test_equations.py")
EQUIVALENT = Path(__file__).with_name("equivalent.txt")
AIM = 0.95


def parsed() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--only", nargs="+", default=None, help="files or folders to mutate")
    parser.add_argument("--tests", nargs="+", default=None, help="tests to choose from")
    parser.add_argument(
        "--map",
        type=Path,
        default=None,
        help="keep which test runs which line here; used again where it exists",
    )
    parser.add_argument(
        "--again",
        type=Path,
        default=None,
        help="only mutants whose line stands in this file, as printed",
    )
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


def tests_for(only: list[str]) -> list[str]:
    """The mirrored test files of what is mutated; the shelf's whole folder where there is none."""
    found: list[str] = []
    for name in only:
        path = Path(name)
        folder = Path("tests", *path.parts[1:-1]) if path.suffix else Path("tests", *path.parts[1:])
        mirrored = sorted((ROOT / folder).glob(f"test_{path.stem}*.py")) if path.suffix else []
        found += [p.relative_to(ROOT).as_posix() for p in mirrored] or [folder.as_posix()]
    return list(dict.fromkeys(found))


def known_equivalent() -> dict[str, str]:
    """Mutants that compute the same, each with the reason: ``name ⇒ reason`` a line."""
    if not EQUIVALENT.exists():
        return {}
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    pairs = (line.split(" ⇒ ", 1) for line in lines if line and not line.startswith("#"))
    return {name: reason for name, reason in pairs}


def main() -> int:
    """Print every survivor and the share that was noticed; 1 where it is below the aim."""
    chosen = parsed()
    started = time.monotonic()
    mutants = drawn(list(files_of(ROOT, chosen.only or SHELVES)), ROOT, chosen.n, chosen.seed)
    if chosen.again:
        printed = chosen.again.read_text(encoding="utf-8")
        mutants = [mutant for mutant in mutants if str(mutant) in printed]
    tests = chosen.tests or (tests_for(chosen.only) if chosen.only else list(TESTS))
    tests = [name for name in tests if (ROOT / name.partition("::")[0]).exists()]
    equivalent = known_equivalent()
    with tempfile.TemporaryDirectory() as folder:
        file = chosen.map or Path(folder) / "map.jsonl"
        known = chosen.map is not None and file.exists()
        table = touching.read(file) if known else touching.measured(tests, file, chosen.workers)
        work = []
        for mutant in mutants:
            found = table.tests(mutant.path, mutant.line)
            limit = 20 + 5 * sum(table.seconds[test] for test in found)
            work.append((mutant, found, limit))
        context = multiprocessing.get_context("spawn")
        survivors, spared = [], []
        with context.Pool(chosen.workers, worker.ready, (str(ROOT), folder)) as pool:
            # Without a change nothing may be noticed, or every mutant would be, for no merit.
            controls = [
                (replace(m, text=(ROOT / m.path).read_text("utf-8")), t, s) for m, t, s in work
            ]
            if false := [
                m for m, _, seen in pool.imap_unordered(worker.tried, controls[:3]) if seen
            ]:
                print(
                    f"the tests fail without any mutant, seen at {false[0].path}; mend that first"
                )
                return 2
            for mutant, n_tests, seen in pool.imap_unordered(worker.tried, work):
                if not seen and mutant.name in equivalent:
                    spared.append(mutant)
                elif not seen:
                    survivors.append(mutant)
                    print(f"SURVIVED  {mutant}   ({n_tests} tests)", flush=True)
    for mutant in spared:
        print(f"equivalent  {mutant}: {equivalent[mutant.name]}")
    n = len(mutants) - len(spared)
    share = 1 - len(survivors) / max(n, 1)
    print(
        f"seed {chosen.seed}: {len(mutants)} mutants, {n - len(survivors)} noticed, "
        f"{len(survivors)} survived, {len(spared)} equivalent; {share:.1%} noticed "
        f"(aim {AIM:.0%}) in {time.monotonic() - started:.0f} s"
    )
    return int(share < AIM)


if __name__ == "__main__":
    sys.exit(main())
