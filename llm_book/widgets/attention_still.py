"""The attention map as a picture: the clearest head with its tokens, beside all heads, small."""

import base64
import math
import struct
import zlib

import numpy as np

from llm_book.i18n import phrase
from llm_book.widgets import charts
from llm_book.widgets.attention_record import AttentionRecord, encoded

Colour = tuple[int, int, int]
PLAIN: tuple[Colour, ...] = ((253, 253, 251), (106, 161, 203), (10, 40, 88))  # paper to dark blue
FALL: tuple[Colour, ...] = ((253, 253, 251), (222, 146, 82), (104, 38, 0))  # paper to dark orange
SIDE = 320  # pixels of the large matrix
MOST_LABELS = 40
LABEL = 12  # characters of a token beside the matrix


def ramp(signed: bool) -> np.ndarray:
    """The colour of every byte of the encoding, [256, 3]."""
    codes = np.arange(256)
    if not signed:
        return np.array([_mixed(PLAIN, code / 255) for code in codes], dtype=np.uint8)
    return np.array(
        [_mixed(PLAIN if code > 128 else FALL, min(1, abs(code - 128) / 127)) for code in codes],
        dtype=np.uint8,
    )


def _mixed(stops: tuple[Colour, ...], share: float) -> list[int]:
    spot = share * 2
    low = min(int(spot), 1)
    pairs = zip(stops[low], stops[low + 1], strict=True)
    return [math.floor(a + (b - a) * (spot - low) + 0.5) for a, b in pairs]


def picture(record: AttentionRecord, lang: str) -> str:
    """One SVG document."""
    weights = record.weights[-1]
    parts, width, height = _matrix(record, weights[record.start], lang)
    if weights.shape[0] * weights.shape[1] > 1:
        more, across, down = _overview(record, weights, width + 24, lang)
        parts, width, height = parts + more, across, max(height, down)
    return charts.document(width, height, parts, record.sentence(lang))


def _matrix(
    record: AttentionRecord, weights: np.ndarray, lang: str
) -> tuple[list[str], float, float]:
    rows, columns = weights.shape
    cell = min(30.0, SIDE / max(rows, columns))
    labelled = max(rows, columns) <= MOST_LABELS
    left, top = (12 + 7 * _longest(side) * labelled for side in (record.queries, record.keys))
    scale = round(2 * cell) if labelled else 1
    codes = encoded(weights, record.signed).repeat(scale, axis=0).repeat(scale, axis=1)
    parts = [
        charts.text(8, 20, record.name(*record.start, lang), size=13),
        _image(left, top + 20, cell * columns, cell * rows, codes, record.signed),
    ]
    if labelled:
        for row, token in enumerate(record.queries):
            y = top + 24 + cell * (row + 0.5)
            parts.append(charts.text(left - 6, y, _short(token), "end", 11))
        for column, token in enumerate(record.keys):
            x, y = left + cell * (column + 0.5) + 4, top + 14
            turned = f'transform="rotate(-90 {charts.place(x)} {charts.place(y)})"'
            parts.append(charts.text(x, y, _short(token), size=11, more=turned))
    parts += _legend(left, top + cell * rows + 32, record.signed)
    return parts, max(left + cell * columns, left + 180, 190) + 12, top + cell * rows + 72


def _legend(x: float, y: float, signed: bool) -> list[str]:
    values = np.array([-1.0, -0.1, 0.0, 0.1, 1.0] if signed else [0.0, 0.01, 0.1, 0.5, 1.0])
    parts = []
    for place, (value, colour) in enumerate(
        zip(values, ramp(signed)[encoded(values, signed)], strict=True)
    ):
        edge = f'stroke="{charts.LINE}"'
        fill = "#" + bytes(colour).hex()
        parts.append(charts.rect(x + 36 * place, y, 36, 12, fill, edge))
        middle = x + 36 * place + 18
        parts.append(charts.text(middle, y + 26, f"{value:g}", "middle", 11, charts.MUTED))
    return parts


