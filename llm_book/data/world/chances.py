"""Probabilities: drawing by them, and their entropy."""

import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import exp, log


def zipf(size: int) -> tuple[float, ...]:
    """Probabilities in proportion to 1, 1/2, 1/3, …"""
    total = sum(1 / rank for rank in range(1, size + 1))
    return tuple(1 / rank / total for rank in range(1, size + 1))


def uniform(size: int) -> tuple[float, ...]:
    """`size` equal probabilities."""
    return (1 / size,) * size


def weighted(rng: random.Random, weights: Sequence[float]) -> int:
    """The number of one of the weights, drawn in proportion to them; they sum to one."""
    # Rounding may leave the sum a little under one: the last weight takes what is left.
    return bisect_right(list(accumulate(weights[:-1])), rng.random())


def entropy_of(weights: Sequence[float]) -> float:
    """−Σ p ln p in nats; what is impossible adds nothing."""
    return -sum(weight * log(weight) for weight in weights if weight > 0)


def log_sum(logs: Sequence[float]) -> float:
    """ln Σ exp(x) without overflow; minus infinity for nothing at all."""
    if not logs:
        return float("-inf")
    top = max(logs)
    return top + log(sum(exp(x - top) for x in logs))
