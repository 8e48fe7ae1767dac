"""Sentences with their translations: English–Chinese (Tatoeba) and German–English (Multi30k)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from llm_book.data.download import fetch
from llm_book.data.reading import lines, malformed, read_columns, read_text

MULTI30K = {"train": "train", "val": "val", "test": "test_2016_flickr"}


@dataclass(frozen=True)
class SentencePair:
    """A sentence, its translation, and whom to name where it is shown (empty: nobody)."""

    source: str
    target: str
    attribution: str = ""


@dataclass(frozen=True)
class SentencePairs:
    """Pairs in published order, those that stand again included."""

    pairs: tuple[SentencePair, ...]

    @property
    def n_repeated(self) -> int:
        """Pairs that stood there before, word for word."""
        return len(self.pairs) - len({(pair.source, pair.target) for pair in self.pairs})


def load_cmn(progress: bool = True) -> SentencePairs:
    """29,155 English sentences with a Chinese translation, shortest first; 100 stand again.

    The licence (CC BY 2.0 FR) asks that a pair's `attribution` goes with it. Raises
    DataUnavailable where the file cannot be had. Source: Tatoeba, by way of manythings.org.
    """
    return read_attributed_pairs(fetch("cmn", progress=progress))


def read_attributed_pairs(path: str | Path) -> SentencePairs:
    """The pairs in a file of rows `source<TAB>target<TAB>attribution`.

    Raises ValueError at a row with other columns or an empty one.
    """
    name = Path(path).name
    pairs = []
    for row, fields in read_columns(read_text(path), name, 3):
        if not all(field.strip() for field in fields):
            raise malformed(name, row, "a column is empty")
        pairs.append(SentencePair(*fields))
    return SentencePairs(tuple(pairs))


def load_multi30k(split: str = "train", progress: bool = True) -> SentencePairs:
    """German captions of photographs with their English originals: 29,000, 1,014 and 1,000.

    The splits are "train", "val" and "test" (Flickr 2016). Raises ValueError for another one,
    DataUnavailable where a file cannot be had. Source: Elliott et al. (2016).
    """
    if split not in MULTI30K:
        raise ValueError(f"Multi30k has no split {split!r}; choose one of {tuple(MULTI30K)}")
    files = (f"translation/multi30k_{MULTI30K[split]}.{language}.gz" for language in ("de", "en"))
    return read_parallel(*(fetch(file, progress=progress) for file in files))


def read_parallel(source: str | Path, target: str | Path) -> SentencePairs:
    """The pairs in two files that hold a sentence a line, the same number of them.

    Raises ValueError where their lengths differ or a sentence is empty.
    """
    sides = [lines(read_text(path)) for path in (source, target)]
    names = [Path(path).name for path in (source, target)]
    for name, side in zip(names, sides, strict=True):
        for row, line in enumerate(side, start=1):
            if not line.strip():
                raise malformed(name, row, "the sentence is empty")
    if len(sides[0]) != len(sides[1]):
        raise ValueError(
            f"{names[0]} holds {len(sides[0]):,} sentences and {names[1]} {len(sides[1]):,}; "
            "they must be parallel: fetch the files again"
        )
    return SentencePairs(tuple(map(SentencePair, *sides)))
