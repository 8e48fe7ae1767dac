"""A loss curve as SVG: a frame while training runs, and the still picture of the finished figure.

The same drawing serves both. A frame takes its colours from the notebook around it, the still has
paper of its own. Lines are whole numbers of tenths of a pixel, which are quick to write and short.
"""

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from llm_book.claims import written
from llm_book.i18n import phrase, t
from llm_book.widgets import charts
from llm_book.widgets.curve_record import CurveRecord, Run

WIDTH, LEFT, RIGHT = 640, 52, 628
TOP, HEIGHT, STRIP, GAP = 62, 220, 36, 20
# Each at least 3 : 1 on white and on the dark themes' paper.
MEAN, CHECKED, WRONG, GREY = "#2478b4", "#c25a10", "#d6273b", "#7d878c"
COLOURS, DASHES = (MEAN, CHECKED, "#1c8a66", "#a7588a"), ("", "6 3", "2 3", "9 3 2 3")
Scale = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Ink:
    """The colours that a theme changes."""

    ink: str
    muted: str
    line: str
    paper: str


PAPER = Ink(charts.INK, charts.MUTED, charts.LINE, charts.PAPER)
NOTEBOOK = Ink("currentColor", "currentColor", "currentColor", "var(--paper)")


def frame(record: CurveRecord, title: str, line: str, lang: str) -> str:
    """The picture while training runs; ``line`` says where it stands."""
    parts, height = _parts(record, NOTEBOOK, lang)
    head = [
        charts.text(LEFT, 18, title, size=14, fill=NOTEBOOK.ink, more='font-weight="600"'),
        charts.text(LEFT, 36, line, fill=NOTEBOOK.ink),
    ]
    return (
        f'<svg role="img" aria-label="{html.escape(f"{title}: {line}")}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="{charts.FONT}" font-size="12" '
        f'style="display:block;min-width:480px;width:100%;max-width:{WIDTH}px;height:auto">'
        f"{''.join([*head, *parts])}</svg>"
    )


def on_paper(record: CurveRecord, lang: str) -> str:
    """The still picture of a finished figure."""
    parts, height = _parts(record, PAPER, lang)
    moved = f'<g transform="translate(0 -36)">{"".join(parts)}</g>'
    return charts.document(WIDTH, height - 36, [moved], record.sentence(lang))


def _parts(record: CurveRecord, ink: Ink, lang: str) -> tuple[list[str], int]:
    """Everything but the head, and how high it is."""
    box = _Box(record)
    strips = [name for name in ("learning_rate", "gradient_norm") if _has(record, name)]
    bottom = TOP + HEIGHT + len(strips) * (STRIP + GAP)
    parts = [*_legend(record, ink, lang), *_grid(box, bottom, ink, lang)]
    parts += _references(record, box, ink, lang)
    if record.recorded:
        line = _path(box.x(np.array(record.recorded.step)), box.y(np.array(record.recorded.loss)))
        parts.append(_stroke(line, GREY, 1.5))
    for place, run in enumerate(record.runs):
        parts += _run(run, box, _look(place), alone=len(record.runs) == 1)
    if len(record.runs) == 1:
        parts += _marks(record.runs[0], box, bottom, ink, lang)
    for place, name in enumerate(strips):
        top = TOP + HEIGHT + GAP + place * (STRIP + GAP)
        parts += _strip(record, name, box, top, ink, lang)
    parts += _caption(record, bottom + 40, ink)
    return parts, bottom + 34 + 16 * len(_caption(record, 0, ink))


class _Box:
    """Where steps and losses lie."""

    def __init__(self, record: CurveRecord) -> None:
        low, high = _range(record)
        first, last = _steps(record)
        self.low, self.high, self.first, self.last = low, high, first, last

    def x(self, steps: np.ndarray) -> np.ndarray:
        return LEFT + (steps - self.first) / (self.last - self.first) * (RIGHT - LEFT)

    def y(self, losses: np.ndarray) -> np.ndarray:
        share = (np.clip(losses, self.low, self.high) - self.low) / (self.high - self.low)
        return TOP + HEIGHT * (1 - share)

    def at(self, step: float) -> float:
        return float(self.x(np.array([step]))[0])

    def level(self, loss: float) -> float:
        return float(self.y(np.array([loss]))[0])


