"""LoRA: a frozen linear map learns by a thin detour that can be merged into it afterwards."""

import math
from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn


class LoRALinear(nn.Module):
    """W x + b + (α/r) · B A x, with W and b frozen, A of ``rank`` rows and B of as many columns.

    ``down`` (A) starts as ``torch.nn.Linear`` does, ``up`` (B) at 0: at first the map is what it
    was. Source: Hu et al. (2022), Eq. 3.
    """

    def __init__(
        self,
        base: nn.Linear,
        rank: int,
        alpha: float | None = None,
        dropout: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_rank(base, rank)
        self.base = base.requires_grad_(False)
        self.is_merged = False
        self.scale = (rank if alpha is None else alpha) / rank
        self.drop = nn.Dropout(dropout)
        self.down = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.up = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5), generator=generator)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch out"]:
        """What the map gives, detour included."""
        if self.is_merged:
            return self.base(x)
        return self.base(x) + self.scale * (self.drop(x) @ self.down.T @ self.up.T)

    def difference(self) -> Float[Tensor, "out width"]:
        """(α/r) · B A, what the detour adds to the weight."""
        return self.scale * self.up @ self.down

    @torch.no_grad()
    def merge(self) -> None:
        """Add the detour to the frozen weight, in place: as fast as before, and not trainable."""
        if not self.is_merged:
            self.base.weight += self.difference()
        self.is_merged = True

    @torch.no_grad()
    def unmerge(self) -> None:
        """Take the detour out of the weight again, in place."""
        if self.is_merged:
            self.base.weight -= self.difference()
        self.is_merged = False


def add_lora(
    model: nn.Module,
    names: Sequence[str] = ("query", "value"),
    rank: int = 8,
    alpha: float | None = None,
    dropout: float = 0.0,
    generator: torch.Generator | None = None,
) -> list[str]:
    """Freeze ``model`` and give each linear map called one of ``names`` a detour, in place.

    A name is a map's last name or the end of its full one ("query", "attention.query",
    "blocks.0.feed_forward.up"). ``alpha`` None means α = r, a scale of 1. Gives the full names.
    Raises ValueError for a name that no linear map has.
    """
    found = {name: [n for n in linear_maps(model) if ends_with(n, name)] for name in names}
    for name, places in found.items():
        if not places:
            raise ValueError(
                f"no linear map is called {name!r}; this model has "
                f"{', '.join(sorted({n.rpartition('.')[2] for n in linear_maps(model)}))}"
            )
    chosen = sorted(set().union(*found.values()))
    maps = {name: cast(nn.Linear, model.get_submodule(name)) for name in chosen}
    for base in maps.values():
        check_rank(base, rank)
    model.requires_grad_(False)
    for name, base in maps.items():
        replace(model, name, LoRALinear(base, rank, alpha, dropout, generator))
    return chosen


def merge_lora(model: nn.Module) -> None:
    """Put the plain map, detour added, in the place of every ``LoRALinear``, in place.

    The weights of the merged maps can be trained again, nothing else is unfrozen.
    """
    found = {name: m for name, m in model.named_modules() if isinstance(m, LoRALinear)}
    for name, module in found.items():
        module.merge()
        replace(model, name, module.base.requires_grad_(True))


def check_rank(base: nn.Linear, rank: int) -> None:
    """Refuse a detour without width, or one wider than the map it goes round."""
    largest = min(base.in_features, base.out_features)
    if not 1 <= rank <= largest:
        raise ValueError(
            f"a rank of {rank} does not suit a map from {base.in_features} to "
            f"{base.out_features} numbers; choose from 1 to {largest}"
        )


def linear_maps(model: nn.Module) -> list[str]:
    """The full names of all plain linear maps in ``model``."""
    return [name for name, module in model.named_modules() if type(module) is nn.Linear]


def ends_with(full: str, name: str) -> bool:
    """Whether ``full`` is ``name`` or ends with it after a dot."""
    return f".{full}".endswith(f".{name}")


def replace(model: nn.Module, name: str, module: nn.Module) -> None:
    """Put ``module`` in the place called ``name``, in place."""
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, module)
