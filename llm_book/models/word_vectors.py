"""Two tables of word vectors: one for a word as itself, one for it as a neighbour.

Both models answer with logits: how much a word and a neighbour belong together. What makes them
learn (pairs, negatives, loss) lives elsewhere.
"""

from __future__ import annotations

import torch
from einops import einsum
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

IdTable = Int64[Tensor, "batch candidates"]


class TwoTables(nn.Module):
    """A vector for each word at the centre, and another for each word in a context.

    The first start uniform in ±0.5 / width, the second at zero, as in word2vec's own program.
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
        start = (torch.rand(vocab_size, width, generator=generator) - 0.5) / width
        self.centres = nn.Embedding.from_pretrained(start, freeze=False)
        self.contexts = nn.Embedding.from_pretrained(torch.zeros_like(start), freeze=False)

    @property
    def vectors(self) -> Float[Tensor, "vocab width"]:
        """The table that is kept when training is over, without its gradient."""
        return self.centres.weight.detach()


class SkipGram(TwoTables):
    """From a centre word to its neighbours: the logit of a pair is w · c (equation eq-sgns).

    Source: Mikolov et al. (2013b), section 2.2.
    """

    def forward(
        self, centres: Int64[Tensor, " batch"], candidates: IdTable
    ) -> Float[Tensor, "batch candidates"]:
        """How well each candidate neighbour goes with the centre word of its row."""
        known_ids(centres, self.vocab_size)
        known_ids(candidates, self.vocab_size)
        return scores(self.centres(centres), self.contexts(candidates))


class CBOW(TwoTables):
    """From the neighbours to the word between them: the mean of their vectors · c.

    Here it is the neighbours that are read from the first table and the missing word from the
    second. The gradient is that of the mean: each neighbour gets its share. (word2vec's program
    gives every neighbour the whole gradient; İrsoy et al. 2021.) Source: Mikolov et al. (2013a).
    """

    def forward(
        self,
        neighbours: Int64[Tensor, "batch window"],
        mask: Bool[Tensor, "batch window"],
        candidates: IdTable,
    ) -> Float[Tensor, "batch candidates"]:
        """How well each candidate fills the gap among the neighbours that are not masked out."""
        known_ids(neighbours, self.vocab_size)
        known_ids(candidates, self.vocab_size)
        if not mask.any(1).all():
            raise ValueError("a row has no neighbours; leave words without neighbours out")
        vectors = self.centres(neighbours)
        share = mask.to(vectors.dtype) / mask.sum(1, keepdim=True)
        mean = einsum(share, vectors, "batch window, batch window width -> batch width")
        return scores(mean, self.contexts(candidates))


def scores(
    words: Float[Tensor, "*batch width"], candidates: Float[Tensor, "*batch candidates width"]
) -> Float[Tensor, "*batch candidates"]:
    """The dot product of each word with each of its candidates."""
    return einsum(words, candidates, "... width, ... candidates width -> ... candidates")


def known_ids(ids: Int64[Tensor, "..."], vocab_size: int) -> None:
    """Raise IndexError where an id has no vector."""
    if ids.numel() and (ids.min() < 0 or ids.max() >= vocab_size):
        raise IndexError(
            f"ids from {int(ids.min())} to {int(ids.max())} came, the table has vectors for 0 to "
            f"{vocab_size - 1}; encode with the vocabulary that the table was built for"
        )
