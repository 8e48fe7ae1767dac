"""What ends a run early leaves a good checkpoint, a marked run, and one sentence on what to do."""

import errno
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors import SafetensorError
from typer.testing import CliRunner

from llm_book.cli import app
from llm_book.recipes import shakespeare_gpt
from llm_book.recipes.endings import ending
from llm_book.recipes.job import Job
from llm_book.results import read_json
from llm_book.runtime import Runtime
from llm_book.training.checkpoint import Checkpoints

TINY = {
    "n_characters": 3000,
    "width": 16,
    "n_layers": 1,
    "n_heads": 2,
    "context_length": 16,
    "batch_size": 4,
    "steps": 12,
    "evaluate_every": 4,
}
SETTINGS = [f"--set={name}={value}" for name, value in TINY.items()]
NAME = "shakespeare_gpt-small-0"


def words(runs, *more: str) -> list[str]:
    """The command line, less the program's name."""
    return ["run", "shakespeare_gpt", "--device=cpu", f"--runs={runs}", *SETTINGS, *more]


def at_the_second_look(monkeypatch, happens):
    """What ``happens`` when the model is evaluated after step 8: step 4 has a checkpoint."""
    looked, true = [], shakespeare_gpt.validate

    def validate(*given):
        looked.append(1)
        if len(looked) == 2:
            happens()
        return true(*given)

    monkeypatch.setattr(shakespeare_gpt, "validate", validate)


def raising(error: BaseException):
    def happens():
        raise error

    return happens


def a_huge_tensor():
    torch.empty(1 << 60)


def a_full_device():
    with open("/dev/full", "w") as file:
        file.write("x")


@pytest.fixture(autouse=True)
def hearing_ctrl_c():
    """Tests that a shell started in the background are deaf to Ctrl-C; a reader's run is not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


needs_dev_full = pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="this system has no device that is always full"
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The curve of a run that nothing happened to, but for its clock."""
    runs = tmp_path_factory.mktemp("undisturbed")
    config = replace(shakespeare_gpt.PRESETS["small"], **TINY)
    job = Job("shakespeare_gpt", "small", 0, runs, Runtime(), say=lambda said: None)
    shakespeare_gpt.run(config, job)
    return without_clock(job)


def without_clock(job: Job) -> list[tuple]:
    return [(s["index"], s["loss"], s["gradient_norm"]) for s in job.curve.read()]


