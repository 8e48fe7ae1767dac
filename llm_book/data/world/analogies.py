"""A corpus in which analogies and similarities are planted, and the lists to find them by.

Each word has the frames of its role and four materials it is spoken of with. "king" and "queen"
share materials and differ in role, as "uncle" and "aunt" do: so the difference is the same. For
the unplanted pairs the materials of the two words are drawn apart.
"""

import random
from dataclasses import dataclass
from functools import cache

from llm_book.data.world.grammar import Pair, pick, sample
from llm_book.data.world.relation_words import FRAMES, MATERIALS, PLANTED, SYNONYMS, UNPLANTED
from llm_book.data.world.requests import LANGUAGES, check_count, check_known

Analogy = tuple[str, str, str, str]
"""a is to b as c is to d."""

ALIKE, SAME_ROLE, UNLIKE = 2, 1, 0
"""Grades of similarity: shared role and materials, shared role alone, neither."""


@dataclass(frozen=True)
class _Word:
    """A word of the corpus with its relation, its side in it, and its four materials."""

    word: Pair
    relation: str
    side: int
    materials: tuple[Pair, ...]


def analogy_corpus(n: int, seed: int = 0, language: str = "en") -> list[str]:
    """`n` sentences, their words set apart by single spaces, without capitals but in names.

    Every word is as probable as any other. More sentences begin with the same ones. Raises
    ValueError for a negative n and for an unknown language.
    """
    check_count(n, "sentences")
    check_known("language", language, LANGUAGES)
    words = _words(seed)
    rng = random.Random(f"analogies {seed}")
    side = LANGUAGES.index(language)
    return [_sentence(rng, pick(rng, words))[side] for _ in range(n)]


def shuffled_corpus(sentences: list[str], seed: int = 0) -> list[str]:
    """The same words in sentences of the same lengths, all mixed: a negative control."""
    rng = random.Random(f"shuffled {seed}")
    words = shuffled_quickly(rng, [word for sentence in sentences for word in sentence.split(" ")])
    given = iter(words)
    return [" ".join(next(given) for _ in sentence.split(" ")) for sentence in sentences]


def shuffled_quickly(rng: random.Random, items: list[str]) -> list[str]:
    """The items in random order, in time linear in their number."""
    mixed = list(items)
    for last in range(len(mixed) - 1, 0, -1):
        other = int(rng.random() * (last + 1))
        mixed[last], mixed[other] = mixed[other], mixed[last]
    return mixed


def planted_analogies(language: str = "en") -> dict[str, list[Analogy]]:
    """For each planted relation all its analogies: they must hold on the corpus.

    Raises ValueError for an unknown language.
    """
    return {relation: _analogies(couples, language) for relation, couples in PLANTED.items()}


def unplanted_analogies(language: str = "en") -> dict[str, list[Analogy]]:
    """Analogies that look alike and must not hold. Raises ValueError for an unknown language."""
    return {relation: _analogies(couples, language) for relation, couples in UNPLANTED.items()}


def planted_similarities(seed: int = 0, language: str = "en") -> list[tuple[str, str, int]]:
    """(word, word, grade): pairs that share role and materials 2, the role alone 1, neither 0.

    Ten of grade 2, twenty each of the others, drawn by the seed. Raises ValueError for an unknown
    language.
    """
    check_known("language", language, LANGUAGES)
    rng = random.Random(f"similarities {seed}")
    side = LANGUAGES.index(language)
    alike = [(a, b, ALIKE) for a, b in SYNONYMS]
    columns = [column for couples in PLANTED.values() for column in zip(*couples, strict=True)]
    same = [(*sample(rng, pick(rng, columns), 2), SAME_ROLE) for _ in range(20)]
    others = [sample(rng, columns, 2) for _ in range(20)]
    neither = [(*_strangers(rng, left, right), UNLIKE) for left, right in others]
    return [(a[side], b[side], grade) for a, b, grade in [*alike, *same, *neither]]


def _strangers(
    rng: random.Random, left: tuple[Pair, ...], right: tuple[Pair, ...]
) -> tuple[Pair, Pair]:
    """A word of each column, not of the same row: rows of one relation share their materials."""
    first, second = sample(rng, range(len(left)), 2)
    return left[first], right[second]


def _analogies(couples: tuple[tuple[Pair, Pair], ...], language: str) -> list[Analogy]:
    check_known("language", language, LANGUAGES)
    side = LANGUAGES.index(language)
    return [
        (a[side], b[side], c[side], d[side])
        for a, b in couples
        for c, d in couples
        if (a, b) != (c, d)
    ]


def _sentence(rng: random.Random, word: _Word) -> Pair:
    frame = pick(rng, FRAMES[word.relation][word.side])
    m, n = sample(rng, word.materials, 2)
    english = frame[0].format(w=word.word[0], m=m[0], n=n[0])
    return english, frame[1].format(w=word.word[1], m=m[1], n=n[1])


@cache
def _words(seed: int) -> tuple[_Word, ...]:
    """Every word with its materials, which the seed draws."""
    rng = random.Random(f"materials {seed}")
    found = []
    for relation, couples in {**PLANTED, "synonym": SYNONYMS, **UNPLANTED}.items():
        for couple in couples:
            shared = tuple(sample(rng, MATERIALS, 4))
            for side, word in enumerate(couple):
                own = tuple(sample(rng, MATERIALS, 4)) if relation in UNPLANTED else shared
                found.append(_Word(word, relation, side, own))
    return tuple(found)
