"""An attention map of 12 layers, 12 heads and 128 tokens in a browser, beside BertViz's.

Run: python benchmarks/attention_map.py. BertViz asks a server for d3, jQuery and require.js; a
folder that holds d3.min.js, jquery.min.js and require.min.js, named in BERTVIZ_SCRIPTS, stands in
for it. Without BertViz or the folder its figures are left out and the rows say so.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from harness import PAIRS, Row, main, versions

from llm_book.widgets.attention_map import attention_map
from llm_book.widgets.programs import program

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' browser

PEER = "bertviz.head_view"
SCRIPTS = ("d3.min.js", "jquery.min.js", "require.min.js")
COUNT = """() => {
  const count = (root) => [...root.querySelectorAll('*')].reduce(
    (sum, node) => sum + 1 + (node.shadowRoot ? count(node.shadowRoot) : 0), 0);
  return count(document.body);
}"""
# From the navigation to the first frame in which the drawing stands, by the page's own clock.
WATCH = """const look = () => READY ? setTimeout(() => { window.firstFrame = performance.now(); })
  : requestAnimationFrame(look);
requestAnimationFrame(look);"""
# A head of the matrix, and another: from the key to the painted frame.
SWITCH = """(count) => new Promise((done) => {
  const root = document.querySelector('.llm-book-live > div').shadowRoot;
  const stage = root.querySelector('[role=application]'), times = [];
  const next = () => {
    const start = performance.now(), key = times.length % 2 ? '[' : ']';
    stage.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    requestAnimationFrame(() => setTimeout(() => {
      times.push(performance.now() - start);
      times.length < count ? next() : done(times);
    }));
  };
  next();
})"""
PEER_SWITCH = """() => new Promise((done) => {
  const start = performance.now(), box = document.querySelector('#layer');
  box.selectedIndex = 1;
  box.dispatchEvent(new Event('change', { bubbles: true }));
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
})"""


@dataclass(frozen=True)
class Seen:
    """One page in a fresh browser window: milliseconds, nodes, bytes."""

    first: float
    nodes: float
    size: float
    switch: float


def rows(quick: bool = False) -> list[Row]:
    """First frame, DOM nodes, bytes of the page and of the script, and the change of head."""
    layers, heads, time_ = (2, 2, 16) if quick else (12, 12, 128)
    weights, tokens = causal_weights(layers, heads, time_), [f"w{i}" for i in range(time_)]
    from tests.site.browser import launched

    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        ours_at, peer_at = Path(folder) / "ours.html", Path(folder) / "peer.html"
        attention_map(weights, tokens).save(ours_at)
        missing = peer_page(weights, tokens, peer_at)
        pairs = 1 if quick else PAIRS
        look(browser, ours_at)  # a browser's first page is slow
        ours, peer = [], []
        for _ in range(pairs):
            ours.append(look(browser, ours_at))
            if not missing:
                peer.append(look_at_peer(browser, peer_at))
    size = f"{layers} × {heads} × {time_}"
    note = missing or f"the same softmax of normal scores; {PEER} draws one layer, all heads"
    return [*compared(ours, peer, size, note), script_row(size)]


def causal_weights(layers: int, heads: int, time: int) -> torch.Tensor:
    """The softmax of normal scores, no token looking ahead: [layer, head, time, time]."""
    scores = torch.randn(layers, heads, time, time, generator=torch.Generator().manual_seed(0))
    past = torch.ones(time, time, dtype=torch.bool).tril()
    return scores.masked_fill(~past, -torch.inf).softmax(dim=-1)


def compared(ours: list[Seen], peer: list[Seen], size: str, note: str) -> list[Row]:
    """A row a figure."""
    figures = [
        ("first frame ms", "first", "ms", "<= 300"),
        ("DOM nodes", "nodes", "nodes", "<= 600"),
        ("HTML bytes", "size", "bytes", "<= 1200000"),
        ("head switch ms", "switch", "ms", "<= 50"),
    ]
    found = []
    for name, field, unit, aim in figures:
        mine = statistics.median(getattr(seen, field) for seen in ours)
        theirs = statistics.median(getattr(seen, field) for seen in peer) if peer else None
        # The aim is one of ours alone, so no ratio stands in its way.
        found.append(
            Row(
                name=f"attention map, {size}: {name}", ours=mine, peer=theirs, unit=unit,
                ratio=None, aim=aim, peer_name=PEER, pairs=len(ours), note=note,
                versions=versions(("bertviz",) if peer else ()),
            )
        )  # fmt: skip
    return found


def script_row(size: str) -> Row:
    """The bytes of the script in every page, shell and widget."""
    return Row(
        name=f"attention map, {size}: module bytes", ours=len(program("attention_map").encode()),
        peer=None, unit="bytes", ratio=None, aim="<= 30000", peer_name="", pairs=1,
        versions=versions(),
    )  # fmt: skip


def look(browser: Any, path: Path) -> Seen:
    """Ours: until the first frame is painted, then the change of head in the matrix."""
    page = browser.new_page(viewport={"width": 900, "height": 900})
    first = opened(page, path, "document.querySelector('.llm-book[data-alive]')")
    nodes = page.evaluate(COUNT)
    page.locator("[role=application]").press("Enter")  # from the overview to one head
    switch = statistics.median(page.evaluate(SWITCH, 11))
    page.close()
    return Seen(first, nodes, path.stat().st_size, switch)


def look_at_peer(browser: Any, path: Path) -> Seen:
    """BertViz: until its lines stand, then the change of layer, its nearest to a change of head."""
    page = browser.new_page(viewport={"width": 900, "height": 900})
    folder = Path(os.environ["BERTVIZ_SCRIPTS"])
    page.route("https://*/**", lambda route: route.fulfill(path=folder / wanted(route)))
    first = opened(page, path, "document.querySelector('#vis svg line')")
    nodes = page.evaluate(COUNT)
    switch = page.evaluate(PEER_SWITCH)
    page.close()
    return Seen(first, nodes, path.stat().st_size, switch)


def wanted(route: Any) -> str:
    """The file that stands in for an address."""
    return next(name for name in SCRIPTS if name.split(".")[0] in route.request.url)


def opened(page: Any, path: Path, ready: str) -> float:
    """Milliseconds from the navigation to the first painted frame with the drawing in it."""
    page.add_init_script(WATCH.replace("READY", ready))
    page.goto(path.as_uri(), timeout=180_000)
    page.wait_for_function("window.firstFrame", timeout=180_000)
    return float(page.evaluate("window.firstFrame"))


def peer_page(weights: torch.Tensor, tokens: list[str], path: Path) -> str:
    """Write BertViz's page of the same weights; say why where that cannot be."""
    if importlib.util.find_spec("bertviz") is None:
        return "bertviz is not installed: python -m pip install --no-deps bertviz"
    folder = os.environ.get("BERTVIZ_SCRIPTS", "")
    if not folder or not all((Path(folder) / name).exists() for name in SCRIPTS):
        return "bertviz not run: BERTVIZ_SCRIPTS names no folder with d3, jQuery and require.js"
    from bertviz import head_view

    made = head_view([layer[None] for layer in weights], tokens, html_action="return")
    text = f"<!doctype html><meta charset=utf-8><body>{made.data}</body>"
    path.write_text(text, encoding="utf-8")
    return ""


if __name__ == "__main__":
    main(rows)
