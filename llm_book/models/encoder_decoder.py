"""Encoder and decoder: one text is read whole, another is written while looking at it."""

import math
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from llm_book.models.blocks import Block, TransformerConfig, start_weights
from llm_book.models.causal import causal_view, new_cache, places
from llm_book.models.embedding import Embedding, check_ids, check_sources, text_keys
from llm_book.models.encoder import Encoder, EncoderConfig
from llm_book.shapes import KVCache, Lengths, Logits, States


@dataclass(frozen=True, kw_only=True)
class EncoderDecoderConfig(TransformerConfig):
    """The shape of both stacks, each of ``n_layers`` blocks.

    ``vocab_size`` is the source's; the target's is ``target_vocab_size``, or None where both
    share one vocabulary and then one embedding table. ``tied`` makes the target's table the head;
    ``scaled_embedding`` multiplies embeddings by √width.
    """

    target_vocab_size: int | None = None
    tied: bool = True
    scaled_embedding: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target_vocab_size is not None and self.target_vocab_size < 1:
            raise ValueError(
                f"target_vocab_size is {self.target_vocab_size}; it must be at least 1"
            )

    @classmethod
    def vaswani(cls, **changes: Any) -> "EncoderDecoderConfig":
        """The choices of Vaswani et al. (2017), by default in the size of their base model.

        Sinusoidal positions, layer norm after each part, ReLU, one table for everything.
        """
        choices: dict[str, Any] = {
            "vocab_size": 37000,
            "context_length": 512,
            "width": 512,
            "n_layers": 6,
            "n_heads": 8,
            "norm_place": "post",
            "act": "relu",
            "positions": "sinusoidal",
            "dropout": 0.1,
        }
        return cls(**(choices | changes))

    def encoder(self) -> EncoderConfig:
        """The shape of the encoder alone."""
        shared = {f.name: getattr(self, f.name) for f in fields(TransformerConfig)}
        return EncoderConfig(**shared, scaled_embedding=self.scaled_embedding)


class Decoder(nn.Module):
    """A causal stack whose blocks also look at an encoder's states."""

    def __init__(self, config: EncoderDecoderConfig, embedding: Embedding) -> None:
        super().__init__()
        self.config = config
        self.embedding = embedding
        self.positions = config.make_positions()
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, cross=True) for _ in range(config.n_layers))
        self.norm = config.make_norm() if config.norm_place == "pre" else nn.Identity()

    def forward(
        self,
        ids: Int64[Tensor, "..."],
        context: Float[Tensor, "batch source_time width"],
        context_mask: Tensor | None,
        cache: KVCache | None = None,
    ) -> States:
        """States [batch, time, width] of the target tokens."""
        check_ids(ids)
        here, keys = places(ids, cache, self.config.context_length)
        states = self.embedding(ids)
        if self.config.scaled_embedding:
            states = states * math.sqrt(self.config.width)
        states = self.drop(self.positions.add(states, here))
        how = causal_view(self.positions, states, here, keys, None, cache)
        for layer, block in enumerate(self.blocks):
            past = None if cache is None else partial(cache.write, layer)
            states = block(states, context, context_mask, past=past, **how)
        return self.norm(states)


class EncoderDecoder(nn.Module):
    """Source ids and target ids → logits of the target token that follows each.

    ``generator`` draws the weights.
    """

    def __init__(
        self, config: EncoderDecoderConfig, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config.encoder())
        embedding = self.encoder.embedding
        if config.target_vocab_size is not None:
            embedding = Embedding(config.target_vocab_size, config.width)
        self.decoder = Decoder(config, embedding)
        self.head = nn.Linear(config.width, embedding.num_embeddings, bias=False)
        if config.tied:
            self.head.weight = embedding.weight
        start_weights(self, config, generator)

    def forward(
        self,
        source: Int64[Tensor, "..."],
        source_lengths: Lengths | None,
        inputs: Int64[Tensor, "..."],
    ) -> Logits:
        """Logits [batch, time, vocab] of the token after each of ``inputs``, given ``source``.

        Raises ValueError where a context is exceeded or lengths do not fit, IndexError for ids
        outside a vocabulary.
        """
        return self.decode(inputs, self.encode(source, source_lengths), source_lengths)

    def encode(
        self, source: Int64[Tensor, "..."], source_lengths: Lengths | None = None
    ) -> Float[Tensor, "batch source_time width"]:
        """The encoder's states, computed once and read by every ``decode``."""
        return self.encoder(source, source_lengths)

    def decode(
        self,
        inputs: Int64[Tensor, "..."],
        states: Float[Tensor, "batch source_time width"],
        source_lengths: Lengths | None = None,
        cache: KVCache | None = None,
    ) -> Logits:
        """Logits after each of ``inputs``, given the encoder's ``states``.

        With a ``cache``, inputs are what follows each row's tokens in it; the caller advances it.
        """
        check_sources(len(inputs), len(states))
        mask = text_keys(source_lengths, *states.shape[:2])
        return self.head(self.decoder(inputs, states, mask, cache))

    def new_cache(self, batch: int, capacity: int | None = None) -> KVCache:
        """An empty cache for ``batch`` targets of up to ``capacity`` tokens (None: the context)."""
        return new_cache(self.config, self.head.weight, batch, capacity)
