"""How stored outputs are compared: text to the letter, pictures by pixels, views by their records.

A pytest plugin on top of nbval: `python -m pytest -p tests.nbval_policy --nbval …`. nbval alone
skips pictures, so that garbage in a stored one would pass; it does not compare a cell that was
never run; it passes over updates of a display, which replace an output; and after a time-out it
shows the remaining cells as expected failures.
"""

import base64
import copy
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from nbformat import NotebookNode
from nbval.plugin import (
    IPyNbCell,
    IPyNbFile,
    coalesce_streams,
    get_sanitize_patterns,
    nocolors,
)
from PIL import Image

from llm_book.widgets.records import unpacked

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "tests" / "nbval.cfg"

PICTURES = ("image/png", "image/jpeg")
TRAINED = "trained-picture"  # the tag of a cell whose picture shows what training produced
LARGEST_RMS = 3.0  # of 255, over all pixels and colours
LARGEST_GROWTH = 0.05  # of width and height, where the pixels cannot be the same
VIEW = re.compile(r'data-llm-book="(\w+)"[^>]*?( data-trained)?\ndata-measured="([^"]*)"')
STILL = re.compile(r'src="data:image/svg\+xml;base64,([^"]*)"')

_compare_text = IPyNbCell.compare_outputs
_next_message = IPyNbFile.get_kernel_message


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What a chapter's kernel sees: one thread, its own preset, pictures shown in the page."""
    dropped = ("MPLBACKEND", "LLM_BOOK_PRESET", "LLM_BOOK_LANG")
    kept = {name: value for name, value in environment.items() if name not in dropped}
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return kept | dict.fromkeys(threads, "1")


def pytest_configure(config: pytest.Config) -> None:
    """Kernels inherit this process's environment."""
    inherited = child_environment(os.environ)
    for name in set(os.environ) - set(inherited):
        del os.environ[name]
    os.environ.update(inherited)
    IPyNbCell.compare_outputs = compare_outputs
    IPyNbFile.get_kernel_message = next_message


def pytest_unconfigure(config: pytest.Config) -> None:
    IPyNbCell.compare_outputs = _compare_text
    IPyNbFile.get_kernel_message = _next_message


