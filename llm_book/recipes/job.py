"""One run of a recipe with one seed: its folder, its documents, how it ends.

Of several processes (``torchrun``) all train and all know what came out; the first one writes.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch.distributed as dist

from llm_book import results
from llm_book.recipes.endings import ending
from llm_book.runtime import Runtime
from llm_book.training.checkpoint import Checkpoints
from llm_book.training.history import History
from llm_book.training.loop import Step, Training

Say = Callable[[str], None]


class Unwritten(History):
    """The curve as a process sees it that does not write: another one does."""

    def append(self, record: dict[str, Any]) -> None:
        """Nothing: the first process appends the same record."""

    def forget_after(self, index: int) -> None:
        """Nothing: the first process does."""


@dataclass(frozen=True)
class Job:
    """What to run and where to write it.

    ``changed`` lists settings that differ from the preset's; ``say`` shows a sentence to whoever
    started the run, in every process that has one.
    """

    recipe: str
    preset: str
    seed: int
    runs: Path
    runtime: Runtime
    resume: bool = False
    changed: tuple[str, ...] = ()
    say: Say = print

    @property
    def folder(self) -> Path:
        """``runs/NAME-PRESET-SEED``."""
        return self.runs / f"{self.recipe}-{self.preset}-{self.seed}"

    @property
    def checkpoints(self) -> Checkpoints:
        """Where the state of the run is kept."""
        return Checkpoints(self.folder / "checkpoints")

    @property
    def leads(self) -> bool:
        """Whether this process writes; of several the first one does."""
        return _rank() == 0

    @property
    def curve(self) -> History:
        """One record a training step."""
        return self._history("curve")

    @property
    def validation(self) -> History:
        """One record an evaluation."""
        return self._history("validation")

    def _history(self, name: str) -> History:
        return (History if self.leads else Unwritten)(self.folder / f"{name}.jsonl")

    def finished(self, config: Any) -> bool:
        """Whether this run, with these settings, is already done and was asked to go on."""
        path = self.folder / "run.json"
        if not (self.resume and path.exists()):
            return False
        document = results.read_json(path)
        return document["status"] == "finished" and document["config"] == asdict(config)

    def begin(self, config: Any, data: dict[str, Any]) -> dict[str, Any]:
        """Make the folder and write the first document; an earlier run is moved aside, not lost.

        Raises ``LedgerError`` when a run that is to be resumed had other settings or data.
        """
        document = {
            "schema": results.SCHEMA,
            "recipe": self.recipe,
            "preset": self.preset,
            "seed": self.seed,
            "status": "running",
            "command": results.command_line(),
            "config": asdict(config),
            "changed": list(self.changed),
            "code": results.code_facts(f"llm_book.recipes.{self.recipe}"),
            "machine": results.machine_facts(self.runtime),
            "data": data,
            "stops": [],
        }
        if self.leads:
            self._write_first(document)
        _wait_for_all()
        return document

    def _write_first(self, document: dict[str, Any]) -> None:
        if self.resume and (self.folder / "run.json").exists():
            earlier = results.read_json(self.folder / "run.json")
            self._check_same(earlier, document)
            document["stops"] = self._stops_of(earlier)
        elif self.folder.exists():
            self.say(f"{self.folder.name} exists; the earlier run is now {self._move_aside().name}")
        self.folder.mkdir(parents=True, exist_ok=True)
        results.write_json(self.folder / "run.json", document)

    def _stops_of(self, earlier: dict[str, Any]) -> list[dict[str, Any]]:
        """How earlier attempts at this run ended; a process that was killed could not say so."""
        stops: list[dict[str, Any]] = list(earlier.get("stops", []))
        if earlier["status"] == "running":
            killed = "killed, or the machine went down: it could not say why"
            stops.append({"after": self._last_step(), "reason": killed})
            self.say(f"{self.folder.name} was {killed}; it had done {self._last_step()} steps")
        return stops

    def _last_step(self) -> int:
        return max((step["index"] for step in self.curve.read()), default=0)

    def _check_same(self, earlier: dict[str, Any], document: dict[str, Any]) -> None:
        for key in ("config", "data", "code"):
            if earlier[key] != document[key]:
                raise results.LedgerError(
                    f"{self.folder.name} was begun with another {key}; resume it with the same, "
                    "or run without --resume to begin anew"
                )
        for key in ("device", "dtype"):
            if earlier["machine"][key] != document["machine"][key]:
                raise results.LedgerError(
                    f"{self.folder.name} was begun with {key} {earlier['machine'][key]}, this is "
                    f"{document['machine'][key]}; resume it with --device "
                    f"{earlier['machine']['device']} on a machine like the first"
                )

    def _move_aside(self) -> Path:
        number = 1
        while (target := self.folder.with_name(f"{self.folder.name}.earlier-{number}")).exists():
            number += 1
        return self.folder.rename(target)

    def finish(self, document: dict[str, Any], **facts: Any) -> dict[str, Any]:
        """Write what came out."""
        document |= {"status": "finished", "energy_joules": None, **facts}
        if self.leads:
            results.write_json(self.folder / "run.json", document)
        return document

    def kept(self, name: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Arrays from ``NAME.npz`` in the run's folder; made and written where it is not there yet.

        Written aside and renamed, so that a run that was killed goes on behind what was finished.
        """
        path = self.folder / f"{name}.npz"
        if not path.exists():
            self.keep(name, make())
        with np.load(path) as stored:
            return dict(stored)

    def keep(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Write arrays into ``NAME.npz``; every process may, for all have the same."""
        path = self.folder / f"{name}.npz"
        aside = path.with_name(f".writing-{_rank()}-{os.getpid()}-{path.name}")
        named: dict[str, Any] = arrays
        np.savez_compressed(aside, **named)
        aside.replace(path)

    def save(self, index: int, **parts: Any) -> None:
        """A checkpoint after step ``index`` of all parts: whatever has ``state`` and ``resume``."""
        state = {name: part.state() for name, part in parts.items()}  # in every process
        if self.leads:
            self.checkpoints.save(state, index)
        _wait_for_all()

    def restore(self, **parts: Any) -> None:
        """Where the run is to go on: put the parts back to the newest good checkpoint.

        What the curves say of later steps is taken out. ``training`` is one of the parts.
        """
        if not self.resume:
            return
        state, refused = self.checkpoints.newest_good()
        for sentence in refused:
            before = "training begins anew" if state is None else "the one before it is used"
            self.say(f"{sentence}; {before}")
        training = parts["training"]
        if state is not None:
            for name, part in parts.items():
                part.resume(state[name])
            self.say(f"resumed after step {training.index}")
        self.curve.forget_after(training.index)
        self.validation.forget_after(training.index)

    def steps(self, training: Training, every: int) -> Iterator[Step]:
        """Train to the end, a line of the curve a step; look and save every so many steps.

        Gives the steps after which to look: they stand in the checkpoint that is then written.
        """
        self.restore(training=training)
        for step in training:
            self.curve.append(step.as_dict())
            if step.index % every == 0 or step.index == training.config.steps:
                yield step
                self.save(step.index, training=training)

    @contextmanager
    def noting_how_it_ends(self, document: dict[str, Any]) -> Iterator[None]:
        """Mark the document as stopped when the run does not reach its end."""
        try:
            yield
        except BaseException as error:
            if self.leads:
                self._note_stop(document, error)
            raise

    def _note_stop(self, document: dict[str, Any], error: BaseException) -> None:
        reason = ending(error) or str(error) or type(error).__name__
        try:
            document.setdefault("stops", []).append({"after": self._last_step(), "reason": reason})
            document |= {"status": "stopped", "reason": reason}
            self._forget_half_written()  # on a full disk they take the room that this needs
            results.write_json(self.folder / "run.json", document)
        except OSError as unwritten:
            self.say(f"{self.folder.name} could not be marked as stopped ({unwritten})")

    def _forget_half_written(self) -> None:
        for leftover in self.folder.rglob(".writing-*"):
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()


def _rank() -> int:
    return dist.get_rank() if _several() else 0


def _wait_for_all() -> None:
    if _several():
        dist.barrier()


def _several() -> bool:
    return dist.is_available() and dist.is_initialized()
