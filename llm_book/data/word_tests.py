"""What people say of words: similarities of pairs, and analogies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from llm_book.data.download import fetch
from llm_book.data.reading import lines, malformed, read_columns, read_text

LOWEST, HIGHEST = 0, 10


class ScoredPair(NamedTuple):
    """Two words and how alike people find them: 0 (not at all) to 10 (the same)."""

    first: str
    second: str
    score: float


class Analogy(NamedTuple):
    """Four words: `a` is to `b` as `c` is to `d`."""

    a: str
    b: str
    c: str
    d: str


@dataclass(frozen=True)
class WordSimilarities:
    """A test of similarity: its pairs in published order, those that stand twice included."""

    pairs: tuple[ScoredPair, ...]

    @property
    def n_distinct(self) -> int:
        """Pairs that differ in more than the order of their words."""
        return len({frozenset(pair[:2]) for pair in self.pairs})


def load_wordsim353(progress: bool = True) -> WordSimilarities:
    """353 pairs, 351 distinct, scored for how related they are (tiger with jaguar, and with zoo).

    Raises DataUnavailable where the file cannot be had. Source: Finkelstein et al. (2002).
    """
    return read_similarities(fetch("wordsim353", progress=progress))


def load_simlex999(progress: bool = True) -> WordSimilarities:
    """999 pairs scored for how similar they are: related words that differ score low.

    Raises DataUnavailable where the file cannot be had. Source: Hill et al. (2015).
    """
    return read_similarities(fetch("simlex999", progress=progress))


def load_google_analogies(progress: bool = True) -> dict[str, tuple[Analogy, ...]]:
    """19,544 analogies in 14 sections, by section: "capital-common-countries", "family", …

    Sections whose names begin with "gram" are grammatical. Raises DataUnavailable where the file
    cannot be had. Source: Mikolov et al. (2013a).
    """
    return read_analogies(fetch("google_analogies", progress=progress))


def load_ca8(progress: bool = True) -> dict[str, tuple[Analogy, ...]]:
    """7,636 Chinese semantic analogies in 4 sections, by section: "geography", "people", …

    Raises DataUnavailable where the file cannot be had. Source: Li et al. (2018).
    """
    return read_analogies(fetch("ca8", progress=progress))


def read_similarities(path: str | Path) -> WordSimilarities:
    """The pairs in a file of rows `word<TAB>word<TAB>score`.

    Raises ValueError at a row without two words or with a score that is not from 0 to 10.
    """
    name = Path(path).name
    pairs = []
    for row, (first, second, score) in read_columns(read_text(path), name, 3):
        if not first.strip() or not second.strip():
            raise malformed(name, row, "a word is missing")
        pairs.append(ScoredPair(first, second, _score(score, name, row)))
    return WordSimilarities(tuple(pairs))


def read_analogies(path: str | Path) -> dict[str, tuple[Analogy, ...]]:
    """The analogies in a file of rows of four words under headings `: section`.

    Raises ValueError at a row of another length, before a first heading, or at a section that
    stands twice.
    """
    name = Path(path).name
    sections: dict[str, list[Analogy]] = {}
    current: list[Analogy] | None = None
    for row, line in enumerate(lines(read_text(path)), start=1):
        if line.startswith(":"):
            section = line[1:].strip()
            if section in sections:
                raise malformed(name, row, f"the section {section!r} stands twice")
            current = sections[section] = []
            continue
        words = line.split()
        if current is None:
            raise malformed(name, row, "it stands before the first ': section'")
        if len(words) != 4:
            raise malformed(name, row, f"{len(words)} words where 4 were expected")
        current.append(Analogy(*words))
    return {section: tuple(analogies) for section, analogies in sections.items()}


def _score(field: str, name: str, row: int) -> float:
    try:
        score = float(field)
    except ValueError:
        score = math.nan
    if not LOWEST <= score <= HIGHEST:
        raise malformed(name, row, f"the score {field!r} is not from {LOWEST} to {HIGHEST}")
    return score
