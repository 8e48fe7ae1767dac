"""The map of words as a still picture."""

import math
from collections.abc import Sequence

import numpy as np

from llm_book.widgets import charts
from llm_book.widgets.label_places import Box, label_places, text_width

WIDTH, HEIGHT, MARGIN = 640.0, 420.0, 30.0
MOST_LABELS, LONGEST = 45, 24
COLOURS: tuple[str, ...] = (
    charts.BLUE,
    charts.ORANGE,
    charts.GREEN,
    charts.PINK,
    "#9a4a08",
    "#1b6573",
)
COLOURS += (charts.INK, charts.MUTED)
# Corners of each group's mark in a square from −1 to 1; a circle has none. As in word_map.js.
MARKS: tuple[tuple[tuple[float, float], ...], ...] = (
    (),
    ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    ((0, -1.2), (1.1, 0.9), (-1.1, 0.9)),
    ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
    ((-1.1, -0.9), (1.1, -0.9), (0, 1.2)),
    ((-1.2, -0.4), (-0.4, -0.4), (-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4),
     (1.2, 0.4), (0.4, 0.4), (0.4, 1.2), (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4)),
    ((-1.2, -0.5), (1.2, -0.5), (1.2, 0.5), (-1.2, 0.5)),
    ((-1.2, -1), (1.2, -1), (-1.2, 1), (1.2, 1)),
)  # fmt: skip


def picture(
    words: Sequence[str],
    positions: np.ndarray,
    groups: Sequence[str],
    group_of: Sequence[int],
    near: Sequence[int],
    arrows: Sequence[tuple[int, int, int, int]],
    said: str,
) -> str:
    """All words, the first joined to those ``near`` it, analogies as pairs of ``arrows``."""
    points = _on_paper(positions)
    radius = 4 if len(words) <= 300 else 2.5
    parts = [charts.line(*points[0], *points[row], charts.MUTED) for row in near]
    parts += [_mark(points[i], group_of[i], radius) for i in range(len(words))]
    for a, b, c, d in arrows:
        parts += [arrow(*points[a], *points[b]), arrow(*points[c], *points[d])]
    parts.append(charts.circle(*points[0], radius + 3, "none", f'stroke="{charts.INK}"'))
    legend, taken = _legend(groups)
    first = [0, *(row for four in arrows for row in four), *near, *range(len(words))]
    return charts.document(
        WIDTH, HEIGHT, [*parts, *_names(words, points, list(dict.fromkeys(first)), taken), *legend],
        said,
    )  # fmt: skip


def arrow(x1: float, y1: float, x2: float, y2: float, stroke: str = charts.ORANGE) -> str:
    """A line with a head at its end; nothing where both ends are one place."""
    length = math.hypot(x2 - x1, y2 - y1)
    if length < 1:
        return ""
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    left, right = ((x2 - 9 * ux + side * 4 * uy, y2 - 9 * uy - side * 4 * ux) for side in (-1, 1))
    return charts.line(x1, y1, x2, y2, stroke, 2) + charts.polyline([left, (x2, y2), right], stroke)


def _on_paper(positions: np.ndarray) -> list[tuple[float, float]]:
    low, high = positions.min(axis=0), positions.max(axis=0)
    room, spread = np.array([WIDTH, HEIGHT]) - 2 * MARGIN, high - low
    scale = min(room[i] / spread[i] for i in (0, 1) if spread[i] > 0) if spread.any() else 1.0
    moved = (positions - (low + high) / 2) * scale * (1, -1) + (WIDTH / 2, HEIGHT / 2)
    return [(float(x), float(y)) for x, y in moved]


def _mark(point: tuple[float, float], group: int, radius: float) -> str:
    x, y = point
    colour = COLOURS[max(group, 0)] if group >= 0 else charts.MUTED
    if group < 0 or not MARKS[group]:
        return charts.circle(x, y, radius, colour)
    corners = " ".join(
        f"{charts.place(x + radius * a)},{charts.place(y + radius * b)}" for a, b in MARKS[group]
    )
    return f'<polygon points="{corners}" fill="{colour}"/>'


def _names(
    words: Sequence[str],
    points: Sequence[tuple[float, float]],
    order: Sequence[int],
    taken: Sequence[Box],
) -> list[str]:
    names = [w if len(w := words[i]) <= LONGEST else f"{w[: LONGEST - 1]}…" for i in order]
    places = label_places([points[i] for i in order], names, WIDTH, HEIGHT, taken=taken)
    halo = f'stroke="{charts.PAPER}" stroke-width="3" paint-order="stroke"'
    written = [
        charts.text(*place, name, more=halo)
        for place, name in zip(places, names, strict=True)
        if place is not None
    ]
    return written[:MOST_LABELS]


def _legend(groups: Sequence[str]) -> tuple[list[str], list[Box]]:
    parts, x = [], 10.0
    for i, name in enumerate(groups):
        parts += [_mark((x + 5, 12), i, 5), charts.text(x + 14, 16, name)]
        x += 30 + text_width(name)
    return parts, [(0.0, 0.0, x, 22.0)] if groups else []
