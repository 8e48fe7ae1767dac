"""Pictures as SVG, written by hand: small, the same everywhere, readable on light and dark."""

import html
import math
from collections.abc import Callable, Iterable, Sequence

INK, MUTED, PAPER, LINE = "#1f2629", "#55616a", "#fdfdfb", "#d3dadc"
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#B34A00", "#00734f", "#9c4d7e"
FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'PingFang SC', 'Microsoft YaHei', "
    "'Noto Sans CJK SC', sans-serif"
)


def document(width: float, height: float, parts: Iterable[str], title: str = "") -> str:
    """One SVG document on paper of its own, so that it can be read on any page."""
    said = f"<title>{html.escape(title)}</title>" if title else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="{FONT}" font-size="12">{said}'
        f'<rect width="100%" height="100%" fill="{PAPER}"/>{"".join(parts)}</svg>'
    )


def text(
    x: float, y: float, said: str, anchor: str = "start", size: float = 12, fill: str = INK,
    more: str = "",
) -> str:  # fmt: skip
    """Words with their baseline at ``y``; ``anchor`` is start, middle or end."""
    return (
        f'<text x="{place(x)}" y="{place(y)}" text-anchor="{anchor}" font-size="{size:g}" '
        f'fill="{fill}"{" " * bool(more)}{more}>{html.escape(said, quote=False)}</text>'
    )


def rect(x: float, y: float, width: float, height: float, fill: str, more: str = "") -> str:
    """A filled rectangle."""
    return (
        f'<rect x="{place(x)}" y="{place(y)}" width="{place(width)}" height="{place(height)}" '
        f'fill="{fill}"{" " * bool(more)}{more}/>'
    )


def line(
    x1: float, y1: float, x2: float, y2: float, stroke: str = LINE, width: float = 1, more: str = ""
) -> str:
    """A straight line."""
    return (
        f'<line x1="{place(x1)}" y1="{place(y1)}" x2="{place(x2)}" y2="{place(y2)}" '
        f'stroke="{stroke}" stroke-width="{width:g}"{" " * bool(more)}{more}/>'
    )


def polyline(
    points: Iterable[tuple[float, float]], stroke: str = BLUE, width: float = 1.5, more: str = ""
) -> str:
    """A line through points."""
    joined = " ".join(f"{place(x)},{place(y)}" for x, y in points)
    return (
        f'<polyline points="{joined}" fill="none" stroke="{stroke}" stroke-width="{width:g}" '
        f'stroke-linejoin="round"{" " * bool(more)}{more}/>'
    )


def circle(x: float, y: float, radius: float, fill: str, more: str = "") -> str:
    """A filled circle."""
    return (
        f'<circle cx="{place(x)}" cy="{place(y)}" r="{radius:g}" fill="{fill}"'
        f"{' ' * bool(more)}{more}/>"
    )


def place(value: float) -> str:
    """A coordinate to a tenth of a pixel, without a trailing zero."""
    return f"{value:.1f}".rstrip("0").rstrip(".") or "0"


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """A straight map of ``low … high`` to ``start … end``; an empty interval maps to its middle."""
    if high == low:
        return lambda value: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers in ``low … high``: steps of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / max(1, about)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 12) + 0.0 for n in range(first, math.floor(high / step + 1e-9) + 1)]


def colour(value: float, map_: Sequence[tuple[int, int, int]]) -> str:
    """The colour of a number from 0 to 1 in a list of colours from light to dark."""
    spot = min(max(value, 0.0), 1.0) * (len(map_) - 1)
    low = min(int(spot), len(map_) - 2)
    share = spot - low
    mixed = (round(a + (b - a) * share) for a, b in zip(map_[low], map_[low + 1], strict=True))
    return "#{:02x}{:02x}{:02x}".format(*mixed)
