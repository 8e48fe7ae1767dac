"""Word vectors by counting alone: how much more often than by chance words meet, in few numbers."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64
from numpy import ndarray
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds


def ppmi(
    centres: Int64[ndarray, " pairs"],
    contexts: Int64[ndarray, " pairs"],
    counts: Float[ndarray, " pairs"],
    vocab_size: int,
    smoothing: float = 0.75,
) -> csr_array:
    """log p(w, c) / (p(w) p(c)) where it is above 0, a sparse table [vocab, vocab].

    ``smoothing`` raises the contexts' counts to a power, so that rare contexts do not look like
    the best company. Raises ValueError where no count came or one is not above 0.
    Source: Church and Hanks (1990); Levy, Goldberg and Dagan (2015), section 3.
    """
    if not len(counts) or not (counts > 0).all():
        raise ValueError("pairs are learned from counts above 0 only; leave those never seen out")
    words = np.bincount(centres, counts, vocab_size)
    others = np.bincount(contexts, counts, vocab_size) ** smoothing
    information = np.log(counts * others.sum() / (words[centres] * others[contexts]))
    more = information > 0
    places = (centres[more], contexts[more])
    return csr_array((information[more], places), shape=(vocab_size, vocab_size))


def svd_vectors(table: csr_array, width: int, power: float = 0.5) -> Float[ndarray, "vocab width"]:
    """The table's ``width`` strongest directions: left singular vectors times σ^``power``.

    Always the same vectors. Raises ValueError for a width that is not below the vocabulary's size.
    Source: Levy, Goldberg and Dagan (2015), section 3.3.
    """
    if not 1 <= width < min(table.shape):
        raise ValueError(
            f"a table of {table.shape[0]} words has no {width} directions; choose a width from 1 "
            f"to {min(table.shape) - 1}"
        )
    start = np.random.default_rng(0).standard_normal(min(table.shape))
    left, strengths, _ = svds(table, width, v0=start)
    return left * strengths**power
