"""Surfaces over two weights: a loss in closed form, its gradient, and a map of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Point = tuple[float, float]
# The lower minimum of the two wells, 4x³ − 4x + 0.3 = 0, and its loss before it is set to 0.
LOWER_WELL, DEPTH = -1.0355787140888537, 0.3054284837439160


@dataclass(frozen=True)
class Surface:
    """A loss of two weights (x, y).

    ``loss`` and ``gradient`` take x, y and the condition number, which the valley alone reads;
    arrays will do. ``half`` is half the side of the square map around ``middle``; ``bend`` says how
    much of the colours goes to what is low. ``rates`` are learning rates of plain descent, of
    descent with momentum, and of steps divided by a root, with which each gets somewhere.
    """

    loss: Callable[[Any, Any, float], Any]
    gradient: Callable[[Any, Any, float], tuple[Any, Any]]
    start: Point
    rates: tuple[float, float, float]
    minimum: Point | None = (0.0, 0.0)
    middle: Point = (0.0, 0.0)
    half: float = 2.0
    bend: float = 20.0

    def inside(self, x: float, y: float) -> bool:
        """Whether a point is on the map."""
        return abs(x - self.middle[0]) <= self.half and abs(y - self.middle[1]) <= self.half


def _rosenbrock_gradient(x: Any, y: Any, _: float) -> tuple[Any, Any]:
    rise = y - x * x
    return -2 * (1 - x) - 400 * x * rise, 200 * rise


def _plateau_gradient(x: Any, y: Any, _: float) -> tuple[Any, Any]:
    steep = np.exp(-(x * x + y * y) / 2)
    return x * steep, y * steep


SURFACES = {
    "bowl": Surface(
        loss=lambda x, y, _: (x * x + y * y) / 2,
        gradient=lambda x, y, _: (x, y),
        start=(-1.6, 1.2),
        rates=(0.1, 0.05, 0.1),
    ),
    "valley": Surface(
        loss=lambda x, y, k: (x * x + k * y * y) / 2,
        gradient=lambda x, y, k: (x, k * y),
        start=(-1.8, 1.0),
        rates=(0.18, 0.05, 0.1),
    ),
    "rosenbrock": Surface(
        loss=lambda x, y, _: (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x),
        gradient=_rosenbrock_gradient,
        start=(-1.2, 1.0),
        rates=(0.001, 0.0005, 0.1),
        minimum=(1.0, 1.0),
        middle=(0.0, 1.0),
        bend=500.0,
    ),
    "saddle": Surface(
        loss=lambda x, y, _: (x * x - y * y) / 2,
        gradient=lambda x, y, _: (x, -y),
        start=(-1.6, 0.01),
        rates=(0.1, 0.03, 0.05),
        minimum=None,
        bend=0.01,
    ),
    "two wells": Surface(
        loss=lambda x, y, _: (x * x - 1) * (x * x - 1) + 0.3 * x + y * y / 2 + DEPTH,
        gradient=lambda x, y, _: (4 * x * (x * x - 1) + 0.3, y),
        start=(1.6, 1.2),
        rates=(0.05, 0.03, 0.1),
        minimum=(LOWER_WELL, 0.0),
        bend=60.0,
    ),
    "plateau": Surface(
        loss=lambda x, y, _: -np.expm1(-(x * x + y * y) / 2),
        gradient=_plateau_gradient,
        start=(-2.4, 1.6),
        rates=(0.5, 0.2, 0.1),
        half=4.0,
        bend=0.01,
    ),
}
