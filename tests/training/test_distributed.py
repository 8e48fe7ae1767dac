"""Two processes train as one with twice the batch would; their checkpoints are anyone's."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from llm_book.runtime import Runtime
from llm_book.shapes import Batch
from llm_book.training import distributed
from llm_book.training.checkpoint import Checkpoints, read_state, write_state
from llm_book.training.distributed import Alone, Copies, Shards, joined, rows_of, together
from llm_book.training.loop import TrainConfig, train
from tests.training import two_processes as script

pytestmark = pytest.mark.skipif(
    not torch.distributed.is_available(), reason="this PyTorch was built without torch.distributed"
)
SHARINGS = ("copies", "shards")


def torchrun(task: str, folder: Path, limit: float) -> subprocess.CompletedProcess:
    """Start the script in two processes, as a reader would."""
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", script.__file__, task, str(folder)),
        ],
        capture_output=True,
        text=True,
        timeout=limit,
        env=os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> Path:
    """A run of one process: its curve, and its checkpoint half way."""
    folder = tmp_path_factory.mktemp("one")
    kept = Checkpoints(folder / "kept")
    for name in ("float64", "float32"):
        run = script.a_run(Runtime(), getattr(torch, name), sharded=False)
        (folder / f"{name}.json").write_text(json.dumps(script.steps_of(run, kept)))
        write_state(folder / name, run.state())
        if name == "float64":
            write_state(folder / "half", read_state(kept.steps()[0]))
    return folder


@pytest.fixture(scope="module")
def two(one, tmp_path_factory) -> tuple[Path, dict]:
    """The same run, and its variants, in two processes."""
    folder = tmp_path_factory.mktemp("two")
    write_state(folder / "one", read_state(one / "half"))
    done = torchrun("train", folder, 400)
    assert done.returncode == 0, done.stderr
    curves = [json.loads((folder / f"curves-{rank}.json").read_text()) for rank in (0, 1)]
    assert curves[0] == curves[1]  # every process sees the run as a whole
    return folder, curves[0]


@pytest.mark.parametrize("sharing", SHARINGS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-5)])
def test_two_processes_are_one_with_twice_the_batch(one, two, sharing, dtype, tolerance):
    folder, curves = two
    expected = json.loads((one / f"{dtype}.json").read_text())
    found = curves[f"{sharing}-{dtype}"]
    assert len(found) == script.STEPS
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=0, abs=tolerance)
        assert theirs[1] > 0.5  # every step is clipped
    weights = read_state(one / dtype)["model"]
    state, refused = Checkpoints(folder / f"{sharing}-{dtype}").newest_good()
    assert not refused
    assert state["model"].keys() == weights.keys()
    for name, weight in weights.items():
        torch.testing.assert_close(state["model"][name], weight, rtol=0, atol=tolerance)


@pytest.mark.parametrize("sharing", SHARINGS)
@pytest.mark.parametrize("name", ["float64", "float32", "dropout"])
def test_two_processes_resume_bit_for_bit(two, sharing, name):
    _, curves = two
    half = script.STEPS // 2
    assert curves[f"{sharing}-{name}-resumed"] == curves[f"{sharing}-{name}"][half:]


@pytest.mark.parametrize("sharing", SHARINGS)
def test_what_two_processes_wrote_one_process_goes_on_with(one, two, sharing):
    folder, curves = two
    run = script.a_run(Runtime(), torch.float64, sharded=False)
    run.resume(read_state(Checkpoints(folder / f"{sharing}-float64").steps()[0]))
    rest = [[step.loss, step.gradient_norm, step.tokens] for step in run]
    for ours, theirs in zip(rest, curves[f"{sharing}-float64"][script.STEPS // 2 :], strict=True):
        assert ours == pytest.approx(theirs, rel=0, abs=1e-9)


@pytest.mark.parametrize("sharing", SHARINGS)
def test_what_one_process_wrote_two_processes_go_on_with(one, two, sharing):
    expected = json.loads((one / "float64.json").read_text())[script.STEPS // 2 :]
    for ours, theirs in zip(two[1][f"{sharing}-from-one"], expected, strict=True):
        assert ours == pytest.approx(theirs, rel=0, abs=1e-9)


@pytest.mark.parametrize("sharing", SHARINGS)
def test_float16_with_its_scale_trains_in_two_processes(two, sharing):
    curve = two[1][f"{sharing}-float16"]
    for ours, theirs in zip(curve, two[1][f"{sharing}-float32"], strict=True):
        assert ours == pytest.approx(theirs, rel=0.05)


def test_dropout_draws_otherwise_in_each_process(two):
    curves = two[1]
    assert curves["copies-dropout"] != curves["copies-float64"]
    assert curves["copies-dropout"][0][0] == pytest.approx(curves["shards-dropout"][0][0])


@pytest.mark.parametrize("task", ["leave", "raise"])
def test_a_process_that_goes_away_does_not_leave_the_other_waiting(task, tmp_path):
    done = torchrun(task, tmp_path, 240)  # seconds; a process waits for another 10
    assert done.returncode != 0
    assert not (tmp_path / "finished-0").exists()
    if task == "raise":
        assert "this process has had enough" in done.stderr


def test_without_torchrun_a_script_is_a_run_of_one():
    with joined(Runtime()) as runtime:
        assert runtime == Runtime()
    for sharded in (False, True):
        assert type(together(runtime, sharded)) is Alone


def test_processes_that_do_not_run_are_refused():
    for processes in (2, 3):
        with pytest.raises(
            ValueError,
            match=f"has {processes} processes, but 1 of them runs; start the script with torchrun "
            f"--nproc-per-node {processes} and use",
        ):
            train(
                torch.nn.Linear(1, 1),
                script.batches,
                TrainConfig(steps=1),
                Runtime(processes=processes),
            )


@pytest.mark.parametrize("rows", [3, 4, 7, 8])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_row_falls_to_one_process_and_all_have_nearly_as_many(rows, size):
    batch = Batch(torch.arange(2 * rows).view(rows, 2), torch.full((rows,), 2), torch.arange(rows))
    parts = [rows_of(batch, rank, size) for rank in range(size)]
    assert torch.equal(torch.cat([part.ids for part in parts]), batch.ids)
    assert torch.equal(torch.cat([part.labels for part in parts]), batch.labels)
    assert max(p.size for p in parts) - min(p.size for p in parts) <= 1


def test_fewer_rows_than_processes_are_refused():
    batch = Batch(torch.zeros(2, 3).long(), torch.full((2,), 3), torch.zeros(2).long())
    with pytest.raises(ValueError, match="2 rows do not divide among 3 processes; draw batches of"):
        rows_of(batch, 0, 3)


class Peers:
    """Stands for ``torch.distributed`` in the second of three processes, all with equal numbers."""

    def __init__(self) -> None:
        self.sent: list[tuple[torch.Tensor, int]] = []
        self.events: list = []

    def is_available(self) -> bool:
        return True

    def is_initialized(self) -> bool:
        return True

    def get_rank(self) -> int:
        return 1

    def get_world_size(self) -> int:
        return 3

    def all_reduce(self, tensor) -> None:
        tensor.mul_(3)

    def all_gather_object(self, values, value) -> None:
        values[:] = [value] * len(values)

    def broadcast(self, tensor, source) -> None:
        assert not tensor.requires_grad
        self.sent.append((tensor, source))

    def init_process_group(self, backend, timeout) -> None:
        self.events.append((backend, timeout.total_seconds()))

    def destroy_process_group(self) -> None:
        self.events.append("left")


@pytest.fixture
def peers(monkeypatch) -> Peers:
    """Two others to train with, who do not exist."""
    found = Peers()
    monkeypatch.setattr(distributed, "dist", found)
    return found


def test_the_processes_that_run_hold_copies_or_shards(peers):
    for sharded, kind in ((False, Copies), (True, Shards)):
        found = together(Runtime(processes=3), sharded)
        assert type(found) is kind
        assert (found.rank, found.size) == (1, 3)
    assert type(together(Runtime(), True)) is Alone
    with pytest.raises(ValueError, match="has 2 processes, but 3 of them run; start"):
        together(Runtime(processes=2), False)


def test_a_mean_leaves_the_value_as_it_was_and_has_no_gradient(peers):
    value = torch.tensor([2.0, 4.0], requires_grad=True)
    found = Copies().mean(value)
    assert found.tolist() == value.tolist() == [2.0, 4.0]
    assert not found.requires_grad
    assert Copies().gathered("mine") == ["mine"] * 3


def test_a_process_of_three_reads_its_third(peers):
    batch = Batch(torch.arange(12).view(6, 2), torch.full((6,), 2), torch.arange(6))
    assert Copies().share(batch).labels.tolist() == [2, 3]


class Recent(torch.nn.Module):
    """DistributedDataParallel, whose option for buffers has got another name with time."""

    def __init__(self, module, forward_sync_buffers=True) -> None:
        super().__init__()
        self.module, self.sends = module, forward_sync_buffers


class Earlier(torch.nn.Module):
    """DistributedDataParallel as it was."""

    def __init__(self, module, broadcast_buffers=True) -> None:
        super().__init__()
        self.module, self.sends = module, broadcast_buffers


@pytest.mark.parametrize("kind", [Recent, Earlier])
def test_copies_do_not_send_their_buffers_at_each_call(peers, monkeypatch, kind):
    monkeypatch.setattr(torch.nn.parallel, "DistributedDataParallel", kind)
    model = torch.nn.Linear(1, 1)
    found = Copies().spread(model)
    assert type(found) is kind
    assert found.module is model
    assert found.sends is False


def test_shards_are_cut_block_by_block_and_start_from_the_first_ones_weights(peers, monkeypatch):
    cut = []
    monkeypatch.setattr("torch.distributed.fsdp.fully_shard", cut.append)
    model = script.Small()
    model.register_buffer("constant", torch.ones(2))
    assert Shards().spread(model) is model
    assert cut == [*model.blocks, model]
    expected = [*model.parameters(), model.constant]
    assert [source for _, source in peers.sent] == [0] * len(expected)
    assert [t.data_ptr() for t, _ in peers.sent] == [t.data_ptr() for t in expected]


def test_shards_send_gradients_again_after_those_that_stay():
    said = []
    model = SimpleNamespace(set_requires_gradient_sync=said.append)
    with Shards.unsynchronised(None, model):
        assert said == [False]
    assert said == [False, True]


@pytest.fixture
def group(tmp_path):
    """A real group of one process, over files."""
    torch.distributed.init_process_group(
        "gloo", init_method=(tmp_path / "meeting").as_uri(), rank=0, world_size=1
    )
    yield
    torch.distributed.destroy_process_group()


def test_a_state_is_put_together_however_deep_its_parts_lie(group):
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import DTensor, Shard, distribute_tensor

    whole = torch.arange(6.0).view(3, 2)
    part = distribute_tensor(whole, init_device_mesh("cpu", (1,)), [Shard(0)])
    found = Shards().whole({"a": part, "b": {"c": [part, 1], "d": (part,)}, "e": whole})
    assert found["b"]["c"][1] == 1
    for tensor in (found["a"], found["b"]["c"][0], found["b"]["d"][0], found["e"]):
        assert not isinstance(tensor, DTensor)
        assert torch.equal(tensor, whole)


@pytest.mark.parametrize(("device", "backend"), [("cuda", "nccl"), ("cpu", "gloo")])
def test_a_process_of_torchrun_joins_with_its_own_device_and_leaves(
    peers, monkeypatch, device, backend
):
    chosen = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "one")
    monkeypatch.setenv("LOCAL_RANK", "1")
    own = "cuda:1" if device == "cuda" else "cpu"
    with pytest.raises(RuntimeError, match="enough"), joined(Runtime(device)) as runtime:
        assert runtime == Runtime(own, processes=3)
        assert chosen == ([own] if device == "cuda" else [])
        assert peers.events == [(backend, 300.0)]
        raise RuntimeError("enough")
    assert peers.events == [(backend, 300.0), "left"]
