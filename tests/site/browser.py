"""A real browser whose network ends at this machine, and what it sees of a page."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # the network is shut
]
SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
NARROW, WIDE = 360, 1440
THEMES = ("light", "dark")


class NoBrowser(RuntimeError):
    """There is no browser to drive; the message says what to install."""


def executable(playwright: Any) -> str:
    """The browser named by LLM_BOOK_BROWSER, else the system's, else playwright's own."""
    if asked := os.environ.get("LLM_BOOK_BROWSER"):
        return asked
    for name in SYSTEM_BROWSERS:
        if found := shutil.which(name):
            return found
    own = playwright.chromium.executable_path
    if own and Path(own).exists():
        return own
    raise NoBrowser(
        "no browser: install Chromium (Debian: apt-get install chromium fonts-noto-cjk), "
        "or name one in LLM_BOOK_BROWSER"
    )


@contextmanager
def launched() -> Iterator[Any]:
    """A running headless Chromium. Raises ``NoBrowser`` where there is none."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NoBrowser("no browser: playwright is missing; install the 'dev' extra") from None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(playwright), args=FLAGS)
        yield browser
        browser.close()


class Silent(http.server.SimpleHTTPRequestHandler):
    """A file server that writes no line for each request."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder under an address of this machine."""
    handler = functools.partial(Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@dataclass
class Visit:
    """One page as a reader's browser met it."""

    page: str
    foreign: list[str] = field(default_factory=list)  # requests to another host
    broken: list[str] = field(default_factory=list)  # requests that failed
    console: list[str] = field(default_factory=list)
    too_wide: list[str] = field(default_factory=list)  # "360 px, dark: 512"
    facts: dict[str, Any] = field(default_factory=dict)


# What is read off the page at once: title, language, headings, pictures, formulas.
FACTS = r"""() => {
  const main = document.querySelector('main') || document.body;
  const prose = [];
  const walk = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const parent = walk.currentNode.parentElement;
    if (!parent.closest('pre, code, script, style, mjx-container, textarea'))
      prose.push(walk.currentNode.data);
  }
  return {
    title: document.title,
    lang: document.documentElement.lang,
    headings: [...document.querySelectorAll('article :is(h1,h2,h3,h4,h5,h6)')]
      .map(h => +h.tagName[1]),
    images: [...document.images].filter(i => !i.hasAttribute('alt')
      || (main.contains(i) && !i.alt.trim())).map(i => i.src.slice(0, 80)),
    formulas: main.querySelectorAll('.math').length,
    drawn: main.querySelectorAll('.math mjx-container').length,
    wrong: main.querySelectorAll('mjx-merror, [data-mjx-error]').length,
    raw: prose.join(' ').match(/\$[^$\n]{1,80}\$|\\\(|\\\[|\\frac|\\text\{/g) || [],
    roles: prose.join(' ').match(/\{(cite|term|numref|ref|eq)(:\w)?\}|^:::/gm) || [],
  };
}"""

# How far the page reaches to the right, and what reaches there.
WIDTH = r"""() => {
  const page = document.scrollingElement;
  if (page.scrollWidth <= page.clientWidth) return '';
  const guilty = [...document.querySelectorAll('main *')]
    .filter(e => e.getBoundingClientRect().right > page.clientWidth + 1)
    .map(e => e.tagName.toLowerCase() + '.' + e.className).slice(-1);
  return page.scrollWidth + ' (' + guilty + ')';
}"""


def set_theme(page: Any, theme: str) -> None:
    """Light or dark, as the button on the page would, without the slow change of colours."""
    page.evaluate(
        """t => { const root = document.documentElement;
        root.dataset.theme = root.dataset.mode = t;
        for (const change of document.getAnimations()) change.finish(); }""",
        theme,
    )


def settle(page: Any) -> None:
    """Wait until formulas are drawn and fonts are there."""
    page.evaluate(
        "async () => { if (window.MathJax && MathJax.startup) await MathJax.startup.promise;"
        " await document.fonts.ready; }"
    )


def visit(context: Any, root: str, name: str) -> Visit:
    """Open one page, at both widths and in both themes, and write down what happened."""
    seen = Visit(name)
    page = context.new_page()
    page.set_viewport_size({"width": WIDE, "height": 900})

    def asked(request: Any) -> None:
        if not request.url.startswith((root, "data:", "blob:")):
            seen.foreign.append(request.url)

    def said(message: Any) -> None:
        if message.type in ("error", "warning"):
            seen.console.append(f"{message.type}: {message.text}")

    page.on("request", asked)
    page.on("console", said)
    page.on("pageerror", lambda error: seen.console.append(f"error: {error}"))
    page.on("requestfailed", lambda request: seen.broken.append(request.url))
    page.on("response", lambda r: seen.broken.append(r.url) if r.status >= 400 else None)
    page.goto(f"{root}/{name}", wait_until="load")
    settle(page)
    seen.facts = page.evaluate(FACTS)
    for width in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": 900})
        for theme in THEMES:
            set_theme(page, theme)
            if reach := page.evaluate(WIDTH):
                seen.too_wide.append(f"{width} px, {theme}: {reach}")
    page.close()
    return seen
