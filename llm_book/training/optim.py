"""Optimisers by hand: from a gradient to a step, each equal to its namesake in ``torch.optim``."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

Parameters = Iterable[Tensor] | Iterable[dict[str, Any]]


class HandWritten(torch.optim.Optimizer):
    """What the optimisers below share: going through the weights, refusing senseless settings.

    A subclass says in ``update`` how one weight moves. ``weight_decay`` λ is added to the gradient
    as λ·weight (the gradient of ½λ·weight²) unless the subclass says otherwise.
    """

    def __init__(self, parameters: Parameters, **settings: float | bool | tuple) -> None:
        super().__init__(parameters, settings)
        for group in self.param_groups:
            for name in ("lr", "weight_decay", "eps", "initial_square"):
                if name in group and not group[name] >= 0:
                    raise ValueError(f"{name} is {group[name]}; it must be 0 or above")
            for name in ("momentum", "beta1", "beta2"):
                share = shares(group).get(name, 0.0)
                if not 0 <= share < 1:
                    raise ValueError(f"{name} is {share}; it must be from 0 up to but not 1")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every weight that has a gradient, in place.

        ``closure`` computes loss and gradients anew; its loss is given back. Raises
        ``ValueError`` for a sparse gradient.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    if weight.grad.is_sparse:
                        raise ValueError("a gradient is sparse; make the embedding sparse=False")
                    self.update(weight, weight.grad, self.state[weight], group)
        return loss

    def update(
        self, weight: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """Move one weight in place, and what is remembered of it in ``state``."""
        raise NotImplementedError


def shares(group: dict[str, Any]) -> dict[str, float]:
    """The settings of a group that say how much of the past is kept."""
    betas = dict(zip(("beta1", "beta2"), group.get("betas", ()), strict=False))
    return betas | {"momentum": group.get("momentum", 0.0)}


class SGD(HandWritten):
    """Stochastic gradient descent, plain or with momentum.

    With ``momentum`` μ a velocity v ← μv + g moves the weight: a mean of past gradients, 1/(1 − μ)
    times as long. With ``nesterov`` the weight moves by g + μv: the step that will be taken next
    is counted in. Equals ``torch.optim.SGD``. Source: Polyak (1964); Sutskever et al. (2013).
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            parameters, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay
        )
        for group in self.param_groups:
            if group["nesterov"] and not group["momentum"]:
                raise ValueError("nesterov needs a velocity; give a momentum above 0, such as 0.9")

    def update(
        self, weight: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """w ← w − lr·g, or · v, or · (g + μv)."""
        gradient = with_decay(gradient, weight, group)
        momentum = group["momentum"]
        if momentum:
            if "velocity" not in state:
                state["velocity"] = torch.zeros_like(weight)
            velocity = state["velocity"].mul_(momentum).add_(gradient)
            gradient = gradient + momentum * velocity if group["nesterov"] else velocity
        weight.sub_(group["lr"] * gradient)


class AdaGrad(HandWritten):
    """Steps over the root of all squared gradients so far: what is seldom moved moves far.

    Equals ``torch.optim.Adagrad`` without decay of the rate. Source: Duchi, Hazan and Singer
    (2011); GloVe is trained with it.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-2,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
        initial_square: float = 0.0,
    ) -> None:
        super().__init__(
            parameters, lr=lr, eps=eps, weight_decay=weight_decay, initial_square=initial_square
        )

    def update(
        self, weight: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """w ← w − lr·g / (√Σg² + ε)."""
        gradient = with_decay(gradient, weight, group)
        if "square" not in state:
            state["square"] = torch.full_like(weight, group["initial_square"])
        square = state["square"].add_(gradient.square())
        weight.sub_(group["lr"] * gradient / (square.sqrt() + group["eps"]))


class Adam(HandWritten):
    """Steps along the running mean of the gradient, over the root of that of its square.

    Both means start at 0 and are too small at first, by 1 − βⁿ after n steps; they are divided by
    that. Equals ``torch.optim.Adam``. Source: Kingma and Ba (2015), Algorithm 1.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(
        self, weight: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """w ← w − lr·m̂ / (√v̂ + ε)."""
        self._move(weight, with_decay(gradient, weight, group), state, group)

    def _move(
        self, weight: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["steps"] = 0
            state["mean"], state["square"] = torch.zeros_like(weight), torch.zeros_like(weight)
        state["steps"] += 1
        beta1, beta2 = group["betas"]
        mean = state["mean"].mul_(beta1).add_(gradient, alpha=1 - beta1)
        square = state["square"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        mean_now = mean / (1 - beta1 ** state["steps"])
        square_now = square / (1 - beta2 ** state["steps"])
        weight.sub_(group["lr"] * mean_now / (square_now.sqrt() + group["eps"]))


class AdamW(Adam):
    """Adam whose weight decay shrinks the weight itself, by lr·λ a step.

    In Adam a decay that is added to the gradient is divided away with it where gradients are
    large; here every weight shrinks alike. Equals ``torch.optim.AdamW``. Source: Loshchilov and
    Hutter (2019), Algorithm 2.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay)

    def update(
        self, weight: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """w ← (1 − lr·λ)w − lr·m̂ / (√v̂ + ε)."""
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        self._move(weight, gradient, state, group)


def with_decay(gradient: Tensor, weight: Tensor, group: dict[str, Any]) -> Tensor:
    """The gradient of the loss plus ½λ·weight²; a new tensor where λ is not 0."""
    decay = group["weight_decay"]
    return gradient + decay * weight if decay else gradient


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups: tables and matrices decay, biases and the gains of norms do not.

    What is a vector or a number does not decay; frozen weights are left out, tied ones come once.
    Raises ``ValueError`` for a decay below 0. As models of GPT-2's kind are trained.
    """
    if not weight_decay >= 0:
        raise ValueError(f"weight_decay is {weight_decay}; it must be 0 or above")
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    decayed = [weight for weight in learned if weight.ndim >= 2]
    spared = [weight for weight in learned if weight.ndim < 2]
    groups = [(decayed, weight_decay), (spared, 0.0)]
    return [{"params": ps, "weight_decay": decay} for ps, decay in groups if ps]
