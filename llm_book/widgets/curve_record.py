"""The record of one or several training runs: thinned curves, marks, and what they say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from llm_book import results
from llm_book.claims import written
from llm_book.i18n import phrase, t
from llm_book.widgets import curve_reading as rules
from llm_book.widgets.curve_points import MEASURES, Buckets
from llm_book.widgets.records import Table, shown

POINTS = 500  # of a finished run, in the page
ROWS = 20
MARKS = 200  # checkpoints that are kept: more are no longer told apart
EVALUATIONS = 1000
ENDS = ("", "finished", "short", "early stop", "stopped", "diverged")


@dataclass(frozen=True, eq=False)
class Run:
    """One run: arrays over its thinned points, then what happened on the way.

    ``loss``, ``learning_rate``, ``gradient_norm`` and ``tokens_per_second`` are means, ``low`` and
    ``high`` the extremes of the loss, ``step`` the last step of each point; NaN where a measure was
    not given. ``points`` counts the steps before they were thinned, ``missing`` those whose loss is
    no number. ``ended`` is one of ``ENDS``.
    """

    name: str
    step: np.ndarray
    loss: np.ndarray
    low: np.ndarray
    high: np.ndarray
    learning_rate: np.ndarray
    gradient_norm: np.ndarray
    tokens_per_second: np.ndarray
    validation: tuple[tuple[int, float], ...] = ()
    checkpoints: tuple[int, ...] = ()
    resumed: tuple[int, ...] = ()
    points: int = 0
    missing: int = 0
    first_missing: int = 0
    ended: str = ""
    ended_at: int = 0
    total: int = 0

    def curve(self) -> rules.Curve:
        """What the rules read: the points that have a loss."""
        known = np.isfinite(self.loss)
        step, loss, high = (part[known].tolist() for part in (self.step, self.loss, self.high))
        return rules.Curve(step, loss, high, self.points)

    def document(self) -> dict[str, Any]:
        """The run as JSON has it."""
        arrays = ("step", "low", "high", *MEASURES)
        found: dict[str, Any] = {name: _listed(getattr(self, name)) for name in arrays}
        found["validation"] = [list(point) for point in self.validation]
        for name in ("checkpoints", "resumed"):
            found[name] = list(getattr(self, name))
        rest = ("name", "points", "missing", "first_missing", "ended", "ended_at", "total")
        return found | {name: getattr(self, name) for name in rest}


@dataclass(frozen=True, eq=False)
class Recorded:
    """The run in the ledger that a reader's own is laid over, and what it ran on."""

    name: str
    caption: str
    step: tuple[int, ...]
    loss: tuple[float, ...]

    def document(self) -> dict[str, Any]:
        """The run as JSON has it."""
        names = ("name", "caption", "step", "loss")
        return {key: list(v) if isinstance(v := getattr(self, key), tuple) else v for key in names}


@dataclass(frozen=True, eq=False)
class CurveRecord:
    """Runs to be drawn over one another.

    ``uniform`` is the loss of a uniform guess, 0 where it is unknown, ``guess`` how it is written.
    """

    kind: ClassVar[str] = "loss_curve"
    runs: tuple[Run, ...]
    uniform: float = 0.0
    guess: str = ""
    recorded: Recorded | None = None

    def document(self) -> dict[str, Any]:
        return {
            "runs": [run.document() for run in self.runs],
            "uniform": self.uniform,
            "guess": self.guess,
            "recorded": self.recorded.document() if self.recorded else None,
        }

    def blob(self) -> bytes:
        return b""

    def sentence(self, lang: str) -> str:
        return " ".join(phrase(said, lang, **values) for said, values in self.reading())

    def reading(self) -> list[rules.Said]:
        """Every sentence that a rule has for this record."""
        if len(self.runs) > 1:
            names = [run.name for run in self.runs]
            compared = rules.compare(names, [run.curve() for run in self.runs])
            return [compared] if compared else []
        (run,) = self.runs
        curve = run.curve()
        found = [
            rules.read_missing(run.missing, run.first_missing, run.points, run.ended),
            rules.read_steps(curve, self.uniform, run.ended),
            rules.read_spike(curve),
            rules.read_noise(curve),
            rules.read_validation(run.validation, curve),
            self._beside_the_recorded(curve),
            *rules.read_end(run.ended, run.ended_at, run.total, run.resumed),
        ]
        return [said for said in found if said]

    def _beside_the_recorded(self, curve: rules.Curve) -> rules.Said | None:
        if self.recorded is None or not curve.step:
            return None
        ours = self.recorded
        return rules.read_recorded(curve.step[-1], ours.name, ours.step, ours.loss)

    def still(self, lang: str) -> str:
        from llm_book.widgets.curve_picture import on_paper  # it draws this record

        return on_paper(self, lang)

    def table(self, lang: str) -> Table:
        run, *others = self.runs
        if others:
            return _side_by_side(self.runs, lang)
        head = ("step", "training loss", "lowest", "highest", "learning rate", "validation loss")
        rows, before = [], -1.0
        for place in spread(len(run.step)):
            step = run.step[place]
            checked = [loss for at, loss in run.validation if before < at <= step]
            numbers = (run.loss, run.low, run.high, run.learning_rate)
            cells = [_cell(part[place]) for part in numbers]
            rows.append((f"{int(step):,}", *cells, _cell(checked[-1]) if checked else "–"))
            before = step
        return Table(tuple(t(word, lang) for word in head), tuple(rows))


