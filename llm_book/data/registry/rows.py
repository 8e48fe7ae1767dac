"""What a row of the table says: a published set, its files, their sizes, hashes and addresses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

HUGGING_FACE = "https://huggingface.co"
HUGGING_FACE_MIRROR = "https://hf-mirror.com"  # the same paths, reachable from mainland China


@dataclass(frozen=True)
class DataFile:
    """One file as it is published: its size in bytes, its sha256, its addresses in order.

    The size is None where the publisher states none: the sha256 alone then says whether a file is
    the right one. A file without an address was `made_from` others; only a mirror folder, or a
    builder on the reader's machine, can give it. Raises ValueError for a name that leaves its
    folder, a size below 1 byte and a hash that is none.
    """

    name: str
    size: int | None
    sha256: str
    urls: tuple[str, ...] = ()
    made_from: str = ""

    def __post_init__(self) -> None:
        path = PurePosixPath(self.name)
        if path.is_absolute() or ".." in path.parts or "\\" in self.name:
            raise ValueError(f"a file's name is relative and goes only down, not {self.name!r}")
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise ValueError(f"{self.name} needs a sha256 of 64 hexadecimal digits")
        if self.size is not None and self.size < 1:
            raise ValueError(f"{self.name} needs its size in bytes, {self.size} came")


@dataclass(frozen=True)
class DataSet:
    """A published set: any one of its `files` holds the content, the first at hand is taken.

    Where the content lies in several files, such as a train and a test half, these are its
    `parts`, each asked for by its own name; a set with both can be built from its parts.
    `content_hash` identifies the content itself, where two files hold it in two formats;
    `citation` is a key of book/references.bib; `instead` says what a reader without the set can
    use.
    """

    name: str
    files: tuple[DataFile, ...]
    licence: str
    redistributable: bool
    citation: str
    content_hash: str = ""
    instead: str = ""
    parts: tuple[DataFile, ...] = ()


def github(repository: str, commit: str, path: str) -> tuple[str, ...]:
    """A pinned file's two addresses: GitHub's own and jsDelivr's copy (files up to 20 MB)."""
    return (
        f"https://raw.githubusercontent.com/{repository}/{commit}/{path}",
        f"https://cdn.jsdelivr.net/gh/{repository}@{commit}/{path}",
    )


def hugging_face(path: str) -> tuple[str, ...]:
    """A file's address at Hugging Face and the same path at its mirror."""
    return f"{HUGGING_FACE}/{path}", f"{HUGGING_FACE_MIRROR}/{path}"
