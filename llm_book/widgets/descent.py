"""Two weights on their way down a surface, moved by the book's own optimisers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from llm_book.claims import written
from llm_book.i18n import phrase, t
from llm_book.training.optim import SGD, AdaGrad, Adam, AdamW, HandWritten
from llm_book.widgets import charts
from llm_book.widgets.contours import contour
from llm_book.widgets.records import Table
from llm_book.widgets.render import View, view
from llm_book.widgets.surfaces import SURFACES, Point, Surface

NAMES = {
    "sgd": "SGD",
    "momentum": "SGD + momentum",
    "nesterov": "SGD + Nesterov",
    "adagrad": "AdaGrad",
    "adam": "Adam",
    "adamw": "AdamW",
}
LOWEST = {
    "two wells": "the lower minimum is at ({a}, {b}).",
    "saddle": "there is no minimum, only a saddle at ({a}, {b}).",
}
MOST_STEPS = 1000
FAR = 1e9  # a path ends where a weight is larger


@dataclass(frozen=True)
class DescentRecord:
    """A surface, a start, and how each optimiser walks from it.

    ``compared`` are optimisers shown beside ``optimizer``; ``rates`` holds a learning rate for
    every one. ``momentum`` is that of SGD's velocity and β₁ of Adam; ``condition`` is λmax / λmin
    of the valley.
    """

    kind: ClassVar[str] = "descent"
    surface: str
    optimizer: str
    rates: dict[str, float]
    start: Point
    steps: int = 60
    compared: tuple[str, ...] = ()
    condition: float = 10.0
    momentum: float = 0.9
    beta2: float = 0.999

    def path(self, optimizer: str) -> np.ndarray:
        """The points [step, 2] that an optimiser reaches, the start first; shorter where it flees.

        The package's optimiser moves float64 weights by the gradient in closed form.
        """
        gradient = SURFACES[self.surface].gradient
        weights = torch.tensor(self.start, dtype=torch.float64)
        optim = _optimizer(self, optimizer, weights)
        points = [weights.tolist()]
        for _ in range(self.steps):
            x, y = points[-1]
            slope = gradient(x, y, self.condition)
            weights.grad = torch.tensor([float(part) for part in slope], dtype=torch.float64)
            optim.step()
            points.append(weights.tolist())
            if not all(abs(part) <= FAR for part in points[-1]):
                break
        return np.array(points)

    def shown(self) -> tuple[str, ...]:
        """The optimisers whose paths are drawn, the chosen one first."""
        return (self.optimizer, *(name for name in self.compared if name != self.optimizer))

    def loss(self, points: np.ndarray) -> np.ndarray:
        """The loss at each of ``points`` [step, 2]."""
        return SURFACES[self.surface].loss(points[:, 0], points[:, 1], self.condition)

    def document(self) -> dict[str, Any]:
        return {
            "surface": self.surface,
            "optimizer": self.optimizer,
            "compared": list(self.compared),
            "rates": self.rates,
            "start": list(self.start),
            "steps": self.steps,
            "condition": self.condition,
            "momentum": self.momentum,
            "beta2": self.beta2,
            "surfaces": {name: _constants(name) for name in SURFACES},
        }

    def blob(self) -> bytes:
        return b""

    def sentence(self, lang: str) -> str:
        said = _said(self, lang)
        paths = {name: self.path(name) for name in self.shown()}
        left = [name for name, points in paths.items() if leaves(self, points) is None]
        if len(paths) == 1 or not left:
            return said
        losses = {name: self.loss(paths[name])[-1] for name in left}
        best = min(left, key=lambda name: _rounded(losses[name], 1e-9))
        return f"{said} " + phrase(
            "Lowest of the {count} is {name}, loss {loss}.",
            lang,
            count=len(paths),
            name=NAMES[best],
            loss=_loss_text(losses[best]),
        )

    def still(self, lang: str) -> str:
        return charts.document(560, 420, _picture(self, lang), self.sentence(lang))

    def table(self, lang: str) -> Table:
        head = (
            t("optimiser", lang),
            t("learning rate", lang),
            "x",
            "y",
            t("loss", lang),
            t("leaves the map at step", lang),
        )
        return Table(head, tuple(_row(self, name) for name in self.shown()))


def descent_record(
    surface: Any = "valley",
    optimizer: Any = "sgd",
    learning_rate: Any = None,
    start: Any = None,
    steps: Any = 60,
    compared: Sequence[Any] = (),
    condition: Any = 10.0,
    momentum: Any = 0.9,
    beta2: Any = 0.999,
) -> DescentRecord:
    """The record of a descent; arguments as for ``descent``.

    Raises ``ValueError`` for names that are unknown, for a start outside the map, and for settings
    with which nothing can walk.
    """
    _one_of("surface", surface, SURFACES)
    for name in (optimizer, *compared):
        _one_of("optimizer", name, NAMES)
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"steps is {steps}; it must be a whole number from 1 to {MOST_STEPS:,}")
    rates = _constants(surface)["rates"]
    if learning_rate is not None:
        rates = rates | {optimizer: _number("learning_rate", learning_rate, 1e-6, 10)}
    record = DescentRecord(
        surface=surface,
        optimizer=optimizer,
        rates=rates,
        start=_checked_start(start, SURFACES[surface]),
        steps=steps,
        compared=tuple(name for name in NAMES if name in compared and name != optimizer),
        condition=_number("condition", condition, 1, 1000),
        momentum=_number("momentum", momentum, 0, 0.999),
        beta2=_number("beta2", beta2, 0, 0.99999),
    )
    for name in record.shown():
        record.path(name)  # the optimiser refuses what it cannot use
    return record


def descent(
    surface: Any = "valley",
    *,
    optimizer: Any = "sgd",
    learning_rate: Any = None,
    start: Any = None,
    steps: Any = 60,
    compared: Sequence[Any] = (),
    condition: Any = 10.0,
    momentum: Any = 0.9,
    beta2: Any = 0.999,
    title: str = "The way down",
    lang: str | None = None,
) -> View:
    """A map of a loss of two weights with the path of one optimiser or several.

    ``surface`` is "bowl", "valley", "rosenbrock", "saddle", "two wells" or "plateau"; ``optimizer``
    and ``compared`` are "sgd", "momentum", "nesterov", "adagrad", "adam" or "adamw";
    ``learning_rate`` is that of ``optimizer`` (None: one that suits the surface); ``start`` is
    (x, y) on the map; ``condition`` is λmax / λmin of the valley. Errors as for ``descent_record``.
    """
    settings = (surface, optimizer, learning_rate, start, steps, compared)
    return view(descent_record(*settings, condition, momentum, beta2), title, lang)


def highest_rate(record: DescentRecord, optimizer: str) -> tuple[str, float] | None:
    """Above which learning rate an optimiser cannot settle, as a formula and a number.

    Known for the bowl and the valley and for descent with or without a velocity: 2/λmax, with
    momentum μ (1 + μ) times that, and with Nesterov's that over 1 + 2μ. None for the others.
    """
    if record.surface not in ("bowl", "valley"):
        return None
    steepest, kept = (record.condition if record.surface == "valley" else 1.0), record.momentum
    if optimizer == "sgd":
        return "2/λmax", 2 / steepest
    if optimizer == "momentum":
        return "2(1 + μ)/λmax", 2 * (1 + kept) / steepest
    if optimizer == "nesterov":
        return "2(1 + μ)/(1 + 2μ)/λmax", 2 * (1 + kept) / (1 + 2 * kept) / steepest
    return None


def leaves(record: DescentRecord, points: np.ndarray) -> int | None:
    """The step at which a path leaves the map for good; None where it ends on the map."""
    inside = [SURFACES[record.surface].inside(x, y) for x, y in points.tolist()]
    if inside[-1]:
        return None
    return len(inside) - inside[::-1].index(True)


def _optimizer(record: DescentRecord, name: str, weights: torch.Tensor) -> HandWritten:
    """The package's optimiser of a name, with the record's settings."""
    rate, kept, betas = record.rates[name], record.momentum, (record.momentum, record.beta2)
    if name == "adagrad":
        return AdaGrad([weights], rate)
    if name == "adam":
        return Adam([weights], rate, betas)
    if name == "adamw":
        return AdamW([weights], rate, betas)
    return SGD([weights], rate, 0.0 if name == "sgd" else kept, nesterov=name == "nesterov")


def _constants(name: str) -> dict[str, Any]:
    """What the page must know of a surface."""
    surface = SURFACES[name]
    plain, with_velocity, rooted = surface.rates
    rates = (plain, with_velocity, with_velocity, 5 * rooted, rooted, rooted)
    return {
        "start": list(surface.start),
        "minimum": surface.minimum and list(surface.minimum),
        "middle": list(surface.middle),
        "half": surface.half,
        "bend": surface.bend,
        "rates": dict(zip(NAMES, rates, strict=True)),
    }


def _one_of(what: str, name: Any, known: Iterable[str]) -> None:
    if name not in tuple(known):
        raise ValueError(f"{what} {name!r} is unknown; choose one of {', '.join(known)}")


def _number(name: str, value: Any, low: float, high: float) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and low <= value <= high):
        raise ValueError(f"{name} is {value}; it must be a number from {low:g} to {high:g}")
    return float(value)


def _checked_start(start: Any, surface: Surface) -> Point:
    if start is None:
        return surface.start
    (a, b), half = surface.middle, surface.half
    try:
        x, y = (float(part) for part in start)
    except (TypeError, ValueError) as error:
        raise ValueError(f"start is {start!r}; give two numbers (x, y)") from error
    if not surface.inside(x, y):
        raise ValueError(
            f"start ({x:g}, {y:g}) is not on the map; choose x from {a - half:g} to {a + half:g} "
            f"and y from {b - half:g} to {b + half:g}"
        )
    return x, y


def _said(record: DescentRecord, lang: str) -> str:
    """Where the chosen optimiser stands after all steps, or when and why it left."""
    name, points = NAMES[record.optimizer], record.path(record.optimizer)
    left = leaves(record, points)
    if left is None:
        return _where(record, points, lang)
    bound, rate = highest_rate(record, record.optimizer), record.rates[record.optimizer]
    if bound is None or rate <= bound[1]:
        return phrase("{name} leaves the map at step {step}.", lang, name=name, step=left)
    return phrase(
        "{name} leaves the map at step {step}: the learning rate {rate} is above {bound} = "
        "{value}.",
        lang,
        name=name,
        step=left,
        rate=written(rate),
        bound=bound[0],
        value=written(bound[1]),
    )


def _where(record: DescentRecord, points: np.ndarray, lang: str) -> str:
    x, y = points[-1]
    a, b = SURFACES[record.surface].minimum or (0.0, 0.0)
    return phrase(
        "After {steps} steps {name} stands at ({x}, {y}), loss {loss}; "
        + LOWEST.get(record.surface, "the minimum is at ({a}, {b})."),
        lang,
        steps=len(points) - 1,
        name=NAMES[record.optimizer],
        x=_place_text(x),
        y=_place_text(y),
        loss=_loss_text(record.loss(points)[-1]),
        a=_place_text(a),
        b=_place_text(b),
    )


def _rounded(value: float, least: float) -> float:
    return 0.0 if abs(value) < least else float(value)


def _place_text(value: float) -> str:
    value = _rounded(value, 5e-4)
    return f"{value:g}" if value in (0, 1, -1) else written(value)


def _loss_text(value: float) -> str:
    return written(_rounded(value, 1e-9))


def _row(record: DescentRecord, name: str) -> tuple[str, ...]:
    points = record.path(name)
    left = leaves(record, points)
    (x, y), loss = points[-1], record.loss(points)[-1]
    return (
        NAMES[name],
        written(record.rates[name]),
        _place_text(x),
        _place_text(y),
        _loss_text(loss),
        "–" if left is None else str(left),
    )


# The still picture: a map with contours, and beside it who went where.
SIDE, LEFT, TOP, LEVELS, CELLS, MOST_DRAWN = 380.0, 10.0, 10.0, 12, 48, 150
DASHES = dict(zip(NAMES, ("", "7 3", "2 3", "9 3 2 3", "12 4", "4 4"), strict=True))
STROKES = {
    "sgd": charts.INK,
    "momentum": charts.BLUE,
    "nesterov": charts.ORANGE,
    "adagrad": charts.GREEN,
    "adam": charts.PINK,
    "adamw": charts.MUTED,
}


def heights(record: DescentRecord, cells: int) -> np.ndarray:
    """The surface on a grid [row, column] from top left, 0 where it is lowest to 1."""
    surface = SURFACES[record.surface]
    (a, b), half = surface.middle, surface.half
    x = np.linspace(a - half, a + half, cells + 1)[None, :]
    y = np.linspace(b + half, b - half, cells + 1)[:, None]
    loss = surface.loss(x, y, record.condition) + 0 * x * y
    share = (loss - loss.min()) / (loss.max() - loss.min())
    return np.log1p(surface.bend * share) / math.log1p(surface.bend)


def _picture(record: DescentRecord, lang: str) -> Iterable[str]:
    surface = SURFACES[record.surface]
    (a, b), half = surface.middle, surface.half
    x = charts.scale(a - half, a + half, LEFT, LEFT + SIDE)
    y = charts.scale(b - half, b + half, TOP + SIDE, TOP)
    yield charts.rect(LEFT, TOP, SIDE, SIDE, "#f4f8f9", f'stroke="{charts.LINE}"')
    yield from _contours(heights(record, CELLS))
    clip = f'<clipPath id="map"><rect x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}"/>'
    yield f'{clip}</clipPath><g clip-path="url(#map)">'
    for name in reversed(record.shown()):
        points = np.clip(record.path(name)[:MOST_DRAWN], -50, 50)
        yield _dot(name)
        yield charts.polyline(
            [(x(p), y(q)) for p, q in points], STROKES[name], 2,
            f'{_dash(name)}marker-mid="url(#{name})" marker-end="url(#{name})"',
        )  # fmt: skip
    yield charts.circle(
        x(record.start[0]), y(record.start[1]), 6, "none", f'stroke="{charts.INK}" stroke-width="2"'
    )
    if surface.minimum:
        yield charts.text(x(surface.minimum[0]), y(surface.minimum[1]) + 6, "×", "middle", 20)
    yield "</g>"
    yield from _who(record, lang)


def _dot(name: str) -> str:
    """What stands at each step of a path."""
    return (
        f'<marker id="{name}" viewBox="-2 -2 4 4" markerWidth="2" markerHeight="2">'
        f"{charts.circle(0, 0, 2, STROKES[name])}</marker>"
    )


def _dash(name: str) -> str:
    return f'stroke-dasharray="{DASHES[name]}" ' if DASHES[name] else ""


def _contours(grid: np.ndarray) -> Iterable[str]:
    """Each level as one path, darker where the surface is lower."""
    cell = SIDE / CELLS
    for n in range(1, LEVELS):
        lines = (
            "L".join(
                f"{charts.place(LEFT + cell * x)} {charts.place(TOP + cell * y)}" for x, y in line
            )
            for line in contour(grid, n / LEVELS)
        )
        stroke = charts.colour(n / LEVELS, [(60, 110, 130), (190, 208, 214)])
        yield f'<path d="M{"M".join(lines)}" fill="none" stroke="{stroke}"/>'


def _who(record: DescentRecord, lang: str) -> Iterable[str]:
    """Names, lines and losses beside the map."""
    for i, name in enumerate(record.shown()):
        top = TOP + 16 + 46 * i
        yield charts.line(402, top - 4, 426, top - 4, STROKES[name], 3, _dash(name))
        yield charts.text(432, top, NAMES[name])
        loss = _loss_text(record.loss(record.path(name))[-1])
        yield charts.text(432, top + 17, f"{t('loss', lang)} {loss}", fill=charts.MUTED)
    signs = f"○ {t('start', lang)}"
    if SURFACES[record.surface].minimum:
        signs += f" · × {t('minimum', lang)}"
    yield charts.text(LEFT, 410, signs, size=11)
