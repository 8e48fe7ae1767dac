"""BM25: how well each passage of a collection fits a query, from counts of words alone."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

K1 = 1.5
"""How soon a repeated word stops counting."""

B = 0.75
"""How far a passage's length is held against it, from 0 (not at all) to 1."""


def rarity(holding: int, passages: int) -> float:
    """What a word is worth that ``holding`` of all ``passages`` hold (equation eq-rarity)."""
    return math.log(1 + (passages - holding + 0.5) / (holding + 0.5))


def saturation(
    count: float, length: float, mean_length: float, k1: float = K1, b: float = B
) -> float:
    """What ``count`` occurrences are worth in a passage of ``length`` words (eq-saturation).

    It rises with the count towards k1 + 1, the later the longer the passage is.
    """
    return count * (k1 + 1) / (count + k1 * (1 - b + b * length / mean_length))


class BM25:
    """A score for each passage of a collection: higher where it fits a query better.

    A passage and a query are lists of tokens; how they were cut is the caller's affair. Source:
    Robertson and Zaragoza (2009), equation 3.15, with the rarity kept above 0 as Lucene keeps it.
    Raises ValueError for no passages, for none with a token, and for settings out of range.
    """

    def __init__(self, passages: Sequence[Sequence[str]], k1: float = K1, b: float = B) -> None:
        if not any(passages):
            raise ValueError(f"{len(passages)} passages hold no token; give at least one that does")
        if k1 < 0 or not 0 <= b <= 1:
            raise ValueError(f"k1 is {k1} and b is {b}; expected k1 >= 0 and b from 0 to 1")
        self.counts = [Counter(passage) for passage in passages]
        self.lengths = [len(passage) for passage in passages]
        self.mean_length = sum(self.lengths) / len(passages)
        self.holding = Counter(word for count in self.counts for word in count)
        self.k1, self.b = k1, b

    def weight(self, word: str, place: int) -> float:
        """What one word of a query adds to the score of the passage at ``place``."""
        count = self.counts[place][word]
        if not count:
            return 0.0
        worth = saturation(count, self.lengths[place], self.mean_length, self.k1, self.b)
        return rarity(self.holding[word], len(self.counts)) * worth

    def scores(self, query: Sequence[str]) -> Float64[np.ndarray, " passages"]:
        """The score of every passage; a word that is asked twice counts twice."""
        return np.array(
            [sum(self.weight(word, place) for word in query) for place in range(len(self.counts))],
            dtype=np.float64,
        )

    def ranking(self, query: Sequence[str], most: int | None = None) -> list[int]:
        """The places of the best passages, best first; equal scores keep the passages' order.

        Passages without a word of the query are not ranked.
        """
        scores = self.scores(query)
        order = np.argsort(-scores, kind="stable")
        return order[scores[order] > 0][:most].tolist()
