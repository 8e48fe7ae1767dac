"""Every kind of view, found by search."""

from pathlib import Path

import llm_book
import llm_book.widgets

STATIC = Path(llm_book.widgets.__file__).parent / "static"
ASSETS = Path(llm_book.__file__).parent / "assets" / "widgets"


def kinds() -> list[str]:
    """The names of the modules, the shell left out."""
    return sorted(path.stem for path in STATIC.glob("*.js") if path.stem != "shell")
