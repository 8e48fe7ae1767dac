"""A sparse autoencoder: a state written as a sum of few out of many directions."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class SparseAutoencoder(nn.Module):
    """states → states, by way of ``n_features`` numbers of which most shall be zero.

    Rows of ``directions`` are the directions; where used they have length 1, so that a feature
    cannot hide its size in them. Source: Cunningham et al. (2023). Raises ``ValueError`` for
    sizes below 1.
    """

    def __init__(
        self, width: int, n_features: int, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        if min(width, n_features) < 1:
            raise ValueError(f"{n_features} features of {width} numbers are none; take 1 or more")
        start = torch.randn(n_features, width, generator=generator)
        start = start / start.norm(dim=1, keepdim=True)
        self.directions = nn.Parameter(start.clone())
        self.readers = nn.Parameter(start.clone())
        self.threshold = nn.Parameter(torch.zeros(n_features))
        self.centre = nn.Parameter(torch.zeros(width))

    def unit_directions(self) -> Float[Tensor, "n_features width"]:
        """The directions, of length 1."""
        return self.directions / self.directions.norm(dim=1, keepdim=True)

    def encode(self, states: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch n_features"]:
        """How much of each direction is in a state, none below 0 (equation eq-trends-sparse)."""
        return torch.relu((states - self.centre) @ self.readers.T + self.threshold)

    def decode(self, codes: Float[Tensor, "*batch n_features"]) -> Float[Tensor, "*batch width"]:
        """The sum of the directions, each times its code."""
        return codes @ self.unit_directions() + self.centre

    def forward(self, states: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """What is left of the states after encoding and decoding."""
        return self.decode(self.encode(states))
