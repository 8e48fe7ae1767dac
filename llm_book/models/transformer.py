"""GPT: a stack of causal blocks that says, at every position, which token comes next.

GPT-2 and Llama are the same class; ``GPTConfig.gpt2`` and ``GPTConfig.llama`` say how they differ.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Int64
from torch import Tensor, nn

from llm_book.models.blocks import Block, TransformerConfig, start_weights
from llm_book.models.causal import causal_view, new_cache, places
from llm_book.models.embedding import Embedding, check_ids
from llm_book.models.reading import Reading, can_be_laid_out
from llm_book.shapes import KVCache, Logits, States


@dataclass(frozen=True, kw_only=True)
class GPTConfig(TransformerConfig):
    """The shape of a GPT: that of any Transformer, and whether the head is the embedding."""

    tied: bool = True

    @classmethod
    def gpt2(cls, **changes: Any) -> "GPTConfig":
        """GPT-2's choices (Radford et al. 2019), by default in its smallest size.

        Learned positions, layer norm before each half, tanh GELU, biases, a tied head.
        """
        sizes: dict[str, Any] = {
            "vocab_size": 50257,
            "context_length": 1024,
            "width": 768,
            "n_layers": 12,
            "n_heads": 12,
        }
        return cls(**(sizes | changes))

    @classmethod
    def llama(cls, **changes: Any) -> "GPTConfig":
        """Llama's choices (Touvron et al. 2023), by default in the size of its 7B.

        Rotary positions in halves, RMS norm before each half, SwiGLU, no bias, its own head.
        ``inner_width`` is 8/3 of the width, made up to a multiple of 256.
        """
        choices: dict[str, Any] = {
            "vocab_size": 32000,
            "context_length": 2048,
            "width": 4096,
            "n_layers": 32,
            "n_heads": 32,
            "norm": "rms",
            "norm_epsilon": 1e-6,
            "act": "silu",
            "gated": True,
            "positions": "rotary",
            "bias": False,
            "tied": False,
        } | changes
        inner_width = 256 * math.ceil(choices["width"] * 8 / 3 / 256)
        return cls(**({"inner_width": inner_width} | choices))


class GPT(nn.Module):
    """ids → logits of the token that follows each.

    ``generator`` draws the weights; without one PyTorch's global generator does.
    """

    def __init__(self, config: GPTConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config.vocab_size, config.width)
        self.positions = config.make_positions()
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.norm = config.make_norm() if config.norm_place == "pre" else nn.Identity()
        self.head = nn.Linear(config.width, config.vocab_size, bias=False)
        if config.tied:
            self.head.weight = self.embedding.weight
        start_weights(self, config, generator)

    def forward(
        self,
        ids: Int64[Tensor, "..."],
        cache: KVCache | None = None,
        mask: Bool[Tensor, "..."] | None = None,
        positions: Int64[Tensor, "..."] | None = None,
    ) -> Logits:
        """Logits [batch, time, vocab] of the token after each of ``ids`` [batch, time].

        ``mask`` [batch, key] (where text stands) or [batch, query, key] forbids more than the
        future; ``positions`` replace 0, 1, 2, …, as packed texts need. With a ``cache``, ids are
        read as what follows each row's tokens in it, and their keys and values are written to it;
        the caller then advances it. Raises ValueError where the context is exceeded, IndexError
        for ids outside the vocabulary.
        """
        states = self.states(ids, cache, mask, positions)
        return self.read_out(states)

    def states(
        self,
        ids: Int64[Tensor, "..."],
        cache: KVCache | None = None,
        mask: Bool[Tensor, "..."] | None = None,
        positions: Int64[Tensor, "..."] | None = None,
    ) -> States:
        """The states after the last block, before the last norm; arguments as for ``forward``."""
        check_ids(ids)
        here, keys = places(ids, cache, self.config.context_length, positions)
        states = self.drop(self.positions.add(self.embedding(ids), here))
        how = causal_view(self.positions, states, here, keys, mask, cache)
        for layer, block in enumerate(self.blocks):
            past = None if cache is None else partial(cache.write, layer)
            states = block(states, past=past, **how)
        return states

    def read_out(self, states: States) -> Logits:
        """Logits from states of any layer: what the last norm and the head make of them."""
        return self.head(self.norm(states))

    def reading(self) -> "GPT | Reading":
        """What reads through a cache fastest, (ids, cache) → the same logits, no gradients.

        With the "torch" engine a copy of the weights laid out for it (see ``reading``), valid
        until they change; the model itself with engine "ours", where a part is looked at, or
        where a linear map is no plain one.
        """
        return Reading(self) if self._may_be_copied() else self

    def _may_be_copied(self) -> bool:
        return self.config.engine == "torch" and can_be_laid_out(self)

    def new_cache(self, batch: int, capacity: int | None = None) -> KVCache:
        """An empty cache for ``batch`` rows of up to ``capacity`` tokens (None: the context)."""
        return new_cache(self.config, self.embedding.weight, batch, capacity)
