"""MinHash: how alike two sets are, from a short signature of each; and which sets are worth a look.

The share of places in which two signatures agree estimates the sets' Jaccard similarity, the size
of their intersection over that of their union.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np


def jaccard(first: Collection[str], second: Collection[str]) -> float:
    """Members in both sets over members in either, 0 to 1. Raises ValueError for two empty sets."""
    one, other = set(first), set(second)
    if not one and not other:
        raise ValueError("two empty sets have no similarity; compare sets with a member")
    return len(one & other) / len(one | other)


@dataclass(frozen=True)
class MinHash:
    """Signatures of `bands` × `rows` numbers: the smallest hash of a set under that many functions.

    Two sets are candidates where all rows of a band agree. Raises ValueError for a size below 1.
    Source: Broder (1997); Indyk and Motwani (1998) for the bands.
    """

    bands: int = 32
    rows: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if self.bands < 1 or self.rows < 1:
            raise ValueError(f"bands {self.bands} and rows {self.rows} must both be at least 1")

    @property
    def n_hashes(self) -> int:
        """Numbers in a signature."""
        return self.bands * self.rows

    def signature(self, members: Collection[str]) -> np.ndarray:
        """The set's signature: [n_hashes], uint64, the same on every platform.

        Raises ValueError for an empty set, which has no smallest hash.
        """
        if not members:
            raise ValueError("an empty set has no signature; leave it out")
        numbers = np.array([_number(member) for member in members], dtype=np.uint64)
        factors, shifts = self._functions()
        # Multiply and shift: 64-bit overflow is meant, the upper half is the hash.
        hashes = (factors[:, None] * numbers + shifts[:, None]) >> np.uint64(32)
        return hashes.min(axis=1)

    def estimate(self, first: np.ndarray, second: np.ndarray) -> float:
        """The estimated Jaccard similarity of two sets, from their signatures.

        Its standard error is `standard_error(similarity)`: 0.044 at most for 128 hashes. Raises
        ValueError for signatures of another length.
        """
        if first.shape != (self.n_hashes,) or second.shape != (self.n_hashes,):
            raise ValueError(
                f"signatures of shapes {first.shape} and {second.shape} came where both need "
                f"{self.n_hashes} numbers; make both with this MinHash"
            )
        return float((first == second).mean())

    def standard_error(self, similarity: float) -> float:
        """How far an estimate lies from the true similarity, as a standard deviation.

        √(J (1 − J) / n_hashes): each place agrees with probability J, one like another.
        """
        return math.sqrt(similarity * (1 - similarity) / self.n_hashes)

    def chance_found(self, similarity: float) -> float:
        """The probability that two sets so similar are candidates: 1 − (1 − Jʳᵒʷˢ)ᵇᵃⁿᵈˢ."""
        return 1 - (1 - similarity**self.rows) ** self.bands

    def candidates(
        self, known: Sequence[np.ndarray], asked: Sequence[np.ndarray]
    ) -> Iterator[tuple[int, int]]:
        """Places (in `known`, in `asked`) of signatures that agree in a band, each once, in order.

        Time and memory grow with the number of signatures and of candidates, not with all pairs.
        """
        holders: dict[tuple[int, bytes], list[int]] = {}
        for i, signature in enumerate(known):
            for key in self._keys(signature):
                holders.setdefault(key, []).append(i)
        for j, signature in enumerate(asked):
            found = {i for key in self._keys(signature) for i in holders.get(key, ())}
            yield from ((i, j) for i in sorted(found))

    def _functions(self) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.Generator(np.random.PCG64(self.seed))
        drawn = random.integers(0, 1 << 64, (2, self.n_hashes), dtype=np.uint64)
        return drawn[0] | np.uint64(1), drawn[1]

    def _keys(self, signature: np.ndarray) -> Iterator[tuple[int, bytes]]:
        for band, part in enumerate(signature.reshape(self.bands, self.rows)):
            yield band, part.tobytes()


def _number(member: str) -> int:
    """32 bits of the member's hash: as good as drawn evenly, and always the same."""
    return int.from_bytes(hashlib.blake2b(member.encode(), digest_size=4).digest(), "little")
