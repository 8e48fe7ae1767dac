"""Language models through time: how large they are, and what their makers disclosed."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from llm_book.claims import written
from llm_book.i18n import phrase, t
from llm_book.widgets import charts
from llm_book.widgets.label_places import label_places, text_width
from llm_book.widgets.records import Table
from llm_book.widgets.render import View, view
from llm_book.widgets.timeline_models import (
    Cell,
    DatedModel,
    Source,
    carried_models,
    read_models,
)

WIDTH, HEIGHT, LEFT, STRIP = 720.0, 450.0, 66.0, 52.0
ROWS, ROW = 20, 13.0
QUIET_YEAR = 0.3  # the width of a year without models beside that of one with a single model


@dataclass(frozen=True, eq=False)
class TimelineRecord:
    """Models in the order of their dates."""

    kind: ClassVar[str] = "timeline"
    models: tuple[DatedModel, ...]

    def document(self) -> dict[str, Any]:
        cited = dict.fromkeys(
            cell.source for model in self.models for cell in model.cells().values() if cell.source
        )
        number = {source: i for i, source in enumerate(cited)}
        return {
            "sources": [[source.said(), source.link] for source in cited],
            "models": [_packed(model, number) for model in self.models],
        }

    def blob(self) -> bytes:
        return b""

    def sentence(self, lang: str) -> str:
        disclosed = {
            key: sum(model.cells()[key].status == "disclosed" for model in self.models)
            for key in ("parameters", "tokens")
        }
        return phrase(
            "{count} models from {first} to {last}; {parameters} disclose their parameters, "
            "{tokens} their training tokens, and {open} offer their weights.",
            lang,
            count=len(self.models),
            first=self.models[0].date.value[:4],
            last=self.models[-1].date.value[:4],
            open=sum(model.weights.value == "open" for model in self.models),
            **disclosed,
        )

    def still(self, lang: str) -> str:
        places = _places(self.models)
        order = sorted(range(len(places)), key=lambda i: not self.models[i].landmark)
        names = [self.models[i].name for i in order]
        taken = [(0.0, 0.0, WIDTH, 24.0), (0.0, 0.0, LEFT - 4, HEIGHT)]
        taken += [(x - 5, y - 5, 10.0, 10.0) for x, y in places]
        spots = label_places([places[i] for i in order], names, WIDTH, HEIGHT, 7, taken)
        parts = [*_legend(lang), *_axes(self.models, lang)]
        parts += [
            _mark(model.weights.value, model.parameters.status == "estimated", *place)
            for model, place in zip(self.models, places, strict=True)
        ]
        parts += [charts.text(*spot, name) for spot, name in zip(spots, names, strict=True) if spot]
        return charts.document(WIDTH, HEIGHT, parts, self.sentence(lang))

    def table(self, lang: str) -> Table:
        head = ("model", "date", "parameters", "training tokens", "weights")
        keys = ("date", "parameters", "tokens", "weights")
        chosen = [model for model in self.models if model.landmark] or self.models
        return Table(
            tuple(t(word, lang) for word in head),
            tuple(
                (model.name, *(said(key, model.cells()[key], lang) for key in keys))
                for model in chosen[:ROWS]
            ),
        )


def said(key: str, cell: Cell, lang: str) -> str:
    """A cell in words: 175 B, ≈ 340 B where a number is estimated, closed, unknown."""
    if cell.value is None:
        return t("unknown", lang)
    if isinstance(cell.value, str):
        return t(cell.value, lang)
    text = compact(cell.value)
    text = phrase("{number} words", lang, number=text) if cell.unit == "words" else text
    return f"≈ {text}" if cell.status == "estimated" else text


def compact(count: float) -> str:
    """A count with K, M, B or T for thousands to millions of millions: 175 B, 1.4 T."""
    power = next((power for power in (12, 9, 6, 3) if count >= 10**power), 0)
    digits = written(count / 10**power)
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return f"{digits} {dict(zip((12, 9, 6, 3), 'TBMK', strict=True)).get(power, '')}".strip()


def shares(dates: Sequence[str]) -> tuple[list[float], dict[int, float]]:
    """Where on the axis of time, 0 to 1, each date stands and each year begins.

    A year is the wider the more models it has, as the square root of their number.
    """
    years = [int(date[:4]) for date in dates]
    begins, at = {}, 0.0
    for year in range(min(years), max(years) + 2):
        begins[year] = at
        at += QUIET_YEAR + math.sqrt(years.count(year))
    whole = begins[max(years) + 1]
    within = [
        begins[year] + (begins[year + 1] - begins[year]) * _of_year(date)
        for year, date in zip(years, dates, strict=True)
    ]
    return [at / whole for at in within], {year: at / whole for year, at in begins.items()}


def _of_year(date: str) -> float:
    day = (int(date[8:]) - 0.5) / 31 if len(date) > 7 else 0.5
    return (int(date[5:7]) - 1 + day) / 12


def _packed(model: DatedModel, number: dict[Source, int]) -> dict[str, Any]:
    """A model as the page has it: value, status, number of the source, unit; null is unknown."""
    cells = {
        key: [cell.value, cell.status, number[cell.source], cell.unit] if cell.source else None
        for key, cell in model.cells().items()
    }
    return {"name": model.name, "landmark": model.landmark, **cells}


def _places(models: Sequence[DatedModel]) -> list[tuple[float, float]]:
    """Models by date and size; those of unknown size in a strip, close ones below one another."""
    x, y = charts.scale(0, 1, LEFT, WIDTH - 8), _sizes(models)
    places, ends = [], list[float]()
    for share, model in zip(shares([m.date.value for m in models])[0], models, strict=True):
        if model.parameters.value is not None:
            places.append((x(share), y(model.parameters.value)))
            continue
        free = (row for row, end in enumerate(ends) if end < x(share) - ROW)
        if (row := next(free, len(ends))) == len(ends):
            ends.append(0.0)
        ends[row] = x(share)
        places.append((x(share), HEIGHT - STRIP - 12 + ROW * (row % 3)))
    return places


def _range(models: Sequence[DatedModel]) -> tuple[float, float]:
    cells = [cell for model in models for cell in (model.parameters, model.active)]
    known = [math.log10(cell.value) for cell in cells if cell.value is not None] or [6, 12]
    return min(known) - 0.25, max(known) + 0.25


def _sizes(models: Sequence[DatedModel]) -> Callable[[float], float]:
    place = charts.scale(*_range(models), HEIGHT - STRIP - 40, 52)
    return lambda count: place(math.log10(count))


def _axes(models: Sequence[DatedModel], lang: str) -> list[str]:
    y, (low, high) = _sizes(models), _range(models)
    parts = []
    for power in range(math.ceil(low), math.floor(high) + 1):
        at = y(10.0**power)
        parts.append(charts.line(LEFT, at, WIDTH - 8, at))
        parts.append(charts.text(LEFT - 6, at + 4, compact(10.0**power), "end", fill=charts.MUTED))
    strip = HEIGHT - STRIP - 26
    parts.append(
        charts.line(LEFT, strip, WIDTH - 8, strip, charts.MUTED, more='stroke-dasharray="3 3"')
    )
    parts.append(charts.text(LEFT - 8, strip + 18, t("unknown", lang), "end", fill=charts.MUTED))
    x, last = charts.scale(0, 1, LEFT, WIDTH - 8), -math.inf
    for year, share in shares([model.date.value for model in models])[1].items():
        parts.append(charts.line(x(share), HEIGHT - 28, x(share), HEIGHT - 22, charts.MUTED))
        if x(share) - last > 36 and share < 1:
            last = x(share)
            parts.append(charts.text(last, HEIGHT - 8, str(year), fill=charts.MUTED))
    return parts


def _mark(weights: str | None, estimated: bool, x: float, y: float) -> str:
    """Filled where weights are open, hollow where closed, dashed where unknown; ◇ is estimated."""
    fill = charts.BLUE if weights == "open" else charts.PAPER
    line = f'stroke="{charts.BLUE}" stroke-width="1.5"'
    line += ' stroke-dasharray="2 1.6"' if weights is None else ""
    if not estimated:
        return charts.circle(x, y, 4.5, fill, line)
    corners = " ".join(
        f"{charts.place(x + dx)},{charts.place(y + dy)}"
        for dx, dy in ((0, -6), (6, 0), (0, 6), (-6, 0))
    )
    return f'<polygon points="{corners}" fill="{fill}" {line}/>'


def _legend(lang: str) -> list[str]:
    marks = (
        ("weights open", "open", False),
        ("weights closed", "closed", False),
        ("weights unknown", None, False),
        ("size estimated by others", "closed", True),
    )
    parts, x = [], 10.0
    for text, weights, estimated in marks:
        words = t(text, lang)
        parts += [_mark(weights, estimated, x, 12), charts.text(x + 10, 16, words)]
        x += 34 + text_width(words)
    return [*parts, charts.text(4, 40, t("parameters", lang), fill=charts.MUTED)]


def timeline_record(models: Any = None) -> TimelineRecord:
    """The record of the models that came with the package, or of those given.

    Raises ``ValueError`` for a cell without a status, a known one without value and source, an
    unknown one with either, and dates, numbers or links that are malformed.
    """
    return TimelineRecord(carried_models() if models is None else read_models(models))


def timeline(
    models: Any = None,
    *,
    title: str = "Language models through time",
    lang: str | None = None,
) -> View:
    """Models by date and size; choose one to see each fact with its source.

    Without ``models`` those that came with the package are shown. A model of your own is a
    dictionary with a name and cells, each ``{"value": …, "status": "disclosed", "source": …}``, as
    ``timeline_models.read_models`` explains. What no source says is unknown: nothing is computed.
    """
    return view(timeline_record(models), title, lang)