@pytest.mark.parametrize(
    ("happens", "status", "sentence"),
    [
        pytest.param(
            lambda: signal.raise_signal(signal.SIGINT),
            130,
            "stopped by hand; the same",
            id="Ctrl-C",
        ),
        pytest.param(
            lambda: signal.raise_signal(signal.SIGTERM),
            143,
            "stopped because the system asked it to end; the same command with --resume goes on",
            id="SIGTERM",
        ),
        pytest.param(a_huge_tensor, 1, "memory ran out (", id="memory of the machine"),
        pytest.param(
            raising(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")),
            1,
            "memory ran out (CUDA out of memory); close what else uses it and the same command "
            "with --resume goes on from the last checkpoint, or begin anew with less at once",
            id="memory of a GPU",
        ),
        pytest.param(a_full_device, 1, "the disk is full (", id="full disk", marks=needs_dev_full),
        pytest.param(
            raising(SafetensorError("I/O error: No space left on device (os error 28)")),
            1,
            "free some room, then the same command with --resume",
            id="full disk while a checkpoint is written",
        ),
        pytest.param(
            raising(RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer")),
            1,
            "another process of this run went away",
            id="lost process",
        ),
    ],
)
def test_an_end_that_is_nobodys_fault_is_noted_and_the_run_goes_on_bit_for_bit(
    undisturbed, tmp_path, monkeypatch, happens, status, sentence
):
    with monkeypatch.context() as once:
        at_the_second_look(once, happens)
        answer = CliRunner().invoke(app, words(tmp_path))
    assert answer.exit_code == status, answer.output
    assert sentence in answer.output and "Traceback" not in answer.output
    assert answer.output.count("llm-book: ") == 1
    document = read_json(tmp_path / NAME / "run.json")
    assert document["status"] == "stopped" and document["reason"] in answer.output
    assert document["stops"] == [{"after": 8, "reason": document["reason"]}]
    state, refused = Checkpoints(tmp_path / NAME / "checkpoints").newest_good()
    assert state["training"]["index"] == 4 and not refused
    again = CliRunner().invoke(app, words(tmp_path, "--resume"))
    assert again.exit_code == 0, again.output
    job = Job("shakespeare_gpt", "small", 0, tmp_path, Runtime())
    assert without_clock(job) == undisturbed
    finished = read_json(tmp_path / NAME / "run.json")
    assert finished["status"] == "finished" and finished["stops"] == document["stops"]


def test_a_fault_of_the_code_keeps_its_traceback_and_is_noted(tmp_path, monkeypatch):
    at_the_second_look(monkeypatch, raising(KeyError("a bug")))
    answer = CliRunner().invoke(app, words(tmp_path))
    assert isinstance(answer.exception, KeyError)
    assert read_json(tmp_path / NAME / "run.json")["reason"] == "'a bug'"


def test_a_handler_of_sigterm_does_not_outlive_its_run(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    assert CliRunner().invoke(app, words(tmp_path)).exit_code == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_loss_that_is_no_number_leaves_the_checkpoint_before_it(tmp_path, monkeypatch):
    def infinite(model, batch):
        loss = shakespeare_gpt.token_loss(model, batch)
        infinite.calls += 1
        return loss * (float("nan") if infinite.calls == 6 else 1.0)

    infinite.calls = 0
    true = shakespeare_gpt.train
    monkeypatch.setattr(shakespeare_gpt, "train", lambda *given: true(*given[:-1], infinite))
    answer = CliRunner().invoke(app, words(tmp_path))
    assert answer.exit_code == 1
    assert "the loss is nan at step 6; run again with a learning rate (here" in answer.output
    document = read_json(tmp_path / NAME / "run.json")
    assert document["status"] == "stopped" and document["stops"][0]["after"] == 5
    state, _ = Checkpoints(tmp_path / NAME / "checkpoints").newest_good()
    assert state["training"]["index"] == 4
    assert all(w.isfinite().all() for w in state["training"]["model"].values())


def test_a_run_that_was_killed_says_so_when_it_goes_on(undisturbed, tmp_path, monkeypatch):
    with monkeypatch.context() as once:
        at_the_second_look(once, raising(KeyboardInterrupt()))
        once.setattr(Job, "_note_stop", lambda *_: None)  # as after kill -9: nobody is left
        CliRunner().invoke(app, words(tmp_path))
    assert read_json(tmp_path / NAME / "run.json")["status"] == "running"
    again = CliRunner().invoke(app, words(tmp_path, "--resume"))
    assert f"{NAME} was killed, or the machine went down" in again.output
    finished = read_json(tmp_path / NAME / "run.json")
    assert [stop["after"] for stop in finished["stops"]] == [8]
    assert without_clock(Job("shakespeare_gpt", "small", 0, tmp_path, Runtime())) == undisturbed


def test_a_clock_that_jumps_changes_neither_the_order_nor_the_seconds(
    undisturbed, tmp_path, monkeypatch
):
    """Files get dates in the wrong order, and the time of day goes back by a year at each look."""
    monkeypatch.setattr("time.time", lambda: float(1e9 - 3.2e7 * len(os.listdir(tmp_path))))
    with monkeypatch.context() as once:
        at_the_second_look(once, raising(KeyboardInterrupt()))
        CliRunner().invoke(app, words(tmp_path))
    kept = Checkpoints(tmp_path / NAME / "checkpoints")
    kept.save(kept.newest_good()[0] | {"training": {"index": 0}}, 0)
    for age, path in enumerate(kept.steps()):  # the oldest step has the newest date
        os.utime(path, (2e9 - age * 1e8,) * 2)
    again = CliRunner().invoke(app, words(tmp_path, "--resume"))
    assert "resumed after step 4" in again.output
    job = Job("shakespeare_gpt", "small", 0, tmp_path, Runtime())
    assert without_clock(job) == undisturbed
    seconds = [step["seconds"] for step in job.curve.read()]
    assert seconds == sorted(seconds) and seconds[0] > 0 and seconds[-1] < 100


def mounts() -> bool:
    """Whether a process may mount a small file system of its own here."""
    try:
        return not subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode
    except OSError:
        return False


@pytest.mark.skipif(not mounts(), reason="no small file system can be mounted to be filled here")
def test_a_disk_that_is_really_full_keeps_the_checkpoints_before_and_marks_the_run(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    run = [sys.executable, "-m", "llm_book.cli", *words(small / "runs"), "--set=steps=40"]
    script = f"""
    mount -t tmpfs -o size=1600k tmpfs {small}
    {" ".join(run)} --set=width=64
    cat {small}/runs/{NAME}/run.json
    ls {small}/runs/{NAME}/checkpoints
    mount -o remount,size=50m {small}
    {" ".join(run)} --set=width=64 --resume
    """
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True)
    assert done.stderr.count("the disk is full (") == 1, done.stderr
    assert '"status": "stopped"' in done.stdout
    assert done.stdout.count("step-") == 2 and ".writing" not in done.stdout
    assert "resumed after step" in done.stdout and "written to" in done.stdout


@pytest.mark.parametrize(
    "error", [ValueError("gloo is no device"), LookupError("a bug"), RuntimeError("shapes differ")]
)
def test_what_the_code_did_wrong_has_no_such_sentence(error):
    assert ending(error) is None


def test_a_quota_that_is_used_up_is_a_full_disk():
    assert "the disk is full (" in ending(OSError(errno.EDQUOT, "Disk quota exceeded"))
