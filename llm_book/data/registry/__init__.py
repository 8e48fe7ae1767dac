"""The table of published data sets: what each is, where it lies, under which licence.

A new set is one more row: `rows` says what a row holds; the rows stand in `corpora`, `novels`,
`vectors` and `tasks`. Names of files are relative: the same in a mirror folder, in the cache and
here.
"""

from __future__ import annotations

from collections.abc import Iterator

from llm_book.data.registry.corpora import CORPORA
from llm_book.data.registry.rows import DataFile, DataSet
from llm_book.data.registry.tasks import TASKS
from llm_book.data.registry.vectors import VECTORS

__all__ = ["DATASETS", "DataFile", "DataSet", "find"]

DATASETS: dict[str, DataSet] = {row.name: row for row in (*TASKS, *VECTORS, *CORPORA)}


def find(name: str) -> tuple[DataSet, tuple[DataFile, ...]]:
    """The set of that name with its files in order, or the set of that one file.

    Raises KeyError for a name that is neither, and for a set that lies in several parts.
    """
    if name in DATASETS:
        row = DATASETS[name]
        if not row.files:
            parts = ", ".join(part.name for part in row.parts)
            raise KeyError(f"the set {name!r} lies in several files; ask for one of them: {parts}")
        return row, row.files
    for row, file in _files():
        if file.name == name:
            return row, (file,)
    raise KeyError(f"no data set or file is called {name!r}; the sets are {', '.join(DATASETS)}")


def _files() -> Iterator[tuple[DataSet, DataFile]]:
    return ((row, file) for row in DATASETS.values() for file in (*row.files, *row.parts))
