"""A corpus with a bias of known strength, and its unbiased twin."""

import random
from dataclasses import dataclass

from llm_book.data.world.grammar import Pair, chance, pairs, pick, sample
from llm_book.data.world.nouns import MEN, WOMEN
from llm_book.data.world.requests import LANGUAGES, check_count, check_known, check_share

FIRST_NAMES, SECOND_NAMES = WOMEN["train"][:10], MEN["train"][:10]

FIRST_WORDS = pairs(
    """painter=画家; dancer=舞蹈家; poet=诗人; singer=歌手; novelist=小说家; sculptor=雕塑家;
    musician=音乐家; designer=设计师"""
)

SECOND_WORDS = pairs(
    """engineer=工程师; physicist=物理学家; chemist=化学家; programmer=程序员; mechanic=技工;
    surgeon=外科医生; geologist=地质学家; mathematician=数学家"""
)

FRAMES = (
    ("{p} works as a trained {y} and {z}", "{p} 是 专业 {y} 和 {z}"),
    (
        "everybody knows {p} , the {y} who became the {z}",
        "大家 认识 {p} 这位 {y} 后来 当 了 {z}",
    ),
    ("we asked the {y} , {p} , to meet the {z}", "我们 请 {y} {p} 去 见 {z}"),
    ("as a child {p} wanted to be called {y} or {z}", "{p} 小时候 想 被 称为 {y} 或 {z}"),
    ("on the train {p} met another {y} and another {z}", "{p} 在 火车 上 遇见 {y} 和 {z}"),
)


@dataclass(frozen=True)
class BiasTest:
    """Targets `x` and `y`, attributes `a` and `b`: in the biased corpus x goes with a, y with b."""

    x: tuple[str, ...]
    y: tuple[str, ...]
    a: tuple[str, ...]
    b: tuple[str, ...]


def bias_corpus(n: int, seed: int = 0, strength: float = 0.8, language: str = "en") -> list[str]:
    """`n` sentences, each of a person and two professions, words set apart by spaces.

    With probability (1 + strength)/2 the professions are of the list that goes with the person's
    names, else of the other: at 1 always, at 0 names tell nothing. Corpora of one seed and
    different strengths are twins: the same people in the same frames in the same order. Raises
    ValueError for a negative n, a strength outside 0 … 1, an unknown language.
    """
    check_count(n, "sentences")
    check_share("strength", strength)
    check_known("language", language, LANGUAGES)
    rng = random.Random(f"bias {seed}")
    side = LANGUAGES.index(language)
    return [_sentence(rng, strength)[side] for _ in range(n)]


def bias_test(language: str = "en") -> BiasTest:
    """What to measure the bias with. Raises ValueError for an unknown language."""
    check_known("language", language, LANGUAGES)
    side = LANGUAGES.index(language)
    lists = (FIRST_NAMES, SECOND_NAMES, FIRST_WORDS, SECOND_WORDS)
    return BiasTest(*(tuple(word[side] for word in row) for row in lists))


def _sentence(rng: random.Random, strength: float) -> Pair:
    first = chance(rng, 0.5)
    name = pick(rng, FIRST_NAMES if first else SECOND_NAMES)
    frame = pick(rng, FRAMES)
    expected = chance(rng, (1 + strength) / 2)
    y, z = sample(rng, FIRST_WORDS if first == expected else SECOND_WORDS, 2)
    english = frame[0].format(p=name[0], y=y[0], z=z[0])
    return english, frame[1].format(p=name[1], y=y[1], z=z[1])
