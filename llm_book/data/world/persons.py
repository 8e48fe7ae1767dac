"""The people of the world: who they are, where they live, what they do, own, like and keep.

One seed, one world. Every split has people of its own, so nothing said about the people of the
test split is known from training.
"""

import random
from dataclasses import dataclass
from functools import cache

from llm_book.data.world.grammar import Pair, pick, sample, shuffled
from llm_book.data.world.nouns import COLOURS, FOODS, JOBS, MEN, PETS, THINGS, TOWNS, WOMEN, Noun
from llm_book.data.world.requests import SPLITS, check_known


@dataclass(frozen=True)
class Person:
    """A person: everything is an (English, Chinese) pair, but for nouns that can be counted.

    `friend` is a name; friendship is mutual. `likes` and `dislikes` are two different foods.
    """

    name: Pair
    female: bool
    job: Pair
    home: Pair
    pet: Noun
    thing: Noun
    colour: Pair
    likes: Pair
    dislikes: Pair
    friend: Pair


@cache
def people(seed: int = 0, split: str = "train") -> tuple[Person, ...]:
    """Everybody in a split of the world that `seed` makes: 40 in training, 16 in the others.

    Raises ValueError for an unknown split.
    """
    check_known("split", split, SPLITS)
    rng = random.Random(f"people {split} {seed}")
    names = shuffled(rng, WOMEN[split] + MEN[split])
    return tuple(_person(rng, split, name, names) for name in names)


def _person(rng: random.Random, split: str, name: Pair, names: list[Pair]) -> Person:
    likes, dislikes = sample(rng, FOODS, 2)
    return Person(
        name=name,
        female=name in WOMEN[split],
        job=pick(rng, JOBS),
        home=pick(rng, TOWNS),
        pet=pick(rng, PETS),
        thing=pick(rng, THINGS),
        colour=pick(rng, COLOURS),
        likes=likes,
        dislikes=dislikes,
        friend=names[names.index(name) ^ 1],  # neighbours in the list are friends
    )