def pytest_runtest_setup(item: pytest.Item) -> None:
    """nbval runs a cell that has no number but compares nothing: the author forgot to run it."""
    if isinstance(item, IPyNbCell) and item.cell.execution_count is None and item.cell.source:
        pytest.fail("this cell was never run; refresh with `make outputs`", pytrace=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> pytest.TestReport:
    """After a time-out nbval expects the other cells to fail; here they simply fail."""
    report = yield
    if isinstance(item, IPyNbCell) and hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"not compared: {report.wasxfail}"
        del report.wasxfail
    return report


def next_message(self: Any, timeout: float | None = None, stream: str = "iopub") -> Any:
    """Takes the place of nbval's method: an update of a display replaces what was displayed."""
    message = _next_message(self, timeout, stream)
    kind, content = message["msg_type"], message["content"]
    shown = self.__dict__.setdefault("displays", {})
    key = content.get("transient", {}).get("display_id")
    if key and kind == "display_data":
        shown[key] = content["data"] = NotebookNode(content["data"])  # nbval keeps this very one
    elif kind == "update_display_data":
        shown.get(key, {}).clear()
        shown.get(key, {}).update(content["data"])
        return {**message, "msg_type": "comm_msg"}  # of which nbval takes no notice
    return message


def compare_outputs(
    self: Any, test: Sequence[Any], ref: Sequence[Any], skip_compare: Any = None
) -> bool:
    """Takes the place of nbval's method: its comparison of text, then ours of pictures."""
    same = _compare_text(self, test, ref, skip_compare)
    trained = TRAINED in self.cell.metadata.get("tags", [])
    reasons = pictures_differ(pictures(test), pictures(ref), exact=not trained and pinned())
    reasons += views_differ(test, ref)
    self.comparison_traceback.extend(reasons)
    return same and not reasons


@cache
def pinned() -> bool:
    """Whether this Matplotlib drew the stored pictures; others draw text differently."""
    path = ROOT / "constraints.txt"
    if not path.exists():
        return False
    found = re.search(r"^matplotlib==(\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return found is not None and found[1] == version("matplotlib")


def pictures(outputs: Sequence[Any]) -> list[str]:
    """The pictures of a cell, each as base64, in the order they were shown."""
    data = [output.get("data", {}) for output in outputs]
    return [entry[kind] for entry in data for kind in PICTURES if kind in entry]


def pictures_differ(fresh: list[str], stored: list[str], exact: bool) -> list[str]:
    """In what the pictures differ, one sentence each; none where they are the same."""
    if len(fresh) != len(stored):
        return [f"{len(stored)} pictures are stored, {len(fresh)} came"]
    reasons = (picture_differs(a, b, exact) for a, b in zip(fresh, stored, strict=True))
    return [f"picture {number}: {why}" for number, why in enumerate(reasons, start=1) if why]


def picture_differs(fresh: str, stored: str, exact: bool) -> str:
    """Why a stored picture is not the fresh one; not ``exact``: by size and emptiness only."""
    try:
        a, b = pixels(fresh), pixels(stored)
    except Exception as error:  # whatever a decoder makes of garbage
        return f"it cannot be read ({type(error).__name__}: {error})"
    if any((image == image[0, 0]).all() for image in (a, b)):
        return "it is blank"
    if not exact:
        growth = max(abs(n / m - 1) for n, m in zip(a.shape[:2], b.shape[:2], strict=True))
        return f"sizes {b.shape} and {a.shape} differ" if growth > LARGEST_GROWTH else ""
    if a.shape != b.shape:
        return f"{b.shape} is stored, {a.shape} came"
    rms = float(np.sqrt(((a - b) ** 2).mean()))
    return f"pixels differ by {rms:.1f} of 255 (root mean square)" if rms > LARGEST_RMS else ""


def views_differ(fresh: Sequence[Any], stored: Sequence[Any]) -> list[str]:
    """In what the views of a cell differ: their records to the letter, trained ones by their form.

    A view's payload is compressed, and not every system compresses alike; so it is unpacked.
    """
    a, b = (
        [view for output in outputs for view in VIEW.finditer(_page(output))]
        for outputs in (fresh, stored)
    )
    if len(a) != len(b):
        return [f"{len(b)} views are stored, {len(a)} came"]
    reasons = [view_differs(one, other) for one, other in zip(a, b, strict=True)]
    reasons += [f"a still picture: {why}" for o in [*fresh, *stored] for why in _unreadable(o)]
    return [f"view {number}: {why}" for number, why in enumerate(reasons, start=1) if why]


def view_differs(fresh: re.Match[str], stored: re.Match[str]) -> str:
    """Why the record of a stored view is not that of the fresh one; nothing where it is."""
    try:
        (a, a_blob), (b, b_blob) = unpacked(fresh[3]), unpacked(stored[3])
    except ValueError as error:
        return str(error)
    if fresh[2] or stored[2]:
        same = form(a) == form(b) and bool(a_blob) == bool(b_blob)
        return "" if same else f"the record has another form: {form(b)} is stored, {form(a)} came"
    return "" if (a, a_blob) == (b, b_blob) else f"the record of {stored[1]} is another"


def form(value: Any) -> Any:
    """A record without its numbers and words: names of fields, and what kind each is."""
    if isinstance(value, dict):
        return {name: form(part) for name, part in sorted(value.items())}
    if isinstance(value, list):
        return [form(value[0])] if value else []
    return "number" if isinstance(value, int | float) else type(value).__name__


def _page(output: Any) -> str:
    return str(output.get("data", {}).get("text/html", ""))


def _unreadable(output: Any) -> Iterator[str]:
    for picture in STILL.findall(_page(output)):
        try:
            ElementTree.fromstring(base64.b64decode(picture, validate=True))
        except (ValueError, ElementTree.ParseError) as error:
            yield f"{type(error).__name__}: {error}"


def pixels(picture: str) -> np.ndarray:
    """Base64 to numbers from 0 to 255: [height, width, 3], transparent parts white."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image).convert("RGB"), dtype=np.float64)


@cache
def sanitizers() -> dict[str, str]:
    """What tests/nbval.cfg masks: regular expression to replacement."""
    return dict(get_sanitize_patterns(CONFIG.read_text(encoding="ascii")))


def outputs_differ(
    fresh: Sequence[Any], stored: Sequence[Any], metadata: Mapping[str, Any] | None = None
) -> list[str]:
    """The comparison that nbval makes of one cell, without running it: why it fails."""
    cell = _Compared(metadata or {})
    # nbval joins streams in place; the caller's stay as they were.
    fresh, stored = (coalesce_streams(copy.deepcopy(list(o))) for o in (fresh, stored))
    return [] if compare_outputs(cell, fresh, stored) else cell.comparison_traceback


class _Compared:
    """As much of nbval's test item as its comparison touches."""

    colors = nocolors
    sanitize = IPyNbCell.sanitize

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        skipped = ("metadata", "traceback", "prompt_number", "output_type", "name")
        skipped += ("execution_count", "application/vnd.jupyter.widget-view+json", *PICTURES)
        self.parent = SimpleNamespace(sanitize_patterns=sanitizers(), skip_compare=skipped)
        self.cell = SimpleNamespace(metadata=metadata)
        self.comparison_traceback: list[str] = []

    def format_output_compare(self, key: str, left: Any, right: Any) -> None:
        self.comparison_traceback.append(f"{key}: {left!r} is stored, {right!r} came")
