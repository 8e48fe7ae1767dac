"""GloVe: two vectors and two biases a word, whose sum is to be the log of a co-occurrence."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from llm_book.models.word_vectors import known_ids


class GloVe(nn.Module):
    """w · c + b + b̃ for pairs of words (equation eq-glove).

    All numbers start uniform in ±0.5 / width, as in the authors' program. Words and contexts are
    counted alike, so both tables learn; the vectors used afterwards are their sum.
    Source: Pennington et al. (2014), section 3.
    """

    def __init__(
        self, vocab_size: int, width: int, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        if vocab_size < 1 or width < 1:
            raise ValueError(
                f"{vocab_size} vectors of width {width} cannot be built; both must be >= 1"
            )
        self.vocab_size, self.width = vocab_size, width

        def table(columns: int) -> nn.Embedding:
            start = (torch.rand(vocab_size, columns, generator=generator) - 0.5) / width
            return nn.Embedding.from_pretrained(start, freeze=False)

        self.centres, self.contexts = table(width), table(width)
        self.centre_biases, self.context_biases = table(1), table(1)

    def forward(
        self, centres: Int64[Tensor, " pairs"], contexts: Int64[Tensor, " pairs"]
    ) -> Float[Tensor, " pairs"]:
        """What the model takes each pair's log co-occurrence to be."""
        known_ids(centres, self.vocab_size)
        known_ids(contexts, self.vocab_size)
        products = (self.centres(centres) * self.contexts(contexts)).sum(-1)
        biases = self.centre_biases(centres) + self.context_biases(contexts)
        return products + biases.squeeze(-1)

    @property
    def vectors(self) -> Float[Tensor, "vocab width"]:
        """The sum of both tables, without its gradient: what the paper evaluates (section 4.2)."""
        return (self.centres.weight + self.contexts.weight).detach()
