"""Recipes under ``torchrun``: one run, however many processes, and whatever becomes of them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from llm_book.recipes.job import Job
from llm_book.results import read_json
from llm_book.runtime import Runtime
from llm_book.training.checkpoint import Checkpoints
from tests.recipes import until_a_look as script

pytestmark = pytest.mark.skipif(
    not torch.distributed.is_available(), reason="this PyTorch was built without torch.distributed"
)
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
NAME = "shakespeare_gpt-small-0"


def torchrun(processes: int, *words: str) -> list[str]:
    start = (sys.executable, "-m", "torch.distributed.run", "--standalone")
    return [*start, "--nproc-per-node", str(processes), *words]


def curve(runs: Path) -> list[list[float]]:
    job = Job("shakespeare_gpt", "small", 0, runs, Runtime())
    return [[s["index"], s["loss"], s["gradient_norm"], s["tokens"]] for s in job.curve.read()]


def until(step: int, runs: Path, processes: int) -> None:
    """Train until the look after ``step``; the checkpoint is from the look before it."""
    words = torchrun(processes, script.__file__, str(runs), str(step))
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr


def test_a_run_goes_on_with_two_then_one_then_four_processes(tmp_path):
    alone, changing = tmp_path / "alone", tmp_path / "changing"
    script.until(0, alone, Runtime())
    checkpoints = Checkpoints(changing / NAME / "checkpoints")
    for processes, step in ((2, 6), (1, 10), (4, 0)):
        until(step, changing, processes)
        if step:
            assert checkpoints.newest_good()[0]["training"]["index"] == step - 2
    expected = curve(alone)
    assert len(expected) == script.TINY.steps
    for ours, theirs in zip(curve(changing), expected, strict=True):
        assert ours == pytest.approx(theirs, rel=0, abs=1e-5)
    ends = [read_json(runs / NAME / "run.json")["metrics"] for runs in (changing, alone)]
    assert ends[0] == pytest.approx(ends[1], rel=0, abs=1e-5)


TINY = (
    *("--set=n_characters=3000", "--set=width=16", "--set=n_layers=1", "--set=n_heads=2"),
    *("--set=context_length=16", "--set=batch_size=4", "--set=steps=100", "--set=evaluate_every=5"),
)


def command(runs: Path) -> list[str]:
    words = ("-m", "llm_book.cli", "run", "shakespeare_gpt", "--device=cpu", f"--runs={runs}")
    return torchrun(2, "--max-restarts", "2", *words, *TINY)


def killed_once(started: subprocess.Popen, runs: Path) -> None:
    """Kill the second worker, with no chance to tidy up, once the run has a checkpoint."""
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and started.poll() is None:
        if len(curve(runs)) >= 12 and len(workers := workers_of(started)) == 2:
            workers[1].kill()
            return
        time.sleep(0.01)
    raise AssertionError("the run ended before a worker could be killed")


def workers_of(started: subprocess.Popen) -> list[psutil.Process]:
    """The processes that train, in the order of their ranks."""
    children = psutil.Process(started.pid).children()
    ranked = [child for child in children if "llm_book.cli" in " ".join(child.cmdline())]
    return sorted(ranked, key=lambda child: int(child.environ()["RANK"]))


def test_a_killed_worker_is_started_again_and_the_run_goes_on_from_its_checkpoint(tmp_path):
    runs = [tmp_path / name for name in ("undisturbed", "killed")]
    whole = subprocess.run(
        command(runs[0]), capture_output=True, text=True, timeout=300, env=ENVIRONMENT
    )
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.count("written to") == 1  # two processes, one voice
    started = subprocess.Popen(
        command(runs[1]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ENVIRONMENT,
    )
    killed_once(started, runs[1])
    said, _ = started.communicate(timeout=300)
    assert started.returncode == 0, said
    assert "resumed after step" in said and "Traceback" not in said, said
    assert curve(runs[1]) == curve(runs[0])
    documents = [read_json(folder / NAME / "run.json") for folder in runs]
    assert documents[0]["metrics"] == documents[1]["metrics"]
    assert documents[0]["stops"] == [] and len(documents[1]["stops"]) == 1
