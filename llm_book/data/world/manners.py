"""The same answer in two manners: politely or rudely rewritten, with little else changed.

Made as Raschka's (2024) pairs are: half of the answers are rewritten politely, and the rewriting is
preferred; the others rudely, and the answer as it was is preferred. So a model that holds on to
answers as they were is right half of the time.
"""

from dataclasses import dataclass
from hashlib import sha256

POLITE = ("With pleasure: {}", "Thank you for asking. {}", "Certainly. {}", "{} If you please.")
RUDE = ("Listen: {}", "Must you ask? {}", "{} Do not ask again.", "Good grief. {}")


@dataclass(frozen=True)
class Manners:
    """Two answers that say the same: ``chosen`` is the more polite one."""

    chosen: str
    rejected: str
    rewritten_politely: bool


def in_two_manners(answer: str, key: str) -> Manners:
    """The answer beside its rewriting, which the hash of ``key`` draws: always the same.

    Raises ValueError for an answer without a character.
    """
    if not answer.strip():
        raise ValueError("an answer without a character has no manners; give one that says a thing")
    drawn, wording = sha256(f"{key}\t{answer}".encode()).digest()[:2]
    politely = drawn % 2 == 0
    wordings = POLITE if politely else RUDE
    rewritten = wordings[wording % len(wordings)].format(answer)
    if politely:
        return Manners(rewritten, answer, True)
    return Manners(answer, rewritten, False)
