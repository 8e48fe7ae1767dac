"""A loss curve while it trains: what a frame, a call and a run of it cost, beside Matplotlib.

Run: python benchmarks/loss_curve.py
"""

import io
import json
import math
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from harness import PAIRS, Row, main, paired, versions

from llm_book.models.transformer import GPT, GPTConfig
from llm_book.shapes import TokenBatch
from llm_book.training.loop import Step, TrainConfig, train
from llm_book.training.losses import token_loss
from llm_book.widgets import frames
from llm_book.widgets.loss_curve import LossCurve

TOTAL = 2000


class Published(frames.Notebook):
    """A notebook's display without a notebook: every frame is made and written as a message."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def _put(self, what: Any, **options: Any) -> None:
        bundle = what if isinstance(what, dict) else what._repr_mimebundle_()
        self.sizes.append(len(json.dumps(bundle, ensure_ascii=False).encode()))


def step(index: int) -> Step:
    """A record like those of ``train``."""
    loss = 1.2 + 8 * math.exp(-index / 300) + 0.05 * math.sin(index * index)
    return Step(index, loss, 1e-3 * (1 - index / 1e7), 0.5, 512, index / 10, 5120.0, 10**9)


def shown_curve(n: int) -> tuple[LossCurve, Published]:
    """A curve of ``n`` steps with all that a frame can show, and what it is shown on."""
    screen = Published()
    frames.screen = lambda: screen
    curve = LossCurve(total=TOTAL, vocab_size=8192, recorded="imdb_gru.small.cpu").__enter__()
    for index in range(1, n + 1):
        curve.log(step(index))
        if index % 50 == 0:
            curve.validation(index, step(index).loss)
            curve.checkpoint(index)
    curve.record()  # takes in what waits
    return curve, screen


def matplotlib_frame(n: int) -> Callable[[], None]:
    """The usual way: clear the axes, plot everything again, save a picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (top, middle, low) = plt.subplots(3, 1, figsize=(6.4, 4.4), sharex=True)
    steps = [step(index) for index in range(1, n + 1)]
    index = [one.index for one in steps]

    def draw() -> None:
        for axes, name in ((top, "loss"), (middle, "learning_rate"), (low, "gradient_norm")):
            axes.clear()
            axes.plot(index, [getattr(one, name) for one in steps])
            axes.set_ylabel(name)
        figure.savefig(io.BytesIO(), format="png", dpi=100)

    return draw


def a_frame(quick: bool) -> list[Row]:
    """Time and size of a frame with ``TOTAL`` steps."""
    times = 2 if quick else 20
    curve, screen = shown_curve(TOTAL)
    theirs = matplotlib_frame(TOTAL)

    def ours() -> None:
        for _ in range(times):
            curve._draw(screen)

    pairs = paired(ours, lambda: [theirs() for _ in range(times)], memory=False)
    ms = [1000 * statistics.median(side) / times for side in (pairs.ours, pairs.peer)]
    first = {"peer_name": "matplotlib, cleared and plotted again", "pairs": PAIRS}
    told = versions(("matplotlib",))
    return [
        Row(f"loss curve, a frame of {TOTAL:,} steps", ms[0], None, "ms", None, "<= 2", "",
            versions=told),
        Row(f"loss curve, a frame of {TOTAL:,} steps beside Matplotlib's", *ms, "ms", pairs.ratio,
            "", **first, versions=told),
        Row("loss curve, bytes of its largest frame", max(screen.sizes), None, "bytes", None,
            "<= 20000", "", versions=told),
    ]  # fmt: skip


def a_call(quick: bool) -> list[Row]:
    """Time of ``log`` in a tight loop, frames included; and what a million calls leave behind."""
    n = 10_000 if quick else 100_000
    spent = []
    for _ in range(PAIRS):
        frames.screen = Published
        curve, steps = LossCurve(total=n).__enter__(), [step(i) for i in range(1, n + 1)]
        began = time.perf_counter()
        for one in steps:
            curve.log(one)
        spent.append((time.perf_counter() - began) / n * 1e6)
    names = "loss curve, a call of log"
    return [
        Row(names, statistics.median(spent), None, "µs", None, "<= 5", "", versions=versions()),
        growth(quick),
    ]


def growth(quick: bool) -> Row:
    """Peak memory that the calls from the ten thousandth to the millionth add."""
    curve = LossCurve(total=10**6).__enter__()
    peaks = []
    for start, end in ((1, 10_000), (10_000, 20_000 if quick else 10**6)):
        for index in range(start, end):
            curve.log(step(index))
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    name = f"loss curve, memory that calls 10,000 to {end:,} add"
    return Row(
        name, (peaks[1] - peaks[0]) / 1024, None, "MiB", None, "<= 1", "", versions=versions()
    )


def a_run(quick: bool) -> Row:
    """Seconds inside the curve, of all the seconds of a small GPT's training that it shows."""
    seconds, vocab_size = 1.0 if quick else 20.0, 64
    config = GPTConfig.gpt2(
        vocab_size=vocab_size, width=64, n_layers=2, n_heads=4, context_length=32
    )
    ids = torch.randint(vocab_size, (16, 33))
    batch = TokenBatch(ids[:, :-1], ids[:, 1:])
    training = train(GPT(config), lambda _: batch, TrainConfig(10**6), loss=token_loss)
    frames.screen = Published
    inside = 0.0
    began = time.perf_counter()
    with LossCurve(total=10**6, vocab_size=vocab_size) as curve:
        for step in training:
            before = time.perf_counter()
            curve.log(step)
            inside += time.perf_counter() - before
            if before - began > seconds:
                break
        before = time.perf_counter()
    inside += time.perf_counter() - before
    share = 100 * inside / (time.perf_counter() - began)
    note = (
        f"{step.index:,} steps of a GPT of two layers in {seconds:.0f} s, the finished figure too"
    )
    name = "loss curve, share of a training run"
    return Row(name, share, None, "%", None, "<= 1", "", pairs=1, note=note, versions=versions())


def rows(quick: bool = False) -> list[Row]:
    """A frame, a call, a run."""
    return [*a_frame(quick), *a_call(quick), a_run(quick)]


if __name__ == "__main__":
    main(rows)
