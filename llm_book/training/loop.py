"""Training is a loop you iterate: one record a step, and what you do with it is your loop body."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from llm_book.runtime import Runtime
from llm_book.training.distributed import together
from llm_book.training.losses import Loss, review_loss
from llm_book.training.schedule import warmup_cosine

Batches = Callable[[int], Any]  # a Batch, TokenBatch, PairBatch: what the loss reads
MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
Schedule = Callable[[int], float]


class TrainingDiverged(RuntimeError):
    """The loss or its gradient is no longer a number; that step has not changed the weights."""


@dataclass(frozen=True)
class TrainConfig:
    """How far and how fast.

    ``learning_rate`` is the peak of warm-up and cosine; gradients longer than ``clip_norm`` are
    shortened to it; ``weight_decay`` and ``betas`` are AdamW's. A step learns from ``accumulate``
    batches as if they were one. Raises ``ValueError`` for settings that contradict each other.
    """

    steps: int
    learning_rate: float = 1e-3
    warmup_steps: int = 0
    final_learning_rate: float = 0.0
    clip_norm: float = 1.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    accumulate: int = 1

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
        if self.accumulate < 1:
            raise ValueError(f"accumulate is {self.accumulate}; a step needs at least 1 batch")


@dataclass(frozen=True)
class Step:
    """What one step of training did.

    ``loss`` in nats before the update and ``tokens`` are those of all batches and processes;
    ``gradient_norm`` before clipping; ``seconds`` spent training since the first step, pauses of
    the loop body not counted; ``memory`` peak bytes of this process.
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
    """A run in progress: iterate it for steps, ask it for its state, give it one to go on from.

    ``model``, ``optimizer`` and ``processes`` (``rank``, ``size``) may be looked at.
    """

    def __init__(
        self,
        model: nn.Module,
        batches: Batches,
        config: TrainConfig,
        runtime: Runtime,
        loss: Loss,
        optimizer: MakeOptimizer | None = None,
        schedule: Schedule | None = None,
        sharded: bool = False,
    ) -> None:
        self.processes = together(runtime, sharded)
        self.model = runtime.prepare(model)
        self.batches, self.config, self.runtime, self.loss = batches, config, runtime, loss
        self._forward = self.processes.spread(self.model)
        self.optimizer = (optimizer or self._adamw)(self.model.parameters())
        self._schedule = schedule or self._warmup_cosine
        self.scaler = runtime.scaler()
        self.index, self.seconds = 0, 0.0

    def _adamw(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        config = self.config
        return torch.optim.AdamW(
            parameters,
            lr=config.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
        )

    def _warmup_cosine(self, step: int) -> float:
        config = self.config
        return warmup_cosine(
            step,
            config.steps,
            config.learning_rate,
            config.warmup_steps,
            config.final_learning_rate,
        )

    def __iter__(self) -> Iterator[Step]:
        while self.index < self.config.steps:
            yield self._step()

    def _step(self) -> Step:
        started = time.perf_counter()
        first = self.index * self.config.accumulate
        batches = [self.batches(first + i) for i in range(self.config.accumulate)]
        rate = self._set_learning_rate()
        self.model.train()  # here, not above: the reader's loop body may have evaluated
        self.optimizer.zero_grad()
        value = self._add_gradients(batches)
        self._check_finite("loss", value)
        norm = self._update()
        spent = time.perf_counter() - started
        tokens = sum(batch.tokens for batch in batches)
        self.index, self.seconds = self.index + 1, self.seconds + spent
        return Step(
            index=self.index,
            loss=value,
            learning_rate=rate,
            gradient_norm=norm,
            tokens=tokens,
            seconds=self.seconds,
            tokens_per_second=tokens / spent,
            memory=self.runtime.peak_memory(),
        )

    def _set_learning_rate(self) -> float:
        rate = self._schedule(self.index)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def _add_gradients(self, batches: list[Any]) -> float:
        """Backpropagate each batch by its share of the step's weight; give the step's loss."""
        weight = sum(batch.weight for batch in batches)
        if not weight:
            raise ValueError(
                f"every target of step {self.index + 1} is ignored; draw batches with something "
                "to learn"
            )
        losses = []
        for last, batch in enumerate(batches, 1 - len(batches)):
            mine = self.processes.share(batch)
            # Times the processes, because their gradients are averaged.
            share = mine.weight * self.processes.size / weight
            mine = mine.to(self.runtime.device)
            with self.processes.unsynchronised(self._forward) if last else nullcontext():
                with self.runtime.autocast():
                    loss = self.loss(self._forward, mine) * share
                self.scaler.scale(loss).backward()
            losses.append(loss.detach())
        return float(self.processes.mean(torch.stack(losses).sum()))

    def _check_finite(self, what: str, value: float) -> None:
        if not math.isfinite(value):
            rate = self._schedule(self.index)
            raise TrainingDiverged(
                f"the {what} is {value} at step {self.index + 1}; run again with a learning rate "
                f"(here {rate:.2e}) or a clip_norm ({self.config.clip_norm}) that is lower"
            )

    def _update(self) -> float:
        self.scaler.unscale_(self.optimizer)  # the norm to clip is that of the true gradient
        norm = float(self.processes.clip(self.model.parameters(), self.config.clip_norm))
        if not self.runtime.scaled:  # a scaler skips such a step by itself
            self._check_finite("length of the gradient", norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return norm

    def state(self) -> dict[str, Any]:
        """Everything the rest of the run depends on; batches and schedule depend on the step.

        The tensors may be those of the run, not copies: save them before the next step. Of
        several processes every one must ask, and one must save.
        """
        return {
            "index": self.index,
            "seconds": self.seconds,
            "model": self.processes.whole(self.model.state_dict()),
            "optimizer": self.processes.whole(self.optimizer.state_dict()),
            "scaler": self.scaler.state_dict(),
            "random": self.processes.gathered(random_state(self.runtime)),
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Stand where the run stood that gave ``state``; the next step is its next step.

        The number of processes may be another; a process that was not there draws its dropout
        anew.
        """
        self.index, self.seconds = state["index"], state["seconds"]
        self.processes.load(self.model, self.optimizer, state)
        self.scaler.load_state_dict(state["scaler"])
        if self.processes.rank < len(state["random"]):
            set_random_state(state["random"][self.processes.rank], self.runtime)


def train(
    model: nn.Module,
    batches: Batches,
    config: TrainConfig,
    runtime: Runtime | None = None,
    loss: Loss = review_loss,
    optimizer: MakeOptimizer | None = None,
    schedule: Schedule | None = None,
    sharded: bool = False,
) -> Training:
    """Train ``model`` in place: ``for step in train(model, batches, config): …``.

    ``batches(i)`` gives the batches in their order, ``config.accumulate`` to a step; each says
    its ``size`` in rows, its ``tokens``, and the ``weight`` its mean loss is the mean over.
    ``loss(model, batch)`` gives a scalar in nats. ``optimizer(parameters)`` makes another
    optimiser than AdamW; ``schedule(step)`` gives another learning rate than warm-up and cosine.
    Several processes hold a copy of the model each, or a part of it where ``sharded``. Raises
    ``TrainingDiverged`` when the loss or its gradient is no longer finite, ``ValueError`` for a
    step without anything to learn.
    """
    return Training(
        model, batches, config, runtime or Runtime(), loss, optimizer, schedule, sharded
    )


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
    torch.set_rng_state(state["cpu"])
    if "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], runtime.device)
    if "mps" in state:
        torch.mps.set_rng_state(state["mps"])
