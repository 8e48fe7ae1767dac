"""Run a notebook on a Python of our choice, whatever kernels this machine has registered."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

TIMEOUT = 300  # seconds a cell, as in `make test`


def execute(notebook: Any, python: str, folder: Path, environment: Mapping[str, str]) -> None:
    """Execute every cell in a fresh kernel of ``python``; the outputs change in place.

    Raises ``CellExecutionError`` at the first cell that fails and is not tagged raises-exception.
    """

    class Manager(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            command = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=command, display_name="Python 3", language="python")

    client = NotebookClient(
        notebook,
        kernel_manager_class=Manager,
        kernel_name="python3",
        timeout=TIMEOUT,
        store_widget_state=False,
        record_timing=False,
    )
    client.execute(env=dict(environment), cwd=str(folder))
