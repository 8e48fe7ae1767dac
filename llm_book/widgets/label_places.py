"""Where names of points can stand without covering one another, in a picture that nobody zooms."""

import unicodedata
from collections.abc import Sequence

HEIGHT = 15.0  # of a line of 12 pixels
Box = tuple[float, float, float, float]  # left, top, width, height


def label_places(
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    width: float,
    height: float,
    gap: float = 6,
    taken: Sequence[Box] = (),
) -> list[tuple[float, float] | None]:
    """For each name its left end and baseline, or None where it would cover an earlier one.

    A name is tried right of its point, left of it, above and below; the first names come first,
    and ``taken`` is covered by none.
    """
    boxes, places = list(taken), []
    for (x, y), name in zip(points, names, strict=True):
        wide = text_width(name)
        tries = (
            (x + gap, y - HEIGHT / 2),
            (x - gap - wide, y - HEIGHT / 2),
            (x - wide / 2, y - gap - HEIGHT),
            (x - wide / 2, y + gap),
        )
        box = next((b for a in tries if _free(b := (*a, wide, HEIGHT), boxes, width, height)), None)
        if box is not None:
            boxes.append(box)
        places.append(None if box is None else (box[0], box[1] + 11.5))
    return places


def text_width(text: str) -> float:
    """About how many pixels a text of 12 pixels takes; Chinese characters take twice the space."""
    return 3 + sum(12.0 if unicodedata.east_asian_width(c) in "WF" else 6.9 for c in text)


def _free(box: Box, boxes: Sequence[Box], width: float, height: float) -> bool:
    left, top, wide, high = box
    inside = left >= 0 and top >= 0 and left + wide <= width and top + high <= height
    return inside and all(
        left + wide <= x or x + w <= left or top + high <= y or y + h <= top for x, y, w, h in boxes
    )
