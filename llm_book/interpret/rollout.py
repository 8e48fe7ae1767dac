"""How far back attention reaches through all layers: rollout."""

import torch
from jaxtyping import Float
from torch import Tensor


def attention_rollout(
    weights: Float[Tensor, "..."], bypass: float = 0.5
) -> Float[Tensor, "batch query key"]:
    """How much of each position's input reaches each position of the last layer; rows sum to one.

    ``weights`` [layer, batch, head, time, time] are averaged over heads; ``bypass`` is the share
    of a state that goes past the attention, on the residual stream, ½ for equal parts. The mixes
    of the layers are multiplied, the first one rightmost (equation eq-rollout). Source: Abnar and
    Zuidema (2020), equation 1. Raises ``ValueError`` for weights of another shape, rows that do
    not sum to one, and a share outside 0 and 1.
    """
    if not 0 <= bypass <= 1:
        raise ValueError(f"bypass is {bypass}; it is a share, 0 to 1")
    if weights.ndim != 5 or weights.shape[-1] != weights.shape[-2] or not weights.numel():
        raise ValueError(
            f"weights of shape {tuple(weights.shape)} cannot be rolled out; expected "
            "[layer, batch, head, time, time]"
        )
    if not torch.allclose(weights.sum(dim=-1), torch.ones_like(weights[..., 0]), atol=1e-3):
        raise ValueError("a row of the weights does not sum to 1; give softmaxed weights")
    stay = torch.eye(weights.shape[-1], dtype=weights.dtype, device=weights.device)
    mixes = bypass * stay + (1 - bypass) * weights.mean(dim=2)
    reached = mixes[0]
    for mix in mixes[1:]:
        reached = mix @ reached
    return reached
