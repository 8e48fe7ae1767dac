"""Refreshing stores what a fresh run gives, and leaves nothing of the run itself."""

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.chapters import refresh_outputs
from tests.chapters.refresh_outputs import refresh, tidy

pytestmark = pytest.mark.slow

SHOW = "import os\n\nprint(os.environ.get('OMP_NUM_THREADS'), os.environ.get('LLM_BOOK_PRESET'))"


def saved(path, *sources, **metadata):
    """A notebook on disk, its cells not run."""
    cells = [new_markdown_cell("# Title"), *map(new_code_cell, sources)]
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    return [cell.id for cell in cells]


def test_outputs_are_stored_and_cells_keep_their_names(tmp_path, monkeypatch):
    monkeypatch.setenv("LLM_BOOK_PRESET", "full")
    path = tmp_path / "a.ipynb"
    ids = saved(path, SHOW, "6 * 7", "1 / 0", kernelspec={"name": "my-env", "display_name": "x"})
    book = nbformat.read(path, as_version=4)
    book.cells[3].metadata["tags"] = ["raises-exception"]
    nbformat.write(book, path)
    refresh(path, setup=False)
    book = nbformat.read(path, as_version=4)
    assert [cell.id for cell in book.cells] == ids
    assert book.cells[1].outputs[0].text == "1 None\n"
    assert book.cells[2].outputs[0].data["text/plain"] == "42"
    assert book.cells[3].outputs[0].traceback == ["ZeroDivisionError: division by zero"]
    assert [cell.execution_count for cell in book.cells[1:]] == [1, 2, 3]
    assert book.metadata["kernelspec"]["name"] == "python3"
    assert book.metadata["language_info"] == {"name": "python"}
    assert path.read_bytes().endswith(b"}\n") and b"\r" not in path.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["a.ipynb"]


def test_a_notebook_whose_cell_fails_is_left_as_it_was(tmp_path):
    path = tmp_path / "a.ipynb"
    saved(path, "1 + 1", "1 / 0")
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        refresh(path, setup=False)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.ipynb"]


def test_what_differs_from_run_to_run_is_taken_out():
    streams = [new_output("stream", name="stdout", text=text) for text in ("one ", "line\n")]
    cell = new_code_cell("print()", outputs=streams, execution_count=7)
    cell.metadata.update(execution={"started": "now"}, tags=["hide-cell"])
    notebook = new_notebook(cells=[cell], metadata={"widgets": {}, "colab": {"name": "x"}})
    tidy(notebook)
    assert notebook.metadata.keys() == {"kernelspec", "language_info"}
    assert cell.metadata == {"tags": ["hide-cell"]}
    assert [output.text for output in cell.outputs] == ["one line\n"]
    assert cell.execution_count == 1


def test_an_unknown_chapter_is_refused_in_one_sentence(capsys):
    assert refresh_outputs.main(["no_such_chapter"]) == 1
    assert capsys.readouterr().out == "no chapter is called no_such_chapter; look into chapters/\n"


def test_another_matplotlib_may_not_draw_the_stored_pictures(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(refresh_outputs, "notebooks", lambda: [tmp_path / "05_project.ipynb"])
    monkeypatch.setattr(refresh_outputs, "pinned", lambda: False)
    assert refresh_outputs.main(["05_project"]) == 1
    assert "not the version in constraints.txt" in capsys.readouterr().out
