"""The encoder: a stack of blocks in which every position sees the whole text (BERT's shape)."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor, nn

from llm_book.models.blocks import Block, TransformerConfig, start_weights
from llm_book.models.embedding import (
    Embedding,
    TokenTypes,
    check_context,
    check_ids,
    text_keys,
)
from llm_book.shapes import Ids, Lengths, States


@dataclass(frozen=True, kw_only=True)
class EncoderConfig(TransformerConfig):
    """The shape of an encoder.

    ``n_token_types`` kinds of token (first text, second text) have a vector each; 0 for none.
    ``embedding_norm`` normalises the sum of the embeddings, as BERT does; ``scaled_embedding``
    multiplies embeddings by √width, as Vaswani et al. (2017) do.
    """

    n_token_types: int = 0
    embedding_norm: bool = False
    scaled_embedding: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_token_types < 0:
            raise ValueError(f"n_token_types is {self.n_token_types}; it must be at least 0")

    @classmethod
    def bert(cls, **changes: Any) -> "EncoderConfig":
        """BERT's choices (Devlin et al. 2019), by default in its base size.

        Learned positions, two token types, layer norm after each half, exact GELU.
        """
        choices: dict[str, Any] = {
            "vocab_size": 30522,
            "context_length": 512,
            "width": 768,
            "n_layers": 12,
            "n_heads": 12,
            "n_token_types": 2,
            "embedding_norm": True,
            "norm_place": "post",
            "norm_epsilon": 1e-12,
            "act": "gelu",
        }
        return cls(**(choices | changes))


class Encoder(nn.Module):
    """ids → one state a position, each having seen the whole text; pads change nothing.

    What stands at a pad's own position means nothing. ``generator`` draws the weights.
    """

    def __init__(self, config: EncoderConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config.vocab_size, config.width)
        self.positions = config.make_positions()
        if config.n_token_types:
            self.token_types = TokenTypes(config.n_token_types, config.width)
        self.embedding_norm = config.make_norm() if config.embedding_norm else nn.Identity()
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.norm = config.make_norm() if config.norm_place == "pre" else nn.Identity()
        start_weights(self, config, generator)

    def forward(
        self,
        ids: Int64[Tensor, "..."],
        lengths: Lengths | None = None,
        token_types: Ids | None = None,
    ) -> States:
        """States [batch, time, width]; ``lengths`` [batch] say where text ends and pads begin.

        ``token_types`` [batch, time] default to 0. Raises ValueError where the context is
        exceeded or lengths do not fit, IndexError for ids outside the vocabulary.
        """
        check_ids(ids)
        check_context(ids.shape[1], self.config.context_length)
        here = torch.arange(ids.shape[1], device=ids.device)[None]
        states = self.positions.add(self._embed(ids, token_types), here)
        states = self.drop(self.embedding_norm(states))
        mask = text_keys(lengths, *ids.shape)
        turn = self.positions.turn(here, states)
        bias = self.positions.bias(here, here, states)
        for block in self.blocks:
            states = block(states, mask=mask, turn=turn, bias=bias)
        return self.norm(states)

    def _embed(self, ids: Tensor, token_types: Tensor | None) -> Tensor:
        states = self.embedding(ids)
        if self.config.scaled_embedding:
            states = states * math.sqrt(self.config.width)
        if not self.config.n_token_types:
            if token_types is not None:
                raise ValueError(
                    "token types came to an encoder without any; build it with n_token_types=2"
                )
            return states
        types = torch.zeros_like(ids) if token_types is None else token_types
        return states + self.token_types(types)
