"""Taking a direction out of word vectors: what it mends, and a way to see what it leaves."""

from __future__ import annotations

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike

from llm_book.evaluation.bias import directions


def bias_subspace(pairs: ArrayLike, width: int = 1) -> ndarray:
    """The ``width`` directions in which pairs such as (he, she) differ most: [width, …].

    ``pairs`` [n, 2, vector] holds the two vectors of each pair. They are scaled to length 1, each
    pair is centred on its mean, and the principal directions are taken. The first one points from
    second to first words. Raises ValueError for another shape, or more directions than pairs.
    Source: Bolukbasi et al. (2016), section 5.1.
    """
    pairs = np.asarray(pairs, float)
    if pairs.ndim != 3 or pairs.shape[1] != 2:
        raise ValueError(f"pairs of shape {pairs.shape} came; give them as [n, 2, width]")
    if not 1 <= width <= len(pairs):
        raise ValueError(f"{len(pairs)} pairs cannot give {width} directions; ask for 1 to n")
    unit = directions(pairs.reshape(2 * len(pairs), pairs.shape[2])).reshape(pairs.shape)
    differences = unit[:, 0] - unit[:, 1]
    basis = np.linalg.svd(differences)[2][:width]
    basis[0] = max(basis[0], -basis[0], key=lambda way: differences.sum(0) @ way)
    return basis


def neutralised(vectors: ArrayLike, subspace: ArrayLike) -> ndarray:
    """Vectors [n, width] without their part in the subspace, scaled to length 1 again.

    Raises ValueError where nothing is left of a vector. Source: Bolukbasi et al. (2016), step 2a.
    """
    unit, basis = directions(vectors), orthonormal(subspace)
    rest = unit - unit @ basis.T @ basis
    if np.linalg.norm(rest, axis=1).min() < 1e-9:
        raise ValueError("a vector lies wholly in the subspace; leave words that define it out")
    return directions(rest)


def equalised(group: ArrayLike, subspace: ArrayLike) -> ndarray:
    """Words such as (grandmother, grandfather) made to differ in the subspace alone: [n, width].

    Each keeps its side of the subspace, and all stand equally far from any neutralised word.
    Raises ValueError where two of them do not differ there.
    Source: Bolukbasi et al. (2016), step 2a.
    """
    unit, basis = directions(group), orthonormal(subspace)
    mean = unit.mean(0)
    common = mean - mean @ basis.T @ basis
    apart = (unit - mean) @ basis.T @ basis
    lengths = np.linalg.norm(apart, axis=1, keepdims=True)
    if lengths.min() < 1e-9:
        raise ValueError("a word of the group does not differ in the subspace; leave it out")
    return common + np.sqrt(max(0.0, 1 - common @ common)) * apart / lengths


def orthonormal(subspace: ArrayLike) -> ndarray:
    """Directions [width] or [n, width] as an orthonormal basis [n, width] of what they span."""
    rows = np.atleast_2d(np.asarray(subspace, float))
    return np.linalg.qr(directions(rows).T)[0].T
