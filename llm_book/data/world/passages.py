"""Passages about made-up people, and sentences with the place of their answer.

A passage holds what is said of a few people for the occasion, so that only who reads it can
answer; the people of a split are its own, their attributes are drawn anew for each passage.
"""

import random
from dataclasses import dataclass

from llm_book.data.world.grammar import Pair, pick, sample, shuffled
from llm_book.data.world.nouns import COLOURS, FOODS, JOBS, MEN, PETS, THINGS, TOWNS, WOMEN
from llm_book.data.world.persons import Person
from llm_book.data.world.relations import STATEMENTS, answer

PEOPLE = 3
"""People that a passage speaks of."""


@dataclass(frozen=True)
class Said:
    """One sentence of a passage: about whom, which relation, in which words."""

    person: Person
    relation: str
    frame: Pair

    @property
    def answer(self) -> Pair:
        """What fills the frame's {y}."""
        return answer(self.person, self.relation)

    def text(self, side: int) -> str:
        """The sentence in one language, with a capital."""
        said = self.frame[side].format(p=self.person.name[side], y=self.answer[side])
        return said[0].upper() + said[1:]

    def start(self, side: int) -> int:
        """The character at which the answer starts in the sentence."""
        return len(self.frame[side].split("{y}")[0].format(p=self.person.name[side]))


@dataclass(frozen=True)
class Passage:
    """What is said, in order, of the people that it is about."""

    people: tuple[Person, ...]
    said: tuple[Said, ...]

    def text(self, side: int) -> str:
        """The passage in English (0) or Chinese (1)."""
        return _separator(side).join(row.text(side) for row in self.said)

    def start(self, number: int, side: int) -> int:
        """The character at which the answer in sentence `number` starts in the passage."""
        before = sum(len(row.text(side)) + len(_separator(side)) for row in self.said[:number])
        return before + self.said[number].start(side)

    def relations(self, person: Person) -> set[str]:
        """What is said of somebody."""
        return {row.relation for row in self.said if row.person == person}


def draw_passage(rng: random.Random, split: str) -> Passage:
    """Three people, of each of whom two to four things are said, mixed."""
    people = _strangers(rng, split)
    said = [
        Said(person, relation, pick(rng, STATEMENTS[relation][split]))
        for person in people
        for relation in sample(rng, tuple(STATEMENTS), pick(rng, (2, 3, 4)))
    ]
    return Passage(people, tuple(shuffled(rng, said)))


def _strangers(rng: random.Random, split: str) -> tuple[Person, ...]:
    """People of a split's names with attributes that no two of them share."""
    names = sample(rng, WOMEN[split] + MEN[split], 2 * PEOPLE)
    foods = sample(rng, FOODS, 2 * PEOPLE)
    jobs, homes = sample(rng, JOBS, PEOPLE), sample(rng, TOWNS, PEOPLE)
    pets, things = sample(rng, PETS, PEOPLE), sample(rng, THINGS, PEOPLE)
    colours = sample(rng, COLOURS, PEOPLE)
    return tuple(
        Person(
            name=names[i],
            female=names[i] in WOMEN[split],
            job=jobs[i],
            home=homes[i],
            pet=pets[i],
            thing=things[i],
            colour=colours[i],
            likes=foods[i],
            dislikes=foods[PEOPLE + i],
            friend=names[PEOPLE + i],
        )
        for i in range(PEOPLE)
    )


def _separator(side: int) -> str:
    return " " if side == 0 else ""
