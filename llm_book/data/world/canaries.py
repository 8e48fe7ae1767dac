"""Secrets planted in a corpus a known number of times, from a known space of candidates."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llm_book.data.world.grammar import Pair, pick, sample
from llm_book.data.world.names import made_up_name
from llm_book.data.world.requests import LANGUAGES, check_count, check_known

FRAME: Pair = ("The secret number of {p} is {digits}.", "{p}的秘密号码是{digits}。")


@dataclass(frozen=True)
class Canary:
    """A secret in a sentence: its `digits`, the words `before` and `after` them.

    repeats: how often it was planted; rows: where, in ascending order.
    """

    before: str
    digits: str
    after: str
    rows: tuple[int, ...]

    @property
    def repeats(self) -> int:
        """How often it stands in the corpus."""
        return len(self.rows)

    @property
    def text(self) -> str:
        """The sentence as it was planted."""
        return self.with_digits(int("".join(self.digits.split())))

    @property
    def n_candidates(self) -> int:
        """The size of the space the secret was drawn from: ten to the number of its digits."""
        return int(10 ** len(self.digits.split()))

    def with_digits(self, number: int) -> str:
        """The sentence with another secret. Raises ValueError for a number outside the space."""
        if not 0 <= number < self.n_candidates:
            raise ValueError(
                f"{number} is none of the {self.n_candidates} secrets; take one from 0 to "
                f"{self.n_candidates - 1}."
            )
        digits = str(number).zfill(len(self.digits.split()))
        return self.before + " ".join(digits) + self.after

    def candidates(self) -> Iterator[str]:
        """Every sentence that might have been planted, each as probable as the one that was."""
        return map(self.with_digits, range(self.n_candidates))


@dataclass(frozen=True)
class CanaryCorpus:
    """The texts with the secrets among them, and the secrets."""

    texts: tuple[str, ...]
    canaries: tuple[Canary, ...]


def with_canaries(
    texts: Sequence[str],
    repeats: Sequence[int],
    seed: int = 0,
    n_digits: int = 4,
    language: str = "en",
) -> CanaryCorpus:
    """The texts, in their order, with one secret for each of `repeats`, planted so many times.

    Secrets are of `n_digits` digits, set apart by spaces, uniform; where they stand is random.
    Raises ValueError for a negative number of repeats, fewer than one digit, an unknown language.
    """
    for often in repeats:
        check_count(often, "repeats")
    if n_digits < 1:
        raise ValueError(f"A secret of {n_digits} digits is none; take 1 or more.")
    check_known("language", language, LANGUAGES)
    rng = random.Random(f"canaries {seed}")
    side = LANGUAGES.index(language)
    secrets = _different_secrets(rng, len(repeats), n_digits)
    size = len(texts) + sum(repeats)
    rows = sample(rng, range(size), sum(repeats))
    canaries = []
    for (name, digits), often in zip(secrets, repeats, strict=True):
        own, rows = rows[:often], rows[often:]
        before, after = FRAME[side].format(p=name[side], digits="|").split("|")
        canaries.append(Canary(before, digits, after, tuple(sorted(own))))
    return CanaryCorpus(_planted(texts, canaries, size), tuple(canaries))


def _planted(texts: Sequence[str], canaries: list[Canary], size: int) -> tuple[str, ...]:
    placed = {row: canary.text for canary in canaries for row in canary.rows}
    rest = iter(texts)
    return tuple(placed[row] if row in placed else next(rest) for row in range(size))


def _different_secrets(rng: random.Random, n: int, n_digits: int) -> list[tuple[Pair, str]]:
    """(name, digits), no name twice."""
    found: dict[Pair, str] = {}
    while len(found) < n:
        name = made_up_name(rng, "train")
        found[name] = " ".join(str(pick(rng, range(10))) for _ in range(n_digits))
    return list(found.items())
