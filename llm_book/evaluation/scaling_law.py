"""The loss of a model of N parameters that read D tokens, and how to spend a budget on both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class ScalingLaw:
    """E + A/N^α + B/D^β, in nats a token: a floor, what size leaves, what data leaves.

    Source: Hoffmann et al. (2022), equation 2. Raises ``ValueError`` for A, B, α or β that are
    not above 0.
    """

    floor: float
    by_size: float
    by_data: float
    alpha: float
    beta: float

    def __post_init__(self) -> None:
        if not min(self.by_size, self.by_data, self.alpha, self.beta) > 0:
            raise ValueError(f"{self} is no law that falls; A, B, alpha and beta must be above 0")

    def loss(self, parameters: ArrayLike, tokens: ArrayLike) -> ndarray:
        """Nats a token after ``tokens`` read by ``parameters`` (equation eq-trends-loss)."""
        n, d = np.asarray(parameters, float), np.asarray(tokens, float)
        return np.asarray(self.floor + self.by_size / n**self.alpha + self.by_data / d**self.beta)

    def optimum(self, compute: ArrayLike) -> tuple[ndarray, ndarray]:
        """Parameters and tokens of least loss where 6ND is ``compute`` (eq-trends-optimum)."""
        product = np.asarray(compute, float) / 6
        ratio = (self.alpha * self.by_size) / (self.beta * self.by_data)
        total = self.alpha + self.beta
        parameters = np.asarray(ratio ** (1 / total) * product ** (self.beta / total))
        return parameters, np.asarray(product / parameters)
