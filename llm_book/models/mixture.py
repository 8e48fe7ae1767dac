"""A mixture of experts: several feed-forward layers, of which each token visits only a few."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn


class MixtureOfExperts(nn.Module):
    """A router sends each token to its ``top_k`` experts and adds up what they say.

    With one expert a token, its answer is weighted by the router's probability (Fedus et al.
    2022, Eq. 2), so that the router learns; with more, the weights of the chosen are made to sum
    to one (Jiang et al. 2024). No token is ever dropped. The router's probabilities
    [token, expert] pass through the tap ``routing``.
    """

    def __init__(self, width: int, experts: Sequence[nn.Module], top_k: int = 1) -> None:
        super().__init__()
        check_choice(top_k, len(experts))
        self.top_k = top_k
        self.router = nn.Linear(width, len(experts), bias=False)
        self.experts = nn.ModuleList(experts)
        self.routing = nn.Identity()  # a tap

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """Each vector of ``x`` transformed by the experts that its router chose."""
        tokens = x.reshape(-1, x.shape[-1])
        probabilities = self.routing(self.router(tokens).softmax(dim=-1))
        weights, chosen = probabilities.topk(self.top_k)
        if self.top_k > 1:
            weights = weights / weights.sum(dim=-1, keepdim=True)
        answer = torch.zeros_like(tokens)
        for number, expert in enumerate(self.experts):
            rows, place = torch.where(chosen == number)
            share = expert(tokens[rows]) * weights[rows, place, None]
            answer = answer.index_add(0, rows, share.to(answer.dtype))
        return answer.reshape(x.shape)


def balance_loss(probabilities: Float[Tensor, "token expert"], top_k: int = 1) -> Float[Tensor, ""]:
    """How unevenly a router spreads its tokens: 1 where evenly, up to the number of experts.

    The number of experts times Σ fᵢ Pᵢ, with fᵢ the share of choices that fell on expert i and
    Pᵢ its mean probability. Source: Fedus et al. (2022), Eq. 4 to 6 (without their α).
    """
    n_experts = probabilities.shape[-1]
    chosen = probabilities.topk(top_k).indices
    share = torch.bincount(chosen.flatten(), minlength=n_experts) / chosen.numel()
    return n_experts * (share.to(probabilities.dtype) * probabilities.mean(dim=0)).sum()


def check_choice(top_k: int, n_experts: int) -> None:
    """Refuse to choose no expert, or more than there are."""
    if not 1 <= top_k <= n_experts:
        raise ValueError(
            f"each token shall visit {top_k} of {n_experts} experts; "
            "top_k must be from 1 to the number of experts"
        )


@contextmanager
def router_probabilities(model: nn.Module) -> Iterator[list[Tensor]]:
    """A list that fills with each mixture's probabilities [token, expert] as ``model`` runs.

    ``with router_probabilities(model) as seen: logits = model(ids)``, then add
    ``sum(map(balance_loss, seen))`` to the loss.
    """
    seen: list[Tensor] = []
    mixtures = [module for module in model.modules() if isinstance(module, MixtureOfExperts)]
    hooks = [
        m.routing.register_forward_hook(lambda _m, _i, out: seen.append(out)) for m in mixtures
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
