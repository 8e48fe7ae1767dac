"""A ladder of changes to training: what each is worth over the rung before and over the first."""

from collections.abc import Mapping, Sequence
from typing import Any

from llm_book.evaluation.peak_flops import utilisation

COLUMNS = (
    *("rung", "what changed", "tokens/s", "× before", "× first"),
    *("MFU", "of matmul", "memory, GB"),
)
ABSENT = "–"


SAME_ROWS = ("batch_size", "packed")  # settings on which it depends what a step reads


def ladder_numbers(
    rungs: Sequence[Mapping[str, Any]],
    flop_per_token: float,
    matmul_rates: Mapping[str, float],
    peak: float | None = None,
) -> dict[str, float]:
    """Every number of a ladder as "NAME, RUNG"; what is not known is left out.

    A rung is {"rung": its name, "settings": {…}, "numbers": {name: number}}, without "tokens/s"
    where it was not run. "MFU" is the share of ``peak`` (FLOP/s; none: no MFU), "of matmul" that of
    the highest of ``matmul_rates`` (precision → FLOP/s). A loss is compared with the first's where
    the same rows were read.
    """
    found = {f"matmul FLOP/s, {precision}": rate for precision, rate in matmul_rates.items()}
    found["FLOP per token"] = flop_per_token
    first: Mapping[str, Any] | None = None
    for rung in rungs:
        own = dict(rung["numbers"])
        if "tokens/s" in own:
            first = first or rung
            speed, start = own["tokens/s"], first["numbers"]
            own["times the first"] = speed / start["tokens/s"]
            own["of matmul"] = utilisation(speed, flop_per_token, max(matmul_rates.values()))
            if peak is not None:
                own["MFU"] = utilisation(speed, flop_per_token, peak)
                own["MFU, pads counted"] = utilisation(own["positions/s"], flop_per_token, peak)
            if all(rung["settings"][name] == first["settings"][name] for name in SAME_ROWS):
                own["loss less the first's"] = own["loss"] - start["loss"]
        found |= {f"{name}, {rung['rung']}": value for name, value in own.items()}
    return found


def numbers_of(document: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of one run, or of a record their means over the seeds."""
    if "summary" not in document:
        return document["metrics"]
    return {name: one["estimate"] for name, one in document["summary"]["metrics"].items()}


def ladder_table(numbers: Mapping[str, float], changes: Mapping[str, str]) -> str:
    """A line a rung, in the order of ``changes`` (rung → what it changed), columns aligned.

    ``numbers`` are named "tokens/s, RUNG", "MFU, RUNG", "of matmul, RUNG", "memory, RUNG" (bytes)
    and, where a rung did not fit, "out of memory at batch, RUNG". A rung without tokens/s was not
    run: the next is compared with the last that was. Raises ``ValueError`` where none was.
    """
    speeds = {rung: numbers[key] for rung in changes if (key := f"tokens/s, {rung}") in numbers}
    if not speeds:
        raise ValueError("no rung has a number; give those of a run that was finished")
    first = before = next(iter(speeds.values()))
    rows = [list(COLUMNS)]
    for rung, change in changes.items():
        if rung not in speeds:
            rows.append([rung, _why_not(numbers, rung), *[ABSENT] * 6])
            continue
        speed, times = speeds[rung], f"{speeds[rung] / before:.2f}"
        rows.append([rung, change, f"{speed:,.0f}", times, f"{speed / first:.2f}"])
        rows[-1] += [
            _written(numbers, f"MFU, {rung}", 100, " %"),
            _written(numbers, f"of matmul, {rung}", 100, " %"),
            _written(numbers, f"memory, {rung}", 1e-9),
        ]
        before = speed
    return "\n".join(_aligned(rows))


def _why_not(numbers: Mapping[str, float], rung: str) -> str:
    batch = numbers.get(f"out of memory at batch, {rung}")
    return "left out here" if batch is None else f"out of memory at batch {batch:.0f}"


def _written(numbers: Mapping[str, float], name: str, times: float, unit: str = "") -> str:
    return f"{numbers[name] * times:.1f}{unit}" if name in numbers else ABSENT


def _aligned(rows: list[list[str]]) -> list[str]:
    """Words to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
