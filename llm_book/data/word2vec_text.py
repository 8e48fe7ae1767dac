"""word2vec's text format, in which word vectors are passed on: a header, then a word a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from llm_book.data.download import fetch
from llm_book.data.glove import WordVectors
from llm_book.data.reading import lines, malformed, read_text


def load_weat_vectors(progress: bool = True) -> WordVectors:
    """The 347 GoogleNews vectors, 300 wide, of words in the WEAT lists; lengths as published.

    Raises DataUnavailable where the file cannot be had. Source: Mikolov et al. (2013b).
    """
    return read_word2vec_text(fetch("weat_vectors", progress=progress))


def read_word2vec_text(path: str | Path) -> WordVectors:
    """The words and vectors of a text file in word2vec's format, lengths as they stand there.

    Raises ValueError where the header or a row is not what it must be.
    """
    path = Path(path)
    header, *rows = lines(read_text(path))
    n_words, width = _sizes(header, path.name)
    if len(rows) != n_words:
        raise malformed(path.name, 1, f"it promises {n_words} words, {len(rows)} came")
    words, vectors = [], np.empty((n_words, width), np.float32)
    for i, line in enumerate(rows):
        # From the right: a word may itself hold a space.
        word, *numbers = line.rstrip(" ").rsplit(" ", width)
        if len(numbers) != width:
            raise malformed(path.name, i + 2, f"{len(numbers)} numbers where {width} must stand")
        words.append(word)
        vectors[i] = _numbers(numbers, path.name, i + 2)
    if len(set(words)) < n_words:
        raise malformed(path.name, 1, "a word stands twice")
    return WordVectors(tuple(words), torch.from_numpy(vectors))


def _sizes(header: str, name: str) -> tuple[int, int]:
    fields = header.split(" ")
    if len(fields) != 2 or not all(field.isdecimal() and int(field) for field in fields):
        raise malformed(name, 1, f"{header[:40]!r} where two whole numbers must stand")
    return int(fields[0]), int(fields[1])


def _numbers(fields: list[str], name: str, row: int) -> np.ndarray:
    try:
        vector = np.array(fields, dtype=np.float32)
    except ValueError as error:
        raise malformed(name, row, f"a number cannot be read ({error})") from error
    if not np.isfinite(vector).all():
        raise malformed(name, row, "a number is not finite")
    return vector
