"""The block all Transformers are stacks of: attention, then feed-forward, each with a bypass."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from llm_book.models.attention import MultiHeadAttention, check_heads
from llm_book.models.feed_forward import FeedForward, GatedFeedForward, activation
from llm_book.models.mixture import MixtureOfExperts, check_choice
from llm_book.models.norms import LayerNorm, Norm, RMSNorm, check_size
from llm_book.models.positions import PAIRINGS, Positions, frequencies
from llm_book.shapes import States

KNOWN = {
    "norm": ("layer", "rms"),
    "norm_place": ("pre", "post"),
    "positions": Positions.KINDS,
    "pairing": PAIRINGS,
}


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """What every Transformer of the book is built from.

    ``width`` numbers a state; ``n_layers`` blocks of ``n_heads`` heads, which share
    ``n_kv_heads`` pairs of keys and values (None: one each) of ``head_width`` numbers (None:
    width / n_heads); ``inner_width`` numbers inside a feed-forward layer (None: 4 · width).

    ``norm`` is "layer" or "rms", before each half of a block ("pre") or after its bypass
    ("post"); ``act`` is "gelu", "gelu_tanh", "silu" or "relu", ``gated`` makes it SwiGLU's
    kind; ``n_experts`` above 0 makes it a mixture of which each token visits ``top_k``.
    ``positions`` is "learned", "sinusoidal", "rotary", "alibi" or "none".
    ``dropout`` is the share of numbers zeroed while training: of embeddings, of attention
    weights and of what each half adds. ``engine`` is "ours" or "torch" (same numbers, faster).
    Weights start normal with ``initial_scale``.
    """

    vocab_size: int
    context_length: int
    width: int
    n_layers: int
    n_heads: int
    n_kv_heads: int | None = None
    head_width: int | None = None
    inner_width: int | None = None
    norm: str = "layer"
    norm_place: str = "pre"
    norm_epsilon: float = 1e-5
    act: str = "gelu_tanh"
    gated: bool = False
    n_experts: int = 0
    top_k: int = 2
    positions: str = "learned"
    theta: float = 10000.0
    pairing: str = "halves"
    bias: bool = True
    dropout: float = 0.0
    initial_scale: float = 0.02
    engine: str = "ours"

    def __post_init__(self) -> None:
        self._check_sizes()
        for name, known in KNOWN.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} {getattr(self, name)!r} is unknown; choose one of {', '.join(known)}"
                )
        activation(self.act, self.engine)
        if self.positions == "rotary":
            frequencies(self.width_of_head, self.theta, "cpu", torch.float32)
        if self.n_experts:
            check_choice(self.top_k, self.n_experts)

    def _check_sizes(self) -> None:
        sizes = {"vocab_size": 1, "context_length": 1, "n_layers": 1, "width_inside": 1}
        for name, least in (sizes | {"n_experts": 0, "initial_scale": 0}).items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least {least}")
        check_heads(self.width, self.n_heads, self.kv_heads, self.head_width)
        check_size(self.width, self.norm_epsilon)
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; it is a share, from 0 up to but not 1")

    @property
    def kv_heads(self) -> int:
        """Pairs of keys and values: ``n_kv_heads``, or one a head."""
        return self.n_heads if self.n_kv_heads is None else self.n_kv_heads

    @property
    def width_of_head(self) -> int:
        """Numbers in a query, key or value: ``head_width``, or an equal share of the width."""
        return self.width // self.n_heads if self.head_width is None else self.head_width

    @property
    def width_inside(self) -> int:
        """Numbers inside a feed-forward layer: ``inner_width``, or four times the width."""
        return 4 * self.width if self.inner_width is None else self.inner_width

    def make_norm(self) -> Norm:
        """A new normalisation of the kind and engine asked for."""
        if self.norm == "rms":
            return RMSNorm(self.width, self.norm_epsilon, self.engine)
        return LayerNorm(self.width, self.norm_epsilon, self.bias, self.engine)

    def make_activation(self) -> Callable[[Tensor], Tensor]:
        """The activation and engine asked for."""
        return activation(self.act, self.engine)

    def make_attention(self) -> MultiHeadAttention:
        """A new attention with the heads asked for."""
        return MultiHeadAttention(
            self.width,
            self.n_heads,
            self.n_kv_heads,
            self.head_width,
            bias=self.bias,
            dropout=self.dropout,
            engine=self.engine,
        )

    def make_feed_forward(self) -> nn.Module:
        """A new feed-forward layer: plain, gated, or a mixture of such."""
        kind = GatedFeedForward if self.gated else FeedForward
        sizes = (self.width, self.width_inside, self.act, self.bias, self.engine)
        if self.n_experts == 0:
            return kind(*sizes)
        experts = [kind(*sizes) for _ in range(self.n_experts)]
        return MixtureOfExperts(self.width, experts, self.top_k)

    def make_positions(self) -> Positions:
        """A new scheme of positions of the kind asked for."""
        return Positions(
            self.positions,
            self.context_length,
            self.width,
            self.n_heads,
            self.width_of_head,
            self.theta,
            self.pairing,
        )


class Block(nn.Module):
    """Attention, then feed-forward; what each finds is added to the states that went in.

    With ``norm_place="pre"`` each half reads normalised states (Xiong et al. 2020), with "post"
    the sum is normalised (Vaswani et al. 2017). With ``cross=True`` a third part between the two
    reads from an encoder's states.
    """

    def __init__(self, config: TransformerConfig, cross: bool = False) -> None:
        super().__init__()
        self.norm_place = config.norm_place
        self.attention_norm = config.make_norm()
        self.attention = config.make_attention()
        if cross:
            self.cross_norm = config.make_norm()
            self.cross_attention = config.make_attention()
        self.feed_forward_norm = config.make_norm()
        self.feed_forward = config.make_feed_forward()
        self.drop = nn.Dropout(config.dropout)

    def forward(
        self,
        states: States,
        context: Float[Tensor, "batch source_time width"] | None = None,
        context_mask: Tensor | None = None,
        **how: Any,
    ) -> States:
        """The states after this block.

        ``how`` goes to the attention (mask, causal, bias, turn, past); a block built with
        ``cross=True`` reads ``context``, which ``context_mask`` [batch, 1, key] limits to text.
        """
        if self.norm_place == "pre":
            states = states + self.drop(self.attention(self.attention_norm(states), **how))
            if context is not None:
                query = self.cross_norm(states)
                states = states + self.drop(self.cross_attention(query, context, mask=context_mask))
            return states + self.drop(self.feed_forward(self.feed_forward_norm(states)))
        states = self.attention_norm(states + self.drop(self.attention(states, **how)))
        if context is not None:
            found = self.cross_attention(states, context, mask=context_mask)
            states = self.cross_norm(states + self.drop(found))
        return self.feed_forward_norm(states + self.drop(self.feed_forward(states)))


def start_weights(
    model: nn.Module, config: TransformerConfig, generator: torch.Generator | None = None
) -> None:
    """Draw all linear maps and embeddings of ``model`` anew, in place, as GPT-2 does.

    Normal with ``config.initial_scale``, biases 0; maps whose output is added to the residual
    stream with 1/√(2 · n_layers) of that, so that the sum over the layers keeps its size.
    Source: Radford et al. (2019), section 2.3.
    """
    residual = config.initial_scale / math.sqrt(2 * config.n_layers)
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            small = name.endswith(("attention.output", "down"))
            std = residual if small else config.initial_scale
            nn.init.normal_(module.weight, std=std, generator=generator)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
