"""Normalisation: each vector is brought to a common size, then scaled number by number."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

Vectors = Float[Tensor, "*batch width"]


def layer_norm(
    x: Vectors,
    weight: Float[Tensor, " width"],
    bias: Float[Tensor, " width"] | None = None,
    epsilon: float = 1e-5,
) -> Vectors:
    """Each vector less its mean, over its standard deviation, times ``weight`` plus ``bias``.

    The variance is divided by the width, not by one less. Source: Ba et al. (2016), section 3.
    """
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    scaled = weight * centred * torch.rsqrt(variance + epsilon)
    return scaled if bias is None else scaled + bias


def rms_norm(x: Vectors, weight: Float[Tensor, " width"], epsilon: float = 1e-6) -> Vectors:
    """Each vector over its root mean square, times ``weight``; no mean is taken off.

    Source: Zhang and Sennrich (2019), Eq. 4.
    """
    return weight * x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + epsilon)


class Norm(nn.Module):
    """What both normalisations share: a weight a number, ones at the start, and an epsilon.

    ``engine="torch"`` lets PyTorch's fused kernel give the same numbers. Raises ValueError for a
    width below 1 or an epsilon that is not above 0, and on vectors of another width.
    """

    def __init__(self, width: int, epsilon: float, engine: str) -> None:
        super().__init__()
        check_size(width, epsilon)
        if engine not in ("ours", "torch"):
            raise ValueError(f"engine {engine!r} is unknown; choose 'ours' or 'torch'")
        self.width, self.epsilon, self.engine = width, epsilon, engine
        self.weight = nn.Parameter(torch.ones(width))

    def check(self, x: Tensor) -> None:
        """Refuse vectors of another width."""
        if x.shape[-1] != self.width:
            raise ValueError(
                f"vectors of width {x.shape[-1]} came to a norm of width {self.width}; "
                "build it with the width of the states"
            )


class LayerNorm(Norm):
    """Layer normalisation with learned weight and (optionally) bias; ``torch.nn.LayerNorm``."""

    def __init__(
        self, width: int, epsilon: float = 1e-5, bias: bool = True, engine: str = "ours"
    ) -> None:
        super().__init__(width, epsilon, engine)
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Each vector of ``x`` normalised."""
        self.check(x)
        if self.engine == "torch":
            return F.layer_norm(x, (self.width,), self.weight, self.bias, self.epsilon)
        return layer_norm(x, self.weight, self.bias, self.epsilon)


class RMSNorm(Norm):
    """Root-mean-square normalisation with learned weight; ``torch.nn.RMSNorm``."""

    def __init__(self, width: int, epsilon: float = 1e-6, engine: str = "ours") -> None:
        super().__init__(width, epsilon, engine)

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Each vector of ``x`` normalised."""
        self.check(x)
        if self.engine == "torch":
            return F.rms_norm(x, (self.width,), self.weight, self.epsilon)
        return rms_norm(x, self.weight, self.epsilon)


def check_size(width: int, epsilon: float) -> None:
    """Refuse a norm of nothing, or one that may divide by zero."""
    if width < 1 or not epsilon > 0:
        raise ValueError(
            f"a norm of width {width} with epsilon {epsilon} cannot be built; "
            "width must be at least 1, epsilon above 0"
        )
