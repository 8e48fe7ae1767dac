"""The feed-forward half of a block: each position on its own, through a wider layer and back."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

Numbers = Float[Tensor, "..."]


def gelu(x: Numbers) -> Numbers:
    """x Φ(x), with Φ the normal distribution function. Source: Hendrycks and Gimpel (2016)."""
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def gelu_tanh(x: Numbers) -> Numbers:
    """The approximation to ``gelu`` by tanh that GPT-2 was trained with.

    Source: Hendrycks and Gimpel (2016), section 2.
    """
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def silu(x: Numbers) -> Numbers:
    """x σ(x), also called swish. Source: Elfwing et al. (2018)."""
    return x * torch.sigmoid(x)


def relu(x: Numbers) -> Numbers:
    """x where it is positive, else 0."""
    return x.clamp(min=0)


def _fused_gelu_tanh(x: Tensor) -> Tensor:
    return F.gelu(x, approximate="tanh")


ACTIVATIONS: dict[str, dict[str, Callable[[Tensor], Tensor]]] = {
    "ours": {"gelu": gelu, "gelu_tanh": gelu_tanh, "silu": silu, "relu": relu},
    "torch": {"gelu": F.gelu, "gelu_tanh": _fused_gelu_tanh, "silu": F.silu, "relu": F.relu},
}


def activation(name: str, engine: str = "ours") -> Callable[[Tensor], Tensor]:
    """The activation called ``name``, by hand or PyTorch's; ValueError for an unknown name."""
    if engine not in ACTIVATIONS:
        raise ValueError(f"engine {engine!r} is unknown; choose 'ours' or 'torch'")
    if name not in ACTIVATIONS[engine]:
        known = ", ".join(ACTIVATIONS[engine])
        raise ValueError(f"activation {name!r} is unknown; choose one of {known}")
    return ACTIVATIONS[engine][name]


class FeedForward(nn.Module):
    """Up to ``inner_width``, bent by an activation, down again (Vaswani et al. 2017, Eq. 2)."""

    def __init__(
        self,
        width: int,
        inner_width: int,
        act: str = "gelu",
        bias: bool = True,
        engine: str = "ours",
    ) -> None:
        super().__init__()
        check_sizes(width, inner_width)
        self.width = width
        self.act = activation(act, engine)
        self.up = nn.Linear(width, inner_width, bias)
        self.down = nn.Linear(inner_width, width, bias)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """Each vector of ``x`` transformed on its own; ValueError for one of another width."""
        check_width(x, self.width)
        return self.down(self.act(self.up(x)))


class GatedFeedForward(FeedForward):
    """Two layers up, one of them a gate on the other, and down: SwiGLU with ``act="silu"``.

    Source: Shazeer (2020), Eq. 6.
    """

    def __init__(
        self,
        width: int,
        inner_width: int,
        act: str = "silu",
        bias: bool = False,
        engine: str = "ours",
    ) -> None:
        super().__init__(width, inner_width, act, bias, engine)
        self.gate = nn.Linear(width, inner_width, bias)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """Each vector of ``x`` transformed on its own; ValueError for one of another width."""
        check_width(x, self.width)
        return self.down(self.act(self.gate(x)) * self.up(x))


def check_sizes(width: int, inner_width: int) -> None:
    """Refuse a feed-forward layer without width."""
    if width < 1 or inner_width < 1:
        raise ValueError(
            f"a feed-forward layer from {width} to {inner_width} numbers cannot be built; "
            "both must be >= 1"
        )


def check_width(x: Tensor, width: int) -> None:
    """Refuse vectors of another width."""
    if x.shape[-1] != width:
        raise ValueError(
            f"vectors of width {x.shape[-1]} came to a feed-forward layer of width {width}; "
            "build it with the width of the states"
        )
