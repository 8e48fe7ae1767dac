"""English–Chinese sentence pairs that know their alignment, split in three ways.

"random": training and test are drawn alike, a control. "combinations": the test sentences hold
verb–noun or colour–noun pairs that never meet in training, though each word does. "length": every
test sentence is longer than every training sentence.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass

from llm_book.data.world.aligned import Link, Phrase
from llm_book.data.world.clauses import VERBS, sentence, two_clauses
from llm_book.data.world.nouns import COLOURS, THINGS
from llm_book.data.world.requests import check_known, check_request

SETTINGS = ("random", "combinations", "length")

SHORT = 12
"""Words and marks of the longest English sentence that "length" trains on."""

LONG = 16
"""Words and marks of the shortest English sentence that "length" tests on."""


HEADS = [base for _, base, _ in VERBS] + [english for english, _ in COLOURS]

HELD_OUT = frozenset(
    (head, thing.english)
    for i, head in enumerate(HEADS)
    for j, thing in enumerate(THINGS)
    if (2 * i + j) % 5 == 0
)
"""The fifth of verb–noun and colour–noun pairs that "combinations" keeps for the test."""


@dataclass(frozen=True)
class TranslationPair:
    """A sentence in both languages, its tokens, and which token translates which.

    `english_tokens` are words and marks, no capital at the start; `chinese_tokens` likewise.
    `alignment` holds links (English position, Chinese position), counted from 0, sorted; function
    words without a counterpart have none. `combinations`: its verb–noun and colour–noun pairs.
    """

    id: str
    english: str
    chinese: str
    english_tokens: tuple[str, ...]
    chinese_tokens: tuple[str, ...]
    alignment: tuple[Link, ...]
    combinations: frozenset[tuple[str, str]]

    @property
    def chinese_characters(self) -> tuple[str, ...]:
        """The Chinese sentence character by character."""
        return tuple(self.chinese)

    @property
    def character_alignment(self) -> tuple[Link, ...]:
        """The links with Chinese characters in the place of words: each character its word's."""
        starts = [0]
        for word in self.chinese_tokens:
            starts.append(starts[-1] + len(word))
        return tuple(
            (i, position) for i, j in self.alignment for position in range(starts[j], starts[j + 1])
        )


def translation_pairs(
    n: int, seed: int = 0, split: str = "train", setting: str = "random"
) -> list[TranslationPair]:
    """`n` different pairs of a split; more of them begin with the same ones.

    `setting` says how training and test differ: "random", "combinations" or "length"; validation
    is like training. Raises ValueError for a negative n, an unknown split or setting.
    """
    check_request(n, "translation pairs", split)
    check_known("setting", setting, SETTINGS)
    rng = random.Random(f"translation {setting} {split} {seed}")
    draw: Callable[[random.Random], Phrase] = (
        two_clauses if (setting, split) == ("length", "test") else sentence
    )
    found: list[TranslationPair] = []
    texts: set[str] = set()
    while len(found) < n:
        phrase = draw(rng)
        english = _english(phrase.english)
        if english not in texts and split == _split(phrase, english, setting):
            texts.add(english)
            found.append(_pair(f"pair-{setting}-{split}-{seed}-{len(found)}", phrase, english))
    return found


def _split(phrase: Phrase, english: str, setting: str) -> str:
    """The split of a sentence, empty where it belongs to none: a function of its words alone."""
    tenth = hashlib.sha256(english.encode()).digest()[0] % 10  # the same on every platform
    if setting == "random":
        return {0: "test", 1: "validation"}.get(tenth, "train")
    if setting == "combinations":
        unseen = bool(phrase.combinations & HELD_OUT)
    else:
        unseen = len(phrase.english) >= LONG
        if not unseen and len(phrase.english) > SHORT:
            return ""
    if unseen:
        return "test"
    return "validation" if tenth == 1 else "train"


def _pair(name: str, phrase: Phrase, english: str) -> TranslationPair:
    return TranslationPair(
        id=name,
        english=english,
        chinese="".join(phrase.chinese),
        english_tokens=phrase.english,
        chinese_tokens=phrase.chinese,
        alignment=phrase.links,
        combinations=phrase.combinations,
    )


def _english(words: tuple[str, ...]) -> str:
    """The words as a sentence is written: marks close up, the first letter is a capital."""
    text = " ".join(words)
    for mark in ".,?":
        text = text.replace(f" {mark}", mark)
    return text[0].upper() + text[1:]
