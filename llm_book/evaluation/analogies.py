"""Man is to king as woman is to …: whether differences between vectors carry over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from llm_book.evaluation.similarity import VectorTable

METHODS = ("add", "multiply")
PART = 256  # questions answered together: [questions, words] numbers must fit in memory
Question = Sequence[str]


@dataclass(frozen=True)
class AnalogyScore:
    """Answers to a list of analogies: ``right`` of ``covered``; ``missing`` lacked a vector."""

    right: int
    covered: int
    missing: int

    @property
    def accuracy(self) -> float:
        """The share of covered analogies answered right, 0 to 1; 0 where none is covered."""
        return self.right / self.covered if self.covered else 0.0

    def __add__(self, other: AnalogyScore) -> AnalogyScore:
        return AnalogyScore(
            self.right + other.right, self.covered + other.covered, self.missing + other.missing
        )


def answers(
    table: VectorTable,
    questions: Sequence[Question],
    method: str = "add",
    exclude_query: bool = True,
    epsilon: float = 1e-6,
) -> list[str]:
    """For each a, b, c the word d that makes "a is to b as c is to d" fit best.

    "add" (3CosAdd) takes the word nearest to b − a + c; "multiply" (3CosMul) the one with the
    largest cos(d, b) · cos(d, c) / (cos(d, a) + ε), each cosine moved to 0 … 1. Without
    ``exclude_query`` the answer may be a, b or c itself, and usually is b or c. ε is 1e-6 as in
    gensim; Levy and Goldberg used 0.001. Raises KeyError for a word without a vector.
    Source: Mikolov et al. (2013c); Levy and Goldberg (2014b), equation 4.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r} is unknown; choose one of {', '.join(METHODS)}")
    rows = np.array([[table.row(word) for word in q[:3]] for q in questions], int).reshape(
        len(questions), 3
    )
    found = []
    for part in np.array_split(rows, range(PART, len(rows), PART)):
        fit = _fit(table.unit, part, method, epsilon)
        if exclude_query:
            for row, query in zip(fit, part, strict=True):
                for i in query:
                    row[table.rows(table.words[i])] = -np.inf
        found += [table.words[i] for i in fit.argmax(1)]
    return found


def analogy_scores(
    table: VectorTable,
    sections: Mapping[str, Sequence[Question]],
    method: str = "add",
    exclude_query: bool = True,
    missing_as_wrong: bool = False,
) -> dict[str, AnalogyScore]:
    """How many of the analogies (a, b, c, d) of each section are answered right.

    One with an unknown word is left out and counted as missing, or with ``missing_as_wrong``
    counts as covered too. Equals gensim's ``evaluate_word_analogies``. Raises ValueError for an
    analogy that has not four words. Sum the values for the whole.
    """
    scores = {}
    for section, questions in sections.items():
        for question in questions:
            if len(question) != 4:
                raise ValueError(
                    f"the analogy {tuple(question)} in {section!r} has {len(question)} words; "
                    "give four"
                )
        known = [q for q in questions if all(word in table for word in q)]
        given = answers(table, known, method, exclude_query)
        right = sum(
            table.folded(d) == table.folded(q[3]) for d, q in zip(given, known, strict=True)
        )
        missing = len(questions) - len(known)
        covered = len(questions) if missing_as_wrong else len(known)
        scores[section] = AnalogyScore(right, covered, missing)
    return scores


def total(scores: Mapping[str, AnalogyScore]) -> AnalogyScore:
    """All sections as one."""
    return sum(scores.values(), AnalogyScore(0, 0, 0))


def _fit(unit: ndarray, rows: ndarray, method: str, epsilon: float) -> ndarray:
    """How well each word answers each question: [questions, words]."""
    a, b, c = (unit[rows[:, i]] for i in range(3))
    if method == "add":
        return (b - a + c) @ unit.T
    from_a, from_b, from_c = ((1 + vectors @ unit.T) / 2 for vectors in (a, b, c))
    return from_b * from_c / (from_a + epsilon)
