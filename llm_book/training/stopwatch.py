"""Time that work takes on a device, measured to its true end, and the device's fastest product."""

import time
from collections.abc import Callable
from typing import Any

import torch


def wait_for(device: str) -> None:
    """Return when the device has done all it was asked to; a CPU always has."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device == "mps":
        torch.mps.synchronize()


def seconds_of(work: Callable[[], Any], device: str) -> float:
    """Seconds that ``work`` takes, from an idle device to an idle device."""
    wait_for(device)
    started = time.perf_counter()
    work()
    wait_for(device)
    return time.perf_counter() - started


@torch.no_grad()
def matmul_rate(
    size: int,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    stretches: int = 5,
    products: int = 4,
) -> float:
    """FLOP/s of ``torch.mm`` on two size × size matrices of random numbers, at its fastest.

    The fastest of so many ``stretches`` of ``products`` each, after one that is not counted. It is
    what this machine reaches where nothing but a product is asked of it. Raises ``ValueError`` for
    counts below 1.
    """
    if min(size, stretches, products) < 1:
        raise ValueError(
            f"size {size}, stretches {stretches} and products {products} must be at least 1"
        )
    one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    result = torch.empty_like(one)

    def work() -> None:
        for _ in range(products):
            torch.mm(one, other, out=result)

    work()
    fastest = min(seconds_of(work, device) for _ in range(stretches))
    return 2 * size**3 * products / fastest