def _side_by_side(runs: Sequence[Run], lang: str) -> Table:
    longest = max(runs, key=lambda run: len(run.step))
    rows = []
    for place in spread(len(longest.step)):
        step = longest.step[place]
        found = (int(np.searchsorted(run.step, step)) for run in runs)
        pairs = zip(runs, found, strict=True)
        cells = [_cell(run.loss[i]) if i < len(run.loss) else "–" for run, i in pairs]
        rows.append((f"{int(step):,}", *cells))
    return Table((t("step", lang), *(run.name for run in runs)), tuple(rows))


def spread(n: int, rows: int = ROWS) -> list[int]:
    """At most ``rows`` places in a list of ``n``, evenly apart, the last always among them."""
    return sorted({n * (row + 1) // min(n, rows) - 1 for row in range(min(n, rows))})


def _cell(value: float) -> str:
    return written(float(value)) if np.isfinite(value) else "–"


def _listed(values: np.ndarray) -> list[float | int | None]:
    """Numbers for JSON, whole ones without a point."""
    plain = (None if not np.isfinite(v) else float(v) for v in values)
    return [int(v) if v is not None and v == int(v) and abs(v) < 2**53 else v for v in plain]


def rounded(values: np.ndarray) -> np.ndarray:
    """To five digits: what the page holds, so that page and package read the same numbers."""
    return np.array([float(f"{v:.5g}") for v in values.tolist()])


@dataclass
class Growing:
    """A run as it grows: its points in a fixed room, and its marks."""

    buckets: Buckets = field(default_factory=Buckets)
    validation: list[tuple[int, float]] = field(default_factory=list)
    checkpoints: list[int] = field(default_factory=list)
    resumed: list[int] = field(default_factory=list)
    missing: int = 0
    first_missing: int = 0
    ended: str = ""
    ended_at: int = 0
    last: int = -1
    lost: bool = False  # whether the last loss is no number
    speed: float = 0.0  # tokens a second, of the last steps

    def add(self, rows: np.ndarray) -> None:
        """Points [n, columns], their steps rising."""
        if not len(rows):
            return
        self.buckets.add(rows)
        lost = rows[~np.isfinite(rows[:, 1]), 0]
        if len(lost):
            self.first_missing = self.first_missing if self.missing else int(lost[0])
            self.missing += len(lost)
        self.last, self.lost = int(rows[-1, 0]), not np.isfinite(rows[-1, 1])
        known = rows[np.isfinite(rows[:, -1]), -1]
        self.speed = float(known.mean()) if len(known) else 0.0

    def evaluate(self, index: int, loss: float) -> None:
        """A validation loss after step ``index``; of too many every other is left out."""
        if not np.isfinite(loss):
            return
        self.validation.append((index, float(f"{loss:.5g}")))
        if len(self.validation) > EVALUATIONS:
            best = min(self.validation, key=lambda point: point[1])
            kept = {*self.validation[1::2], best, self.validation[-1]}
            self.validation = [point for point in self.validation if point in kept]

    def mark(self, marks: list[int], index: int) -> None:
        """A mark at a step; of too many every other is left out."""
        marks.append(index)
        if len(marks) > MARKS:
            del marks[::2]

    def rewind(self, index: int) -> None:
        """Forget everything past step ``index``."""
        self.buckets.rewind(index)
        self.last, self.lost = min(self.last, index), False
        self.validation = [point for point in self.validation if point[0] <= index]
        for marks in (self.checkpoints, self.resumed):
            marks[:] = [one for one in marks if one <= index]
        if self.missing and self.first_missing > index:
            self.missing = 0
        self.ended, self.ended_at = "", 0

    def end(self, how: str, index: int) -> None:
        """Say how the run ended, after step ``index``."""
        self.ended, self.ended_at = how, index

    def run(self, name: str = "", total: int = 0, most: int = POINTS, exact: bool = True) -> Run:
        """The run so far in at most ``most`` points, to the digits of the page where ``exact``."""
        columns = self.buckets.columns(most)
        columns["low"], columns["high"] = (
            np.where(np.isfinite(columns["loss"]), columns[key], np.nan) for key in ("low", "high")
        )
        if exact:
            columns |= {key: rounded(part) for key, part in columns.items() if key != "step"}
        first = self.last + 1 if self.ended == "diverged" and not self.missing else 0
        return Run(
            name=name,
            validation=tuple(self.validation),
            checkpoints=tuple(self.checkpoints),
            resumed=tuple(self.resumed),
            points=self.buckets.points,
            missing=self.missing,
            first_missing=first or self.first_missing,
            ended=self.ended,
            ended_at=self.ended_at,
            total=max(total, self.last) if total else 0,
            **columns,
        )


def recorded_run(name: Any, lang: str) -> Recorded | None:
    """The first run of a record, to be drawn in grey. Raises ``ValueError`` for an unknown name."""
    if name is None:
        return None
    record = name if isinstance(name, results.Record) else None
    if isinstance(name, str):
        record = results.recorded(name)
    if record is None:
        known = ", ".join(results.names()) or "none came with the package"
        raise ValueError(f"no record is called {name!r}; choose one of: {known}")
    run = record.document["runs"][0]
    kept = [(int(i), float(v)) for i, v in _points_of(run["curve"]) if np.isfinite(v)]
    caption = phrase("Recorded: {caption}; seed {seed} is drawn.", lang, caption=record.caption,
                     seed=run["seed"])  # fmt: skip
    steps, losses = zip(*kept, strict=True) if kept else ((), ())
    return Recorded(shown(record.name), shown(caption, longest=400), steps, losses)


def _points_of(curve: dict[str, list[float]]) -> list[tuple[float, float]]:
    return list(zip(curve["index"], curve["loss"], strict=True))
