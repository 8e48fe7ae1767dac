"""GloVe's published word vectors, and an embedding that starts from them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from llm_book.data.archives import open_member
from llm_book.data.download import fetch

HEADER = struct.Struct("<8sHHIHH")  # magic, version, width, words, scale, reserved
MAGIC = b"RDGLVQ8\0"
SMALL_WIDTH, SMALL_WORDS = 50, 50_000
WIDTHS = (50, 100, 200, 300)


@dataclass(frozen=True, eq=False)
class WordVectors:
    """One vector a word: `vectors` [words, width], float32, rows as in `words`."""

    words: tuple[str, ...]
    vectors: Float[Tensor, "words width"]
    _row_of: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.words) != len(self.vectors):
            raise ValueError(
                f"{len(self.words)} words and {len(self.vectors)} vectors came; give one a word"
            )
        object.__setattr__(self, "_row_of", {word: i for i, word in enumerate(self.words)})

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._row_of

    def __getitem__(self, word: str) -> Float[Tensor, " width"]:
        """The word's vector. Raises KeyError for a word without one."""
        return self.vectors[self._row_of[word]]

    def rows(self, words: Sequence[str]) -> list[int | None]:
        """The row of each word, None where it has no vector."""
        return [self._row_of.get(word) for word in words]


@dataclass(frozen=True, eq=False)
class StartingEmbedding:
    """A first `weight` [vocab, width] for an embedding; `known` says which rows came from GloVe."""

    weight: Float[Tensor, "vocab width"]
    known: Bool[Tensor, " vocab"]

    @property
    def coverage(self) -> float:
        """The share of the vocabulary's entries that have a published vector, 0 to 1."""
        return float(self.known.float().mean()) if len(self.known) else 0.0


def load_glove(
    dim: int = SMALL_WIDTH, n_words: int = SMALL_WORDS, progress: bool = True
) -> WordVectors:
    """GloVe's vectors for its `n_words` most frequent words, each scaled to length 1.

    Length 1, because the small file (3 MB, 50 wide, 50,000 words) keeps directions only: so the
    answer is the same, to 0.01 a component, from it and from `glove.6B.zip` (862 MB), which holds
    the other widths and all 400,000 words. Raises ValueError for a width that was never published,
    DataUnavailable where the file cannot be had. Source: Pennington et al. (2014).
    """
    if dim not in WIDTHS:
        raise ValueError(f"GloVe 6B has no vectors of width {dim}; choose one of {WIDTHS}")
    small = dim == SMALL_WIDTH and n_words <= SMALL_WORDS
    path = fetch("glove" if small else "vectors/glove.6B.zip", progress=progress)
    if path.suffix == ".bin":
        found = read_glove_int8(path)
        return WordVectors(found.words[:n_words], found.vectors[:n_words])
    with open_member(path, f"glove.6B.{dim}d.txt") as lines:
        return read_glove_text(lines, dim, n_words)


def read_glove_int8(path: str | Path) -> WordVectors:
    """The vectors in a quantised file: a header, then length, word and int8 components a row.

    Raises ValueError where the file is not of this format or ends early.
    """
    content = Path(path).read_bytes()
    if len(content) < HEADER.size or content[:8] != MAGIC:
        raise ValueError(f"{Path(path).name} is not a file of quantised vectors; fetch it again")
    _, version, width, n_words, _scale, _ = HEADER.unpack_from(content)
    if version != 1:
        raise ValueError(f"{Path(path).name} has version {version}; this reader knows version 1")
    words, rows, at = [], np.empty((n_words, width), np.int8), HEADER.size
    try:
        for i in range(n_words):
            (length,) = struct.unpack_from("<H", content, at)
            start = at + 2 + length
            words.append(content[at + 2 : start].decode("utf-8"))
            rows[i] = np.frombuffer(content, np.int8, width, start)
            at = start + width
    except (struct.error, ValueError) as error:
        raise ValueError(
            f"{Path(path).name} ends or breaks off in row {len(words):,} of {n_words:,}; "
            "fetch it again"
        ) from error
    return WordVectors(tuple(words), _unit_rows(rows.astype(np.float32)))


def read_glove_text(lines: Iterable[bytes], dim: int, n_words: int) -> WordVectors:
    """The first `n_words` rows `word x₁ … x_dim` of GloVe's text format, most frequent first."""
    words: list[str] = []
    rows: list[np.ndarray] = []
    for line in islice(lines, n_words):
        # From the right, and on the plain space only: a word may hold any other kind of space.
        word, *numbers = line.rstrip(b"\r\n").rsplit(b" ", dim)
        if len(numbers) != dim:
            raise ValueError(
                f"row {len(words) + 1} holds {len(numbers)} numbers where {dim} were expected; "
                "choose the width that the file has"
            )
        words.append(word.decode("utf-8"))
        rows.append(np.array(numbers, dtype=np.float32))
    return WordVectors(tuple(words), _unit_rows(np.array(rows, np.float32).reshape(-1, dim)))


def _unit_rows(rows: np.ndarray) -> Float[Tensor, "words width"]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return torch.from_numpy(rows / np.maximum(lengths, 1e-12))


def embedding_matrix(
    words: Sequence[str],
    vectors: WordVectors,
    generator: torch.Generator,
    pad: str = "<pad>",
) -> StartingEmbedding:
    """A first embedding for a vocabulary: published vectors where there are any, else drawn.

    Drawn components have the standard deviation of the known rows', so that no word is louder
    than another before training; the row of `pad` is zero.
    """
    rows = vectors.rows(words)
    known = torch.tensor([row is not None for row in rows], dtype=torch.bool)
    copied = vectors.vectors[[row for row in rows if row is not None]]
    scale = (copied if copied.numel() else vectors.vectors).std()
    weight = torch.randn(len(words), vectors.vectors.shape[1], generator=generator) * scale
    weight[known] = copied
    for i, word in enumerate(words):
        if word == pad:
            weight[i] = 0
    return StartingEmbedding(weight, known)