def _steps(record: CurveRecord) -> tuple[float, float]:
    ends = [float(run.step[-1]) for run in record.runs if len(run.step)]
    planned = [float(run.total) for run in record.runs if not run.ended]
    ends += planned
    if record.recorded and record.recorded.step and not any(planned):
        ends.append(float(record.recorded.step[-1]))
    last = max([*ends, 1.0])
    return (0.0, last) if last > 1 else (0.0, 2.0)


def _range(record: CurveRecord) -> tuple[float, float]:
    """From the lowest to the highest mean, and the band where it does not dwarf them."""
    lines = [run.loss[np.isfinite(run.loss)] for run in record.runs]
    lines += [np.array([loss for _, loss in run.validation]) for run in record.runs]
    if record.recorded:
        steps = np.array(record.recorded.step)
        lines.append(np.array(record.recorded.loss)[steps <= _steps(record)[1]])
    values = np.concatenate(
        [line for line in lines if len(line)] or [np.array([0.0, 1.0 + record.uniform])]
    )
    low, high = float(values.min()), float(values.max())
    reach = 0.5 * (high - low)
    for run in record.runs:
        if np.isfinite(run.loss).any():
            low = max(low - reach, min(low, float(np.nanmin(run.low))))
            high = min(high + reach, max(high, float(np.nanmax(run.high))))
    if record.uniform and high < record.uniform < high + 0.4 * (high - low):
        high = record.uniform
    margin = 0.04 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def _look(place: int) -> tuple[str, str]:
    """Colour and dashes of a run; sixteen are told apart."""
    return COLOURS[place % 4], DASHES[(place + place // 4) % 4]


def _has(record: CurveRecord, name: str) -> bool:
    return any(np.isfinite(getattr(run, name)).any() for run in record.runs)


def _path(x: np.ndarray, y: np.ndarray) -> str:
    """Lines through the points, in tenths of a pixel; broken where one is missing."""
    known = np.flatnonzero(np.isfinite(y))
    breaks = np.flatnonzero(np.diff(known) > 1) + 1
    parts = np.split(known, breaks) if len(breaks) else [known]
    return "".join([_piece(x[part], y[part]) for part in parts if len(part)])


def _piece(x: np.ndarray, y: np.ndarray) -> str:
    """One unbroken line: where it begins, then how far each point is from the one before."""
    places = np.empty(2 * len(x))
    places[0::2], places[1::2] = x, y
    tenths = np.rint(10 * places).astype(int)
    tenths[2:] -= tenths[:-2].copy()
    first, second, *further = tenths.tolist()
    return f"M{first} {second}{'l' * bool(further)}{' '.join(map(str, further))}"


def _stroke(path: str, colour: str, width: float, more: str = "") -> str:
    return (
        f'<path transform="scale(.1)" d="{path}" fill="none" stroke="{colour}" '
        f'stroke-width="{10 * width:g}" stroke-linejoin="round"{" " * bool(more)}{more}/>'
    )


def _run(run: Run, box: _Box, look: tuple[str, str], alone: bool) -> Iterator[str]:
    colour, dashes = look
    x, known = box.x(run.step), np.isfinite(run.loss)
    if alone and known.any() and (run.high > run.low).any():
        there, back = _path(x[known], box.y(run.high[known])), x[known][::-1]
        under = _path(back, box.y(run.low[known][::-1])).replace("M", "L")
        yield (
            f'<path transform="scale(.1)" d="{there}{under}Z" fill="{colour}" fill-opacity="0.3"/>'
        )
    dash = "" if alone else dashes
    more = f'stroke-dasharray="{" ".join(str(10 * int(d)) for d in dash.split())}"' if dash else ""
    if known.sum() == 1:
        yield charts.circle(float(x[known][0]), box.level(float(run.loss[known][0])), 3.5, colour)
    else:
        yield _stroke(_path(x, box.y(run.loss)), colour, 1.8, more)


def _marks(run: Run, box: _Box, bottom: int, ink: Ink, lang: str) -> Iterator[str]:
    for step in run.resumed:
        x = box.at(step)
        yield charts.line(x, TOP, x, bottom, ink.muted, 1, 'stroke-dasharray="1 3"')
        yield charts.text(x + 3, TOP + 30, t("resumed", lang), size=10, fill=ink.muted)
    places = np.rint(10 * box.x(np.array(run.checkpoints, dtype=float))).astype(int)
    ticks = "".join([f"M{x} {10 * (TOP + HEIGHT)}v-60" for x in places.tolist()])
    if ticks:
        yield _stroke(ticks, ink.ink, 1)
    yield from _validation(run, box, ink)
    if run.missing or run.ended == "diverged":
        yield from _cross(box.at(run.first_missing), run.first_missing, ink, lang)
    if run.ended in ("stopped", "early stop", "short") and len(run.step):
        x = box.at(run.ended_at)
        said = phrase("stopped at {step}", lang, step=f"{run.ended_at:,}")
        anchor, shift = ("end", -4) if x > (LEFT + RIGHT) / 2 else ("start", 4)
        yield charts.line(x, TOP, x, TOP + HEIGHT, ink.ink, 1, 'stroke-dasharray="4 2"')
        yield charts.text(x + shift, TOP + HEIGHT - 10, said, anchor, 11, ink.ink)


def _validation(run: Run, box: _Box, ink: Ink) -> Iterator[str]:
    """A dot a point, the best in a ring."""
    if not run.validation:
        return
    steps, losses = (np.array(part) for part in zip(*run.validation, strict=True))
    if len(steps) > 100:  # a picture can show no more
        kept = np.unique(
            np.append(np.arange(0, len(steps), -(-len(steps) // 100)), losses.argmin())
        )
        steps, losses = steps[kept], losses[kept]
    x, y = (np.rint(10 * part).astype(int) for part in (box.x(steps), box.y(losses)))
    dots = "".join([f"M{a} {b}h0" for a, b in zip(x.tolist(), y.tolist(), strict=True)])
    yield _stroke(dots, CHECKED, 6, 'stroke-linecap="round"')
    best = int(losses.argmin())
    ring = f'stroke="{ink.ink}" stroke-width="1.5"'
    yield charts.circle(x[best] / 10, y[best] / 10, 6.5, "none", ring)


def _cross(x: float, step: int, ink: Ink, lang: str) -> Iterator[str]:
    x = min(x, RIGHT - 4.0)
    said = phrase("not a number at {step}", lang, step=f"{step:,}")
    anchor, shift = ("end", -9) if x > (LEFT + RIGHT) / 2 else ("start", 9)
    yield charts.line(x, TOP + 12, x, TOP + HEIGHT, WRONG, 1)
    yield _stroke(f"M{10 * x - 50:.0f} {10 * TOP + 20}l100 100m0-100l-100 100", WRONG, 2.5)
    yield charts.text(x + shift, TOP + 11, said, anchor, 11, ink.ink, 'font-weight="600"')


def _references(record: CurveRecord, box: _Box, ink: Ink, lang: str) -> Iterator[str]:
    if not record.uniform or not box.low <= record.uniform <= box.high:
        return
    y = box.level(record.uniform)
    yield charts.line(LEFT, y, RIGHT, y, ink.ink, 1.2, 'stroke-dasharray="2 4"')
    loss = written(record.uniform)
    said = f"{record.guess} = {loss}" if record.guess else loss
    said = phrase("{loss}: a uniform guess", lang, loss=said)
    yield charts.text(RIGHT, y + (13 if y < TOP + 14 else -4), said, "end", 11, ink.ink)


def _grid(box: _Box, bottom: int, ink: Ink, lang: str) -> Iterator[str]:
    faint = 'stroke-opacity="0.25"' if ink is NOTEBOOK else ""
    for loss in charts.ticks(box.low, box.high, 6):
        y = box.level(loss)
        yield charts.line(LEFT, y, RIGHT, y, ink.line, 1, faint)
        yield charts.text(LEFT - 6, y + 4, f"{loss:g}", "end", 11, ink.muted)
    for step in (one for one in charts.ticks(box.first, box.last, 6) if one == int(one)):
        x = box.at(step)
        yield charts.line(x, bottom, x, bottom + 4, ink.muted)
        anchor = "end" if x > RIGHT - 20 else "middle"
        yield charts.text(x, bottom + 17, f"{step:,.10g}", anchor, 11, ink.muted)
    yield charts.line(LEFT, TOP + HEIGHT, RIGHT, TOP + HEIGHT, ink.muted)
    yield charts.text(LEFT - 6, bottom + 17, t("step", lang), "end", 11, ink.muted)


def _strip(
    record: CurveRecord, name: str, box: _Box, top: int, ink: Ink, lang: str
) -> Iterator[str]:
    """A low chart under the curve, from 0 to its highest value."""
    word = {"learning_rate": "learning rate", "gradient_norm": "gradient norm"}[name]
    values = [getattr(run, name) for run in record.runs]
    high = max(float(np.nanmax(part)) for part in values if np.isfinite(part).any()) or 1.0
    yield charts.line(LEFT, top + STRIP, RIGHT, top + STRIP, ink.muted)
    yield charts.text(LEFT - 6, top + 10, written(high, 2), "end", 10, ink.muted)
    yield charts.text(LEFT - 6, top + STRIP, "0", "end", 10, ink.muted)
    for place, (run, part) in enumerate(zip(record.runs, values, strict=True)):
        colour, dashes = _look(place)
        step = max(1, -(-len(part) // 150))
        y = top + STRIP * (1 - np.clip(part, 0, high)[::step] / high)
        dash = f'stroke-dasharray="{" ".join(str(10 * int(d)) for d in dashes.split())}"'
        more = dash if dashes and len(record.runs) > 1 else ""
        yield _stroke(_path(box.x(run.step[::step]), y), colour, 1.2, more)
    yield charts.text(LEFT + 4, top - 5, t(word, lang), "start", 11, ink.muted)


def _legend(record: CurveRecord, ink: Ink, lang: str) -> Iterator[str]:
    """A sample and a word for each kind of line, from left to right."""
    x = float(LEFT)
    for sample, word in _entries(record, ink, lang):
        yield sample(x, 48)
        yield charts.text(x + 24, 52, word, size=11, fill=ink.ink)
        x += 38 + _wide(word)


def _entries(
    record: CurveRecord, ink: Ink, lang: str
) -> Iterator[tuple[Callable[[float, float], str], str]]:
    def line(colour: str, dashes: str = "") -> Callable[[float, float], str]:
        more = f'stroke-dasharray="{dashes}"' if dashes else ""
        return lambda x, y: charts.line(x, y, x + 20, y, colour, 2, more)

    if len(record.runs) > 1:
        for place, run in enumerate(record.runs):
            colour, dashes = _look(place)
            yield line(colour, dashes), run.name if len(run.name) < 21 else run.name[:19] + "…"
    else:
        run = record.runs[0]
        yield line(MEAN), t("training loss", lang)
        if (run.high > run.low).any():
            band = 'fill-opacity="0.3"'
            yield lambda x, y: charts.rect(x, y - 5, 20, 10, MEAN, band), t("its range", lang)
        if run.validation:
            ring = f'stroke="{ink.ink}" stroke-width="1.5"'
            yield lambda x, y: charts.circle(x + 10, y, 3, CHECKED), t("validation loss", lang)
            yield lambda x, y: charts.circle(x + 10, y, 5, "none", ring), t("best", lang)
    if record.recorded:
        yield line(GREY), t("recorded run", lang)


def _wide(word: str) -> float:
    """About how wide a word is at 11 pixels."""
    return sum(11.5 if ord(letter) > 0x2E00 else 6.1 for letter in word)


def _caption(record: CurveRecord, y: float, ink: Ink) -> list[str]:
    """Where the grey line comes from, broken into lines."""
    if not record.recorded:
        return []
    lines = broken(record.recorded.caption, RIGHT - LEFT)
    return [
        charts.text(LEFT, y + 15 * i, one, size=11, fill=ink.muted) for i, one in enumerate(lines)
    ]


@cache  # the same in every frame
def broken(said: str, width: float) -> tuple[str, ...]:
    """A text in lines that fit."""
    lines = [""]
    for word in said.split(" "):
        if lines[-1] and _wide(f"{lines[-1]} {word}") > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return tuple(lines)
