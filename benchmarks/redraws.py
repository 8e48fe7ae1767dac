"""What the views that are drawn again while a hand moves cost a redraw, in a browser.

Run: python benchmarks/redraws.py. There is no peer: each is held against the 16 ms between two
frames of a screen, at the largest size the book draws.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from harness import Row, main, versions

from llm_book.data.world import reviews
from llm_book.text.bpe import BPETokenizer
from llm_book.widgets.descent import NAMES, descent
from llm_book.widgets.loss_curve import loss_curve
from llm_book.widgets.render import View
from llm_book.widgets.tokeniser import tokeniser
from llm_book.widgets.word_map import word_map

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' browser

# From the change to the end of its drawing, ``count`` times, in milliseconds.
TIMES = """([count, change]) => {
  const root = document.querySelector('.llm-book-live > div').shadowRoot, times = [];
  const once = new Function('root', 'i', change);
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    once(root, i);
    times.push(performance.now() - start);
  }
  return times;
}"""
MOVE_TIME = (
    "const box = root.querySelector('.time input'); box.value = 60 - i % 30;"
    "box.dispatchEvent(new Event('input'));"
)
ZOOM = "root.querySelectorAll('.controls button')[i % 2].click();"
OTHER_AXIS = "root.querySelector('input[type=checkbox]').click();"
TYPE = (
    "const box = root.querySelector('textarea'); box.value += 'x';"
    "box.dispatchEvent(new InputEvent('input'));"
)


def rows(quick: bool = False) -> list[Row]:
    """The median redraw of four views."""
    from tests.site.browser import launched

    n_words, n_steps, n_characters = (50, 100, 100) if quick else (2000, 10_000, 2000)
    vectors = np.random.default_rng(0).normal(size=(n_words, 100))
    text = " ".join(review.text for review in reviews(60))[:n_characters]
    views: list[tuple[str, View, str]] = [
        ("descent, every optimiser: a step of time", descent(compared=tuple(NAMES)), MOVE_TIME),
        (f"word map, {n_words:,} words: a zoom", word_map(vectors, counted(n_words)), ZOOM),
        (f"loss curve, {n_steps:,} steps: the other axis", falling(n_steps), OTHER_AXIS),
        (f"tokeniser, {n_characters:,} characters: a key", cut(text), TYPE),
    ]
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        return [
            row(name, statistics.median(redraws(browser, view, change, folder, 5 if quick else 30)))
            for name, view, change in views
        ]


def redraws(browser: Any, view: View, change: str, folder: str, count: int) -> list[float]:
    """Milliseconds of each redraw on a page of its own; the first, which warms up, left out."""
    path = Path(folder) / f"{view.key}.html"
    view.save(path)
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector(".llm-book[data-alive]")
    times: list[float] = page.evaluate(TIMES, [count + 1, change])[1:]
    page.close()
    return times


def counted(n: int) -> list[str]:
    """``n`` words."""
    return [f"w{i}" for i in range(n)]


def falling(n: int) -> View:
    """A loss that falls for ``n`` steps."""
    return loss_curve(1 + np.exp(-np.arange(n) / 900))


def cut(text: str) -> View:
    """The text under a tokenizer learned from it."""
    return tokeniser(BPETokenizer.train(text, 400), text)


def row(name: str, took: float) -> Row:
    """A figure of ours alone."""
    return Row(
        name=name, ours=took, peer=None, unit="ms", ratio=None, aim="<= 16", peer_name="",
        pairs=30, versions=versions(),
    )  # fmt: skip


if __name__ == "__main__":
    main(rows)
