"""What can be thrown away, because a command makes it again."""

from __future__ import annotations

import shutil

from llm_book.dev.tell import ROOT

BUILT = ("_build", "dist", "build", "*.egg-info", "node_modules", "book/_static/vendor")
CACHES = ("__pycache__", ".pytest_cache", ".ruff_cache", ".hypothesis", ".ipynb_checkpoints")


def clean() -> int:
    """Remove what was built and what was cached; .venv stays (delete it for a fresh one)."""
    for pattern in BUILT:
        for path in ROOT.glob(pattern):
            shutil.rmtree(path)
    for name in CACHES:
        for path in [p for p in ROOT.rglob(name) if ".venv" not in p.parts]:
            shutil.rmtree(path)
    return 0
