"""Passages with a question and the span that answers it, or none.

A question that cannot be answered asks of somebody in the passage what it does not say; of others
it does, so that a reader who only looks for the right kind of word is caught.
"""

import random
from dataclasses import dataclass

from llm_book.data.world.grammar import chance, pick
from llm_book.data.world.passages import Passage, draw_passage
from llm_book.data.world.relations import QUESTIONS
from llm_book.data.world.requests import LANGUAGES, check_request

UNANSWERABLE = 0.28
"""Probability that the passage does not hold the answer."""


@dataclass(frozen=True)
class Answer:
    """A span of the passage: its text, and the character, counted from 0, at which it starts."""

    text: str
    start: int


@dataclass(frozen=True)
class WorldQuestion:
    """A passage (`context`), a question (`text`), its answer, or None where there is none.

    relation: what is asked, "home", "job", …; the same in both languages.
    """

    id: str
    context: str
    text: str
    answer: Answer | None
    relation: str


def questions(
    n: int, seed: int = 0, split: str = "train", language: str = "en"
) -> list[WorldQuestion]:
    """`n` questions, each about a passage of its own; more of them begin with the same ones.

    28 % cannot be answered. Both languages ask the same. Raises ValueError for a negative n, an
    unknown split or language.
    """
    check_request(n, "questions", split, language)
    rng = random.Random(f"questions {split} {seed}")
    side = LANGUAGES.index(language)
    return [
        _question(rng, draw_passage(rng, split), f"question-{split}-{seed}-{number}", split, side)
        for number in range(n)
    ]


def _question(
    rng: random.Random, passage: Passage, name: str, split: str, side: int
) -> WorldQuestion:
    if chance(rng, UNANSWERABLE):
        person = pick(rng, passage.people)
        others = set().union(*(passage.relations(p) for p in passage.people if p != person))
        unsaid = [r for r in QUESTIONS if r in others - passage.relations(person)]
        relation = pick(rng, unsaid or [r for r in QUESTIONS if r not in passage.relations(person)])
        found = None
    else:
        number = pick(rng, range(len(passage.said)))
        said, start = passage.said[number], passage.start(number, side)
        person, relation = said.person, said.relation
        # As it stands in the passage: a capital where it begins a sentence.
        found = Answer(passage.text(side)[start : start + len(said.answer[side])], start)
    asked = pick(rng, QUESTIONS[relation][split])[side].format(p=person.name[side])
    return WorldQuestion(name, passage.text(side), asked, found, relation)
