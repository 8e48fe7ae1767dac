"""What every comparison shares: pairs in one run, medians, peak memory, rows.

A script defines ``rows(quick: bool = False) -> list[Row]`` and ends with
``if __name__ == "__main__": main(rows)``. ``everything.py`` runs them all.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

PAIRS = 5


@dataclass(frozen=True)
class Row:
    """One figure of ours beside a peer's, from one run.

    ``ours`` and ``peer`` are medians in ``unit`` over ``pairs`` interleaved pairs; ``ratio`` is
    ours / peer, the median over the pairs. ``aim`` reads "<= 0.95" or ">= 1.0" and is held
    against the ratio, or, where there is no peer, against ``ours``. Memory is the peak above the
    start in bytes; None where the system does not tell.
    """

    name: str
    ours: float
    peer: float | None
    unit: str
    ratio: float | None
    aim: str
    peer_name: str
    pairs: int = PAIRS
    memory_ours: int | None = None
    memory_peer: int | None = None
    note: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the figure reaches its aim; None where there is none."""
        return reached(self.ours if self.ratio is None else self.ratio, self.aim)

    def as_dict(self) -> dict[str, Any]:
        """For the file of results."""
        return asdict(self) | {"met": self.met}


@dataclass(frozen=True)
class Pairs:
    """Seconds of both sides, pair by pair, and the peak memory of each."""

    ours: tuple[float, ...]
    peer: tuple[float, ...]
    memory_ours: int | None = None
    memory_peer: int | None = None

    @property
    def ratio(self) -> float:
        """Median of ours / peer within a pair: what slows both at once cancels."""
        return statistics.median(a / b for a, b in zip(self.ours, self.peer, strict=True))

    def row(
        self,
        name: str,
        aim: str,
        peer_name: str,
        packages: Sequence[str] = (),
        work: float | None = None,
        unit: str = "s",
        note: str = "",
    ) -> Row:
        """A row of seconds, or with ``work`` a row of work per second (higher is better)."""
        ours, peer = statistics.median(self.ours), statistics.median(self.peer)
        ratio = self.ratio
        if work is not None:
            ours, peer, ratio = work / ours, work / peer, 1 / ratio
        return Row(
            name=name,
            ours=ours,
            peer=peer,
            unit=unit,
            ratio=ratio,
            aim=aim,
            peer_name=peer_name,
            pairs=len(self.ours),
            memory_ours=self.memory_ours,
            memory_peer=self.memory_peer,
            note=note,
            versions=versions(packages),
        )


def paired(
    ours: Callable[[], Any],
    peer: Callable[[], Any],
    pairs: int = PAIRS,
    warm_up: bool = True,
    memory: bool = True,
) -> Pairs:
    """Run both sides in turn, ``pairs`` times, the order swapped each time; then their memory."""
    if warm_up:
        ours()
        peer()
    times: dict[Callable[[], Any], list[float]] = {ours: [], peer: []}
    for pair in range(pairs):
        for side in (ours, peer) if pair % 2 == 0 else (peer, ours):
            times[side].append(seconds(side))
    peaks = (peak_memory(ours), peak_memory(peer)) if memory else (None, None)
    return Pairs(tuple(times[ours]), tuple(times[peer]), *peaks)


def seconds(run: Callable[[], Any]) -> float:
    """Wall time of one call, the garbage collected before it."""
    gc.collect()
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def peak_memory(run: Callable[[], Any]) -> int | None:
    """Bytes at the highest point of one call above what was there before; None off Linux.

    Measured in a forked process, so that neither side profits from what the other left behind.
    What this process has freed and not given back is given back before the fork: a call that is
    served from it takes no new pages and would seem to need nothing, and a child that gave it
    back itself would have begun at its highest point.
    """
    if sys.platform != "linux":
        return None
    _give_back_freed_memory()
    receive, send = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_in_child, args=(run, send))
    child.start()
    send.close()
    try:
        peak: int | None = receive.recv()
    except EOFError:
        peak = None
    child.join()
    return peak


def _give_back_freed_memory() -> None:
    import ctypes

    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; musl has none
    if trim is not None:
        trim(0)


def _in_child(run: Callable[[], Any], send: Any) -> None:
    import resource

    page = os.sysconf("SC_PAGE_SIZE")
    before = int(Path("/proc/self/statm").read_text().split()[1]) * page
    run()
    send.send(max(0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before))
    send.close()
    os._exit(0)


def reached(figure: float, aim: str) -> bool | None:
    """Whether ``figure`` is as ``aim`` ("<= 2", ">= 1.0") wants it; None for no aim."""
    if not aim:
        return None
    relation, _, bound = aim.partition(" ")
    if relation not in ("<=", ">="):
        raise ValueError(f"the aim {aim!r} cannot be read; write '<= 0.95' or '>= 1.0'")
    return figure <= float(bound) if relation == "<=" else figure >= float(bound)


def versions(packages: Sequence[str] = ()) -> dict[str, str]:
    """Python's version and those of the packages compared, PyTorch's always."""
    return {"python": platform.python_version()} | {
        name: version(name) for name in dict.fromkeys(("torch", *packages))
    }


def one_thread() -> None:
    """Give both sides one thread; call it before anything is computed."""
    import torch

    torch.set_num_threads(1)


def shown(row: Row) -> str:
    """A row as a line for the terminal."""
    peer = "" if row.peer is None else f"  {row.peer_name} {row.peer:,.4g} {row.unit}"
    ratio = "" if row.ratio is None else f"  ratio {row.ratio:.2f}"
    verdict = {True: "met", False: "MISSED", None: "no aim"}[row.met]
    aim = f" (aim {row.aim}: {verdict})" if row.aim else ""
    return f"{row.name}: ours {row.ours:,.4g} {row.unit}{peer}{ratio}{aim}"


def main(rows: Callable[[bool], list[Row]]) -> None:
    """Measure, print a line a row, and with ``--json FILE`` write the rows there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    parser.add_argument("--json", type=Path, help="write the rows to this file as well")
    chosen = parser.parse_args()
    one_thread()
    found = rows(chosen.quick)
    for row in found:
        print(shown(row), flush=True)
    if chosen.json:
        text = json.dumps([row.as_dict() for row in found], ensure_ascii=False, indent=1)
        chosen.json.write_text(text + "\n", encoding="utf-8")
