"""Leaks between splits: texts of the test set that were seen, or nearly seen, in training."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llm_book.data.minhash import MinHash, jaccard

# A Chinese or Japanese character is a word of its own: these scripts do not part their words.
WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+"
)
THRESHOLD = 0.8
SHINGLE = 5  # words
NGRAM = 13  # words


@dataclass(frozen=True)
class NearDuplicate:
    """Two texts by their places, and the Jaccard similarity of their shingles, 0 to 1."""

    first: int
    second: int
    similarity: float


@dataclass(frozen=True)
class LeakReport:
    """Which test texts stand in the training texts; all are places in the test set.

    `exact`: letter for letter; `normalised`: but for case, width and punctuation; `near`: not
    equal, but alike to `threshold` or more, each with the training text most like it. A text is
    named once, by the strictest. `chance_found` is the probability of finding a pair that is just
    as alike as the threshold; likelier pairs are found more surely, and none is named wrongly.
    """

    n_train: int
    n_test: int
    exact: tuple[int, ...]
    normalised: tuple[int, ...]
    near: tuple[NearDuplicate, ...]
    threshold: float
    chance_found: float

    @property
    def leaked(self) -> tuple[int, ...]:
        """Every test text that was named, in order: leave these out, or out of training."""
        near = (pair.second for pair in self.near)
        return tuple(sorted({*self.exact, *self.normalised, *near}))

    def __str__(self) -> str:
        return (
            f"of {self.n_test:,} test texts {len(self.exact):,} stand among the {self.n_train:,} "
            f"training texts letter for letter, {len(self.normalised):,} more but for case and "
            f"punctuation, and {len(self.near):,} more nearly (similarity {self.threshold:g} or "
            f"more; a pair at {self.threshold:g} is found with probability {self.chance_found:.4f})"
        )


def find_leaks(
    train: Sequence[str],
    test: Sequence[str],
    threshold: float = THRESHOLD,
    shingle: int = SHINGLE,
    minhash: MinHash | None = None,
) -> LeakReport:
    """The test texts that stand in the training texts, exactly, normalised or nearly.

    Similarity is that of the texts' runs of `shingle` words, computed exactly for the candidates
    that MinHash names; what it may miss is stated in the report. Raises ValueError for a threshold
    outside (0, 1] and a shingle below 1 word.
    """
    minhash = minhash or MinHash()
    seen, seen_normalised = set(train), {normalised(text) for text in train} - {""}
    exact = [i for i, text in enumerate(test) if text in seen]
    known = set(exact)
    rest = [i for i in range(len(test)) if i not in known]
    equal = [i for i in rest if normalised(test[i]) in seen_normalised]
    known.update(equal)
    best: dict[int, NearDuplicate] = {}
    for pair in near_duplicates_between(train, test, threshold, shingle, minhash):
        if pair.second not in known:
            old = best.setdefault(pair.second, pair)
            if pair.similarity > old.similarity:
                best[pair.second] = pair
    return LeakReport(
        n_train=len(train),
        n_test=len(test),
        exact=tuple(exact),
        normalised=tuple(equal),
        near=tuple(best.values()),
        threshold=threshold,
        chance_found=minhash.chance_found(threshold),
    )


def near_duplicates(
    texts: Sequence[str],
    threshold: float = THRESHOLD,
    shingle: int = SHINGLE,
    minhash: MinHash | None = None,
) -> list[NearDuplicate]:
    """Pairs of texts within one set that are alike to the threshold, equal ones included.

    `first` < `second`. Raises ValueError as `find_leaks` does.
    """
    pairs = near_duplicates_between(texts, texts, threshold, shingle, minhash)
    return [pair for pair in pairs if pair.first < pair.second]


def near_duplicates_between(
    first: Sequence[str],
    second: Sequence[str],
    threshold: float = THRESHOLD,
    shingle: int = SHINGLE,
    minhash: MinHash | None = None,
) -> list[NearDuplicate]:
    """Pairs of a text of each set that are alike to the threshold, by their places.

    Texts without a word have no pair. A pair is missed with probability 1 − `chance_found`, and
    none is named that is not as alike. Raises ValueError as `find_leaks` does.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}; it must lie in (0, 1], such as {THRESHOLD}")
    minhash = minhash or MinHash()
    sets = [
        [(i, shingles(text, shingle)) for i, text in enumerate(side)] for side in (first, second)
    ]
    kept = [[(i, members) for i, members in side if members] for side in sets]
    signatures = [[minhash.signature(members) for _, members in side] for side in kept]
    found = []
    for one, other in minhash.candidates(*signatures):
        (i, mine), (j, theirs) = kept[0][one], kept[1][other]
        if (similarity := jaccard(mine, theirs)) >= threshold:
            found.append(NearDuplicate(i, j, similarity))
    return found


def ngram_overlap(train: Sequence[str], test: Sequence[str], n: int = NGRAM) -> list[float]:
    """For each test text the share of its runs of `n` words that occur in training, 0 to 1.

    A text of fewer than `n` words has no such run, and 0. Raises ValueError for n below 1. Source:
    Brown et al. (2020), Appendix C, who call a text with one shared 13-gram contaminated.
    """
    seen = {gram for text in train for gram in _ngrams(words(text), n)}
    grams = [list(_ngrams(words(text), n)) for text in test]
    return [sum(gram in seen for gram in own) / max(len(own), 1) for own in grams]


def words(text: str) -> list[str]:
    """The text's words without case, width and punctuation; each Chinese character is one."""
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def normalised(text: str) -> str:
    """The text's words with single spaces between: equal for texts that differ in form only."""
    return " ".join(words(text))


def shingles(text: str, n: int = SHINGLE) -> set[str]:
    """The text's runs of `n` words; of a shorter text, all of it as one run.

    Raises ValueError for n below 1.
    """
    found = words(text)
    return set(_ngrams(found, min(n, len(found)) if found else n))


def _ngrams(found: list[str], n: int) -> Iterator[str]:
    if n < 1:
        raise ValueError(f"a run of {n} words is none; choose at least 1")
    return (" ".join(found[i : i + n]) for i in range(len(found) - n + 1))
