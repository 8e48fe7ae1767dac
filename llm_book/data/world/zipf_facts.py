"""A table of facts that are asked for as often as Zipf's law says, and what knowing some is worth.

Fact i (from 1) is asked for with probability proportional to i^−exponent; its answer is one of a
few, drawn uniformly, and follows from nothing. So the only way to do better is to remember more,
and how the loss falls with what is remembered can be written down.
"""

import random
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import log

from llm_book.data.world.grammar import Pair, pick
from llm_book.data.world.names import made_up_name
from llm_book.data.world.requests import LANGUAGES, check_count, check_known

FRAME: Pair = ("The room of {p} is number {y}.", "{p}的房间是{y}号。")


@dataclass(frozen=True)
class ZipfFacts:
    """`n_facts` facts with `n_answers` possible answers each, drawn by a seed.

    Facts are numbered from 0, the likeliest first. Raises ValueError for fewer than one fact or
    answer and for an exponent that is not above 1, where no law holds without an end.
    """

    n_facts: int = 1000
    n_answers: int = 10
    exponent: float = 1.5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_facts < 1 or self.n_answers < 1:
            raise ValueError(
                f"{self.n_facts} facts with {self.n_answers} answers are no table; "
                "take 1 or more of both."
            )
        if not self.exponent > 1:
            raise ValueError(f"exponent is {self.exponent}; take one above 1.")

    @cached_property
    def probabilities(self) -> tuple[float, ...]:
        """How probable each fact is to be asked for; they sum to one."""
        weights = [(i + 1) ** -self.exponent for i in range(self.n_facts)]
        total = sum(weights)
        return tuple(weight / total for weight in weights)

    @cached_property
    def answers(self) -> tuple[int, ...]:
        """The answer to each fact, 0 … n_answers − 1."""
        rng = random.Random(f"zipf answers {self.seed}")
        return tuple(pick(rng, range(self.n_answers)) for _ in range(self.n_facts))

    @cached_property
    def names(self) -> tuple[Pair, ...]:
        """Whom each fact is about, in English and Chinese, nobody twice."""
        rng = random.Random(f"zipf names {self.seed}")
        found: dict[Pair, None] = {}
        while len(found) < self.n_facts:
            found[made_up_name(rng, "train")] = None
        return tuple(found)

    def draw(self, n: int, seed: int = 0) -> list[int]:
        """The numbers of `n` facts, as often as they are asked for; more begin with the same.

        Raises ValueError for a negative n.
        """
        check_count(n, "facts")
        rng = random.Random(f"zipf draws {self.seed} {seed}")
        ends = list(accumulate(self.probabilities[:-1]))
        return [bisect_right(ends, rng.random()) for _ in range(n)]

    def text(self, fact: int, language: str = "en") -> str:
        """A fact as a sentence.

        Raises IndexError for a number outside, ValueError for an unknown language.
        """
        check_known("language", language, LANGUAGES)
        if not 0 <= fact < self.n_facts:
            raise IndexError(f"There is no fact {fact}; take one from 0 to {self.n_facts - 1}.")
        side = LANGUAGES.index(language)
        return FRAME[side].format(p=self.names[fact][side], y=self.answers[fact])

    def loss_of_top(self, k: int) -> float:
        """The least loss, nats a question, of who knows the k likeliest facts and no other.

        Σ_{i > k} p_i · ln n_answers: nothing is lost on what is known, and of the others every
        answer is equally probable. No other k facts do better. Raises ValueError for a negative k.
        """
        check_count(k, "facts")
        return log(self.n_answers) * sum(self.probabilities[k:])

    def loss_after(self, n: int) -> float:
        """The expected loss of who remembers all of n draws: Σ p_i (1 − p_i)^n · ln n_answers.

        Source: Hutter (2021), with the log loss. Raises ValueError for a negative n.
        """
        check_count(n, "draws")
        unseen = sum(p * (1 - p) ** n for p in self.probabilities)
        return log(self.n_answers) * unseen

    @property
    def learning_exponent(self) -> float:
        """β = 1 − 1/exponent: the loss falls as n^−β with the draws, while n_facts is no limit.

        Source: Hutter (2021), where exponent = 1 + α and β = α/(1 + α).
        """
        return 1 - 1 / self.exponent
