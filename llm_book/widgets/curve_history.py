"""Runs from whatever holds one: steps, a file, a record of the ledger, a curve that was drawn."""

import math
import operator
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from llm_book import results
from llm_book.training.history import History
from llm_book.widgets.curve_file import CurveFile
from llm_book.widgets.curve_points import COLUMNS, MEASURES
from llm_book.widgets.curve_record import Growing, Run
from llm_book.widgets.records import shown

GIVE = "give steps, a path, a record, or a dictionary of names to such"


def runs_of(history: Any) -> tuple[Run, ...]:
    """Every run of ``history``; a dictionary of names gives one each."""
    if isinstance(history, Mapping) and not _is_run(history):
        if not history:
            raise ValueError(f"no run came; {GIVE}")
        return tuple(growing(one).run(shown(str(name))) for name, one in history.items())
    return (growing(history).run(),)


def _is_run(history: Mapping[Any, Any]) -> bool:
    return "curve" in history or {"index", "loss"} <= set(history)


def growing(history: Any) -> Growing:
    """One run. Raises ``ValueError`` for what holds none, or whose steps do not rise."""
    if isinstance(history, Growing):
        return history
    if hasattr(history, "growing"):  # a LossCurve
        history.record()  # takes in what waits
        return history.growing
    if isinstance(history, str | Path):
        return from_file(CurveFile(history))
    if isinstance(history, History):
        return from_rows(history.read())
    if isinstance(history, results.Record):
        return growing(history.document["runs"][0])
    if isinstance(history, Mapping):
        return _from_mapping(history)
    if isinstance(history, Iterable):
        return from_rows(history)
    raise ValueError(f"{type(history).__name__} holds no run; {GIVE}")


def _from_mapping(history: Mapping[str, Any]) -> Growing:
    columns = history.get("curve", history)
    names = [name for name in COLUMNS if name in columns]
    lengths = {name: len(columns[name]) for name in names}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"the columns of a run differ in length: {lengths}; give one value a step")
    rows = zip(*(columns[name] for name in names), strict=True)
    found = from_rows(dict(zip(names, row, strict=True)) for row in rows)
    for point in history.get("validation", ()):
        found.evaluate(point["index"], point["loss"])
    return found


def from_file(files: CurveFile) -> Growing:
    """A run as ``LossCurve`` or a recipe wrote it. Raises ``ValueError`` where there is none."""
    if not files.steps.path.exists():
        raise ValueError(
            f"there is no curve in {files.steps.path}; give the path that was logged to"
        )
    found = from_rows(files.steps.read())
    for point in files.validation.read():
        found.evaluate(point["index"], point["loss"])
    for mark in files.marks.read():
        if mark["mark"] == "checkpoint":
            found.mark(found.checkpoints, mark["index"])
        elif mark["mark"] == "resumed":
            found.mark(found.resumed, mark["index"])
            found.end("", 0)
        else:
            found.end(mark["mark"], mark["index"])
    return found


def from_rows(history: Iterable[Any]) -> Growing:
    """A run from steps, dictionaries with ``index`` and ``loss``, or bare losses."""
    found, before = Growing(), -1
    rows = []
    for place, one in enumerate(history, start=1):
        rows.append(measures(one, place))
        check_index(rows[-1][0], before)
        before = rows[-1][0]
    found.add(np.array(rows, dtype=np.float64).reshape(-1, len(COLUMNS)))
    return found


def measures(one: Any, place: int) -> tuple[Any, ...]:
    """What is drawn of one step, in the order of ``COLUMNS``; NaN for what it does not have."""
    if isinstance(one, Mapping):
        get = one.get
    elif hasattr(one, "index") and hasattr(one, "loss"):
        get = lambda name, default=None: getattr(one, name, default)  # noqa: E731
    else:
        get = {"index": place, "loss": one}.get
    index, loss = get("index"), get("loss")
    if index is None or loss is None:
        raise ValueError(f"{one!r} is no step; it needs an index and a loss")
    values = [loss, *(get(name, math.nan) for name in MEASURES[1:])]
    try:
        return (operator.index(index), *(float(value) for value in values))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{one!r} is no step ({error}); give numbers") from error


def check_index(index: int, before: int) -> None:
    """Refuse a step that does not come after ``before``."""
    if index < 0:
        raise ValueError(f"step {index} came; steps are counted from 0 or 1 upwards")
    if index <= before:
        raise ValueError(
            f"step {index} came after step {before}; give a counter that rises through the whole "
            f"run, or call resumed({index - 1}) first"
        )
