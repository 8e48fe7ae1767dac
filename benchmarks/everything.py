"""Every comparison, one process each: writes results.json, and README.md from it.

Run: make bench. With names, only those are measured again: python benchmarks/everything.py bpe gru
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from itertools import chain
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
HELPERS = {"everything", "harness"}
INTRODUCTION = """# Beside the field's own

Written by `make bench` from `results.json`; do not edit. Each row is one run of both sides on this
machine, pair by pair, the order swapped each time, one thread each. A figure is the median over the
pairs, a ratio is ours / theirs, the median of the pairs' own ratios. Memory is the peak above the
start of one call, measured in a process of its own. A row that misses its aim stays here with its
figure.
"""


def scripts(names: list[str]) -> list[Path]:
    """The comparisons asked for; all of them where none is named."""
    found = {path.stem: path for path in sorted(HERE.glob("*.py")) if path.stem not in HELPERS}
    unknown = set(names) - set(found)
    if unknown:
        sys.exit(f"{', '.join(sorted(unknown))}: not one of {', '.join(found)}")
    return [found[name] for name in names or found]


def measured(script: Path) -> list[dict[str, Any]] | None:
    """A script's rows; None where it failed."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        done = subprocess.run([sys.executable, str(script), "--json", str(out)], check=False)
        if done.returncode != 0 or not out.exists():
            return None
        rows: list[dict[str, Any]] = json.loads(out.read_text(encoding="utf-8"))
        return [{"script": script.stem} | row for row in rows]


def table(rows: list[dict[str, Any]]) -> str:
    """The page: one table, and a note under it for each row that has one."""
    lines = ["| what | ours | theirs | unit | ratio | aim | met | memory, ours / theirs |"]
    lines.append("|---|--:|--:|---|--:|---|---|---|")
    for row in rows:
        peer = "–" if row["peer"] is None else f"{row['peer']:,.4g} ({row['peer_name']})"
        ratio = "–" if row["ratio"] is None else f"{row['ratio']:.2f}"
        aim = row["aim"].replace("<=", "≤").replace(">=", "≥") or "–"
        met = {True: "yes", False: "**no**", None: "–"}[row["met"]]
        memory = " / ".join(megabytes(row[name]) for name in ("memory_ours", "memory_peer"))
        lines.append(
            f"| {row['name']} | {row['ours']:,.4g} | {peer} | {row['unit']} | {ratio} | {aim} "
            f"| {met} | {memory} |"
        )
    notes = [f"- **{row['name']}**: {row['note']}" for row in rows if row["note"]]
    versions = {name: v for row in rows for name, v in row["versions"].items()}
    told = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return "\n".join([INTRODUCTION, *lines, "", *notes, "", f"Measured with {told}."]) + "\n"


def megabytes(size: int | None) -> str:
    """Bytes for a reader."""
    return "–" if size is None else f"{size / 1e6:,.0f} MB"


def main() -> int:
    """Measure, keep what was not measured again, write both files aside and rename them."""
    results = HERE / "results.json"
    old: list[dict[str, Any]] = (
        json.loads(results.read_text(encoding="utf-8")) if results.exists() else []
    )
    failed = []
    fresh: dict[str, list[dict[str, Any]]] = {}
    for script in scripts(sys.argv[1:]):
        print(f"\n── {script.stem} ".ljust(80, "─"), flush=True)
        rows = measured(script)
        if rows is None:
            failed.append(script.stem)
        else:
            fresh[script.stem] = rows
    kept = [row for row in old if row["script"] not in fresh]
    rows = sorted([*kept, *chain(*fresh.values())], key=lambda row: row["script"])
    written(results, json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
    written(HERE / "README.md", table(rows))
    if failed:
        print(f"did not run: {', '.join(failed)}; their old rows are kept", file=sys.stderr)
    return int(bool(failed))


def written(path: Path, text: str) -> None:
    """Write beside the file, then rename."""
    aside = path.with_name(path.name + ".part")
    aside.write_text(text, encoding="utf-8", newline="\n")
    aside.replace(path)


if __name__ == "__main__":
    sys.exit(main())
