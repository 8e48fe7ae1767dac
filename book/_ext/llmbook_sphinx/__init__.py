"""What the site's build adds to Jupyter Book, one idea a file."""

import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from . import (
    address,
    annotated,
    api,
    cells,
    chapters,
    glossary,
    indexes,
    numbers,
    scripts,
    status,
)

ROOT = Path(__file__).resolve().parents[3]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register every part; the repository's own ``llm_book`` is the one documented."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    parts = (address, scripts, cells, chapters, glossary, numbers, status, indexes, annotated, api)
    for part in parts:
        part.register(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
