"""The build notices a chapter whose stored outputs hold a failure."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ERROR = new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])
CONF = """
import sys
sys.path.insert(0, {ext!r})
extensions = ["myst_nb", "failing"]
nb_execution_mode = "off"
"""
EXTENSION = """
from llmbook_sphinx import cells


def setup(app):
    cells.register(app)
    return {"version": "1"}
"""


def built(folder: Path, repository: Path, **cell: object) -> subprocess.CompletedProcess:
    """Build a site of one notebook with one cell, warnings counting as errors."""
    (folder / "chapters").mkdir()
    code = new_code_cell("1 + 1", **{"execution_count": 1, "outputs": [], **cell})
    notebook = new_notebook(cells=[new_markdown_cell("# One"), code])
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "python"}
    nbformat.write(notebook, folder / "chapters" / "one.ipynb")
    (folder / "failing.py").write_text(EXTENSION, encoding="utf-8")
    ext = CONF.format(ext=str(repository / "book" / "_ext"))
    (folder / "conf.py").write_text(ext + f"sys.path.insert(0, {str(folder)!r})\n", "utf-8")
    index = "# Site\n\n```{toctree}\nchapters/one\n```\n"
    (folder / "index.md").write_text(index, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "dummy"]
    return subprocess.run(
        [*command, str(folder), str(folder / "out")], capture_output=True, text=True
    )


def test_a_chapter_whose_cells_ran_is_built(tmp_path, repository):
    done = built(tmp_path, repository)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ({"outputs": [ERROR]}, "code cell 1 failed: ValueError: no"),
        ({"execution_count": None}, "code cell 1 was never run; run `make outputs`"),
    ],
)
def test_a_failed_or_forgotten_cell_ends_the_build(tmp_path, repository, cell, sentence):
    done = built(tmp_path, repository, **cell)
    assert done.returncode != 0
    assert sentence in done.stderr


def test_a_failure_that_is_announced_is_not_a_fault(tmp_path, repository):
    cell = {"outputs": [ERROR], "metadata": {"tags": ["raises-exception"]}}
    assert built(tmp_path, repository, **cell).returncode == 0
