"""A synchronous grammar: one derivation, one English string and one Chinese string.

A *frame* is a sentence with named slots, in both languages: ("{a} was {y}.", "{a}很{y}。").
Filling the slots with pairs of words says the same thing twice.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Pair = tuple[str, str]
"""The same thing in English and in Chinese."""

T = TypeVar("T")


@dataclass(frozen=True)
class Sentence:
    """A frame and what stands in its slots."""

    frame: Pair
    words: Mapping[str, Pair]

    @property
    def english(self) -> str:
        """The sentence in English, with a capital at its beginning."""
        text = self.frame[0].format(**{slot: pair[0] for slot, pair in self.words.items()})
        return text[0].upper() + text[1:]

    @property
    def chinese(self) -> str:
        """The sentence in Chinese."""
        return self.frame[1].format(**{slot: pair[1] for slot, pair in self.words.items()})


def pairs(table: str) -> tuple[Pair, ...]:
    """The rows of a table written as "English=中文; English=中文; …"."""
    rows = (row.split("=") for row in table.split(";"))
    return tuple((english.strip(), chinese.strip()) for english, chinese in rows)


# Of everything in `random`, only random() is promised to give the same numbers in every version
# of Python, so every draw is made from it.


def chance(rng: random.Random, probability: float) -> bool:
    """True with ``probability``, which lies between 0 and 1."""
    return rng.random() < probability


def pick(rng: random.Random, options: Sequence[T]) -> T:
    """One of the options, each equally likely."""
    return options[int(rng.random() * len(options))]


def sample(rng: random.Random, items: Sequence[T], size: int) -> list[T]:
    """`size` of the items, none twice, in an order drawn at random (Fisher and Yates)."""
    rest = list(items)
    return [rest.pop(int(rng.random() * len(rest))) for _ in range(size)]


def shuffled(rng: random.Random, items: Sequence[T]) -> list[T]:
    """All of the items in an order drawn at random."""
    return sample(rng, items, len(items))
