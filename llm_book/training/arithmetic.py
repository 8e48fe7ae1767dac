"""Which arithmetic and which attention kernel PyTorch may use: set for a while, then put back."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

PRODUCTS = {"float32": "highest", "TF32": "high"}
KERNELS = {
    "flash": [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION],  # the first that can
    "cudnn": [SDPBackend.CUDNN_ATTENTION],
    "efficient": [SDPBackend.EFFICIENT_ATTENTION],
}


@contextmanager
def float32_products(kind: str) -> Iterator[None]:
    """Inside, products of float32 matrices are computed as "float32" or as "TF32".

    TF32 reads 10 bits of each fraction and sums in float32; only NVIDIA's tensor cores have it,
    from Ampere on. What was set before holds again afterwards, whatever happens inside. Raises
    ``ValueError`` for another kind.
    """
    if kind not in PRODUCTS:
        raise ValueError(f"products {kind!r} are unknown; choose one of {', '.join(PRODUCTS)}")
    before = torch.get_float32_matmul_precision()
    # The one setting that all versions have; newer names beside it make PyTorch raise an error.
    torch.set_float32_matmul_precision(PRODUCTS[kind])
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def attention_kernel(kind: str) -> AbstractContextManager[None]:
    """Inside, PyTorch's attention on a GPU is computed by this kernel or refused.

    "flash" falls back to "efficient", which needs no more memory, where a shape or precision is
    not for it; "cudnn" is NVIDIA's own. Raises ``ValueError`` for another kind.
    Source: Dao et al. (2022).
    """
    if kind not in KERNELS:
        raise ValueError(f"kernel {kind!r} is unknown; choose one of {', '.join(KERNELS)}")
    return sdpa_kernel(KERNELS[kind])
