"""Execute chapters and store their outputs: the only way in which outputs change.

python tests/chapters/refresh_outputs.py            all chapters
python tests/chapters/refresh_outputs.py 05_project  one of them
"""

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run as a script, from anywhere

import nbformat
from nbval.plugin import coalesce_streams

from tests.chapters.kernels import Cost, execute
from tests.chapters.notebooks import ROOT, code_cells, notebooks
from tests.chapters.setup_cell import bring_up_to_date
from tests.chapters.status import note
from tests.nbval_policy import child_environment, pinned

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def refresh(path: Path, setup: bool = True) -> Cost:
    """Run a notebook in this environment and write it back with its outputs; what that took.

    ``setup`` also writes the setup cell of this version. The notebook is written beside itself and
    renamed, so that it is never half written; a cell that fails leaves it as it was.
    """
    notebook = nbformat.read(path, as_version=4)
    if setup:
        bring_up_to_date(notebook, path.relative_to(ROOT).as_posix())
    cost = execute(notebook, sys.executable, path.parent, child_environment(os.environ))
    tidy(notebook)
    nbformat.validate(notebook)
    aside = path.with_suffix(".ipynb.new")
    aside.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
    aside.replace(path)
    return cost


def tidy(notebook: Any) -> None:
    """Take out what differs from run to run and says nothing: times, state, versions, paths."""
    kept = {"kernelspec": dict(KERNEL), "language_info": {"name": "python"}}
    for name in ("jupytext", "mystnb", "llm_book"):
        if name in notebook.metadata:
            kept[name] = notebook.metadata[name]
    notebook.metadata = nbformat.from_dict(kept)
    for number, cell in enumerate((c for c in code_cells(notebook) if c.source.strip()), start=1):
        cell.metadata.pop("execution", None)
        cell.metadata.pop("ExecuteTime", None)
        cell.outputs = coalesce_streams(cell.outputs)
        cell.execution_count = number
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
            if output.output_type == "error":  # the frames above name files of this machine
                output.traceback = [f"{output.ename}: {output.evalue}"]


def main(names: list[str]) -> int:
    """Refresh the chapters named, or all; 1 where one of them failed."""
    found = [p for p in notebooks() if not names or p.stem in names or p.name in names]
    if not found:
        print(f"no chapter is called {', '.join(names) or 'anything yet'}; look into chapters/")
        return 1
    if not pinned():
        print("Matplotlib is not the version in constraints.txt, which draws the stored pictures;")
        print("install it first: python -m pip install -c constraints.txt matplotlib")
        return 1
    failed = 0
    for path in found:
        try:
            cost = refresh(path)
        except Exception as error:  # one chapter's fault must not keep the others from running
            failed += 1
            print(f"{path.name}: left as it was, because a cell failed\n{error}")
        else:
            note(path, cost)
            print(f"{path.name}: outputs stored, {cost.seconds:.0f} s")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
