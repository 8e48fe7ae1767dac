"""Every picture says what it shows: in words, under a number, with a caption."""

import re
from collections.abc import Iterator
from typing import Any

from tests.chapters.markdown import directives
from tests.chapters.notebooks import code_cells, markdown_cells
from tests.chapters.outputs import texts
from tests.nbval_policy import pictures

SHORTEST_ALT = 20  # characters; less names a picture and does not describe it


def faults(notebook: Any) -> Iterator[str]:
    """What a chapter's pictures lack, one sentence each."""
    names = []
    for cell in code_cells(notebook):
        yield from _view(cell, names)
        shown = [o for o in cell.outputs if "image/svg+xml" in o.get("data", {})]
        if not pictures(cell.outputs) and not shown:
            continue
        settings = cell.metadata.get("mystnb", {})
        alt = settings.get("image", {}).get("alt", "")
        figure = settings.get("figure", {})
        names.append(figure.get("name", ""))
        yield from _words(f"cell {cell.id}", alt, figure.get("caption", ""), names[-1])
        if len(pictures(cell.outputs)) + len(shown) > 1:
            yield f"cell {cell.id} shows more than one picture; give each its cell"
        if any(text.field == "text" for text in texts(cell)):
            yield f"cell {cell.id} prints and draws; the figure would swallow the text"
        if "plt." in cell.source and not cell.source.rstrip().endswith("plt.show()"):
            yield f"cell {cell.id} does not end with plt.show(), so that an address may be printed"
    for cell in markdown_cells(notebook):
        for figure in directives(cell.source, "figure"):
            options = figure.options
            caption = re.sub(r"^:.*$", "", figure.body, flags=re.MULTILINE).strip()
            names.append(options.get("name", ""))
            yield from _words(figure.title, options.get("alt", ""), caption, names[-1])
        for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", cell.source):
            yield f"picture {target!r} ({alt!r}) has no number; write it as {{figure}}"
        if "<img" in cell.source:
            yield "a picture stands as <img>; write it as {figure}"
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        yield f"figure name {name!r} stands twice"


def _view(cell: Any, names: list[str]) -> Iterator[str]:
    """A view describes itself; its number and its caption are the chapter's to give."""
    views = sum(text.text.count('data-llm-book="') for text in texts(cell))
    if not views:
        return
    figure = cell.metadata.get("mystnb", {}).get("figure", {})
    names.append(figure.get("name", ""))
    if not figure.get("caption"):
        yield f"the view of cell {cell.id} has no caption"
    if not names[-1].startswith("fig-"):
        yield f"the view of cell {cell.id} has no name fig-…"
    if views > 1 or any(text.field == "text" for text in texts(cell)):
        yield f"cell {cell.id} shows a view and something else; give each its cell"


def _words(what: str, alt: str, caption: str, name: str) -> Iterator[str]:
    if len(alt) < SHORTEST_ALT:
        yield f"the picture of {what} has no alternative text of {SHORTEST_ALT} characters"
    if not caption:
        yield f"the picture of {what} has no caption"
    elif alt.strip() == caption.strip():
        yield f"the alternative text of {what} only repeats the caption"
    if not name.startswith("fig-"):
        yield f"the picture of {what} has no name fig-…"
