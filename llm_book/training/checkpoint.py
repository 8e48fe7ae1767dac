"""Checkpoints that survive a killed process: written aside, renamed whole, checked when read.

A checkpoint is a folder: ``tensors.safetensors``, and ``state.json`` with everything that is not
a tensor and the hashes of both. A folder that has its final name is complete.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save_file

TENSOR = "tensor:"


class CheckpointDamaged(ValueError):
    """A checkpoint whose bytes are not those that were written."""


class Checkpoints:
    """The checkpoints of one run, newest last; the ``keep`` newest stay on disk."""

    def __init__(self, folder: Path | str, keep: int = 2) -> None:
        if keep < 1:
            raise ValueError(f"keep is {keep}; at least one checkpoint must stay")
        self.folder, self.keep = Path(folder), keep

    def save(self, state: dict[str, Any], step: int) -> Path:
        """Write the state after ``step`` steps; older checkpoints go only when it stands."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.glob(".writing-*"):
            shutil.rmtree(leftover)
        aside = self.folder / f".writing-{step:08d}-{os.getpid()}"
        write_state(aside, state)
        name = f"step-{step:08d}"
        same_step = sorted(self.folder.glob(f"{name}*"))
        # A name of its own: were the earlier one removed first, a kill would leave neither.
        final = self.folder / (f"{same_step[-1].name}+" if same_step else name)
        aside.rename(final)
        _flush_to_disk(self.folder)
        for old in same_step:
            self._remove(old)
        for old in self.steps()[: -self.keep]:
            self._remove(old)
        return final

    def _remove(self, old: Path) -> None:
        """Take its final name away first: a folder that has one is complete."""
        leftover = old.rename(self.folder / f".writing-{old.name}")
        shutil.rmtree(leftover)

    def steps(self) -> list[Path]:
        """Complete checkpoints, oldest first."""
        return sorted(self.folder.glob("step-*"))

    def newest_good(self) -> tuple[dict[str, Any] | None, list[str]]:
        """The newest state that reads back whole, and a sentence for each one refused."""
        refused: list[str] = []
        for path in reversed(self.steps()):
            try:
                return read_state(path), refused
            except CheckpointDamaged as damage:
                refused.append(str(damage))
        return None, refused


def write_state(folder: Path, state: dict[str, Any]) -> None:
    """Write a nested dict of tensors and plain values as two files in a new ``folder``."""
    folder.mkdir()
    tensors: dict[str, torch.Tensor] = {}
    plain = _take_tensors(state, "", tensors)
    save_file(tensors, folder / "tensors.safetensors")
    text = json.dumps(plain)
    document = {
        "tensors_sha256": _sha256((folder / "tensors.safetensors").read_bytes()),
        "state_sha256": _sha256(text.encode()),
        "state": text,
    }
    (folder / "state.json").write_text(json.dumps(document), encoding="utf-8")
    for file in folder.iterdir():
        _flush_to_disk(file)


def read_state(folder: Path) -> dict[str, Any]:
    """What ``write_state`` wrote; ``CheckpointDamaged`` where a byte is missing or changed."""
    try:
        document = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        # Read, not mapped: a mapped file could not be deleted on Windows.
        data, text = (folder / "tensors.safetensors").read_bytes(), document["state"]
        hashes = _sha256(data), _sha256(text.encode())
        if hashes != (document["tensors_sha256"], document["state_sha256"]):
            raise CheckpointDamaged("its bytes are not those that were written")
        return _put_tensors(json.loads(text), load(data))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise CheckpointDamaged(f"checkpoint {folder.name} is damaged ({error})") from error


def _take_tensors(value: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        if path in tensors:  # the keys 1 and "1" are written alike
            path = f"{path} ({len(tensors)})"
        tensors[path] = value.detach().cpu().contiguous().clone()  # clone: tied weights share bytes
        return TENSOR + path
    if isinstance(value, dict):
        pairs = [
            (key, _take_tensors(item, f"{path}/{key}", tensors)) for key, item in value.items()
        ]
        return {"dict": [[key, item] for key, item in pairs]}  # a list: keys may be integers
    if isinstance(value, list | tuple):
        return [_take_tensors(item, f"{path}/{i}", tensors) for i, item in enumerate(value)]
    if isinstance(value, str) and value.startswith(TENSOR):
        raise ValueError(f"the text {value!r} cannot be kept: {TENSOR!r} begins a tensor's name")
    return value


def _put_tensors(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, str) and value.startswith(TENSOR):
        return tensors[value.removeprefix(TENSOR)]
    if isinstance(value, dict):
        return {key: _put_tensors(item, tensors) for key, item in value["dict"]}
    if isinstance(value, list):
        return [_put_tensors(item, tensors) for item in value]
    return value


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _flush_to_disk(path: Path) -> None:
    if path.is_dir() and os.name == "nt":  # Windows cannot open a folder
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
