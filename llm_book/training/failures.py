"""What keeps a machine from training: too little memory, nothing that compiles."""

import gc
import sys

import torch
from torch import Tensor

# PyTorch's allocator, cuBLAS and the allocator for a CPU each have their own words.
NO_MEMORY = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "can't allocate memory")
COMPILERS = ("torch._dynamo", "torch._inductor")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory did not suffice, a GPU's or the machine's."""
    said = any(words in str(error) for words in NO_MEMORY)
    known = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return known or (isinstance(error, RuntimeError) and said)


def came_of_compiling(error: BaseException) -> bool:
    """Whether an error is one of ``torch.compile``'s own, not of the code that it compiles."""
    return type(error).__module__.startswith(COMPILERS)


def compile_failure(device: str) -> str | None:
    """The name of the error that compiling a sum with its gradient ends in; None where it works."""

    def total(numbers: Tensor) -> Tensor:
        return (numbers * numbers).sum()

    try:
        torch.compile(total)(torch.ones(8, device=device, requires_grad=True)).backward()
    except Exception as error:  # no compiler, no Triton, a Python too new: each has its own
        return type(error).__name__
    finally:
        torch.compiler.reset()
    return None


def start_afresh(device: str) -> None:
    """Drop what earlier models left: their tensors, compiled code, the GPU's spare blocks."""
    gc.collect()
    if "torch._dynamo" in sys.modules:  # else nothing was compiled, and its import takes seconds
        torch.compiler.reset()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
