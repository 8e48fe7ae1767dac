"""A script for ``torchrun``: trains a small model in every way and writes down what came out.

Arguments: what to do, and the folder to write in.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from llm_book.runtime import Runtime
from llm_book.shapes import IGNORE, TokenBatch
from llm_book.training.checkpoint import Checkpoints, read_state
from llm_book.training.distributed import joined
from llm_book.training.loop import TrainConfig, Training, train
from llm_book.training.losses import token_loss
from llm_book.training.optim import AdamW

VOCAB, WIDTH, STEPS = 11, 6, 6


class Block(nn.Module):
    """A residual layer; ``drop`` is the share of numbers that dropout takes away."""

    def __init__(self, drop: float) -> None:
        super().__init__()
        self.inner, self.drop = nn.Linear(WIDTH, WIDTH), nn.Dropout(drop)

    def forward(self, states):
        return states + self.drop(torch.tanh(self.inner(states)))


class Small(nn.Module):
    """A language model in blocks, with head and embedding tied as in GPT-2."""

    def __init__(self, drop: float = 0.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, WIDTH)
        self.blocks = nn.ModuleList(Block(drop) for _ in range(2))
        self.head = nn.Linear(WIDTH, VOCAB)
        self.head.weight = self.embedding.weight

    def forward(self, ids):
        states = self.embedding(ids)
        for block in self.blocks:
            states = block(states)
        return self.head(states)


def batches(index: int) -> TokenBatch:
    """Five rows, so that two processes get two and three, with ever fewer targets in a row."""
    generator = torch.Generator().manual_seed(index)
    ids = torch.randint(0, VOCAB, (5, 8), generator=generator)
    targets = (ids + 3) % VOCAB
    targets[torch.arange(8) > torch.tensor([7, 6, 2, 1, 0])[:, None]] = IGNORE
    return TokenBatch(ids, targets)


def a_run(runtime: Runtime, dtype: torch.dtype, sharded: bool, drop: float = 0.0) -> Training:
    """The same run for one process and for many; only the first process's weights may matter."""
    rank = int(os.environ.get("RANK", "0"))
    generator = torch.Generator().manual_seed(1 + rank)
    model = Small(drop).to(dtype)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator, dtype=dtype) / 2)
    torch.manual_seed(rank)  # dropout is each process's own
    config = TrainConfig(steps=STEPS, learning_rate=0.05, clip_norm=0.5, accumulate=2)
    return train(model, batches, config, runtime, token_loss, optimizer=AdamW, sharded=sharded)


def steps_of(run: Training, checkpoints: Checkpoints) -> list[list[float]]:
    """Train to the end, with a checkpoint half way and at the end."""
    steps = []
    for step in run:
        steps.append([step.loss, step.gradient_norm, step.tokens])
        if step.index in (STEPS // 2, STEPS):
            state = run.state()
            if run.processes.rank == 0:
                checkpoints.save(state, step.index)
    return steps


def every_way(runtime: Runtime, folder: Path) -> dict[str, list]:
    """Curves of runs that hold the model as copies and as shards, whole and resumed."""
    curves = {}
    for sharing in ("copies", "shards"):
        sharded = sharing == "shards"
        for name, drop in (("float64", 0.0), ("float32", 0.0), ("dropout", 0.3)):
            dtype = torch.float32 if name == "float32" else torch.float64
            kept = Checkpoints(folder / f"{sharing}-{name}")
            curves[f"{sharing}-{name}"] = steps_of(a_run(runtime, dtype, sharded, drop), kept)
            torch.distributed.barrier()  # the first has written what all will read
            again = a_run(runtime, dtype, sharded, drop)
            again.resume(read_state(kept.steps()[0]))
            curves[f"{sharing}-{name}-resumed"] = steps_of(again, Checkpoints(folder / "again"))
        from_one = a_run(runtime, torch.float64, sharded)
        from_one.resume(read_state(folder / "one"))
        curves[f"{sharing}-from-one"] = steps_of(from_one, Checkpoints(folder / "again"))
        half = a_run(replace(runtime, dtype="float16"), torch.float32, sharded)
        curves[f"{sharing}-float16"] = steps_of(half, Checkpoints(folder / "again"))
    return curves


def main(task: str, folder: Path) -> None:
    """Do ``task``; the first process writes the curves, each one that it came to its end."""
    with joined(Runtime(), timeout=200.0 if task == "train" else 10.0) as runtime:
        rank = torch.distributed.get_rank()
        if task == "train":
            curves = every_way(runtime, folder)
            (folder / f"curves-{rank}.json").write_text(json.dumps(curves), encoding="utf-8")
            return
        for step in a_run(runtime, torch.float32, sharded=task == "leave"):
            if rank == 1 and step.index == 2:
                if task == "leave":
                    return
                raise RuntimeError("this process has had enough")
    (folder / f"finished-{rank}").touch()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1], Path(sys.argv[2]))
