"""Two records beside each other: what differs between them, then every number that both hold."""

from itertools import chain
from typing import Any

import numpy as np

from llm_book.claims import written
from llm_book.evaluation.intervals import Interval, over_seeds
from llm_book.results import LedgerError, Record

DIGITS = 4
ABSENT = "none"


def compared(one: Record, other: Record) -> str:
    """Lines that say where two records come from, in what they differ, and what each reached.

    A number stands with its interval over the seeds; where both have the same seeds, the first
    record's minus the second's follows, seed by seed, with the interval of that. Raises
    ``LedgerError`` where the records share no number.
    """
    shared = [name for name in by_seed(one) if name in by_seed(other)]
    if not shared:
        raise LedgerError(
            f"{one.name} and {other.name} have no number in common; compare records of one recipe"
        )
    lines = [f"{record.name}: {record.caption}" for record in (one, other)]
    return "\n".join([*lines, *differing(one, other), *(beside(one, other, n) for n in shared)])


def differing(one: Record, other: Record) -> list[str]:
    """A line for each fact that is not the same in both, ``preset: small | full``."""
    facts = facts_of(one), facts_of(other)
    names = dict.fromkeys(chain(*facts))
    apart = {name: [found.get(name, ABSENT) for found in facts] for name in names}
    lines = [f"    {name}: {a} | {b}" for name, (a, b) in apart.items() if a != b]
    return ["they differ in", *lines] if lines else ["they differ in nothing but their numbers"]


def facts_of(record: Record) -> dict[str, str]:
    """What decides a record's numbers, each under its name."""
    document = record.document
    machine, data, code = document["machine"], document["data"], document["code"]
    chip = machine["gpu"] or f"{machine['processor']}, {machine['threads']} thread(s)"
    return {
        "recipe": document["recipe"],
        "preset": document["preset"],
        **{f"config, {name}": str(value) for name, value in document["config"].items()},
        "data": f"{data['name']}, {data['content_sha256'][:12]}",
        "code": f"{code['version']}, {code['modules_sha256'][:12]}",
        "device": f"{machine['device']}, {machine['dtype']}, {chip}",
        "seeds": ", ".join(map(str, document["seeds"])),
    }


def by_seed(record: Record) -> dict[str, dict[int, float]]:
    """Each number that every run of a record holds: seed → value."""
    runs = record.document["runs"]
    return {
        name: {run["seed"]: float(run["metrics"][name]) for run in runs}
        for name in runs[0]["metrics"]
        if all(_is_number(run["metrics"].get(name)) for run in runs)
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def beside(one: Record, other: Record, name: str) -> str:
    """One number of both records: ``loss: 1.93 [1.90, 1.96] | 2.01 [1.97, 2.05]; …``."""
    ours, theirs = by_seed(one)[name], by_seed(other)[name]
    means = [_with_ends(over_seeds(list(values.values()))) for values in (ours, theirs)]
    line = f"{name}: {means[0]} | {means[1]}"
    if ours.keys() != theirs.keys():
        return line
    apart = over_seeds([ours[seed] - theirs[seed] for seed in ours])
    return f"{line}; seed by seed {_with_ends(apart, signed=True)}"


def _with_ends(interval: Interval, signed: bool = False) -> str:
    def said(value: float) -> str:
        return ("+" if signed and value > 0 else "") + written(value, DIGITS)

    if not np.isfinite(interval.low):
        return said(interval.estimate)
    return f"{said(interval.estimate)} [{said(interval.low)}, {said(interval.high)}]"
