"""Draw overview.svg: the ten chapters, the package's shelves, and which chapter builds which.

Run it after either list changes; a test compares the file with what this script draws.
"""

from html import escape
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(__file__).with_suffix(".svg")

# Shelf and what it turns into what, from the page's top to its bottom.
SHELVES = {
    "recipes": "settings → a whole run",
    "widgets": "records → views",
    "results": "runs → records",
    "interpret": "a model → its workings",
    "evaluation": "outputs → numbers",
    "generation": "logits → tokens",
    "training": "model + batches → steps",
    "models": "ids → logits",
    "data": "a name → examples",
    "text": "strings ⇄ ids",
}
FOUNDATION = "under every shelf: shapes · runtime · session · claims · i18n · assets"

# Which shelves a chapter builds, by its number.
BUILDS = {
    1: ["models", "evaluation"],
    2: ["text", "generation"],
    3: ["models", "training", "data", "widgets"],
    4: ["models", "training"],
    5: ["text", "data", "models", "training", "evaluation", "widgets", "recipes"],
    6: ["generation", "recipes"],
    7: ["models", "training"],
    8: ["interpret", "evaluation"],
    9: ["training", "results"],
    10: ["results"],
}

WIDTH, ROW, TOP = 800, 46, 64
LEFT, RIGHT, BOX, HEIGHT_OF_BOX = 20, 460, 320, 36
STYLE = """
  text { font: 15px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: #1f2933 }
  .head { font-weight: 600 }
  .code { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }
  .small { font-size: 13px }
  .card { fill: #ffffff; stroke: #d0d7de }
  .box { fill: #d7e8f7; stroke: #0b5394 }
  .line { fill: none; stroke: #0b5394; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .card { fill: #14191f; stroke: #39424d }
    .box { fill: #17395a; stroke: #7db7ee }
    .line { stroke: #7db7ee }
  }
"""


def overview(root: Path) -> str:
    """The picture as SVG, from the book's outline."""
    chapters = outline(root)
    height = TOP + ROW * len(chapters) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        ' aria-labelledby="title">',
        '<title id="title">Ten chapters and the shelves of the package that they build</title>',
        f"<style>{STYLE}</style>",
        f'<rect class="card" x="1" y="1" width="{WIDTH - 2}" height="{height - 2}" rx="10"/>',
        text(LEFT, 38, "The chapters", "head"),
        text(RIGHT, 38, "The shelves of llm_book", "head"),
    ]
    shelf_rows = {name: float(row) for row, name in enumerate(SHELVES)}
    for row in range(len(chapters)):
        parts += [line(row, shelf_rows[name]) for name in BUILDS[row + 1]]
    for row, title in enumerate(chapters):
        parts += [box(LEFT, row), text(LEFT + 14, middle(row), f"{row + 1}  {title}")]
    for name, row in shelf_rows.items():
        parts += [box(RIGHT, row), text(RIGHT + 14, middle(row), name, "code")]
        parts.append(text(RIGHT + 120, middle(row), SHELVES[name], "small"))
    parts.append(text(LEFT, height - 18, FOUNDATION, "small"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def outline(root: Path) -> list[str]:
    """Each chapter's title."""
    chapters = yaml.safe_load((root / "book" / "chapters.yml").read_text(encoding="utf-8"))
    return [chapter["en"] for chapter in chapters]


def middle(row: float) -> float:
    """Where a row's text stands."""
    return TOP + ROW * row + HEIGHT_OF_BOX / 2 + 5


def box(x: int, row: float) -> str:
    """A chapter's or a shelf's frame."""
    y = TOP + ROW * row
    return f'<rect class="box" x="{x}" y="{y:g}" width="{BOX}" height="{HEIGHT_OF_BOX}" rx="6"/>'


def line(from_row: float, to_row: float) -> str:
    """From a chapter's right side to a shelf's left side."""
    start, end = (TOP + ROW * row + HEIGHT_OF_BOX / 2 for row in (from_row, to_row))
    left, right = LEFT + BOX, RIGHT
    bend = (left + right) / 2
    path = f"M{left} {start:g} C{bend:g} {start:g} {bend:g} {end:g} {right} {end:g}"
    return f'<path class="line" d="{path}"/>'


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """A line of words."""
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{style}>{escape(words)}</text>'


if __name__ == "__main__":
    TARGET.write_text(overview(ROOT), encoding="utf-8", newline="\n")
