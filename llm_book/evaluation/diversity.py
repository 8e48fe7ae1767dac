"""Whether generated texts say different things, or the same thing again."""

from collections.abc import Hashable, Sequence

Tokens = Sequence[Hashable]


def distinct(texts: Sequence[Tokens], order: int) -> float:
    """Different n-grams over all n-grams of a set of texts, 0 to 1 (Li et al. 2016).

    Counted over all texts together; it falls with their number and length, so compare sets of one
    size. Raises ``ValueError`` where no text is as long as ``order`` and for unsplit strings.
    """
    grams = [gram for text in texts for gram in _n_grams(text, order)]
    if not grams:
        raise ValueError(
            f"no text has {order} tokens, so there are no n-grams of that order; give longer texts "
            "or a lower order"
        )
    return len(set(grams)) / len(grams)


def repetition(text: Tokens, order: int = 4) -> float:
    """Share of a text's n-grams that stood in it before, 0 to 1 (Welleck et al. 2020, seq-rep-n).

    Raises ``ValueError`` for a text shorter than ``order`` and for an unsplit string.
    """
    return 1 - distinct([text], order)


def _n_grams(text: Tokens, order: int) -> list[tuple[Hashable, ...]]:
    if order < 1:
        raise ValueError(f"order is {order}; an n-gram has at least 1 token")
    if isinstance(text, str):
        raise ValueError(f"{text[:40]!r} is a string; split it first: text.split() or list(text)")
    return [tuple(text[i : i + order]) for i in range(len(text) - order + 1)]
