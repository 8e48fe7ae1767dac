"""Words as points: a map of two directions, neighbours and analogies in the full space."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from llm_book.claims import written
from llm_book.evaluation.similarity import VectorTable
from llm_book.i18n import phrase, t
from llm_book.widgets.records import Table, finite, labels, shown
from llm_book.widgets.render import View, view
from llm_book.widgets.word_map_picture import MARKS, picture

MOST_WORDS = 2000
MOST_NUMBERS = 600_000  # of all vectors together; the words after them are left out
EXACT_NUMBERS = 100_000  # up to here a number keeps 32 bits, above it 8
MISLEADS = 0.9  # with less of the variance than this, distances on the map mislead
NEAREST, ROWS = 3, 20
METHODS = ("pca",)
Triple = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class WordMapRecord:
    """Words with their directions [n, width] as the page has them, and places on a map [n, 2].

    ``stored`` holds the directions in 32 or in 8 bits; ``tolerance`` is then the largest error of
    any cosine between two words. ``explained`` is the share of the variance that the map shows,
    None where the places were given. ``group_of`` [n] counts from 0 and is −1 for no group.
    """

    kind: ClassVar[str] = "word_map"
    words: tuple[str, ...]
    stored: np.ndarray
    positions: np.ndarray
    explained: float | None
    groups: tuple[str, ...] = ()
    group_of: tuple[int, ...] = ()
    analogies: tuple[Triple, ...] = ()
    left_out: int = 0
    tolerance: float | None = None

    @cached_property
    def unit(self) -> np.ndarray:
        """The directions as float64 rows of length 1."""
        return _unit(self.stored.astype(np.float64))

    def nearest(self, row: int, n: int) -> list[tuple[int, float]]:
        """The rows nearest to one and their cosines; equal ones, to 9 digits, in their order."""
        return self._best(self.unit @ self.unit[row], {row}, n)

    def answers(self, analogy: Triple, allow_query: bool, n: int = 1) -> list[tuple[int, float]]:
        """The rows nearest to b − a + c and their cosines, with or without a, b and c."""
        a, b, c = (self.unit[row] for row in analogy)
        target = b - a + c
        cosines = self.unit @ target / (np.linalg.norm(target) or 1)
        return self._best(cosines, set() if allow_query else set(analogy), n)

    def _best(self, cosines: np.ndarray, without: set[int], n: int) -> list[tuple[int, float]]:
        order = np.argsort(-np.round(cosines, 9), kind="stable")
        return [(int(i), float(cosines[i])) for i in order if i not in without][:n]

    def document(self) -> dict[str, Any]:
        return {
            "words": list(self.words),
            "positions": [float(f"{value:.5g}") for value in self.positions.ravel()],
            "explained": self.explained,
            "groups": list(self.groups),
            "group_of": list(self.group_of),
            "analogies": [list(analogy) for analogy in self.analogies],
            "width": self.stored.shape[1],
            "bits": 8 * self.stored.itemsize,
            "left_out": self.left_out,
            "tolerance": self.tolerance,
        }

    def blob(self) -> bytes:
        return self.stored.astype(self.stored.dtype.newbyteorder("<")).tobytes()

    def sentence(self, lang: str) -> str:
        said = [self._neighbours_said(lang), self._map_said(lang)]
        if self.analogies:
            said.append(self._analogy_said(self.analogies[0], lang))
        if self.left_out:
            said.append(phrase("{count} words are left out.", lang, count=f"{self.left_out:,}"))
        if self.tolerance is not None:
            bound = written(self.tolerance, 1)
            said.append(phrase("A cosine is off by at most {bound}.", lang, bound=bound))
        return " ".join(said)

    def _neighbours_said(self, lang: str) -> str:
        near = [(self.words[i], written(cosine)) for i, cosine in self.nearest(0, NEAREST)]
        named = {f"w{i}": word for i, (word, _) in enumerate(near)}
        measured = {f"c{i}": cosine for i, (_, cosine) in enumerate(near)}
        text = (
            "Of {count} words, nearest to “{word}” are “{w0}” (cosine {c0}), “{w1}” ({c1}) "
            "and “{w2}” ({c2})."
            if len(near) == NEAREST
            else "Of {count} words, nearest to “{word}” is “{w0}” (cosine {c0})."
        )
        count = f"{len(self.words):,}"
        return phrase(text, lang, word=self.words[0], count=count, **named, **measured)

    def _map_said(self, lang: str) -> str:
        if self.explained is None:
            text = "The places on the map were given; neighbours are computed in the full space."
            return t(text, lang)
        return phrase(
            "Two directions hold {share} % of the variance, so distances on the map mislead; "
            "neighbours are computed in the full space."
            if self.explained < MISLEADS
            else "Two directions hold {share} % of the variance; neighbours are computed in the "
            "full space.",
            lang,
            share=written(100 * self.explained),
        )

    def _analogy_said(self, analogy: Triple, lang: str) -> str:
        a, b, c = (self.words[row] for row in analogy)
        (found, cosine), (own, _) = (self.answers(analogy, allow)[0] for allow in (False, True))
        return phrase(
            "“{a}” is to “{b}” as “{c}” is to “{found}” ({cosine}); where these three may answer "
            "too, the answer is “{own}”.",
            lang, a=a, b=b, c=c, found=self.words[found], cosine=written(cosine),
            own=self.words[own],
        )  # fmt: skip

    def still(self, lang: str) -> str:
        near = [row for row, _ in self.nearest(0, 8)]
        arrows = [(a, b, c, self.answers((a, b, c), False)[0][0]) for a, b, c in self.analogies[:1]]
        return picture(
            self.words, self.positions, self.groups, self.group_of, near, arrows,
            self.sentence(lang),
        )  # fmt: skip

    def table(self, lang: str) -> Table:
        near = self.nearest(0, ROWS)
        head = (phrase("nearest to “{word}”", lang, word=self.words[0]), t("cosine", lang))
        return Table(head, tuple((self.words[row], written(cosine)) for row, cosine in near))


def word_map_record(
    vectors: Any,
    words: Sequence[Any],
    groups: Any = None,
    analogies: Sequence[Any] = (),
    method: str = "pca",
    positions: Any = None,
) -> WordMapRecord:
    """The record of vectors [n, width] and their words.

    Raises ``ValueError`` for NaN, for other shapes, for a vector of zeros, for a word given twice,
    for fewer than two words, and for groups or analogies that do not fit the words.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r} is unknown; take 'pca', or give positions [n, 2]")
    names, numbers = labels(words, "words"), finite(vectors, "vectors")
    if numbers.ndim != 2 or len(numbers) != len(names) or not numbers.size:
        raise ValueError(
            f"vectors of shape {numbers.shape} and {len(names)} words came; give one row a word"
        )
    kept = min(len(names), MOST_WORDS, max(2, MOST_NUMBERS // numbers.shape[1]))
    if kept < 2:
        raise ValueError("one word came; a map needs at least two")
    unit = _unit(np.asarray(VectorTable(names[:kept], numbers[:kept]).unit))
    stored, tolerance = _stored(unit)
    places, explained = _places(unit, positions, len(names))
    found = _groups(groups, tuple(words), names)
    return WordMapRecord(
        words=names[:kept],
        stored=stored,
        positions=places,
        explained=explained,
        groups=found[0],
        group_of=found[1][:kept],
        analogies=tuple(_analogy(triple, names[:kept]) for triple in analogies),
        left_out=len(names) - kept,
        tolerance=tolerance,
    )


def two_directions(rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Rows [n, width] along their two directions of largest variance, and the share these hold.

    The largest entry of each direction is positive, so that the same rows give the same map.
    """
    centred = rows - rows.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    directions, whole = directions[:2], float((sizes**2).sum())
    largest = np.abs(directions).argmax(axis=1)
    directions = (
        directions * np.where(directions[range(len(directions)), largest] < 0, -1, 1)[:, None]
    )
    places = np.zeros((len(rows), 2))
    places[:, : len(directions)] = centred @ directions.T
    return places, float((sizes[:2] ** 2).sum()) / whole if whole else 1.0


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _stored(unit: np.ndarray) -> tuple[np.ndarray, float | None]:
    """The rows as the page gets them, and how far a cosine can be off where 8 bits must do."""
    if unit.size <= EXACT_NUMBERS:
        return unit.astype(np.float32), None
    small = np.round(127 * unit / np.abs(unit).max(axis=1, keepdims=True)).astype(np.int8)
    again = _unit(small.astype(np.float64))
    worst = float(np.abs(again @ again.T - unit @ unit.T).max())
    power = 10.0 ** math.floor(math.log10(max(worst, 1e-9)))
    return small, math.ceil(worst / power) * power


def _places(unit: np.ndarray, positions: Any, given: int) -> tuple[np.ndarray, float | None]:
    if positions is None:
        return two_directions(unit)
    places = finite(positions, "positions")
    if places.shape != (given, 2):
        raise ValueError(
            f"positions of shape {places.shape} came for {given} words; give two numbers a word"
        )
    return places[: len(unit)], None


def _groups(
    groups: Any, words: tuple[Any, ...], names: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The names of the groups, and the group of each word."""
    if groups is None:
        return (), (-1,) * len(names)
    if isinstance(groups, Mapping):
        member = {word: name for name, members in groups.items() for word in members}
        if unknown := [word for word in member if word not in words]:
            raise ValueError(f"{unknown[0]!r} is in a group and is not among the words; add it")
        groups = [member.get(word) for word in words]
    if isinstance(groups, str) or len(groups) != len(names):
        raise ValueError(
            f"{len(groups)} groups came for {len(names)} words; give one a word, None for none"
        )
    of = [None if name is None else shown(name) for name in groups]
    found = tuple(dict.fromkeys(name for name in of if name is not None))
    if len(found) > len(MARKS):
        raise ValueError(f"{len(found)} groups came; at most {len(MARKS)} can be told apart")
    return found, tuple(-1 if name is None else found.index(name) for name in of)


def _analogy(triple: Any, names: tuple[str, ...]) -> Triple:
    if isinstance(triple, str) or len(triple) != 3:
        raise ValueError(f"{triple!r} is no analogy; give three words: a is to b as c is to what?")
    if len(names) < 4:
        raise ValueError(f"{len(names)} words came; an analogy needs a fourth that can answer")
    for word in map(shown, triple):
        if word not in names:
            raise ValueError(f"{word!r} has no vector here; ask with the {len(names)} words shown")
    a, b, c = (names.index(shown(word)) for word in triple)
    return a, b, c


def word_map(
    vectors: Any,
    words: Sequence[Any],
    *,
    groups: Any = None,
    analogies: Sequence[Any] = (),
    method: str = "pca",
    positions: Any = None,
    title: str = "A map of words",
    lang: str | None = None,
    trained: bool = False,
) -> View:
    """Words on a map: choose one, see its neighbours, ask a is to b as c is to what.

    ``vectors`` [n, width], the most frequent words first; lengths do not matter, only directions.
    ``groups`` names the group of each word, or maps a group to its words; ``analogies`` are triples
    (a, b, c). The map shows the two directions of largest variance of the vectors scaled to length
    1, or ``positions`` [n, 2]. Errors as for ``word_map_record``.
    """
    record = word_map_record(vectors, words, groups, analogies, method, positions)
    return view(record, title, lang, trained)
