"""Shortening a gradient that is too long, without turning it."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn


def gradient_norm(gradients: Iterable[Tensor]) -> Float[Tensor, ""]:
    """Length of the gradients laid end to end; 0 where there are none."""
    lengths = [torch.linalg.vector_norm(gradient) for gradient in gradients]
    return torch.linalg.vector_norm(torch.stack(lengths)) if lengths else torch.zeros(())


def shorten(gradients: Iterable[Tensor], norm: Float[Tensor, ""], max_norm: float) -> None:
    """Scale gradients of global length ``norm`` down to ``max_norm`` in place; never up.

    A millionth is added to the length, as PyTorch does, so that a gradient of zeros survives.
    """
    factor = torch.clamp(max_norm / (norm + 1e-6), max=1.0)  # no ``if``: a GPU would wait for it
    for gradient in gradients:
        gradient.mul_(factor)


def clip_gradients(parameters: Iterable[nn.Parameter], max_norm: float) -> Float[Tensor, ""]:
    """Clip gradients to a global length of ``max_norm`` in place; give the length before.

    Weights without a gradient are left out. Equals ``torch.nn.utils.clip_grad_norm_``. Raises
    ``ValueError`` where ``max_norm`` is not above 0. Source: Pascanu, Mikolov and Bengio (2013),
    Algorithm 1.
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm is {max_norm}; a gradient can be cut to a length above 0 only")
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = gradient_norm(gradients)
    shorten(gradients, norm, max_norm)
    return norm
