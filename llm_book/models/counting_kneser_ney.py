"""Interpolated Kneser–Ney: discount what was seen, and back off to where a word can stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from llm_book.models.counting import NGramCounts, count_of_counts
from llm_book.models.counting_model import CountingModel

Discount = float | Sequence[float]

# Where the counts of counts give no discount (a saturated or a tiny corpus); those of KenLM's
# --discount_fallback, and a half where there is a single one.
FALLBACK = {1: (0.5,), 3: (0.5, 1.0, 1.5)}


class KneserNey(CountingModel):
    """p(w | h) = max(c(h w) − D, 0) / c(h) + (what D took) / c(h) · p(w | h less its first word).

    The highest order uses counts; every lower one, how many different words precede the n-gram
    (continuation counts). Below the unigrams stands the uniform distribution, so every word of
    the vocabulary has a chance. ``modified`` uses three discounts an order, for n-grams seen
    once, twice and more often. ``discounts`` gives them, lowest order first: a number, or three;
    without it they are estimated from the counts of each order.

    ``nltk.lm.KneserNeyInterpolated`` has one discount (0.1) and neither discounts the unigrams
    nor leans them on the uniform distribution: ``discounts=[0, 0.1, 0.1]`` is its trigram model.
    Raises ValueError for discounts that would take more than there is.
    Source: Chen and Goodman (1999), equations 24 to 26 and section 3.
    """

    def __init__(
        self,
        counts: NGramCounts,
        modified: bool = False,
        discounts: Sequence[Discount] | None = None,
    ) -> None:
        used = [level.preceded for level in counts.levels[:-1]] + [counts.levels[-1].counts]
        if discounts is None:
            discounts = [estimated_discounts(level, modified) for level in used]
        self.discounts = checked_discounts(discounts, counts.order)
        share, rest = [], []
        for length, (level, discount) in enumerate(zip(used, self.discounts, strict=True), 1):
            prefixes, n = counts.prefixes(length), counts.contexts(length)
            taken = np.minimum(by_count(discount, level), level)
            totals = np.bincount(prefixes, level, n)
            share.append((level - taken) / np.maximum(totals, 1)[prefixes])
            # A context that nothing follows (the end of a text) passes everything on.
            all_taken = np.bincount(prefixes, taken, n)
            rest.append(np.where(totals > 0, all_taken / np.maximum(totals, 1), 1.0))
        super().__init__(counts, share, rest)


def estimated_discounts(counts: Int64[ndarray, " ngrams"], modified: bool) -> tuple[float, ...]:
    """One discount, n₁ / (n₁ + 2 n₂), or three, from how many n-grams were seen 1 … 4 times.

    Where these counts of counts give none between 0 and the count it is taken from, the fallback:
    0.5, or 0.5, 1 and 1.5. Source: Chen and Goodman (1999), equations 17 and 26.
    """
    n1, n2, n3, n4 = count_of_counts(counts, 4).tolist()
    if n1 == 0:
        return FALLBACK[3 if modified else 1]
    base = n1 / (n1 + 2 * n2)
    if not modified:
        return (base,)
    if n2 == 0 or n3 == 0:
        return FALLBACK[3]
    three = (1 - 2 * base * n2 / n1, 2 - 3 * base * n3 / n2, 3 - 4 * base * n4 / n3)
    return three if min(three) >= 0 else FALLBACK[3]


def checked_discounts(discounts: Sequence[Discount], order: int) -> list[tuple[float, ...]]:
    """One tuple of 1 or 3 discounts an order. Raises ValueError for any other, or too large."""
    rows = [(d,) if isinstance(d, int | float) else tuple(d) for d in discounts]
    if len(rows) != order:
        raise ValueError(f"{len(rows)} discounts came for {order} orders; give one an order")
    for row in rows:
        if len(row) not in FALLBACK or not all(0 <= d <= i for i, d in enumerate(row, 1)):
            raise ValueError(
                f"discount {row} cannot be taken; give one number from 0 to 1, or three that are "
                "at most 1, 2 and 3"
            )
    return rows


def by_count(
    discount: tuple[float, ...], counts: Int64[ndarray, " ngrams"]
) -> Float64[ndarray, " ngrams"]:
    """The discount of each n-gram: the first for those seen once, the last for often seen ones."""
    return np.array((0.0, *discount))[counts.clip(max=len(discount))]
