"""Reading published text: what is wrong with a file is refused by file and row."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".xz": lzma.open}


def malformed(name: str, row: int, complaint: str) -> ValueError:
    """The refusal of one row, counted from 1; raise it."""
    return ValueError(f"{name}, row {row:,}: {complaint}; fetch the file again")


def read_text(path: str | Path) -> str:
    """The UTF-8 text of a file, plain or packed by gzip or xz, without a byte order mark.

    Ends of lines are left as they are. Raises ValueError where the file breaks off or is no UTF-8.
    """
    path = Path(path)
    opener = OPENERS.get(path.suffix, open)
    try:
        with opener(path, "rb") as file:
            content = file.read()
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error) as error:
        raise ValueError(
            f"{path.name} breaks off or is not packed as its name says; fetch the file again"
        ) from error
    return decoded(content, path.name)


def decoded(content: bytes, name: str) -> str:
    """UTF-8 bytes as text, without a byte order mark. Raises ValueError that names the row."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        found = content[error.start]
        raise malformed(name, row, f"the byte 0x{found:02x} is no UTF-8") from error


def lines(text: str) -> list[str]:
    """The lines of a text, whichever system wrote it; empty lines at its end are left out.

    Only a line feed ends a line: the other characters at which `str.splitlines` would cut occur
    inside published sentences.
    """
    return text.replace("\r\n", "\n").rstrip("\n").split("\n")


def read_columns(text: str, name: str, n_columns: int) -> Iterator[tuple[int, list[str]]]:
    """The rows of a tab-separated text with their numbers, counted from 1.

    Raises ValueError at a row with another number of columns.
    """
    for row, line in enumerate(lines(text), start=1):
        fields = line.split("\t")
        if len(fields) != n_columns:
            raise malformed(name, row, f"{len(fields)} columns where {n_columns} were expected")
        yield row, fields


def read_csv(
    text: str, name: str, n_columns: int, header: str | None = None
) -> Iterator[tuple[int, list[str]]]:
    """The records of a comma-separated text with their numbers; a record may hold line ends.

    With a `header`, the first record must be it, and is not given. Records are counted from 1,
    the header included. Raises ValueError at a record that cannot be read.
    """
    records = csv.reader(io.StringIO(text, newline=""), strict=True)
    row = 0
    while True:
        row += 1
        try:
            fields = next(records, None)
        except csv.Error as error:
            raise malformed(name, row, f"it cannot be read ({error})") from error
        if fields is None:
            return
        if row == 1 and header is not None:
            if ",".join(fields) != header:
                raise malformed(name, 1, f"{','.join(fields)!r} where {header!r} was expected")
            continue
        if len(fields) != n_columns:
            raise malformed(name, row, f"{len(fields)} columns where {n_columns} were expected")
        yield row, fields


def read_json(path: str | Path, kind: type) -> Any:
    """The value in a JSON file. Raises ValueError where it is no JSON or not of that kind."""
    path = Path(path)
    text = read_text(path)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise malformed(path.name, error.lineno, f"it is no JSON ({error.msg})") from error
    if not isinstance(value, kind):
        raise malformed(path.name, 1, f"{kind_of(value)} where {kind.__name__} was expected")
    return value


def member(entry: Any, key: str, kind: type | tuple[type, ...], name: str, row: int) -> Any:
    """`entry[key]`, where `entry` is an object of row `row` and the value is of that kind.

    Raises ValueError where either is something else.
    """
    if not isinstance(entry, dict):
        raise malformed(name, row, f"{kind_of(entry)} where an object was expected")
    if key not in entry:
        raise malformed(name, row, f"the object has no {key!r}")
    if not isinstance(entry[key], kind):
        raise malformed(name, row, f"{key!r} is {kind_of(entry[key])}")
    return entry[key]


def kind_of(value: Any) -> str:
    """The kind of a value, as a refusal names it."""
    return f"a value of type {type(value).__name__}"
