"""Run a notebook on a Python of our choice, whatever kernels this machine has registered."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

TIMEOUT = 300  # seconds a cell, as in `make test`


@dataclass(frozen=True)
class Cost:
    """What a kernel took: seconds by the clock and of the processor, the most memory it held.

    Memory is None where the system does not keep its peak (everywhere but on Linux).
    """

    seconds: float
    processor_seconds: float
    peak_memory_bytes: int | None

    @classmethod
    def of(cls, pid: int, started: float) -> "Cost":
        """So far, of a process that is still alive."""
        times = psutil.Process(pid).cpu_times()
        status = Path(f"/proc/{pid}/status")
        peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
        memory = 1024 * int(peak[1]) if peak else None
        return cls(time.monotonic() - started, times.user + times.system, memory)


def execute(notebook: Any, python: str, folder: Path, environment: Mapping[str, str]) -> Cost:
    """Execute every cell in a fresh kernel of ``python``, its outputs in place; what that took.

    Raises ``CellExecutionError`` at the first cell that fails and is not tagged raises-exception.
    """

    class Manager(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            command = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=command, display_name="Python 3", language="python")

    cost, started = Cost(0.0, 0.0, None), time.monotonic()

    def note_cost(**cell: Any) -> None:
        nonlocal cost
        cost = Cost.of(client.km.provisioner.pid, started)

    client = NotebookClient(
        notebook,
        kernel_manager_class=Manager,
        kernel_name="python3",
        timeout=TIMEOUT,
        store_widget_state=False,
        record_timing=False,
        on_cell_executed=note_cost,
    )
    client.execute(env=dict(environment), cwd=str(folder))
    return cost
