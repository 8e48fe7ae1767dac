"""The ledger: what was run, on what, on which data, and what came out.

A run writes a folder ``runs/NAME-PRESET-SEED/``; ``accept`` joins the runs of several seeds into
one record, ``NAME.PRESET.DEVICE.json``. Chapters read records and print no result without one.
"""

import ast
import functools
import hashlib
import importlib.util
import json
import os
import platform
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import numpy as np
import torch

from llm_book.evaluation.intervals import over_seeds, paired_bootstrap, wilson
from llm_book.runtime import Runtime
from llm_book.training.history import History

SCHEMA = 1
SHARED = ("recipe", "preset", "config", "data", "code", "schema")
CURVE_POINTS = 200
IN_HEADLINE = 3  # numbers
MAKES_TEXTS = "llm_book.data.world"
WRITES_DOWN = ("llm_book.results", "llm_book.recipes.job")


class LedgerError(ValueError):
    """A run or a record that the ledger will not take."""


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write aside, then rename: a reader sees the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.writing")
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    try:
        aside.write_text(text + "\n", encoding="utf-8", newline="\n")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """A run's or a record's document; ``LedgerError`` where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"a {type(found).__name__}, no table of names")
        return found
    except (OSError, ValueError) as error:
        raise LedgerError(f"{path} cannot be read as a record ({error})") from error


def machine_facts(runtime: Runtime) -> dict[str, Any]:
    """What the run ran on: processor, cores, memory, GPU; nothing that names the machine."""
    gpu = torch.cuda.get_device_name(runtime.device) if runtime.device.startswith("cuda") else None
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": gpu,
        "device": runtime.device,
        "dtype": runtime.dtype,
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("torch", "numpy", "scikit-learn")},
        },
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


@functools.cache  # what this process imported, not what an editor has written since
def code_facts(module: str) -> dict[str, str]:
    """The package's version, and one hash over the source of every module the recipe imports.

    The generated world is left out, for what it made is in the record as the hash of its content,
    and so is what only writes the run down.
    """
    digest = hashlib.sha256()
    for name, source in sorted(_sources(module, {}).items()):
        digest.update(f"{name}\t{hashlib.sha256(source.encode()).hexdigest()}\n".encode())
    return {"version": _version(), "modules_sha256": digest.hexdigest()}


def _version() -> str:
    try:
        return metadata.version("llm-book")
    except metadata.PackageNotFoundError:
        return "0+unknown"


def _sources(module: str, found: dict[str, str]) -> dict[str, str]:
    left_out = module.startswith(MAKES_TEXTS) or module in WRITES_DOWN
    if module in found or left_out or not module.startswith("llm_book"):
        return found
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return found
    found[module] = Path(spec.origin).read_text(encoding="utf-8").replace("\r\n", "\n")
    for name in _imports(found[module]):
        _sources(name, found)
    return found


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            if node.module.startswith("llm_book"):
                yield from (f"{node.module}.{a.name}" for a in node.names if _is_module(node, a))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _is_module(node: ast.ImportFrom, alias: ast.alias) -> bool:
    package = importlib.util.find_spec(str(node.module))
    places = package.submodule_search_locations if package else None
    return any((Path(place) / f"{alias.name}.py").exists() for place in places or [])


def accept(folders: Sequence[Path], ledger: Path, note: str = "") -> Path:
    """Join finished runs that differ in nothing but the seed into one record.

    ``note`` says what else a reader should know, e.g. what ran on the machine meanwhile.
    Raises ``LedgerError`` for runs that are not finished or do not belong together, and for a
    smaller run (fewer seeds or fewer training tokens) than the one already recorded.
    """
    if not folders:
        raise LedgerError("no run was given; name the folders, e.g. runs/imdb_gru-full-*")
    runs, folders = _by_seed([Path(folder) for folder in folders])
    _check_together(runs, [folder.name for folder in folders])
    first = runs[0]
    record = {key: first[key] for key in SHARED}
    record |= {"command": first["command"], "machine": first["machine"], "note": note}
    record["seeds"] = [run["seed"] for run in runs]
    record["runs"] = [_short_run(run, folder) for run, folder in zip(runs, folders, strict=True)]
    record["summary"] = _summary(runs, record["runs"], folders)
    record["rivals"] = _mean_rivals(runs)
    path = ledger / f"{first['recipe']}.{first['preset']}.{_where(first)[0]}.json"
    if path.exists():
        _check_not_smaller(record, read_json(path), path)
    write_json(path, record)
    return path


def _by_seed(folders: list[Path]) -> tuple[list[dict[str, Any]], list[Path]]:
    pairs = [(read_json(folder / "run.json"), folder) for folder in folders]
    pairs.sort(key=lambda pair: pair[0]["seed"])
    return [run for run, _ in pairs], [folder for _, folder in pairs]


def _check_together(runs: list[dict[str, Any]], names: list[str]) -> None:
    for run in runs:
        if run.get("status") != "finished":
            raise LedgerError(
                f"run {run['recipe']}-{run['preset']}-{run['seed']} is {run.get('status')}, not "
                "finished; run it again with --resume first"
            )
        if run.get("changed"):
            raise LedgerError(
                f"run {run['recipe']}-{run['preset']}-{run['seed']} changed "
                f"{', '.join(run['changed'])}; a record holds a preset as it is"
            )
        differing = [key for key in SHARED if run[key] != runs[0][key]]
        if _where(run) != _where(runs[0]):
            differing.append("machine")
        if differing:
            raise LedgerError(
                f"runs {', '.join(names)} differ in {', '.join(differing)}; a record joins runs "
                "that differ in the seed alone"
            )
    if len({run["seed"] for run in runs}) < len(runs):
        raise LedgerError(f"runs {', '.join(names)} repeat a seed; give each seed once")


def _where(run: dict[str, Any]) -> tuple[str, str, str | None]:
    """Kind of device ("cpu", "cuda", "mps"), precision and GPU: what decides a run's numbers."""
    machine = run["machine"]
    return machine["device"].partition(":")[0], machine["dtype"], machine["gpu"]


