"""What was saved comes back to the bit, or is refused; never half."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.training.checkpoint import CheckpointDamaged, Checkpoints, read_state, write_state
from llm_book.training.history import History


def state(step: int) -> dict:
    return {
        "index": step,
        "model": {"weight": torch.full((3, 2), float(step)), "half": torch.ones(2).bfloat16()},
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1}]},
        "random": torch.get_rng_state(),
        "empty": {},
        "list": [1, "two", None, True],
    }


def same(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b and type(a) is type(b)


def test_a_state_comes_back_as_it_was(tmp_path):
    write_state(tmp_path / "one", state(7))
    assert same(read_state(tmp_path / "one"), state(7))


def test_the_state_of_a_real_optimizer_comes_back(tmp_path):
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    write_state(tmp_path / "one", {"optimizer": optimizer.state_dict()})
    fresh = torch.optim.AdamW(model.parameters())
    fresh.load_state_dict(read_state(tmp_path / "one")["optimizer"])
    for weight, kept in optimizer.state.items():
        assert torch.equal(kept["exp_avg"], fresh.state[weight]["exp_avg"])


def test_only_the_newest_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    for step in (10, 20, 30):
        checkpoints.save(state(step), step)
    assert [path.name for path in checkpoints.steps()] == ["step-00000020", "step-00000030"]
    assert checkpoints.newest_good()[0]["index"] == 30


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_a_damaged_checkpoint_is_refused_in_one_sentence_and_the_one_before_is_used(
    tmp_path, name, damage
):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(state(10), 10)
    file = checkpoints.save(state(20), 20) / name
    data = bytearray(file.read_bytes())
    if damage == "missing":
        file.unlink()
    elif damage == "truncated":
        file.write_bytes(data[: len(data) // 2])
    else:
        place = data.find(b"tensors_sha256") + 20 if name == "state.json" else len(data) - 1
        data[place] ^= 1
        file.write_bytes(data)
    found, refused = checkpoints.newest_good()
    assert found["index"] == 10
    assert len(refused) == 1
    assert refused[0].startswith("checkpoint step-00000020 is damaged")


@given(
    name=st.sampled_from(["tensors.safetensors", "state.json"]),
    place=st.integers(0, 10_000),
    bit=st.integers(0, 7),
)
@settings(max_examples=80, deadline=None)
def test_no_altered_bit_goes_unnoticed(tmp_path_factory, name, place, bit):
    folder = tmp_path_factory.mktemp("bits") / "one"
    write_state(folder, state(1))
    file = folder / name
    data = bytearray(file.read_bytes())
    data[place % len(data)] ^= 1 << bit
    file.write_bytes(data)
    with pytest.raises(CheckpointDamaged):
        read_state(folder)


def test_what_a_killed_process_left_half_written_is_never_read_and_goes_away(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(state(10), 10)
    left = tmp_path / ".writing-00000020-123"
    left.mkdir()
    (left / "tensors.safetensors").write_bytes(b"half")
    assert checkpoints.newest_good()[0]["index"] == 10
    checkpoints.save(state(30), 30)
    assert not left.exists()


def test_no_checkpoint_is_no_state_and_no_complaint(tmp_path):
    assert Checkpoints(tmp_path / "none").newest_good() == (None, [])


def test_keeping_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="keep is 0; at least one checkpoint must stay"):
        Checkpoints(tmp_path, keep=0)


def test_a_history_forgets_what_a_resumed_run_will_write_again(tmp_path):
    history = History(tmp_path / "curve.jsonl")
    for index in range(1, 6):
        history.append({"index": index, "loss": 0.1 * index})
    with history.path.open("a", encoding="utf-8") as file:
        file.write('{"index": 6, "lo')
    assert [record["index"] for record in history.read()] == [1, 2, 3, 4, 5]
    history.forget_after(3)
    assert [record["index"] for record in history.read()] == [1, 2, 3]
    history.append({"index": 4, "loss": 0.4})
    lines = history.path.read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[-1]) == {"index": 4, "loss": 0.4}


def test_a_history_keeps_every_bit_of_a_loss(tmp_path):
    history = History(tmp_path / "curve.jsonl")
    loss = 0.1 + 0.2
    history.append({"index": 1, "loss": loss})
    assert history.read()[0]["loss"] == loss


KILLED_AT = ["mkdir", "save_file", "write_text", "fsync", "rename", "rmtree"]


class Killed(BaseException):
    """What stands for a process that is killed."""


@pytest.mark.parametrize("same_step", [False, True])
@pytest.mark.parametrize("where", KILLED_AT)
@pytest.mark.parametrize("after", range(4))
def test_killed_while_writing_loses_nothing(tmp_path, monkeypatch, where, after, same_step):
    """Killed before the ``after``-th call of any system function, the newest state still stands."""
    checkpoints = Checkpoints(tmp_path, keep=1)
    checkpoints.save(state(10), 10)
    calls = []

    def deadly(function):
        def called(*arguments, **named):
            calls.append(function)
            if len(calls) > after:
                raise Killed
            return function(*arguments, **named)

        return called

    homes = {
        "mkdir": Path,
        "write_text": Path,
        "rename": Path,
        "fsync": os,
        "rmtree": shutil,
        "save_file": __import__("llm_book.training.checkpoint", fromlist=["save_file"]),
    }
    new = state(20) | {"index": 20}
    with monkeypatch.context() as patched:
        patched.setattr(homes[where], where, deadly(getattr(homes[where], where)))
        try:
            checkpoints.save(new, 10 if same_step else 20)
            finished = True
        except Killed:
            finished = False
    found, refused = checkpoints.newest_good()
    assert not refused
    assert same(found, new) or (not finished and same(found, state(10)))
    checkpoints.save(state(30), 30)  # whoever goes on is not hindered by what was left
    assert checkpoints.newest_good()[0]["index"] == 30
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000030"]


def test_a_step_saved_again_replaces_the_first_and_pushes_none_out(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    checkpoints.save(state(10), 10)
    for again in range(3):
        path = checkpoints.save(state(20) | {"list": [again]}, 20)
        assert path.exists()
        assert len(checkpoints.steps()) == 2
        assert checkpoints.newest_good()[0]["list"] == [again]
    assert checkpoints.steps()[0].name == "step-00000010"


def test_two_are_kept_where_nobody_says_how_many(tmp_path):
    checkpoints = Checkpoints(tmp_path / "deep" / "folder")
    for step in range(4):
        checkpoints.save(state(step), step)
    assert len(checkpoints.steps()) == 2


def test_keys_that_are_written_alike_do_not_overwrite_each_other(tmp_path):
    confusing = {1: torch.ones(1), "1": torch.zeros(2), "a/b": torch.ones(3)}
    confusing["a"] = {"b": torch.zeros(4), "c": [torch.ones(5)]}
    write_state(tmp_path / "one", {"all": confusing})
    assert same(read_state(tmp_path / "one")["all"], confusing)


def test_a_text_that_looks_like_a_tensors_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="the text 'tensor:x' cannot be kept: 'tensor:' begins"):
        write_state(tmp_path / "one", {"name": "tensor:x"})


def test_tied_weights_come_back_as_two_equal_ones(tmp_path):
    weight = torch.randn(3, 4)
    write_state(tmp_path / "one", {"a": weight, "b": weight, "t": weight.t(), "tuple": (1, 2)})
    found = read_state(tmp_path / "one")
    assert torch.equal(found["a"], weight) and torch.equal(found["b"], weight)
    assert torch.equal(found["t"], weight.t())
    assert found["tuple"] == [1, 2]


def test_folder_and_file_may_be_named_by_a_text(tmp_path):
    checkpoints = Checkpoints(str(tmp_path / "kept"))
    assert checkpoints.save(state(1), 1).exists()
    assert checkpoints.newest_good()[0]["index"] == 1
    history = History(str(tmp_path / "curve.jsonl"))
    history.append({"index": 1})
    assert history.read() == [{"index": 1}]


def test_a_history_that_has_not_begun_is_empty(tmp_path):
    assert History(tmp_path / "curve.jsonl").read() == []


class System:
    """An operating system that notes what is opened, flushed and closed."""

    O_RDONLY, O_RDWR = os.O_RDONLY, os.O_RDWR

    def __init__(self, name: str) -> None:
        self.name, self.done, self.names = name, [], {}

    def getpid(self) -> int:
        return 1

    def open(self, path, flags) -> int:
        descriptor = os.open(path, flags)
        self.names[descriptor] = path.name
        self.done.append(("open", path.name, flags))
        return descriptor

    def fsync(self, descriptor) -> None:
        self.done.append(("flush", self.names[descriptor]))

    def close(self, descriptor) -> None:
        self.done.append(("close", self.names[descriptor]))
        os.close(descriptor)


@pytest.mark.parametrize("name", ["posix", "nt"])
def test_files_and_folder_are_flushed_to_disk_but_on_windows_the_folder(
    tmp_path, monkeypatch, name
):
    system = System(name)
    monkeypatch.setattr("llm_book.training.checkpoint.os", system)
    Checkpoints(tmp_path / "kept").save(state(1), 1)
    files = [("state.json", os.O_RDWR), ("tensors.safetensors", os.O_RDWR)]
    flushed = files + ([("kept", os.O_RDONLY)] if name == "posix" else [])
    opened = [event[1:] for event in system.done[::3]]
    assert sorted(opened[:2]) + opened[2:] == flushed
    for place, (file, _) in enumerate(opened):
        assert system.done[3 * place + 1 : 3 * place + 3] == [("flush", file), ("close", file)]


def test_what_is_written_has_left_its_device_and_its_graph(tmp_path, monkeypatch):
    from llm_book.training import checkpoint

    left, written = [], []
    monkeypatch.setattr(torch.Tensor, "cpu", lambda tensor: left.append(tensor) or tensor)
    save = checkpoint.save_file
    monkeypatch.setattr(
        checkpoint, "save_file", lambda ts, path: written.extend(ts.values()) or save(ts, path)
    )
    write_state(tmp_path / "one", {"weight": torch.nn.Parameter(torch.ones(2)), "n": 1})
    assert len(left) == len(written) == 1
    assert not written[0].requires_grad
