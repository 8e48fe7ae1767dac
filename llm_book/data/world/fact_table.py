"""The world as a table of facts: who lives where, works as what, owns, keeps, likes and knows."""

import random
from dataclasses import dataclass

from llm_book.data.world.grammar import Pair, Sentence, pick
from llm_book.data.world.persons import people
from llm_book.data.world.relations import STATEMENTS, answer
from llm_book.data.world.requests import LANGUAGES, check_known


@dataclass(frozen=True)
class Fact:
    """A relation that holds in the world of a seed: a subject, a relation, an object, a sentence.

    relation: "home", "job", "pet", "owns", "likes", "dislikes" or "friend".
    """

    subject: str
    relation: str
    object: str
    text: str


def facts(seed: int = 0, split: str = "train", language: str = "en") -> list[Fact]:
    """Everything that holds of the people of a split: one fact for each person and relation.

    The same facts in the same order in both languages. Raises ValueError for an unknown split or
    language.
    """
    check_known("language", language, LANGUAGES)
    everybody = people(seed, split)  # refuses an unknown split
    rng = random.Random(f"facts {split} {seed}")
    return [
        _fact(person.name, relation, answer(person, relation), pick(rng, frames[split]), language)
        for person in everybody
        for relation, frames in STATEMENTS.items()
    ]


def _fact(subject: Pair, relation: str, found: Pair, frame: Pair, language: str) -> Fact:
    said = Sentence(frame, {"p": subject, "y": found})
    side = LANGUAGES.index(language)
    return Fact(subject[side], relation, found[side], (said.english, said.chinese)[side])
