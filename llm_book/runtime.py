"""Where and how a model runs: one frozen value, made once and passed in."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Runtime:
    """Device, arithmetic, compilation and number of processes of a run.

    ``dtype`` names the precision of the heavy arithmetic ("float32", "bfloat16", "float16");
    weights and optimiser state stay in float32. ``compile`` is opt-in. Raises ``ValueError``
    for a precision that is not one of the three.
    """

    device: str = "cpu"
    dtype: str = "float32"
    compile: bool = False
    processes: int = 1

    def __post_init__(self) -> None:
        if self.dtype not in PRECISIONS:
            raise ValueError(
                f"precision {self.dtype!r} is unknown; choose one of {', '.join(PRECISIONS)}"
            )
        kind = self.device.partition(":")[0]
        if kind not in ("cpu", "cuda", "mps"):
            raise ValueError(f"device {self.device!r} is unknown; choose cpu, cuda or mps")
        if self.processes < 1:
            raise ValueError(f"processes is {self.processes}; a run needs at least 1")

    @classmethod
    def detect(cls, device: str = "auto", compile: bool = False) -> "Runtime":
        """The best this machine offers, or the device asked for with its best precision."""
        device = best_device() if device == "auto" else device
        if device.startswith("cuda"):
            if not torch.cuda.is_available():
                raise ValueError(
                    "device 'cuda' was asked for but PyTorch sees no NVIDIA GPU; "
                    "use device='cpu', or in Colab choose Runtime > Change runtime type > GPU"
                )
            capability = torch.cuda.get_device_capability(torch.device(device))
            return cls(device, precision_for(capability), compile)
        if device == "mps" and not torch.backends.mps.is_available():
            raise ValueError("device 'mps' was asked for but this is no Apple chip; use 'cpu'")
        return cls(device, "float32", compile)

    @property
    def scaled(self) -> bool:
        """Whether gradients need loss scaling: only float16 underflows."""
        return self.dtype == "float16"

    def autocast(self) -> AbstractContextManager[Any]:
        """Run the heavy operations in ``dtype``; nothing to do in float32."""
        if self.dtype == "float32":
            return nullcontext()
        return torch.autocast(torch.device(self.device).type, PRECISIONS[self.dtype])

    def scaler(self) -> torch.amp.GradScaler:
        """A gradient scaler, switched off where the precision does not need one."""
        return torch.amp.GradScaler(torch.device(self.device).type, enabled=self.scaled)

    def prepare(self, model: torch.nn.Module) -> torch.nn.Module:
        """The model on the device, compiled where that was asked for."""
        model = model.to(self.device)
        if self.compile:
            model.compile()  # in place: the names in the state dict stay as they are
        return model

    def peak_memory(self) -> int:
        """Bytes at the highest point so far: of the GPU, or of the whole process on a CPU."""
        if self.device.startswith("cuda"):
            return torch.cuda.max_memory_allocated(self.device)
        return peak_process_memory()


def best_device() -> str:
    """``cuda`` where there is an NVIDIA GPU, else ``mps`` on Apple chips, else ``cpu``."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def precision_for(capability: tuple[int, int]) -> str:
    """Fast arithmetic of an NVIDIA GPU by its compute capability.

    8.0 (A100) and later have bfloat16 units; 7.0 (V100) and 7.5 (T4) have float16 only, though
    ``torch.cuda.is_bf16_supported()`` says yes there, by slow emulation.
    """
    if capability >= (8, 0):
        return "bfloat16"
    return "float16" if capability >= (7, 0) else "float32"


def peak_process_memory() -> int:
    """Peak resident bytes of this process; 0 on Windows, which has no such counter here."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
