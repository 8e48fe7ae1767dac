"""A record's loss curves in one figure, as an SVG or a PNG file.

No recipe imports it, so that a change here makes no record one of an earlier version.
"""

import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm_book.results import LedgerError, Record
from llm_book.session import COLOURS, set_figure_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png")
LINE = 110  # characters of the footer


def draw(record: Record, target: Path) -> Path:
    """Write the figure aside, then rename: a reader sees the old file or the new one.

    Raises ``LedgerError`` for a file that is neither .svg nor .png and as ``figure`` does.
    """
    if target.suffix not in SUFFIXES:
        raise LedgerError(f"{target.name} is no picture; name a file with {' or '.join(SUFFIXES)}")
    import matplotlib  # here, not above: nothing but figures needs it

    with matplotlib.rc_context():
        set_figure_style()
        # Words stay words, and the same record gives the same file.
        matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": record.name})
        drawn = figure(record)
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.{os.getpid()}.writing")
        told: dict[str, Any] = {"Title": f"{record.name}: {record.caption}"}
        told |= {"Date": None} if target.suffix == ".svg" else {"Software": None}
        try:
            drawn.savefig(aside, format=target.suffix[1:], metadata=told)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
    return target


def figure(record: Record) -> "Figure":
    """Training as a thin line and validation as points, a colour a seed; beneath, the caption.

    Raises ``LedgerError`` for a record without a curve.
    """
    from matplotlib.figure import Figure  # not pyplot: nothing is shown and nothing stays open

    runs = [run for run in record.document["runs"] if run["curve"]["index"] or run["validation"]]
    if not runs:
        raise LedgerError(
            f"{record.name} holds no loss curve, since its recipe keeps none; there is nothing to "
            "draw"
        )
    drawn = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = drawn.add_subplot()
    for place, run in enumerate(runs):
        _curves(axes, run, COLOURS[place % len(COLOURS)])
    axes.set(xlabel="training step", ylabel="loss (nats)", title=record.name)
    axes.legend(fontsize=8)
    drawn.supxlabel("\n".join(textwrap.wrap(record.caption, LINE)), fontsize=7)
    return drawn


def _curves(axes: "Axes", run: dict[str, Any], colour: str) -> None:
    curve, checked, seed = run["curve"], run["validation"], f"seed {run['seed']}"
    if curve["index"]:
        axes.plot(
            curve["index"], curve["loss"], color=colour, linewidth=0.7, label=f"{seed}, training"
        )
    if checked:
        steps, losses = zip(*((one["index"], one["loss"]) for one in checked), strict=True)
        axes.plot(
            steps, losses, "o", color=colour, markersize=3.5, label=f"{seed}, validation", zorder=3
        )
