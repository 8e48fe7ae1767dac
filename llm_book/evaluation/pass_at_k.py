"""How often at least one of k attempts is right."""

from collections.abc import Sequence
from math import comb

import numpy as np


def pass_at_k(attempts: int, right: int, k: int) -> float:
    """Chance that k of ``attempts``, drawn without repetition, hold one that is right (0 to 1).

    Unbiased for any ``attempts`` ≥ k: 1 − C(n − c, k) / C(n, k). Source: Chen et al. (2021),
    equation 1. Raises ``ValueError`` for counts that contradict each other.
    """
    if not 1 <= k <= attempts or not 0 <= right <= attempts:
        raise ValueError(
            f"{right} right of {attempts} attempts give no pass@{k}; expected 0 <= right <= "
            "attempts and 1 <= k <= attempts"
        )
    return 1 - comb(attempts - right, k) / comb(attempts, k)


def mean_pass_at_k(attempts: Sequence[int], right: Sequence[int], k: int) -> float:
    """``pass_at_k`` averaged over problems, which may have different numbers of attempts.

    Raises ``ValueError`` for lists of unequal length or none.
    """
    if len(attempts) != len(right) or len(right) == 0:
        raise ValueError(
            f"{len(attempts)} and {len(right)} counts do not pair up; give both counts for each "
            "problem, at least one"
        )
    return float(np.mean([pass_at_k(n, c, k) for n, c in zip(attempts, right, strict=True)]))
