"""Where a picture that grows is shown: in the cell that makes it, line by line, or at its end only.

A notebook has one display, which every frame replaces; so the stored notebook holds the last frame.
Nothing runs beside the loop that calls: no thread, no timer, no widget.
"""

import html
import sys
from typing import Any, Protocol, runtime_checkable

FRAME = (
    "--ink:var(--jp-content-font-color1,var(--colab-primary-text-color,"
    "var(--vscode-editor-foreground,#1f2629)));"
    "--paper:var(--jp-layout-color0,var(--colab-primary-surface-color,"
    "var(--vscode-editor-background,#fdfdfb)));"
    "color:var(--ink);background:var(--paper);overflow-x:auto"
)


@runtime_checkable
class Screen(Protocol):
    """What a picture is shown on.

    ``pause`` is the least number of seconds between two frames; ``at_once`` says that there is a
    frame before the first step.
    """

    pause: float
    at_once: bool

    def show(self, picture: Any, line: str) -> None:
        """A frame: ``picture()`` makes its SVG, ``line`` says the same in words."""
        ...

    def close(self, view: Any, line: str) -> None:
        """The last frame."""
        ...


class Notebook:
    """One output of a cell, replaced frame by frame."""

    pause = 0.25
    at_once = True

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, picture: Any, line: str) -> None:
        """Replace the frame; colours are those of the notebook's theme."""
        said = html.escape(line)
        page = (
            f'<div style="{FRAME}" role="region" tabindex="0" aria-label="{said}">{picture()}</div>'
        )
        self._put({"text/html": page, "text/plain": line}, raw=True)

    def close(self, view: Any, line: str) -> None:
        """Leave the finished view, which needs no kernel."""
        self._put(view)

    def _put(self, what: Any, **options: Any) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(what, display_id=True, **options)
        else:
            self._handle.update(what, **options)


class Terminal:
    """A line now and then, and one at the end."""

    pause = 5.0
    at_once = False

    def show(self, picture: Any, line: str) -> None:
        """Print the line."""
        print(line, flush=True)

    def close(self, view: Any, line: str) -> None:
        """Print what is to be seen."""
        print(line, flush=True)


class Quiet(Terminal):
    """A file or a pipe: only the line at the end."""

    def show(self, picture: Any, line: str) -> None:
        """Nothing."""


def screen() -> Screen:
    """The best that is there: a notebook's kernel, a terminal, or a file that output goes to."""
    if "IPython" in sys.modules:
        from IPython import get_ipython

        if getattr(get_ipython(), "kernel", None) is not None:
            return Notebook()
    return Terminal() if sys.stdout.isatty() else Quiet()
