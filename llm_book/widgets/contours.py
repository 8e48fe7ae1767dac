"""Lines of equal height through a grid of numbers."""

from collections.abc import Callable, Iterable

import numpy as np

Point = tuple[float, float]


def contour(grid: np.ndarray, level: float) -> list[list[Point]]:
    """The lines of one level through a grid, in columns and rows from its first corner.

    Marching squares: where an edge of a cell has the level between its ends, a line passes.
    """
    above = grid >= level
    corners = above[:-1, :-1] + 2 * above[:-1, 1:] + 4 * above[1:, 1:] + 8 * above[1:, :-1]
    pieces: list[tuple[Point, Point]] = []
    for row, column in np.argwhere((corners > 0) & (corners < 15)).tolist():
        found = _crossings(grid[row : row + 2, column : column + 2], level)
        spots = [(round(column + x, 3), round(row + y, 3)) for x, y in found]
        pieces += zip(spots[::2], spots[1::2], strict=True)
    return _joined(pieces)


def _crossings(cell: np.ndarray, level: float) -> list[Point]:
    """Where the level crosses the four edges of a cell, in the order around it."""
    (a, b), (d, c) = cell.tolist()
    edges: list[tuple[float, float, Callable[[float], Point]]] = [
        (a, b, lambda s: (s, 0.0)),
        (b, c, lambda s: (1.0, s)),
        (d, c, lambda s: (s, 1.0)),
        (a, d, lambda s: (0.0, s)),
    ]
    return [
        point((level - one) / (other - one))
        for one, other, point in edges
        if (one >= level) != (other >= level)
    ]


def _joined(pieces: Iterable[tuple[Point, Point]]) -> list[list[Point]]:
    """Lines made of the pieces that share an end."""
    open_ends: dict[Point, list[Point]] = {}
    lines = []
    for one, other in pieces:
        before = open_ends.pop(one, None) or [one]
        open_ends.pop(before[0], None)
        after = open_ends.pop(other, None) or [other]
        open_ends.pop(after[-1], None)
        before = before if before[-1] == one else before[::-1]
        after = after if after[0] == other else after[::-1]
        line = [*before, *after]
        if line[0] == line[-1] or before is after:
            lines.append(line)
        else:
            open_ends[line[0]] = open_ends[line[-1]] = line
    return lines + list({id(line): line for line in open_ends.values()}.values())
