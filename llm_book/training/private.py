"""DP-SGD: learning from many without learning any one by heart.

Every example's gradient is cut to a length, their sum gets noise of that length, and how much a
single example can then have told is counted (``renyi``). Source: Abadi et al. (2016), Algorithm 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from llm_book.training.losses import Loss
from llm_book.training.renyi import epsilon
from llm_book.training.rows import take_rows

Gradients = dict[str, Tensor]


@dataclass(frozen=True)
class Privacy:
    """How a private step is taken.

    ``max_norm`` C: no example's gradient counts as longer; ``noise`` σ: the noise on their sum has
    a deviation of σC; ``rate`` q: the probability that a step reads an example; ``delta``: the
    probability left out of the guarantee, well below 1 / examples. Raises ``ValueError`` for
    settings out of their range; ``noise`` may be 0, which guarantees nothing.
    """

    max_norm: float
    noise: float
    rate: float
    delta: float

    def __post_init__(self) -> None:
        if not self.max_norm > 0:
            raise ValueError(f"max_norm is {self.max_norm}; it must be above 0")
        if not self.noise >= 0:
            raise ValueError(f"noise is {self.noise}; it must be 0 (no privacy) or above")
        if not 0 < self.rate <= 1:
            raise ValueError(f"rate is {self.rate}; it must be above 0 and at most 1")
        if not 0 < self.delta < 1:
            raise ValueError(f"delta is {self.delta}; it must be above 0 and below 1, such as 1e-5")

    def epsilon(self, steps: int) -> float:
        """The ε of what ``steps`` steps have told; infinite without noise."""
        if not self.noise:
            return float("inf") if steps else 0.0
        return epsilon(self.noise, self.rate, steps, self.delta)


class _LossOf(nn.Module):
    """Loss and model as one module, so that both see the weights that ``functional_call`` gives."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Any) -> Tensor:
        return self.loss(self.model, batch)


def per_example_gradients(
    model: nn.Module, loss: Loss, batch: Any, vectorised: bool = True
) -> Gradients:
    """The gradient of every example's own loss: by a weight's name, [batch, *weight].

    Not clipped, no noise: to be looked at, and handed to ``clipped_sum``. ``vectorised`` goes
    through all examples at once, and cannot with a model that reads numbers off its input, as
    packing by lengths does; without it, one by one, the same but for rounding. Frozen weights have
    none. Raises ``ValueError`` where a model cannot be vectorised.
    """
    weights = {name: w.detach() for name, w in model.named_parameters() if w.requires_grad}
    whole = _LossOf(model, loss)

    def loss_of(weights: Gradients, row: Tensor) -> Tensor:
        mine = take_rows(batch, row[None])
        return functional_call(whole, {f"model.{name}": w for name, w in weights.items()}, mine)

    rows = torch.arange(batch.size)
    gradient_of = grad(loss_of)
    if not vectorised:
        found = [gradient_of(weights, row) for row in rows]
        return {name: torch.stack([g[name] for g in found]) for name in weights}
    try:
        return vmap(partial(gradient_of, weights), randomness="different")(rows)
    except RuntimeError as error:
        if "vmap" not in str(error):
            raise
        raise ValueError(
            f"{type(model).__name__} reads numbers off its input, which rules out all examples at "
            "once; pass vectorised=False"
        ) from error


def example_norms(gradients: Gradients) -> Float[Tensor, " batch"]:
    """The length of each example's gradient, all weights together."""
    squares = [gradient.flatten(1).square().sum(dim=1) for gradient in gradients.values()]
    return torch.stack(squares).sum(dim=0).sqrt()


def clipped_sum(gradients: Gradients, max_norm: float) -> Gradients:
    """The sum of per-example gradients, none of them longer than ``max_norm``.

    So taking one example away moves the sum by at most ``max_norm``. Source: Abadi et al. (2016).
    """
    factors = (max_norm / example_norms(gradients)).clamp(max=1.0)
    return {name: torch.einsum("n,n...->...", factors, g) for name, g in gradients.items()}


def add_noise(
    gradients: Gradients, deviation: float, generator: torch.Generator | None = None
) -> Gradients:
    """Gradients with normal noise of ``deviation`` on every number.

    ``generator`` must be on the gradients' device. Raises ``ValueError`` for a deviation below 0.
    """
    if not deviation >= 0:
        raise ValueError(f"deviation is {deviation}; it must be 0 or above")
    return {
        name: g
        + deviation * torch.randn(g.shape, generator=generator, dtype=g.dtype, device=g.device)
        for name, g in gradients.items()
    }


def poisson_sample(
    n: int, rate: float, generator: torch.Generator | None = None
) -> Int64[Tensor, " rows"]:
    """The numbers of the examples that a step reads: each of ``n`` with probability ``rate``.

    How many varies, and may be none: the accountant's promise rests on that. Raises
    ``ValueError`` for no examples or a rate outside 0 to 1.
    """
    if n < 1:
        raise ValueError(f"n is {n}; there must be an example to draw")
    if not 0 <= rate <= 1:
        raise ValueError(f"rate is {rate}; it is a probability, from 0 to 1")
    return (torch.rand(n, generator=generator) < rate).nonzero().squeeze(1)


@dataclass(frozen=True)
class PrivateStep:
    """What a private step may say; its loss it may not, because no noise was added to that.

    ``epsilon`` is what all steps so far have told, with the ``delta`` asked for.
    """

    index: int
    epsilon: float


def train_privately(
    model: nn.Module,
    examples: Any,
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    privacy: Privacy,
    steps: int,
    generator: torch.Generator | None = None,
    vectorised: bool = True,
) -> Iterator[PrivateStep]:
    """Train ``model`` in place on samples of ``examples``, a batch that holds them all.

    The noisy sum is divided by the size that a sample has on average, not by its own, which
    would tell. ``loss`` is a mean over examples.
    """
    n = examples.size
    for index in range(1, steps + 1):
        model.train()
        rows = poisson_sample(n, privacy.rate, generator)
        total = private_sum(model, loss, take_rows(examples, rows), privacy, generator, vectorised)
        for name, weight in model.named_parameters():
            if weight.requires_grad:
                weight.grad = total[name] / (privacy.rate * n)
        optimizer.step()
        yield PrivateStep(index, privacy.epsilon(index))


def private_sum(
    model: nn.Module,
    loss: Loss,
    batch: Any,
    privacy: Privacy,
    generator: torch.Generator | None = None,
    vectorised: bool = True,
) -> Gradients:
    """The sum of the batch's clipped gradients, with noise; noise alone where it is empty."""
    if batch.size:
        gradients = per_example_gradients(model, loss, batch, vectorised)
        clipped = clipped_sum(gradients, privacy.max_norm)
    else:
        learned = [(name, w) for name, w in model.named_parameters() if w.requires_grad]
        clipped = {name: torch.zeros_like(weight) for name, weight in learned}
    return add_noise(clipped, privacy.noise * privacy.max_norm, generator)
