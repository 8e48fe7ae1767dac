"""English novels from 1840 to 1920: a small and a larger corpus, ready-made or built from TEI."""

from __future__ import annotations

import hashlib
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable

from llm_book.data.download import DataUnavailable, cache_folder, fetch
from llm_book.data.reading import read_text
from llm_book.data.registry import DATASETS

SIZES = ("small", "medium")
TEI = "{http://www.tei-c.org/ns/1.0}"
LEFT_OUT = {f"{TEI}note", f"{TEI}ref"}  # an editor's words, not the author's
BLOCKS = {f"{TEI}p", f"{TEI}head", f"{TEI}l"}


def load_novels(size: str = "small", progress: bool = True) -> str:
    """Novels one after another, a paragraph a line, an empty line between two novels.

    "small": 12 novels, 0.76 million words; "medium": 94 novels, 11.0 million words, whose authors
    died by 1955. Where the ready-made text is not at hand, it is built from the novels' own files
    and kept in the cache. Raises ValueError for another size or where another text comes out,
    DataUnavailable where a file cannot be had. Source: ELTeC (Schöch et al. 2021).
    """
    if size not in SIZES:
        raise ValueError(f"there are no novels of size {size!r}; choose one of {SIZES}")
    try:
        return read_text(fetch(f"novels_{size}", progress=progress))
    except DataUnavailable:
        return _kept(build_novels(size, progress), size)


def build_novels(size: str, progress: bool = True) -> str:
    """The same text as `load_novels` gives, made from the novels' own TEI files.

    Raises ValueError where it is not, DataUnavailable where a file cannot be had.
    """
    row = DATASETS[f"novels_{size}"]
    paths = (fetch(part.name, progress=progress) for part in row.parts)
    text = joined(novel_text(path.read_bytes(), path.name) for path in paths)
    digest = hashlib.sha256(text.encode()).hexdigest()
    if digest != row.content_hash:
        raise ValueError(
            f"the novels make a text {digest[:12]}…, the published one is "
            f"{row.content_hash[:12]}…; delete them from {cache_folder()} and fetch them again"
        )
    return text


def joined(novels: Iterable[str]) -> str:
    """Novels as one text with an empty line between each two."""
    return "\n".join(novels)


def novel_text(content: bytes, name: str = "the file") -> str:
    """A TEI file's headings, paragraphs and verses, one a line, without its notes.

    Raises ValueError where it is no XML or holds no body; `name` is what the refusal names.
    """
    try:
        body = ElementTree.fromstring(content).find(f".//{TEI}body")
    except ElementTree.ParseError as error:
        raise ValueError(f"{name} is no XML ({error}); fetch the file again") from error
    if body is None:
        raise ValueError(f"{name} holds no body of a TEI text; fetch the file again")
    blocks = (_words(element) for element in body.iter() if element.tag in BLOCKS)
    return "\n".join(block for block in blocks if block) + "\n"


def _words(block: ElementTree.Element) -> str:
    return re.sub(r"\s+", " ", _flat(block)).strip()


def _flat(element: ElementTree.Element) -> str:
    """All text in an element but what stands in notes and references."""
    if element.tag in LEFT_OUT:
        return ""
    return (element.text or "") + "".join(_flat(child) + (child.tail or "") for child in element)


def _kept(text: str, size: str) -> str:
    """Writes the text to the cache, so that the next call finds it, and gives it back."""
    target = cache_folder() / f"novels/novels_{size}.txt"
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, target)
    return text