def _mean_rivals(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """What each rival reached, averaged over the runs; margins stand in the summary."""
    return {
        name: {key: _mean(run["rivals"][name][key] for run in runs) for key in _numbers(facts)}
        for name, facts in runs[0].get("rivals", {}).items()
    }


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _numbers(facts: dict[str, Any]) -> list[str]:
    """The names of what is a number."""
    return [
        key
        for key, value in facts.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]


def _check_not_smaller(new: dict[str, Any], old: dict[str, Any], path: Path) -> None:
    def size(record: dict[str, Any]) -> tuple[int, int]:
        return record["summary"]["tokens"] // len(record["seeds"]), len(record["seeds"])

    (tokens, seeds), (old_tokens, old_seeds) = size(new), size(old)
    if tokens < 0.9 * old_tokens or seeds < old_seeds:
        raise LedgerError(
            f"{path.name} holds {old_seeds} seeds of {old_tokens:,} tokens, this is {seeds} of "
            f"{tokens:,}; a smaller run does not replace a larger one (move the file away to do so)"
        )


def _short_run(run: dict[str, Any], folder: Path) -> dict[str, Any]:
    short = {key: run[key] for key in ("seed", "metrics", "seconds", "tokens", "energy_joules")}
    curve = History(folder / "curve.jsonl").read()
    # A curve knows the peak of training alone, the run's own peak has the rivals in it.
    highest = max((step["memory"] for step in curve), default=run["peak_memory_bytes"])
    short["peak_memory_bytes"] = highest
    short["curve"] = thinned(curve)
    short["validation"] = History(folder / "validation.jsonl").read()
    return short


def thinned(curve: list[dict[str, Any]], points: int = CURVE_POINTS) -> dict[str, list[float]]:
    """A curve averaged over equal stretches, at most ``points`` of them, to 4 digits."""
    stretch = max(1, -(-len(curve) // points))
    answer: dict[str, list[float]] = {"index": [], "loss": [], "learning_rate": []}
    for start in range(0, len(curve), stretch):
        part = curve[start : start + stretch]
        answer["index"].append(part[-1]["index"])
        for key in ("loss", "learning_rate"):
            answer[key].append(float(f"{np.mean([step[key] for step in part]):.4g}"))
    return answer


def _summary(runs: list[dict[str, Any]], short: list[dict[str, Any]], folders: list[Path]) -> Any:
    """What the runs took and gave: means over seeds with their intervals, and over the rivals.

    A classifier's runs leave what they got right, text by text, and are compared on that.
    """
    summary = {
        "tokens": sum(run["tokens"] for run in short),
        "seconds": sum(run["seconds"] for run in short),
        "peak_memory_bytes": max(run["peak_memory_bytes"] for run in short),
    }
    if all((folder / "scores.npz").exists() for folder in folders):
        return summary | _over_texts(short, folders)
    return summary | _over_seeds(runs)


def _over_texts(runs: list[dict[str, Any]], folders: list[Path]) -> dict[str, Any]:
    """A rival with seeds of its own is averaged over them, as ours is."""
    accuracy = [run["metrics"]["accuracy"] for run in runs]
    n = runs[0]["metrics"]["n"]
    scores = [np.load(folder / "scores.npz") for folder in folders]
    right = {name: np.mean([one[name] for one in scores], axis=0) for name in scores[0].files}
    return {
        "accuracy_over_seeds": over_seeds(accuracy).as_dict(),
        "accuracy_over_texts": wilson(round(float(right["ours"].mean()) * n), n).as_dict(),
        "margins": {
            name: paired_bootstrap(right["ours"], theirs).as_dict()
            for name, theirs in right.items()
            if name != "ours"
        },
    }


def _over_seeds(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Each number over the seeds, and ours less each rival's, seed by seed. One seed: no interval.

    ``{"metrics": {name: interval}, "differences": {rival: {name: interval}}}``
    """
    metrics = {
        name: [run["metrics"][name] for run in runs] for name in _numbers(runs[0]["metrics"])
    }
    differences = {
        rival: {
            name: [run["metrics"][name] - run["rivals"][rival][name] for run in runs]
            for name in _numbers(facts)
            if name in metrics
        }
        for rival, facts in runs[0].get("rivals", {}).items()
    }
    return {
        "metrics": {name: over_seeds(values).as_dict() for name, values in metrics.items()},
        "differences": {
            rival: {name: over_seeds(values).as_dict() for name, values in found.items()}
            for rival, found in differences.items()
        },
    }


@dataclass(frozen=True)
class Record:
    """A record as a chapter reads it."""

    name: str
    document: dict[str, Any]

    @property
    def earlier_code(self) -> bool:
        """Whether the recipe's modules have changed since; the chapter then says so."""
        module = f"llm_book.recipes.{self.document['recipe']}"
        return code_facts(module)["modules_sha256"] != self.document["code"]["modules_sha256"]

    @property
    def headline(self) -> str:
        """The first of its numbers over the seeds, and how many more there are."""
        found = self._metrics
        first = [f"{name} {_number(found[name]['estimate'])}" for name in list(found)[:IN_HEADLINE]]
        more = len(found) - len(first)
        return ", ".join(first) + (f" and {more} more" if more else "")

    @property
    def _metrics(self) -> dict[str, dict[str, Any]]:
        summary: dict[str, Any] = self.document["summary"]
        return summary.get("metrics") or {"accuracy": summary["accuracy_over_seeds"]}

    @property
    def everything(self) -> str:
        """Where the record comes from, then every number with its interval and its rivals."""
        lines = [f"{self.name}: {self.caption}", self.document["data"].get("report", "")]
        for name, interval in self._metrics.items():
            lines += self._against_rivals(name, interval, "ours")
        for rival, margin in self.document["summary"].get("margins", {}).items():
            lines.append(f"accuracy minus that of {rival}: {_with_ends(margin, sign='+')}")
        return "\n".join(filter(None, lines))

    def beside(self, *names: str, ours: str = "ours") -> str:
        """The named numbers over the seeds, and beneath each what its rivals reached.

        ``WordSim-353: ours 0.402 [0.390, 0.413]``, and of a rival ours minus its own. One seed has
        no interval. Raises ``LedgerError`` for a number that the record does not hold.
        """
        found, lines = self._metrics, []
        for name in names:
            if name not in found:
                raise LedgerError(f"{self.name} holds no {name!r}; it holds {', '.join(found)}")
            lines += self._against_rivals(name, found[name], ours)
        return "\n".join(lines)

    def _against_rivals(self, name: str, interval: dict[str, Any], ours: str) -> list[str]:
        lines = [f"{name}: {ours} {_with_ends(interval)}"]
        for rival, found in self.document["summary"].get("differences", {}).items():
            if name in found:
                reached = _number(self.document["rivals"][rival][name])
                apart = _with_ends(found[name], sign="+")
                lines.append(f"    {rival} {reached}; {ours} minus it {apart}")
        return lines

    @property
    def caption(self) -> str:
        """One sentence on where the record comes from."""
        machine, summary = self.document["machine"], self.document["summary"]
        where = machine["gpu"] or f"{machine['processor']}, {machine['threads']} thread(s)"
        said = (
            f"{len(self.document['seeds'])} seed(s) on {where}, {summary['seconds'] / 60:.0f} min"
        )
        said += f" ({self.document['note']})" if self.document["note"] else ""
        return said + (", recorded with an earlier version" if self.earlier_code else "")


def _with_ends(interval: dict[str, Any], sign: str = "-") -> str:
    shown = {end: _number(value, sign) for end, value in interval.items() if value is not None}
    ends = f" [{shown['low']}, {shown['high']}]" if "low" in shown else ""
    return shown["estimate"] + ends


def _number(value: float, sign: str = "-") -> str:
    """Three decimals; commas and none for counts and from a thousand on."""
    whole = abs(value) >= 2 and float(value).is_integer()
    return f"{value:{sign},.0f}" if whole or abs(value) >= 1000 else f"{value:{sign}.3f}"


def recorded(name: str) -> Record | None:
    """The record ``NAME.PRESET.DEVICE`` that came with the package, or None where there is none."""
    source = resources.files("llm_book") / "assets" / "results" / f"{name}.json"
    if not source.is_file():
        return None
    return Record(name, json.loads(source.read_text(encoding="utf-8")))


def opened(name: str) -> Record:
    """The record of a name that came with the package, or of a file.

    Raises ``LedgerError`` where there is none and for a document that is no record of ``SCHEMA``.
    """
    known = recorded(name)
    if known is None and not Path(name).is_file():
        raise LedgerError(
            f"record {name!r} is unknown; give a record's file, or choose one of "
            f"{', '.join(names())}"
        )
    record = known or Record(Path(name).name.removesuffix(".json"), read_json(Path(name)))
    if not {"schema", "recipe"} <= record.document.keys():
        raise LedgerError(f"{name} holds no record; `llm-book results accept` makes one of runs")
    if record.document["schema"] != SCHEMA:
        raise LedgerError(
            f"{name} has schema {record.document['schema']}, this version of the book reads "
            f"{SCHEMA}; read it with the version that wrote it"
        )
    if "runs" not in record.document:
        raise LedgerError(f"{name} is a run; `llm-book results accept` makes a record of it")
    return record


def names() -> list[str]:
    """Every record that came with the package."""
    folder = resources.files("llm_book") / "assets" / "results"
    if not folder.is_dir():
        return []
    return sorted(
        p.name.removesuffix(".json") for p in folder.iterdir() if p.name.endswith(".json")
    )


def command_line() -> str:
    """The command as it was typed, less what names this machine: the program's path, ``--runs``."""
    words = sys.argv[1:]
    if "--runs" in words:
        place = words.index("--runs")
        words = words[:place] + words[place + 2 :]
    return shlex.join(["llm-book", *words])
