"""Recurrence without a bend: h_t = a_t ∘ h_{t−1} + u_t, step by step or all steps at once.

What is linear in the state can be put together in any grouping, so that log₂ of the steps are
enough. With a matrix for a state the same recurrence is attention without its softmax.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

Steps = Float[Tensor, "..."]  # [batch, time, …]: a state may be of any shape


def linear_recurrence(decay: Steps, inputs: Steps) -> Steps:
    """h_t = a_t ∘ h_{t−1} + u_t, one step after the other (equation eq-linear-recurrence).

    ``decay`` [batch, time, …] holds a_t, ``inputs`` of the same shape u_t; h₀ is 0. Raises
    ValueError for shapes that differ or no step.
    """
    check_steps(decay, inputs)
    state, history = torch.zeros_like(inputs[:, 0]), []
    for a, u in zip(decay.unbind(1), inputs.unbind(1), strict=True):
        state = a * state + u
        history.append(state)
    return torch.stack(history, dim=1)


def scanned_recurrence(decay: Steps, inputs: Steps) -> Steps:
    """The same states as ``linear_recurrence`` in log₂(time) rounds, each of all steps at once.

    After round n, step t holds what the last 2ⁿ steps up to t make of a state: multiply by ``a``,
    add ``u``. Two such pieces, one after the other, are a piece again. Equal up to rounding.
    Source: Hillis and Steele (1986). Raises ValueError as ``linear_recurrence`` does.
    """
    check_steps(decay, inputs)
    a, u, reach = decay, inputs, 1
    while reach < inputs.shape[1]:
        later_a, later_u = a[:, reach:], u[:, reach:]
        u = torch.cat([u[:, :reach], later_a * u[:, :-reach] + later_u], dim=1)
        a = torch.cat([a[:, :reach], later_a * a[:, :-reach]], dim=1)
        reach *= 2
    return u


def linear_attention(
    query: Float[Tensor, "batch time width"],
    key: Float[Tensor, "batch time width"],
    value: Float[Tensor, "batch time value_width"],
    decay: Float[Tensor, "batch time"] | None = None,
) -> Float[Tensor, "batch time value_width"]:
    """S_t = a_t S_{t−1} + k_t v_tᵀ, and S_tᵀ q_t is what is read (equation eq-linear-attention).

    The state S has as many numbers as keys times values are wide, however long the text.
    ``decay`` holds a_t, None forgets nothing. Source: Katharopoulos et al. (2020), section 3.4,
    without their normaliser; Yang et al. (2024) for the decay.
    """
    written = key[..., :, None] * value[..., None, :]
    kept = key.new_ones(key.shape[:2]) if decay is None else decay
    state = scanned_recurrence(kept[..., None, None].expand_as(written), written)
    return (query[..., None, :] @ state).squeeze(-2)


def linear_attention_at_once(
    query: Float[Tensor, "batch time width"],
    key: Float[Tensor, "batch time width"],
    value: Float[Tensor, "batch time value_width"],
    decay: Float[Tensor, "batch time"] | None = None,
) -> Float[Tensor, "batch time value_width"]:
    """What ``linear_attention`` gives, with a table [query, key] of weights in place of a state.

    The weight of key s for query t is q_t · k_s times the product of the decays after s. A decay
    must be above 0, for its logarithm is summed.
    """
    time = key.shape[1]
    weights = query @ key.transpose(1, 2)
    if decay is not None:
        logs = decay.log().cumsum(1)
        weights = weights * (logs[:, :, None] - logs[:, None, :]).tril().exp()
    seen = torch.ones(time, time, dtype=torch.bool, device=key.device).tril()
    return weights.masked_fill(~seen, 0) @ value


def check_steps(decay: Tensor, inputs: Tensor) -> None:
    """Refuse a recurrence without steps, or whose two parts do not fit."""
    if decay.shape != inputs.shape or inputs.ndim < 2 or not inputs.shape[1]:
        raise ValueError(
            f"decays of shape {tuple(decay.shape)} and inputs of shape {tuple(inputs.shape)} came; "
            "give both as [batch, time, …], with at least one step"
        )
