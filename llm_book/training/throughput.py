"""Tokens a second of the training loop: steps that warm up, then stretches that are timed."""

from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

import torch
from torch.profiler import profile

from llm_book.training.loop import Training
from llm_book.training.stopwatch import seconds_of, wait_for


@dataclass(frozen=True)
class Throughput:
    """What some steps of training took.

    ``losses`` of all steps in nats; ``tokens`` and ``seconds`` of warm-up and stretches together.
    A token counts where it is a target: pads do not. ``speeds`` are tokens a second of each
    stretch, ``positions_per_second`` the median with pads and all. ``memory`` is the peak of the
    timed steps in bytes, None but on an NVIDIA GPU: a process on a CPU has a single peak.
    """

    speeds: list[float]
    positions_per_second: float
    losses: list[float]
    warmup_seconds: float
    seconds: float
    tokens: int
    memory: int | None

    @property
    def numbers(self) -> dict[str, float]:
        """What to compare, by name."""
        known = {
            "tokens/s": median(self.speeds),
            "tokens/s, lowest": min(self.speeds),
            "tokens/s, highest": max(self.speeds),
            "positions/s": self.positions_per_second,
            "loss": self.losses[-1],
            "seconds of warm-up": self.warmup_seconds,
        }
        return known if self.memory is None else known | {"memory": self.memory}


def throughput(training: Training, warmup: int, repeats: int, steps: int) -> Throughput:
    """Train ``warmup`` steps that are not timed, then ``repeats`` times ``steps`` that are.

    A stretch begins and ends with an idle device; what the loop does between steps is in it.
    Raises ``ValueError`` for counts below 1 and where the run has fewer steps to go.
    """
    total, first = warmup + repeats * steps, training.index
    if min(warmup, repeats, steps) < 1 or total > training.config.steps - first:
        raise ValueError(
            f"{warmup} steps and {repeats} times {steps} cannot be timed in a run that has "
            f"{training.config.steps - first} to go; give counts of 1 or more that fit"
        )
    device, losses = training.runtime.device, list[float]()

    def go(n: int) -> None:
        losses.extend(step.loss for step in islice(training, n))

    warmed = seconds_of(partial(go, warmup), device)
    on_gpu = device.startswith("cuda")
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    spent = [seconds_of(partial(go, steps), device) for _ in range(repeats)]
    memory = training.runtime.peak_memory() if on_gpu else None
    read = [training.batches(index) for index in range(first, first + total)]
    stretches = [read[start : start + steps] for start in range(warmup, total, steps)]
    positions = [sum(batch.tokens for batch in stretch) for stretch in stretches]
    tokens = [sum(batch.weight for batch in stretch) for stretch in stretches]
    return Throughput(
        speeds=[n / seconds for n, seconds in zip(tokens, spent, strict=True)],
        positions_per_second=median(n / s for n, s in zip(positions, spent, strict=True)),
        losses=losses,
        warmup_seconds=warmed,
        seconds=warmed + sum(spent),
        tokens=sum(batch.weight for batch in read),
        memory=memory,
    )


def write_trace(training: Training, path: Path) -> None:
    """One more step, with all that the processors did in it, as a trace that Chrome can show.

    Open it in ``chrome://tracing`` or at ui.perfetto.dev.
    """
    with profile() as trace:
        next(iter(training))
        wait_for(training.runtime.device)
    trace.export_chrome_trace(str(path))
