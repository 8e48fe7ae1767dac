"""Questions in modular arithmetic, whose answers a program can check."""

import random
import re
from dataclasses import dataclass

from llm_book.data.world.grammar import Pair, pick
from llm_book.data.world.requests import LANGUAGES, check_request

SIGNS = ("+", "-", "*")

WORDINGS: dict[str, tuple[Pair, ...]] = {
    "train": (
        ("What is ({a} {sign} {b}) mod {m}?", "({a} {sign} {b}) mod {m} 等于多少？"),
        ("Compute {a} {sign} {b} modulo {m}.", "计算 {a} {sign} {b}，对 {m} 取模。"),
        ("{a} {sign} {b} = ? (mod {m})", "{a} {sign} {b} ≡ ? (mod {m})"),
        ("Which remainder does {a} {sign} {b} leave when divided by {m}?",
         "{a} {sign} {b} 除以 {m} 余几？"),
    ),
    "validation": (
        ("Modulo {m}, what is {a} {sign} {b}?", "对 {m} 取模，{a} {sign} {b} 等于多少？"),
    ),
    "test": (
        ("When {a} {sign} {b} is divided by {m}, what is the remainder?",
         "{m} 除 {a} {sign} {b}，余数等于多少？"),
        ("Compute the remainder of {a} {sign} {b} modulo {m}.",
         "计算 {a} {sign} {b} 对 {m} 取模的余数。"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class ArithmeticQuestion:
    """`a` `sign` `b` modulo `modulus`: the question in words, and the answer, 0 … modulus − 1."""

    id: str
    question: str
    answer: int
    a: int
    b: int
    sign: str
    modulus: int


def arithmetic(
    n: int, seed: int = 0, split: str = "train", language: str = "en", modulus: int = 23
) -> list[ArithmeticQuestion]:
    """`n` questions about two numbers below the modulus; the same ones may come again.

    What is asked for ("7 + 5 modulo 23") belongs to one split: eight tenths to training, a tenth
    each to validation and test. More questions begin with the same ones. Raises ValueError for a
    negative n, an unknown split or language, a modulus below 10.
    """
    check_request(n, "questions", split, language)
    if modulus < 10:
        raise ValueError(
            f"modulus is {modulus}; take 10 or more, so that every split has questions of its own."
        )
    rng = random.Random(f"arithmetic {split} {modulus} {seed}")
    side = LANGUAGES.index(language)
    return [
        _question(rng, f"arithmetic-{split}-{seed}-{number}", split, side, modulus)
        for number in range(n)
    ]


def is_right(question: ArithmeticQuestion, reply: str) -> bool:
    """Whether the last number in a reply is the answer; a reply without a number is wrong.

    Numbers are whole, written in ASCII digits; "-3" is minus three.
    """
    numbers = re.findall(r"(?<![0-9])-?[0-9]+", reply)
    # Compared as text: a reply may be longer than the longest number that Python reads.
    return bool(numbers) and (numbers[-1].lstrip("0") or "0") == str(question.answer)


def _question(
    rng: random.Random, name: str, split: str, side: int, modulus: int
) -> ArithmeticQuestion:
    while True:
        a, b = pick(rng, range(modulus)), pick(rng, range(modulus))
        sign = pick(rng, SIGNS)
        if _split_of(a, b, sign) == split:
            break
    asked = pick(rng, WORDINGS[split])[side].format(a=a, b=b, sign=sign, m=modulus)
    return ArithmeticQuestion(name, asked, _value(a, b, sign) % modulus, a, b, sign, modulus)


def _value(a: int, b: int, sign: str) -> int:
    return {"+": a + b, "-": a - b, "*": a * b}[sign]


def _split_of(a: int, b: int, sign: str) -> str:
    """Each number stands in each place in every split; only pairs are kept apart."""
    return {0: "validation", 1: "test"}.get((a + 3 * b + SIGNS.index(sign)) % 10, "train")