def _overview(
    record: AttentionRecord, weights: np.ndarray, x: float, lang: str
) -> tuple[list[str], float, float]:
    layers, heads = weights.shape[:2]
    dots = int(np.clip(math.sqrt(20_000 / (layers * heads)), 4, 24))
    dot = max(1, round(min(48, 480 / heads) / (dots + 1)))
    side = dot * (dots + 1)  # a small map and the gap behind it
    left, top = x + 58, 32
    codes = _mosaic(encoded(weights, record.signed), dots, record.signed)
    parts = [_image(left, top, side * heads, side * layers, codes, record.signed)]
    for layer, number in enumerate(record.layers):
        said = phrase("Layer {layer}", lang, layer=number + 1)
        y = top + side * (layer + 0.5) + 4
        parts.append(charts.text(left - 8, y, said, "end", 11, charts.MUTED))
    for head, number in enumerate(record.heads):
        middle = left + side * (head + 0.5)
        parts.append(charts.text(middle, 24, str(number + 1), "middle", 11, charts.MUTED))
    parts += _grid(left - dot / 2, top - dot / 2, side, layers, heads)
    layer, head = record.start
    edge = f'stroke="{charts.INK}" stroke-width="2"'
    corner = (left - dot / 2 + side * head, top - dot / 2 + side * layer)
    parts.append(charts.rect(*corner, side, side, "none", edge))
    return parts, left + side * heads + 8, top + side * layers + 12


def _grid(x: float, y: float, side: float, rows: int, columns: int) -> list[str]:
    right, bottom = x + side * columns, y + side * rows
    down = [charts.line(x + side * n, y, x + side * n, bottom) for n in range(columns + 1)]
    return down + [charts.line(x, y + side * n, right, y + side * n) for n in range(rows + 1)]


def _mosaic(codes: np.ndarray, dots: int, signed: bool) -> np.ndarray:
    """All maps [layer, head, …] beside each other in one picture."""
    whole = np.full(np.multiply(codes.shape[:2], dots + 1), 128 if signed else 0, np.uint8)
    for layer, row in enumerate(codes):
        for head, one in enumerate(row):
            y, x = layer * (dots + 1), head * (dots + 1)
            whole[y : y + dots, x : x + dots] = _pooled(one, dots, signed)
    return whole


def _pooled(codes: np.ndarray, dots: int, signed: bool) -> np.ndarray:
    """``dots`` × ``dots`` bytes: cells repeated, or where they are more, the strongest of each."""
    zero = 128 if signed else 0
    strong = np.abs(codes.astype(int) - zero) * 2 + (codes > zero)  # the sign in the last bit
    for axis in (0, 1):
        size = codes.shape[axis]
        starts = np.arange(dots) * size // dots
        if size > dots:
            strong = np.maximum.reduceat(strong, starts, axis=axis)
        else:
            strong = strong.take(starts, axis=axis)
    signs = np.where(strong % 2 == 1, 1, -1) if signed else 1
    return np.asarray(zero + signs * (strong // 2), dtype=np.uint8)


def _image(x: float, y: float, width: float, height: float, codes: np.ndarray, signed: bool) -> str:
    source = base64.b64encode(png(codes, ramp(signed))).decode("ascii")
    place = charts.place
    return (
        f'<image x="{place(x)}" y="{place(y)}" width="{place(width)}" height="{place(height)}" '
        'preserveAspectRatio="none" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{source}"/>'
    )


def png(codes: np.ndarray, colours: np.ndarray) -> bytes:
    """A picture of one byte a point, each the number of a colour in [256, 3]."""
    height, width = codes.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), codes], axis=1)  # 0: no filter
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", colours.astype(np.uint8).tobytes()),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _longest(tokens: tuple[str, ...]) -> int:
    return max(len(_short(token)) for token in tokens)


def _short(token: str) -> str:
    return token if len(token) <= LABEL else token[: LABEL - 1] + "…"
