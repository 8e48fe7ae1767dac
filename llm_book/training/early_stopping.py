"""Stop when the validation loss has not fallen for a while, and keep the best weights."""

from dataclasses import dataclass, field
from typing import Any

import torch


@dataclass
class EarlyStopping:
    """Remembers the best validation loss and the weights that gave it.

    ``patience``: evaluations without a new best after which ``stop`` is True.
    """

    patience: int = 3
    best_loss: float = float("inf")
    best_index: int = 0
    waited: int = 0
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise ValueError(f"patience is {self.patience}; it must be at least 1")

    @property
    def stop(self) -> bool:
        """Whether patience has run out."""
        return self.waited >= self.patience

    def see(self, index: int, loss: float, model: torch.nn.Module) -> bool:
        """Take note of an evaluation after step ``index``; True when it is the best so far."""
        if loss < self.best_loss:
            self.best_loss, self.best_index, self.waited = loss, index, 0
            self.best_weights = {k: v.clone() for k, v in model.state_dict().items()}
            return True
        self.waited += 1
        return False

    def restore(self, model: torch.nn.Module) -> None:
        """Give the model its best weights back, in place."""
        if self.best_weights:
            model.load_state_dict(self.best_weights)

    def state(self) -> dict[str, Any]:
        """For a checkpoint. The best loss is text, so that infinity survives JSON."""
        return {
            "best_loss": repr(self.best_loss),
            "best_index": self.best_index,
            "waited": self.waited,
            "best_weights": self.best_weights,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from ``state``."""
        self.best_loss = float(state["best_loss"])
        self.best_index, self.waited = state["best_index"], state["waited"]
        self.best_weights = state["best_weights"]
