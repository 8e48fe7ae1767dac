"""A stopwatch waits for the device, and a product's rate is its FLOP over its seconds."""

import itertools
import time
from types import SimpleNamespace

import pytest
import torch

from llm_book.training import stopwatch
from llm_book.training.stopwatch import matmul_rate, seconds_of, wait_for


def test_a_gpu_is_waited_for_before_and_after_the_work(monkeypatch):
    done = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: done.append(device))
    seconds_of(lambda: done.append("work"), "cuda:1")
    assert done == ["cuda:1", "work", "cuda:1"]


def test_an_apple_chip_is_waited_for_and_a_cpu_is_not(monkeypatch):
    done = []
    monkeypatch.setattr(torch.mps, "synchronize", lambda: done.append("mps"))
    wait_for("mps")
    wait_for("cpu")
    assert done == ["mps"]


def test_seconds_are_those_of_the_work():
    assert 0.05 <= seconds_of(lambda: time.sleep(0.05), "cpu") < 5


def test_a_rate_is_the_flop_of_the_fastest_stretch_over_its_seconds(monkeypatch):
    times = iter([0.0, 9.0, 10.0, 12.0, 20.0, 27.0])  # stretches of 9, 2 and 7 seconds
    monkeypatch.setattr(stopwatch, "time", SimpleNamespace(perf_counter=lambda: next(times)))
    rate = matmul_rate(8, stretches=3, products=5)
    assert rate == pytest.approx(2 * 8**3 * 5 / 2)


def test_the_first_stretch_is_not_counted(monkeypatch):
    products = itertools.count()
    real = torch.mm
    monkeypatch.setattr(torch, "mm", lambda a, b, out: (next(products), real(a, b, out=out))[1])
    matmul_rate(4, stretches=2, products=3)
    assert next(products) == 3 + 2 * 3


def test_counts_below_one_are_refused():
    with pytest.raises(ValueError, match="size 0, stretches 5 and products 4 must be at least 1"):
        matmul_rate(0)
