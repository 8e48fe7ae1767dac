"""Reading tar and zip archives that came from elsewhere, without trusting what they say."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, cast

EXPANSION = 200  # text rarely shrinks to less than a tenth; a bomb shrinks to a thousandth
ALWAYS_ALLOWED = 64 << 20  # bytes: small archives of small files may expand by any factor
MOST = 8 << 30  # bytes, whatever the archive's own size

_OPENERS: dict[bytes, Callable[..., BufferedIOBase]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}


class UnsafeArchive(ValueError):
    """An archive that would write outside its folder, or more than it should; names the member."""


def read_members(path: str | Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The name and the open content of each regular file, in order; nothing is written to disk.

    Read each content before asking for the next. Raises UnsafeArchive at a member with an absolute
    name, `..`, a link or a device, and where the content grows beyond what text can (a bomb).
    """
    path = Path(path)
    with path.open("rb") as file:
        start = file.read(8)
    return _zip_members(path) if start.startswith(b"PK") else _tar_members(path, start)


@contextmanager
def open_member(path: str | Path, name: str) -> Iterator[IO[bytes]]:
    """The open content of one member. Raises KeyError where the archive has no such file."""
    for found, content in read_members(path):
        if found == name:
            yield content
            return
    raise KeyError(f"{Path(path).name} holds no file {name!r}; look at its members' names")


def unpack(path: str | Path, folder: str | Path) -> list[Path]:
    """Writes every regular file under `folder` and returns their paths.

    Raises UnsafeArchive as `read_members` does, and where a file is there already.
    """
    folder, written = Path(folder), []
    for name, content in read_members(path):
        target = folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as out:
                shutil.copyfileobj(content, out)
        except (FileExistsError, NotADirectoryError):
            raise UnsafeArchive(
                f"{Path(path).name} would overwrite {name!r}; unpack into an empty folder"
            ) from None
        written.append(target)
    return written


def _check_name(archive: Path, name: str) -> None:
    # Both systems' rules on every system: an archive is as safe here as where it is used next.
    absolute = PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor
    if absolute or ".." in PureWindowsPath(name).parts:
        raise UnsafeArchive(
            f"{archive.name} is refused: its member {name!r} would be written outside the folder"
        )


def _check_kind(archive: Path, name: str, plain: bool) -> None:
    if not plain:
        raise UnsafeArchive(
            f"{archive.name} is refused: its member {name!r} is a link or a device, "
            "where only files and folders were expected"
        )


class _Budget:
    """How many bytes an archive may still expand to."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        size = archive.stat().st_size
        self.allowed = min(MOST, max(ALWAYS_ALLOWED, EXPANSION * size))
        self.left = self.allowed

    def spend(self, n_bytes: int, name: str) -> None:
        self.left -= n_bytes
        if self.left < 0:
            raise UnsafeArchive(
                f"{self.archive.name} is refused: with its member {name!r} it expands beyond "
                f"{self.allowed:,} bytes, which no archive of texts of its size does"
            )


class _Metered:
    """A decompressed stream that stops at the budget, whatever the archive's headers claim."""

    def __init__(self, stream: BufferedIOBase, budget: _Budget) -> None:
        self.stream, self.budget, self.name = stream, budget, "(its first)"

    def read(self, size: int = -1) -> bytes:
        content = self.stream.read(size)
        self.budget.spend(len(content), self.name)
        return content


def _tar_members(path: Path, start: bytes) -> Iterator[tuple[str, IO[bytes]]]:
    claimed = _Budget(path)
    opener = next((o for magic, o in _OPENERS.items() if start.startswith(magic)), open)
    with opener(path, "rb") as stream:
        metered = _Metered(stream, _Budget(path))
        # "r|" reads once, front to back: no seeking, and nothing is decompressed twice.
        with tarfile.open(fileobj=cast(IO[bytes], metered), mode="r|") as archive:
            for member in archive:
                metered.name = member.name
                _check_name(path, member.name)
                _check_kind(path, member.name, member.isfile() or member.isdir())
                claimed.spend(member.size, member.name)
                content = archive.extractfile(member)
                if content is not None:
                    yield member.name, content


def _zip_members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    claimed = _Budget(path)
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            mode = member.external_attr >> 16
            _check_name(path, member.filename)
            kind = stat.S_IFMT(mode)
            _check_kind(path, member.filename, kind in (0, stat.S_IFREG, stat.S_IFDIR))
            claimed.spend(member.file_size, member.filename)  # zipfile reads no more than this
            if not member.is_dir():
                with archive.open(member) as content:
                    yield member.filename, content
