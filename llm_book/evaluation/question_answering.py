"""Whether an answer is the expected one: exact match and token F1 as SQuAD counts them."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

ARTICLES = re.compile(r"\b(a|an|the)\b")
UNITS = ("words", "characters")


@dataclass(frozen=True)
class AnswerScores:
    """Means over ``n`` questions, each 0 to 1 (SQuAD's scripts print them times 100)."""

    exact_match: float
    f1: float
    n: int


def normalise(answer: str, unit: str = "words") -> str:
    """An answer in lower case without punctuation, articles and doubled spaces.

    By "words" this is SQuAD's rule for English (ASCII punctuation; a, an, the). By "characters",
    for Chinese, every Unicode punctuation mark and all white space go and articles stay. Source:
    Rajpurkar et al. (2016). Raises ``ValueError`` for another unit.
    """
    if unit not in UNITS:
        raise ValueError(f"unit {unit!r} is unknown; choose one of {', '.join(UNITS)}")
    kept = "".join(c for c in answer.lower() if c not in string.punctuation)
    if unit == "words":
        return " ".join(ARTICLES.sub(" ", kept).split())
    return "".join(c for c in kept if not (c.isspace() or unicodedata.category(c).startswith("P")))


def answer_tokens(answer: str, unit: str = "words") -> list[str]:
    """What is compared: the words, or the characters, of the normalised answer."""
    normal = normalise(answer, unit)
    return normal.split() if unit == "words" else list(normal)


def exact_match(answer: str, references: Sequence[str], unit: str = "words") -> float:
    """1 where the normalised answer is one of the normalised references, else 0.

    No references, or only empty ones, mean that the question has no answer: then the empty answer
    is right (SQuAD 2). Raises ``ValueError`` where ``references`` is a string.
    """
    expected = _expected(references, unit)
    return float(any(normalise(answer, unit) == normalise(r, unit) for r in expected))


def token_f1(answer: str, references: Sequence[str], unit: str = "words") -> float:
    """Harmonic mean of the shares of tokens in common, the highest over references (0 to 1).

    Tokens are counted with their repetitions. Where either side is empty it is 1 if both are and
    0 otherwise, as in SQuAD 2 (Rajpurkar et al. 2018). Raises ``ValueError`` where ``references``
    is a string.
    """
    tokens = answer_tokens(answer, unit)
    return max(_f1(tokens, answer_tokens(r, unit)) for r in _expected(references, unit))


def answer_scores(
    answers: Sequence[str], references: Sequence[Sequence[str]], unit: str = "words"
) -> AnswerScores:
    """Exact match and F1 averaged over questions; one list of references a question.

    Raises ``ValueError`` for lists of unequal length or none.
    """
    if len(answers) != len(references) or not answers:
        raise ValueError(
            f"{len(answers)} answers and {len(references)} lists of references do not pair up; "
            "give one list of references a question, and at least one question"
        )
    pairs = list(zip(answers, references, strict=True))
    return AnswerScores(
        sum(exact_match(a, r, unit) for a, r in pairs) / len(pairs),
        sum(token_f1(a, r, unit) for a, r in pairs) / len(pairs),
        len(pairs),
    )


def _expected(references: Sequence[str], unit: str) -> list[str]:
    """The references that say something, or one empty answer where none does."""
    if isinstance(references, str):
        raise ValueError(
            f"references is the string {references[:40]!r}; give a list of answers that would do"
        )
    return [r for r in references if normalise(r, unit)] or [""]


def _f1(answer: list[str], reference: list[str]) -> float:
    if not answer or not reference:
        return float(answer == reference)
    shared = (Counter(answer) & Counter(reference)).total()
    return 2 * shared / (len(answer) + len(reference))
