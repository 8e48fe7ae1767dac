"""Running text, whole, for language models of characters: Tiny Shakespeare, text8."""

from __future__ import annotations

from pathlib import Path

from llm_book.data.archives import open_member
from llm_book.data.download import fetch
from llm_book.data.reading import malformed, read_text


def load_tiny_shakespeare(progress: bool = True) -> str:
    """Some 40,000 lines of Shakespeare's plays as one text of 1,115,394 characters, 65 distinct.

    Raises DataUnavailable where the file cannot be had. Source: Karpathy (2015).
    """
    return read_text(fetch("tiny_shakespeare", progress=progress))


def load_text8(progress: bool = True) -> str:
    """100 MB of English Wikipedia as letters a to z and single spaces, on one line.

    By custom the first 90,000,000 characters are for training, 5,000,000 for validation and
    5,000,000 for the test. Raises DataUnavailable where the file cannot be had, ValueError where
    it holds other characters. Source: Mahoney (2011).
    """
    return read_text8(fetch("text8", progress=progress))


def read_text8(path: str | Path) -> str:
    """The text in `text8.zip`. Raises ValueError at a character other than a to z and space."""
    with open_member(path, "text8") as file:
        content = file.read()
    wrong = content.translate(None, b"abcdefghijklmnopqrstuvwxyz ")
    if wrong:
        raise malformed("text8", 1, f"it holds {chr(wrong[0])!r} among letters and spaces")
    return content.decode("ascii")
