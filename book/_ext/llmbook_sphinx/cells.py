"""A cell that failed, or was never run, is a warning, and so ends a build in which warnings count.

The site shows stored outputs, so nothing runs while it is built; this looks at what is stored.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

MAY_FAIL = "raises-exception"
logger = logging.getLogger(__name__)


def faults(notebook: dict[str, Any]) -> Iterator[str]:
    """A sentence for each code cell that ended in an error unannounced, or has not been run."""
    cells = [
        c for c in notebook["cells"] if c["cell_type"] == "code" and "".join(c["source"]).strip()
    ]
    for number, cell in enumerate(cells, start=1):
        if cell["execution_count"] is None:
            yield f"code cell {number} was never run; run `make outputs`"
        for output in cell["outputs"]:
            if output["output_type"] == "error" and MAY_FAIL not in cell["metadata"].get(
                "tags", []
            ):
                yield f"code cell {number} failed: {output['ename']}: {output['evalue']}"


def look(app: Sphinx) -> None:
    """Warn of every fault of every notebook of the book."""
    for folder in ("book", "chapters"):
        for path in sorted(Path(app.srcdir, folder).glob("*.ipynb")):
            for fault in faults(json.loads(path.read_text(encoding="utf-8"))):
                logger.warning(fault, location=f"{folder}/{path.stem}")


def register(app: Sphinx) -> None:
    app.connect("builder-inited", look)
