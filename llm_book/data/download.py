"""Fetching a published file: from a mirror folder, the cache, or the network, and checked."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import pooch
import requests
from filelock import FileLock
from tqdm import tqdm

from llm_book.data.registry import DataFile, DataSet, find

CHUNK = 1 << 18  # bytes
TIMEOUT = (10, 60)  # seconds to connect, seconds without a byte
MOST = 1 << 30  # bytes taken of a file whose publisher states no size


class DataUnavailable(RuntimeError):
    """A published file is neither at hand nor to be had; the sentence says what to do."""


class _Refused(Exception):
    """What one address sent is not the file."""


def fetch(name: str, progress: bool = True) -> Path:
    """Where the data set or file `name` lies on this machine, downloaded first if need be.

    Asked in this order: the folder that LLM_BOOK_MIRROR names (read in place, never written), the
    cache (LLM_BOOK_CACHE, else the user's cache folder), then the file's addresses one by one. A
    file whose size or sha256 is not the published one is refused wherever it came from. Of a set
    with several files, the first that is at hand. Raises DataUnavailable where none can be had.
    """
    row, files = find(name)
    for file in files:
        if (path := _at_hand(file)) is not None:
            return path
    failures: list[str] = []
    for file in files:
        path = _download(file, progress, failures)
        if path is not None:
            return path
    raise DataUnavailable(_what_to_do(name, row, files, failures))


def mirror_folder() -> Path | None:
    """The folder that LLM_BOOK_MIRROR names. Raises DataUnavailable where it is not a folder."""
    if not (named := os.environ.get("LLM_BOOK_MIRROR")):
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise DataUnavailable(
            f"LLM_BOOK_MIRROR names {named!r}, which is no folder (seen from {Path.cwd()}); "
            "give an absolute path, or unset it"
        )
    return folder


def cache_folder() -> Path:
    """Where downloads are kept: LLM_BOOK_CACHE, else the user's cache folder for llm-book."""
    return Path(os.environ.get("LLM_BOOK_CACHE") or pooch.os_cache("llm-book")).expanduser()


def fault(path: Path, file: DataFile) -> str | None:
    """What is wrong with the bytes at `path`, in a few words; None where they are the file's."""
    if file.size is not None and (size := path.stat().st_size) != file.size:
        return f"{size:,} bytes where {file.size:,} were expected"
    if (digest := _sha256(path)) != file.sha256:
        return f"sha256 {digest[:12]}… where {file.sha256[:12]}… was expected"
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _at_hand(file: DataFile) -> Path | None:
    folders = [folder for folder in (mirror_folder(), cache_folder()) if folder is not None]
    for folder in folders:
        path = folder / file.name
        if path.is_file():
            wrong = fault(path, file)
            if wrong is None:
                return path
            warnings.warn(f"{path} is refused: {wrong}", stacklevel=3)
    return None


def _download(file: DataFile, progress: bool, failures: list[str]) -> Path | None:
    """The file in the cache, from the first address that sends it; says in `failures` why not."""
    if not file.urls:
        return None
    target = cache_folder() / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    # One process downloads; another that wants the same file waits here and then finds it.
    with FileLock(target.with_name(target.name + ".lock")):
        if target.is_file():
            if fault(target, file) is None:
                return target
            target.unlink()
        for url in file.urls:
            try:
                return _from_address(url, file, target, progress)
            except (requests.RequestException, _Refused) as error:
                failures.append(f"{url.split('/')[2]}: {_reason(error)}")
    return None


def _from_address(url: str, file: DataFile, target: Path, progress: bool) -> Path:
    """Downloads beside `target`, checks, then renames: `target` is never there by halves."""
    part = target.with_name(target.name + ".part")
    resumed = part.is_file() and part.stat().st_size > 0
    _append(url, file, part, progress)
    wrong = fault(part, file)
    if wrong and resumed:  # the half from an earlier try may be the bad one: once more, from zero
        part.unlink()
        _append(url, file, part, progress)
        wrong = fault(part, file)
    if wrong:
        part.unlink()
        raise _Refused(wrong)
    os.replace(part, target)
    return target


def _append(url: str, file: DataFile, part: Path, progress: bool) -> None:
    """Adds to `part` what it still lacks; what has come stays there if the connection breaks."""
    have = part.stat().st_size if part.is_file() else 0
    most = MOST if file.size is None else file.size
    if have >= most or (have and fault(part, file) is None):
        return  # an earlier try was stopped just before the check
    # identity: a byte range of a compressed answer would not be a range of the file
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        answer.raise_for_status()
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            have = 0  # the server sends the whole file again
        with (
            part.open("ab" if have else "wb") as out,
            tqdm(
                total=file.size,
                initial=have,
                unit="B",
                unit_scale=True,
                desc=file.name,
                disable=not progress,
            ) as bar,
        ):
            for chunk in answer.iter_content(CHUNK):
                out.write(chunk)
                bar.update(len(chunk))
                if out.tell() > most:
                    break  # longer than the file can be: the check that follows refuses it


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    return str(error) if isinstance(error, _Refused) else "no connection, or it broke off"


def _what_to_do(name: str, row: DataSet, files: Sequence[DataFile], failures: Sequence[str]) -> str:
    tried = "; ".join(failures) if failures else "no address is known"
    advice = f", or {row.instead}" if row.instead else ""
    return (
        f"{name} is neither in a mirror folder nor in {cache_folder()}, and could not be "
        f"downloaded ({tried}): connect to the network, or set LLM_BOOK_MIRROR to a folder that "
        f"holds {' or '.join(file.name for file in files)}{advice}"
    )
