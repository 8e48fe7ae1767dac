"""The same view in JupyterLab, with a kernel and without one, and in a page made by nbconvert."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.site.jupyterlab import end_kernels, laboratory

pytestmark = [pytest.mark.needs_browser, pytest.mark.slow]

MAKE = """\
from llm_book.generation.filtering import Sampling
from llm_book.widgets.sampling import sampling, sampling_record

def react(state):
    if state.get("top_k") == 1:
        return sampling_record([1.0, 2.0, 3.0, 4.0], list("pqrs"))
    if state.get("top_k") == 2:
        raise ValueError("two is not allowed")

joined = sampling([2.0, 1.0, 0.0], list("abc"), title="Joined").live(react)
joined"""
CHANGE = 'joined.show(sampling_record([5.0, 1.0], ["from", "here"], Sampling(temperature=0.5)))'
ASK = "print('the kernel knows', joined.state.get('top_k'))"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """JupyterLab's address, and the folder of its notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    with laboratory(folder) as address:
        yield address, folder / "notebooks"


@pytest.fixture(scope="module")
def window(browser: Any) -> Iterator[Any]:
    """A second window of the session's browser: one thread has room for one."""
    context = browser.browser.new_context(viewport={"width": 1300, "height": 1000})
    yield context
    context.close()


def written(path: Path, *sources: str) -> Path:
    """A notebook that has not run."""
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [new_code_cell(source) for source in sources]
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    return path


def opened(window: Any, address: str, name: str) -> Any:
    """The notebook in JupyterLab, its kernel ready."""
    page = window.new_page()
    page.goto(f"{address}/lab/tree/{name}?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
    return page


def stored_views(path: Path) -> int:
    """How many views a notebook shows."""
    return path.read_text(encoding="utf-8").count('data-llm-book=\\"')


def run_cell(page: Any, number: int) -> None:
    """Run one cell, as a reader does: again where the kernel, just started, did not hear."""
    from playwright.sync_api import TimeoutError as NotYet

    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=90_000)
    cell = page.locator(".jp-CodeCell").nth(number)
    answered = cell.locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]"))
    for _ in range(6):
        if (asked := page.locator(".jp-Dialog .jp-mod-accept")).count():
            asked.first.click()
        cell.locator(".jp-InputArea-editor").click()
        page.keyboard.press("Shift+Enter")
        with suppress(NotYet):
            answered.wait_for(timeout=12_000)
            return
    raise AssertionError(f"cell {number} never ran")


def says(page: Any, words: str) -> None:
    """Wait until the sentence under the view holds the words."""
    page.locator(".llm-book .sentence", has_text=words).wait_for(timeout=60_000)


def test_page_and_kernel_hear_each_other_and_without_a_kernel_the_view_stays(window, lab):
    address, folder = lab
    written(folder / "live.ipynb", MAKE, CHANGE, ASK)
    page = opened(window, address, "live.ipynb")
    run_cell(page, 0)
    page.wait_for_selector(".llm-book[data-alive=live]", timeout=90_000)
    says(page, "3 of 3 tokens")

    top_k = page.locator(".llm-book input[type=range]").nth(1)
    top_k.focus()
    page.keyboard.press("ArrowRight")  # top-k 1: the kernel answers with another record
    says(page, "most probable is “s”")

    run_cell(page, 1)  # the kernel changes what the page shows
    says(page, "“from”")
    run_cell(page, 2)
    page.locator(".jp-OutputArea-output", has_text="the kernel knows 1").wait_for(timeout=60_000)

    page.keyboard.press("Control+s")
    page.wait_for_function("() => !document.querySelector('.jp-mod-dirty')", timeout=30_000)
    page.wait_for_timeout(500)
    page.close()
    assert end_kernels(address) == 1
    stored = nbformat.read(folder / "live.ipynb", as_version=4)
    assert set(stored.cells[0].outputs[0].data) == {"text/html", "text/plain"}

    page = window.new_page()  # no kernel is started for it
    page.goto(f"{address}/lab/tree/live.ipynb")
    page.wait_for_selector(".llm-book[data-alive=alone]", timeout=90_000)
    says(page, "3 of 3 tokens")
    assert page.locator("text=Error displaying widget").count() == 0
    page.close()


def test_keys_pressed_in_a_view_are_not_commands_for_the_notebook(window, lab):
    address, folder = lab
    written(folder / "keys.ipynb", MAKE, "1", "2")
    page = opened(window, address, "keys.ipynb")
    run_cell(page, 0)
    page.wait_for_selector(".llm-book[data-alive]", timeout=90_000)
    page.locator(".llm-book input[type=range]").first.focus()
    for key in ("a", "b", "d", "d", "x", "j", "m"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert page.locator(".jp-Cell").count() == 3
    assert page.locator(".jp-MarkdownCell").count() == 0
    page.close()


def test_the_gallery_shows_in_jupyterlab_without_running_it(window, lab, repository):
    address, folder = lab
    gallery = repository / "book" / "gallery.ipynb"
    (folder / "gallery.ipynb").write_bytes(gallery.read_bytes())
    views = stored_views(gallery)
    page = opened(window, address, "gallery.ipynb")
    # Nobody has run it here, so that JupyterLab trusts no script: the picture and the words stand.
    page.wait_for_selector(".jp-RenderedHTMLCommon figure img", state="attached", timeout=60_000)
    stills = page.locator(".llm-book-still img").count()
    assert 0 < stills <= views  # cells far below are drawn when they come into view
    page.close()


def test_a_page_made_by_nbconvert_is_alive_from_the_disk(window, repository, tmp_path):
    gallery = repository / "book" / "gallery.ipynb"
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(tmp_path)]
    done = subprocess.run([*command, str(gallery)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    views = stored_views(gallery)
    page, trouble = window.new_page(), []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto((tmp_path / "gallery.html").as_uri())
    page.wait_for_function(
        f"document.querySelectorAll('.llm-book[data-alive=alone]').length === {views}",
        timeout=60_000,
    )
    # What nbconvert's own template asks for from elsewhere (formulas) is not ours.
    assert [word for word in trouble if "llm-book" in word] == []
    page.close()
