"""A running average of the weights: less noisy than the last step's, at no cost in training."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


class WeightAverage:
    """Exponential moving average of a model's weights (equation eq-weight-average).

    After ``n`` updates the newest weights count for ``1 - min(decay, (1 + n) / (10 + n))``, so
    that the average forgets the random start quickly. Averaging weights goes back to Polyak and
    Juditsky (1992), who average uniformly.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay is {decay}; it must be from 0 (no averaging) up to but not 1")
        self.decay, self.updates = decay, 0
        self.weights = {name: w.detach().clone() for name, w in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take the weights of the step just done into the average."""
        self.updates += 1
        keep = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, weight in model.state_dict().items():
            if weight.is_floating_point():
                self.weights[name].lerp_(weight, 1 - keep)
            else:
                self.weights[name].copy_(weight)  # a counter has no average

    @contextmanager
    def borrowed_by(self, model: nn.Module) -> Iterator[None]:
        """Inside, ``model`` has the averaged weights; after, its own again."""
        own = {name: w.detach().clone() for name, w in model.state_dict().items()}
        model.load_state_dict(self.weights)
        try:
            yield
        finally:
            model.load_state_dict(own)

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"updates": self.updates, "weights": self.weights}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from ``state``."""
        self.updates = state["updates"]
        for name, weight in state["weights"].items():
            self.weights[name].copy_(weight)
