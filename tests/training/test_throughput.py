"""Tokens a second count what teaches, after warm-up, between two waits for the device."""

import json
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from llm_book.runtime import Runtime
from llm_book.shapes import IGNORE, TokenBatch
from llm_book.training import throughput as module
from llm_book.training.loop import TrainConfig, train
from llm_book.training.losses import token_loss
from llm_book.training.throughput import throughput, write_trace


class Speaker(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5, 5)

    def forward(self, ids):
        return self.table(ids)


def batches(step):
    """Two rows of 4 positions, of which ``step + 1`` teach."""
    ids = torch.ones(2, 4, dtype=torch.int64)
    targets = torch.full((8,), IGNORE)
    targets[: step + 1] = 2
    return TokenBatch(ids, targets.view(2, 4))


def a_run(steps=7, runtime=None):
    torch.manual_seed(0)
    return train(Speaker(), batches, TrainConfig(steps), runtime or Runtime(), token_loss)


def ticking(monkeypatch, *spans):
    """A stopwatch that shows these seconds, one after the other."""
    left = iter(spans)

    def seconds(work, device):
        work()
        return next(left)

    monkeypatch.setattr(module, "seconds_of", seconds)


def test_speeds_are_targets_over_seconds_of_each_stretch_by_hand(monkeypatch):
    ticking(monkeypatch, 10.0, 2.0, 1.0, 4.0)
    found = throughput(a_run(), warmup=1, repeats=3, steps=2)
    # Steps teach 1, 2, … 7 tokens; the first warms up.
    assert found.speeds == [(2 + 3) / 2, (4 + 5) / 1, (6 + 7) / 4]
    assert found.positions_per_second == 16 / 2
    assert found.seconds == 17 and found.warmup_seconds == 10 and found.tokens == 28
    assert len(found.losses) == 7 and found.memory is None
    numbers = found.numbers
    assert [numbers[f"tokens/s{x}"] for x in ("", ", lowest", ", highest")] == [13 / 4, 2.5, 9]
    assert numbers["loss"] == found.losses[-1] and "memory" not in numbers


def test_pads_do_not_count(monkeypatch):
    ticking(monkeypatch, 1.0, 1.0)
    found = throughput(a_run(), warmup=1, repeats=1, steps=3)
    assert found.speeds == [2 + 3 + 4] and found.positions_per_second == 3 * 8


def test_the_steps_are_those_of_the_loop():
    losses = [step.loss for step in a_run()]
    assert throughput(a_run(), warmup=1, repeats=3, steps=2).losses == losses


def test_memory_on_a_gpu_is_the_peak_after_the_warm_up(monkeypatch):
    said = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: said.append("wait"))
    monkeypatch.setattr(
        torch.cuda, "reset_peak_memory_stats", lambda device: said.append("forget the peak")
    )
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 123)
    run = a_run()
    run.runtime = SimpleNamespace(
        device="cuda", peak_memory=Runtime("cuda").peak_memory, scaled=False
    )
    monkeypatch.setattr(type(run), "_step", lambda self: said.append("step") or a_step(self))
    found = throughput(run, warmup=2, repeats=1, steps=1)
    assert found.memory == 123 and found.numbers["memory"] == 123
    assert said == ["wait", "step", "step", "wait", "forget the peak", "wait", "step", "wait"]


def a_step(run):
    run.index += 1
    return SimpleNamespace(loss=1.0)


def test_a_trace_holds_one_more_step(tmp_path):
    run = a_run()
    throughput(run, warmup=1, repeats=1, steps=1)
    write_trace(run, tmp_path / "trace.json")
    assert run.index == 3
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert any("embedding" in event.get("name", "") for event in events)


@pytest.mark.parametrize("counts", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (2, 3, 2)])
def test_steps_that_a_run_has_not_are_refused(counts):
    with pytest.raises(ValueError, match="in a run that has 7 to go; give counts of 1 or more"):
        throughput(a_run(), *counts)
