"""A view joined to the kernel: what the reader chooses comes here, what changes here is drawn.

The page shows the same fragment as without a kernel, and a model that is never displayed itself
finds the fragment by its key. So the stored notebook shows the view after the kernel is gone, which
a displayed widget would not. Colab and VS Code keep each output apart from the others; there the
widget is displayed as well.
"""

import itertools
import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from llm_book.widgets.programs import live_module
from llm_book.widgets.records import Record
from llm_book.widgets.render import View, view

React = Callable[[dict[str, Any]], Record | None]
_number = itertools.count(1)


@cache
def _model_class() -> type:
    import anywidget
    import traitlets

    class Joined(anywidget.AnyWidget):
        """The values that page and kernel share."""

        record = traitlets.Dict().tag(sync=True)
        blob = traitlets.Bytes().tag(sync=True)
        title = traitlets.Unicode().tag(sync=True)
        lang = traitlets.Unicode().tag(sync=True)
        words = traitlets.Dict().tag(sync=True)
        key = traitlets.Unicode().tag(sync=True)
        live = traitlets.Bool(True).tag(sync=True)
        state = traitlets.Dict().tag(sync=True)
        error = traitlets.Unicode("").tag(sync=True)

    return Joined


class Live:
    """A view and its model: ``state`` is what the reader last chose, ``show`` draws a record."""

    def __init__(self, shown: View, react: React | None) -> None:
        self.view, self._react = shown, react
        self.key = f"{shown.key}-{next(_number)}"
        self.model = _model_class()(
            **shown.document(),
            blob=shown.record.blob(),
            key=self.key,
            _esm=live_module(shown.record.kind),
        )
        self.model.observe(self._heard, "state")

    @property
    def state(self) -> dict[str, Any]:
        """The reader's last choices."""
        return dict(self.model.state)

    def show(self, record: Record) -> None:
        """Draw another record of the same kind in the place of this one."""
        if record.kind != self.view.record.kind:
            raise ValueError(
                f"a {record.kind} cannot take the place of a {self.view.record.kind}; "
                "make a view of its own for it"
            )
        self.view = view(record, self.view.title, self.view.lang, self.view.trained)
        with self.model.hold_sync():  # both arrive together
            self.model.record, self.model.blob = record.document(), record.blob()

    def _heard(self, change: dict[str, Any]) -> None:
        if self._react is None:
            return
        self.model.error = ""
        try:
            record = self._react(dict(change["new"]))
        except Exception as error:  # the reader sees it; a traceback in a log helps nobody
            self.model.error = f"{type(error).__name__}: {error}"
            return
        if record is not None:
            self.show(record)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        if apart():
            display(self.model)
        else:
            bundle = {"text/html": self.view.html(self.key), "text/plain": repr(self.view)}
            display(bundle, raw=True)


def joined(shown: View, react: React | None = None) -> Live:
    """The view, joined to this kernel. ``react(state)`` may give the record to show next."""
    return Live(shown, react)


def apart() -> bool:
    """Whether this host keeps each output in a frame of its own: Colab, VS Code."""
    return "google.colab" in sys.modules or "VSCODE_PID" in os.environ
