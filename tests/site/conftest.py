"""The built site, and one walk of a browser through all of it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.site.browser import NoBrowser, Visit, launched, served, visit

# Made by Sphinx around the pages: listings of source code and indexes.
GENERATED = ("_modules", "genindex", "py-modindex", "prf-prf", "search")


@pytest.fixture(scope="session")
def site(repository: Path) -> Path:
    """The folder of built pages; built here where nobody has built it yet."""
    folder = repository / "_build" / "html"
    if not (folder / "book" / "index.html").exists():
        start = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
        command = [sys.executable, "-c", start, "build", ".", "-W", "-n", "--keep-going"]
        done = subprocess.run(
            command, cwd=repository, capture_output=True, encoding="utf-8", errors="replace"
        )
        assert done.returncode == 0, f"the site was not built:\n{done.stdout}\n{done.stderr}"
    return folder


@pytest.fixture(scope="session")
def pages(site: Path) -> list[str]:
    """Every page by its address below the site, the generated listings included.

    Not index.html itself: it only sends the reader on to book/index.html.
    """
    found = (path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    return sorted(
        name for name in found if not name.startswith(("_static/", "_sources/", "index.html"))
    )


@pytest.fixture(scope="session")
def written_pages(pages: list[str]) -> list[str]:
    """The pages that somebody wrote."""
    return [name for name in pages if not name.startswith(GENERATED)]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A browser window; without a browser the test is skipped, or fails where it is required."""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(launched())
        except NoBrowser as error:
            pytest.skip(str(error))
        yield running.new_context()


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the site is served on this machine."""
    with served(site) as root:
        yield root


@pytest.fixture(scope="session")
def walk(browser: Any, address: str, pages: list[str]) -> list[Visit]:
    """Every page opened once from the local server; of the listings of source, each tenth."""
    listings = [name for name in pages if name.startswith("_modules")]
    others = [name for name in pages if name not in listings]
    return [visit(browser, address, name) for name in others + listings[::10]]


@pytest.fixture(scope="session")
def walk_from_disk(browser: Any, site: Path, written_pages: list[str]) -> list[Visit]:
    """Every written page, opened as a file, with no server at all."""
    return [visit(browser, site.as_uri(), name) for name in written_pages]
