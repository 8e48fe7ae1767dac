"""Long texts in pieces, for models that read a limited stretch at once."""

from collections.abc import Iterable, Sequence
from itertools import pairwise


def pieces(texts: Iterable[Sequence[int]], longest: int) -> list[list[int]]:
    """Every token of the texts once, in order; a text of over ``longest`` in about equal pieces.

    A piece of one token is left out, for it has no neighbour to guess. Raises ValueError for
    ``longest`` below 2.
    """
    if longest < 2:
        raise ValueError(f"longest is {longest}; a piece needs at least 2 tokens, each beside one")
    cut = []
    for text in texts:
        n = max(1, -(-len(text) // longest))
        ends = [len(text) * i // n for i in range(n + 1)]
        cut += [list(text[begin:end]) for begin, end in pairwise(ends)]
    return [piece for piece in cut if len(piece) > 1]
