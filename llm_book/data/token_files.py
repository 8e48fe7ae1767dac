"""Token files: more ids than fit in memory, written as a stream, read where they are needed.

A file is a header of 64 bytes (magic, version, bytes an id, ids, vocabulary, sha256 of the ids),
then the ids as little-endian whole numbers of 2 bytes, or 4 where the vocabulary needs them.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from torch import Tensor

HEADER = struct.Struct("<8sHHIQQ32s")
MAGIC = b"LLMTOKEN"
VERSION = 1
MOST_IDS = 2**32  # what four bytes can tell apart
CHUNK = 1 << 20  # bytes read at a time

Ids: TypeAlias = np.ndarray | Tensor | Sequence[Any]  # of whole numbers, checked by hand


@dataclass(frozen=True, eq=False)
class TokenFile:
    """A token file's ids: `tokens` [n] reads from the disk what is asked of it, and nothing else.

    It is a NumPy array of uint16 or uint32 that cannot be written to; `vocab_size` bounds its ids.
    """

    path: Path
    vocab_size: int
    sha256: str
    tokens: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)

    def check(self) -> None:
        """Reads the whole file, in pieces. Raises ValueError where its ids have changed."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            file.seek(HEADER.size)
            while piece := file.read(CHUNK):
                digest.update(piece)
        if digest.hexdigest() != self.sha256:
            raise ValueError(
                f"{self.path.name} holds other ids than were written (sha256 "
                f"{digest.hexdigest()[:12]}… where {self.sha256[:12]}… was expected); write it anew"
            )


def write_tokens(path: str | Path, chunks: Iterable[Ids], vocab_size: int) -> TokenFile:
    """Writes the chunks' ids one after another, and opens the file.

    One chunk at a time is in memory. The file is written aside and renamed when it is whole: under
    its name there is never half a file, and an earlier one stays until then. Raises ValueError for
    an id outside the vocabulary, for no ids and for a vocabulary that four bytes cannot number,
    TypeError for ids that are no whole numbers.
    """
    path = Path(path)
    if not 1 <= vocab_size <= MOST_IDS:
        raise ValueError(f"vocab_size is {vocab_size}; it must be from 1 to {MOST_IDS}")
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        _write(part, chunks, vocab_size)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return open_tokens(path)


def open_tokens(path: str | Path) -> TokenFile:
    """The token file at `path`; nothing but its header is read.

    Raises ValueError where it is no token file, or shorter or longer than its header says.
    """
    path = Path(path)
    with path.open("rb") as file:
        header = file.read(HEADER.size)
    if len(header) < HEADER.size or not header.startswith(MAGIC):
        raise ValueError(f"{path.name} is no token file; write one: write_tokens(path, chunks, …)")
    _, version, id_bytes, _, n_tokens, vocab_size, digest = HEADER.unpack(header)
    if version != VERSION:
        raise ValueError(
            f"{path.name} has version {version}; this reader knows version {VERSION}: write it anew"
        )
    expected = HEADER.size + n_tokens * id_bytes
    if (size := path.stat().st_size) != expected:
        raise ValueError(
            f"{path.name} is {size:,} bytes long where {expected:,} were written; write it anew"
        )
    tokens = np.memmap(path, f"<u{id_bytes}", "r", offset=HEADER.size, shape=(n_tokens,))
    return TokenFile(path, vocab_size, digest.hex(), tokens)


def _write(part: Path, chunks: Iterable[Ids], vocab_size: int) -> None:
    dtype = np.dtype("<u2" if vocab_size <= 1 << 16 else "<u4")
    digest, n_tokens = hashlib.sha256(), 0
    with part.open("wb") as file:
        file.write(bytes(HEADER.size))
        for chunk in chunks:
            content = _checked(chunk, n_tokens, vocab_size).astype(dtype).tobytes()
            file.write(content)
            digest.update(content)
            n_tokens += len(content) // dtype.itemsize
        if not n_tokens:
            raise ValueError("no ids came, and a token file holds at least one; give some text")
        file.seek(0)
        numbers = (VERSION, dtype.itemsize, 0, n_tokens, vocab_size)
        file.write(HEADER.pack(MAGIC, *numbers, digest.digest()))


def _checked(chunk: Ids, before: int, vocab_size: int) -> np.ndarray:
    ids = np.asarray(chunk)
    if ids.ndim != 1:
        raise ValueError(f"a chunk of shape {ids.shape} is no row of ids; give one dimension")
    if ids.dtype.kind not in "iu" and len(ids):
        raise TypeError(f"ids are whole numbers, {ids.dtype} came; give ids: .astype('int64')")
    wrong = np.flatnonzero((ids < 0) | (ids >= vocab_size))
    if len(wrong):
        raise ValueError(
            f"id {ids[wrong[0]]} at position {before + wrong[0]:,} is outside a vocabulary of "
            f"{vocab_size:,}; ids go from 0 to {vocab_size - 1:,}"
        )
    return ids
