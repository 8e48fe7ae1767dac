"""A view in a page of its own, opened from the disk by a real browser without a network."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llm_book.widgets.render import View


@contextmanager
def opened(
    browser: Any, shown: View, folder: Path, width: int = 900, script: bool = True, **options: Any
) -> Iterator[Any]:
    """The page, alive; afterwards it must have said nothing and asked for nothing.

    ``options`` are those of a playwright context: ``color_scheme``, ``forced_colors``, ….
    """
    path = folder / f"{shown.key}.html"
    shown.save(path)
    context = browser.new_context(
        viewport={"width": width, "height": 900}, java_script_enabled=script, **options
    )
    page, trouble = context.new_page(), []
    page.on("console", lambda m: trouble.append(f"{m.type}: {m.text}"))
    page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
    page.on("dialog", lambda d: (trouble.append(f"dialog: {d.message}"), d.dismiss()))
    page.on(
        "request",
        lambda r: r.url.startswith(("file:", "data:", "blob:")) or trouble.append(r.url),
    )
    page.goto(path.as_uri())
    if script:
        page.wait_for_selector(".llm-book[data-alive]", timeout=20_000)
    yield page
    context.close()
    assert trouble == []
