"""Training is a loop you iterate: one record a step, and what you do with it is your loop body."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from llm_book.runtime import Runtime
from llm_book.shapes import Batch
from llm_book.training.losses import Loss, review_loss
from llm_book.training.schedule import warmup_cosine

Batches = Callable[[int], Batch]


class TrainingDiverged(RuntimeError):
    """The loss or its gradient is no longer a number; that step has not changed the weights."""


@dataclass(frozen=True)
class TrainConfig:
    """How far and how fast.

    ``learning_rate`` is the peak of warm-up and cosine; gradients longer than ``clip_norm`` are
    shortened to it; ``weight_decay`` is AdamW's. Raises ``ValueError`` for settings that
    contradict each other.
    """

    steps: int
    learning_rate: float = 1e-3
    warmup_steps: int = 0
    final_learning_rate: float = 0.0
    clip_norm: float = 1.0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps is {self.steps}; training needs at least 1")
        if not 0 <= self.warmup_steps < self.steps:
            raise ValueError(
                f"warmup_steps ({self.warmup_steps}) must be less than steps ({self.steps})"
            )
        if self.learning_rate <= 0 or self.clip_norm <= 0:
            raise ValueError(
                f"learning_rate ({self.learning_rate}) and clip_norm ({self.clip_norm}) "
                "must be above 0"
            )


@dataclass(frozen=True)
class Step:
    """What one step of training did.

    ``loss`` in nats before the update; ``gradient_norm`` before clipping; ``seconds`` spent
    training since the first step, pauses of the loop body not counted; ``memory`` peak bytes.
    """

    index: int
    loss: float
    learning_rate: float
    gradient_norm: float
    tokens: int
    seconds: float
    tokens_per_second: float
    memory: int

    def as_dict(self) -> dict[str, float]:
        """The record as plain numbers, for a file."""
        return asdict(self)

    def __str__(self) -> str:
        return f"step {self.index:5d}   loss {self.loss:.3f}   rate {self.learning_rate:.2e}"


class Training:
    """A run in progress: iterate it for steps, ask it for its state, give it one to go on from."""

    def __init__(
        self, model: nn.Module, batches: Batches, config: TrainConfig, runtime: Runtime, loss: Loss
    ) -> None:
        self.model = runtime.prepare(model)
        self.batches, self.config, self.runtime, self.loss = batches, config, runtime, loss
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.scaler = runtime.scaler()
        self.index, self.seconds = 0, 0.0

    def __iter__(self) -> Iterator[Step]:
        while self.index < self.config.steps:
            yield self._step()

    def _step(self) -> Step:
        started = time.perf_counter()
        batch = self.batches(self.index).to(self.runtime.device)
        rate = self._set_learning_rate()
        self.model.train()  # here, not above: the reader's loop body may have evaluated
        with self.runtime.autocast():
            loss = self.loss(self.model, batch)
        value = loss.item()
        self._check_finite("loss", value)
        norm = self._update(loss)
        spent = time.perf_counter() - started
        self.index, self.seconds = self.index + 1, self.seconds + spent
        return Step(
            index=self.index,
            loss=value,
            learning_rate=rate,
            gradient_norm=norm,
            tokens=batch.tokens,
            seconds=self.seconds,
            tokens_per_second=batch.tokens / spent,
            memory=self.runtime.peak_memory(),
        )

    def _check_finite(self, what: str, value: float) -> None:
        if not math.isfinite(value):
            raise TrainingDiverged(
                f"the {what} is {value} at step {self.index + 1}; run again with a learning rate "
                f"below {self.config.learning_rate:.2e} or a clip_norm below "
                f"{self.config.clip_norm}"
            )

    def _set_learning_rate(self) -> float:
        config = self.config
        rate = warmup_cosine(
            self.index,
            config.steps,
            config.learning_rate,
            config.warmup_steps,
            config.final_learning_rate,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def _update(self, loss: torch.Tensor) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)  # the norm to clip is that of the true gradient
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        if not self.runtime.scaled:  # a scaler skips such a step by itself
            self._check_finite("length of the gradient", float(norm))
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return float(norm)

    def state(self) -> dict[str, Any]:
        """Everything the rest of the run depends on; batches and schedule depend on the step.

        The tensors are those of the run, not copies: save them before the next step.
        """
        return {
            "index": self.index,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": random_state(self.runtime),
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Stand where the run stood that gave ``state``; the next step is its next step."""
        self.index, self.seconds = state["index"], state["seconds"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        set_random_state(state["random"], self.runtime)


def train(
    model: nn.Module,
    batches: Batches,
    config: TrainConfig,
    runtime: Runtime | None = None,
    loss: Loss = review_loss,
) -> Training:
    """Train ``model`` in place: ``for step in train(model, batches, config): …``.

    ``batches(step)`` gives the batch of a step; ``loss(model, batch)`` gives a scalar in nats.
    Raises ``TrainingDiverged`` when the loss is no longer finite.
    """
    return Training(model, batches, config, runtime or Runtime(), loss)


def random_state(runtime: Runtime) -> dict[str, torch.Tensor]:
    """Where PyTorch's random number generators stand (dropout draws from them)."""
    state = {"cpu": torch.get_rng_state()}
    if runtime.device.startswith("cuda"):
        state["cuda"] = torch.cuda.get_rng_state(runtime.device)
    if runtime.device == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_random_state(state: dict[str, torch.Tensor], runtime: Runtime) -> None:
    """Put the generators back where ``random_state`` found them."""
    torch.set_rng_state(state["cpu"].cpu())
    if "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"].cpu(), runtime.device)
    if "mps" in state:
        torch.mps.set_rng_state(state["mps"].cpu())
