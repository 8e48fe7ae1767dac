"""The loss of a training run while it runs, and as a figure that reads itself when it has ended."""

import math
import operator
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch

from llm_book.claims import written
from llm_book.i18n import language, phrase, t
from llm_book.training.loop import Step, TrainingDiverged
from llm_book.widgets import curve_picture, frames
from llm_book.widgets.curve_file import CurveFile
from llm_book.widgets.curve_history import check_index, from_file, runs_of
from llm_book.widgets.curve_points import COLUMNS
from llm_book.widgets.curve_record import POINTS, CurveRecord, Growing, recorded_run
from llm_book.widgets.render import View, view
from llm_book.widgets.tensorboard import Mirror

FIELDS = frozenset(Step.__dataclass_fields__)
HELD = 1024  # steps that wait for the next frame
FRAME_POINTS = 250
SHARE = 200  # a frame may cost one part in so many of the time up to the next

_columns = operator.attrgetter(*COLUMNS)


class LossCurve:
    """A curve that grows in the cell that trains: ``with LossCurve(total=…) as curve:``.

    ``total``: the steps that are planned. ``vocab_size`` or ``uniform``, the loss of a uniform
    guess in nats, gives a line to compare with; ``recorded`` names a record of the ledger that is
    drawn in grey. ``path`` is a file that everything is written to: one that holds a curve already
    is gone on with after the step before the first that is logged, and loses what lies past it.
    ``mirror`` hears every number too. Raises ``ValueError`` for settings that mean nothing.

    A frame is drawn at most four times a second and for at most half a hundredth of the time.
    """

    def __init__(
        self,
        total: Any = None,
        *,
        vocab_size: Any = None,
        uniform: Any = None,
        recorded: Any = None,
        title: str = "Training",
        path: Path | str | None = None,
        mirror: Mirror | None = None,
        lang: str | None = None,
    ) -> None:
        if total is not None and (not isinstance(total, int) or total < 1):
            raise ValueError(f"total is {total!r}; give the number of steps, or None")
        self.total, self.lang = total or 0, lang or language()
        self._title = t(title, self.lang)
        self._uniform, self._guess = uniform_guess(vocab_size, uniform)
        self._recorded = recorded_run(recorded, self.lang)
        self._file = None if path is None else CurveFile(path)
        self._mirror = mirror
        self.growing = Growing()
        self._screen: frames.Screen | None = None
        self._pending: list[Any] = []
        self._unread: list[tuple[dict[str, Any], str, torch.Tensor, int]] = []
        self._last = math.inf  # until the first step, which finds out where the curve stands
        self._closed = False
        self._next = 0.0
        self._start: tuple[float, int] | None = None  # clock and step, for the time that is left
        self._title = self.view().title  # refused before a step is trained, if it is none

    @classmethod
    def load(cls, path: Path | str, **settings: Any) -> "LossCurve":
        """The curve in a file, to be looked at (``view``) or gone on with."""
        curve = cls(path=path, **settings)
        curve.growing = from_file(CurveFile(path))
        return curve

    def __enter__(self) -> "LossCurve":
        self._screen, self._closed = frames.screen(), False
        if self.growing.last >= 0:  # stopped before, goes on now
            self.resumed(self.growing.last)
        self._next = 0.0
        if self._screen.at_once:
            self._draw(self._screen)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, TrainingDiverged):
            self.close("diverged")
        else:
            self.close("" if error is None else "stopped")

    def log(self, step: Any = None, /, **values: Any) -> None:
        """Take a step: a ``Step``, or ``index`` and ``loss`` and more of its fields by name.

        A tensor on a GPU is read when the next frame is drawn, not here; log a copy of one that
        is added to in place. Raises ``ValueError`` for a step that does not come after the last.
        """
        if type(step) is Step and not values:
            index = step.index
        else:
            step = self._row(step, values)
            index = step["index"]
        if not index > self._last:
            self._begin_or_refuse(index)
        self._last = index
        self._pending.append(step)
        if len(self._pending) >= HELD or time.perf_counter() >= self._next:
            self._tend()

    def validation(self, index: int, loss: Any) -> None:
        """Mark a validation loss measured after step ``index``; the best is ringed."""
        index, loss = self._step(index), float(loss)
        points = self.growing.validation
        check_index(index, points[-1][0] - 1 if points else -1)  # twice at a step is allowed
        if self._file:
            self._begin(index + 1)
            self._file.validation.append({"index": index, "loss": loss})
        self.growing.evaluate(index, loss)
        if self._mirror:
            self._mirror.validation(index, loss)

    def checkpoint(self, index: int) -> None:
        """Mark a step whose weights were saved."""
        self._mark("checkpoint", self.growing.checkpoints, self._step(index))

    def resumed(self, index: int) -> None:
        """Go on after step ``index``, on the same curve: what was logged past it is dropped."""
        index = self._step(index)
        self._begin(index + 1, again=True)
        self._take_in()
        self.growing.rewind(index)
        self._last, self._start = index, None
        if self._file:
            self._file.keep_until(index)
        if index not in self.growing.resumed:
            self._mark("resumed", self.growing.resumed, index)

    def stopped_early(self, index: int | None = None) -> None:
        """Say that early stopping ends the run, after step ``index`` or the last one."""
        self._take_in()
        self._end("early stop", self._step(max(self.growing.last, 0) if index is None else index))

    def close(self, ended: str = "") -> None:
        """Draw the last frame. ``with`` does it."""
        self._take_in()
        if not self.growing.ended:
            self._end(ended or self._how_it_ended(), max(self.growing.last, 0))
        if self._mirror:
            self._mirror.close()
        self._last, self._closed = math.inf, True
        self._screen = self._screen or frames.screen()
        finished = self.view()
        self._screen.close(finished, f"{finished.title}: {finished.sentence}")

    def record(self) -> CurveRecord:
        """The curve so far."""
        self._take_in()
        return self._record(POINTS, exact=True)

    def view(self) -> View:
        """The curve so far, as the figure that stays."""
        return view(self.record(), self._title, self.lang, trained=True)

    def _record(self, most: int, exact: bool) -> CurveRecord:
        run = self.growing.run(total=self.total, most=most, exact=exact)
        return CurveRecord((run,), self._uniform, self._guess, self._recorded)

    def _row(self, step: Any, values: dict[str, Any]) -> dict[str, Any]:
        """A step as a dictionary; what a GPU still computes is left in it and remembered."""
        row = values
        if step is not None:
            row = {name: getattr(step, name) for name in FIELDS if hasattr(step, name)} | values
        if unknown := row.keys() - FIELDS:
            raise ValueError(
                f"{', '.join(sorted(unknown))}: no field of a step; "
                f"choose of {', '.join(sorted(FIELDS))}"
            )
        if "index" not in row or "loss" not in row:
            raise ValueError(f"{step!r} {values} came; a step needs at least index=… and loss=…")
        row["index"] = self._step(row["index"])
        for name, value in row.items():
            if type(value) is not float and name != "index":
                row[name] = self._number(row, name, value)
        return row

    def _number(self, row: dict[str, Any], name: str, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            value = value.detach()  # or it would hold the whole graph of the step
            if not value.is_cpu and value.numel() == 1:
                self._unread.append((row, name, value, value._version))
                return value
        try:
            return float(value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{name} is {value!r}; give one number ({error})") from error

    @staticmethod
    def _step(index: Any) -> int:
        try:
            step = operator.index(index)
        except TypeError as error:
            raise ValueError(f"step {index!r} came; give a whole number") from error
        if step < 0:
            check_index(step, -1)
        return step

    def _begin_or_refuse(self, index: int) -> None:
        if self._closed:
            raise ValueError("this curve has ended; go on with it in another `with curve:`")
        if self._last != math.inf:
            check_index(index, int(self._last))
        self._begin(index)
        check_index(index, self.growing.last)

    def _begin(self, index: int, again: bool = False) -> None:
        """Before the first step: read what a file has of this curve up to the step before."""
        if self._last != math.inf:
            return
        if self._file:
            known = self.growing.last >= 0  # the curve was loaded
            self._file.keep_until(self.growing.last if known else index - 1)
            if not known and self._file.steps.path.exists():
                self.growing = from_file(self._file)
                self.growing.ended = ""
        self._last = self.growing.last
        if self._file and self._last >= 0 and not again and not known:
            self._mark("resumed", self.growing.resumed, self.growing.last)

    def _end(self, how: str, index: int) -> None:
        self.growing.end(how, index)
        if self._file and self.growing.last >= 0:
            self._file.marks.append({"index": index, "mark": how})

    def _mark(self, what: str, marks: list[int], index: int) -> None:
        if self._file:
            self._begin(index + 1)
            self._file.marks.append({"index": index, "mark": what})
        self.growing.mark(marks, index)

    def _tend(self) -> None:
        """Take in what waits; draw, where it is time."""
        self._take_in()
        began = time.perf_counter()
        if began < self._next:
            return
        self._start = self._start or (began, self.growing.last)
        self._screen = self._screen or frames.screen()
        self._draw(self._screen)
        now = time.perf_counter()
        self._next = now + max(self._screen.pause, SHARE * (now - began))

    def _draw(self, screen: frames.Screen) -> None:
        record = self._record(FRAME_POINTS, exact=False)
        line = self._line(record.runs[0].loss)
        screen.show(lambda: curve_picture.frame(record, self._title, line, self.lang), line)

    def _take_in(self) -> None:
        """Move what waits into the buckets, the file and the mirror."""
        self._read_tensors()
        rows, self._pending = self._pending, []
        if not rows:
            return
        if self._file or self._mirror:
            self._pass_on([row if isinstance(row, dict) else vars(row) for row in rows])
        numbers = [_numbers(row) if isinstance(row, dict) else _columns(row) for row in rows]
        self.growing.add(np.array(numbers, dtype=np.float64))

    def _pass_on(self, rows: Iterable[dict[str, Any]]) -> None:
        if self._file:
            self._file.append(rows)
        if self._mirror:
            self._mirror.steps(rows)

    def _read_tensors(self) -> None:
        """Fetch what lies on a GPU, all of it at once."""
        unread, self._unread = self._unread, []
        if not unread:
            return
        for row, name, tensor, version in unread:
            if tensor._version != version:
                self._pending = [one for one in self._pending if isinstance(one, Step)]
                raise ValueError(
                    f"the {name} of step {row['index']} was changed in place after it was logged; "
                    f"log a copy: {name}.clone()"
                )
        numbers = torch.stack([tensor.reshape(()).float() for _, _, tensor, _ in unread]).tolist()
        for (row, name, _, _), number in zip(unread, numbers, strict=True):
            row[name] = number

    def _how_it_ended(self) -> str:
        if self.growing.lost:
            return "diverged"
        return "short" if self.growing.last < self.total else "finished"

    def _line(self, losses: np.ndarray) -> str:
        """Where training stands, in one line."""
        growing = self.growing
        if growing.last < 0:
            return t("waiting for the first step", self.lang)
        step, total = f"{growing.last:,}", f"{max(self.total, growing.last):,}"
        at = "step {step} of {total}" if self.total else "step {step}"
        parts = [phrase(at, self.lang, step=step, total=total)]
        if len(losses) and math.isfinite(losses[-1]):
            parts.append(phrase("loss {loss}", self.lang, loss=written(float(losses[-1]))))
        if growing.speed > 0:
            parts.append(phrase("{speed} tokens/s", self.lang, speed=f"{growing.speed:,.0f}"))
        if left := self._left():
            parts.append(phrase("{time} left", self.lang, time=left))
        return " · ".join(parts)

    def _left(self) -> str:
        """Hours, minutes and seconds up to the planned end, from the pace so far."""
        if self._start is None or not self._start[1] < self.growing.last < self.total:
            return ""
        clock, first = self._start
        pace = (time.perf_counter() - clock) / (self.growing.last - first)
        left = round(pace * (self.total - self.growing.last))
        if not left:
            return ""
        minutes, seconds = divmod(left, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _numbers(row: dict[str, Any]) -> list[float]:
    return [row.get(name, math.nan) for name in COLUMNS]


def loss_curve(
    history_or_steps: Any,
    *,
    vocab_size: Any = None,
    uniform: Any = None,
    recorded: Any = None,
    title: str = "Loss curve",
    lang: str | None = None,
    trained: bool = False,
) -> View:
    """The curve of a run that has ended, or of several: ``loss_curve({"a": …, "b": …})``.

    A run is a list of steps (``Step``, dictionaries with ``index`` and ``loss``, or bare losses), a
    path that a ``LossCurve`` or a recipe wrote to, a record of the ledger, or a ``LossCurve``. The
    other settings are those of ``LossCurve``; ``trained`` says that training made the numbers just
    now. Raises ``ValueError`` for what holds no run.
    """
    lang = lang or language()
    line, words = uniform_guess(vocab_size, uniform)
    record = CurveRecord(runs_of(history_or_steps), line, words, recorded_run(recorded, lang))
    return view(record, title, lang, trained)


def uniform_guess(vocab_size: Any, uniform: Any) -> tuple[float, str]:
    """The loss of a uniform guess and how it is written, "ln 8,192"; 0 where nothing is known."""
    if vocab_size is not None and uniform is not None:
        raise ValueError("vocab_size and uniform came; give one, the other follows")
    if vocab_size is not None:
        if not isinstance(vocab_size, int) or vocab_size < 2:
            raise ValueError(f"vocab_size is {vocab_size!r}; a choice needs at least 2")
        uniform = math.log(vocab_size)
    if uniform is None:
        return 0.0, ""
    if not isinstance(uniform, int | float) or not 0 < uniform < math.inf:
        raise ValueError(f"uniform is {uniform!r}; give a loss in nats above 0, e.g. math.log(2)")
    choices = round(math.exp(min(uniform, 20)))
    exact = abs(math.log(choices) - uniform) < 1e-9 if choices > 1 else False
    return float(f"{uniform:.5g}"), f"ln {choices:,}" if exact else ""
