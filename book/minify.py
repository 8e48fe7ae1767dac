"""Make the small form of every widget's program, which the wheel carries and a notebook stores.

    python book/minify.py

brings terser from npm at the version that package-lock.json pins, into a folder that is thrown
away, and writes llm_book/assets/widgets/KIND.js, each with the hash of the source it was made from.
A program whose source has changed since is not used: then the page carries the source.
"""

import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from llm_book.widgets.programs import NAME, kinds, stamp, written_out  # noqa: E402

TARGET = ROOT / "llm_book" / "assets" / "widgets"
OPTIONS = ["--compress", "passes=2", "--mangle", "--ecma", "2020", "--comments", "false"]


def main() -> None:
    """Write every kind's program aside and rename it; remove those without a source."""
    tool = runpy.run_path(str(ROOT / "book" / "vendor.py"))
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        tool["install"](ROOT, Path(scratch), tools=True)
        terser = Path(scratch) / "node_modules" / "terser" / "bin" / "terser"
        for kind in kinds():
            small = minified(written_out(kind), terser)
            aside = TARGET / f"{kind}.js.writing"
            aside.write_text(f"{stamp(kind)}\n{small}\n", encoding="utf-8", newline="\n")
            aside.replace(TARGET / f"{kind}.js")
            print(f"{kind}.js: {len(written_out(kind).encode()):,} → {len(small.encode()):,} bytes")
    for path in TARGET.glob("*.js"):
        if path.stem not in kinds():
            path.unlink()


def minified(source: str, terser: Path) -> str:
    """The same program with short names and no spaces; its one global name stays."""
    command = ["node", str(terser), *OPTIONS]
    done = subprocess.run(command, input=source, capture_output=True, text=True, encoding="utf-8")
    if done.returncode or not done.stdout.startswith(f"const {NAME}="):
        sys.exit(f"terser did not make a program: {done.stderr or done.stdout[:80]}")
    return done.stdout.strip()


if __name__ == "__main__":
    main()
