"""A GPT laid out for reading a token at a time, as generation does.

A step of one token reads every weight once and computes little with it, so memory and the calls
between the products decide its time. Here each matrix is copied once, transposed (the order in
which a single row is multiplied fastest on a CPU) with those that read the same states side by
side, and a block is a dozen plain calls.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from llm_book.models.attention import MultiHeadAttention, Past, Turn
from llm_book.models.blocks import Block
from llm_book.models.causal import causal_view, places
from llm_book.models.embedding import check_ids
from llm_book.models.feed_forward import FeedForward, GatedFeedForward
from llm_book.shapes import KVCache, Logits

Rows = Float[Tensor, "row width"]  # the positions of all texts, one below the other


class Product:
    """x ↦ xWᵀ + b for one linear map, or for several that read the same, side by side."""

    def __init__(self, *maps: nn.Linear) -> None:
        self.weight = torch.cat([m.weight.detach() for m in maps]).t().contiguous()
        biases = [m.bias.detach() for m in maps if m.bias is not None]
        self.bias = torch.cat(biases) if biases else None

    def __call__(self, x: Rows) -> Float[Tensor, "row out"]:
        if self.bias is None:
            return torch.mm(x, self.weight)
        return torch.addmm(self.bias, x, self.weight)


class AttentionReading:
    """One attention's weights laid out; reads what ``MultiHeadAttention`` reads."""

    def __init__(self, attention: MultiHeadAttention) -> None:
        self.attention = attention
        self.inwards = Product(attention.query, attention.key, attention.value)
        self.output = Product(attention.output)
        self.head_width = attention.query.out_features // attention.n_heads
        parts = (attention.query, attention.key, attention.value)
        self.widths = [part.out_features for part in parts]

    def __call__(
        self,
        x: Rows,
        batch: int,
        past: Past,
        mask: Tensor | None,
        causal: bool,
        bias: Tensor | None,
        turn: Turn | None,
    ) -> Rows:
        parts = self.inwards(x).split(self.widths, dim=1)
        query, key, value = (
            part.view(batch, len(x) // batch, -1, self.head_width).transpose(1, 2) for part in parts
        )
        if turn is not None:
            query, key = turn(query), turn(key)
        key, value = past(key, value)
        mask = mask[:, None] if mask is not None else None
        mixed = self.attention.mix_fused(query, key, value, mask, causal, bias)
        return self.output(mixed.transpose(1, 2).reshape(len(x), -1))


def feed_forward_reading(layer: nn.Module) -> Callable[[Rows], Rows]:
    """A feed-forward layer with its weights laid out; a mixture of experts stays as it is."""
    if type(layer) is FeedForward:
        up, down, act = Product(layer.up), Product(layer.down), layer.act
        return lambda x: down(act(up(x)))
    if type(layer) is GatedFeedForward:
        both, down, act = Product(layer.gate, layer.up), Product(layer.down), layer.act

        def gated(x: Rows) -> Rows:
            gate, up = both(x).chunk(2, dim=1)
            return down(act(gate) * up)

        return gated
    return layer


class BlockReading:
    """One block's weights laid out; dropout is left out."""

    def __init__(self, block: Block) -> None:
        self.pre = block.norm_place == "pre"
        self.norms = block.attention_norm, block.feed_forward_norm
        self.attention = AttentionReading(block.attention)
        self.feed_forward = feed_forward_reading(block.feed_forward)

    def __call__(self, x: Rows, batch: int, **how: Any) -> Rows:
        first, second = self.norms
        if self.pre:
            x = x + self.attention(first(x), batch, **how)
            return x + self.feed_forward(second(x))
        x = first(x + self.attention(x, batch, **how))
        return second(x + self.feed_forward(x))


class Reading:
    """What a GPT's ``model(ids, cache=cache)`` gives, from copies of its weights made now.

    The copies take as much memory as the model once more and do not follow if its weights
    change. No dropout; its logits can take part in no gradient (``torch.inference_mode``).
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.blocks = [BlockReading(block) for block in model.blocks]
        self.head = Product(model.head)

    @torch.inference_mode()  # keeps no count of changes as no_grad does: less to do a step
    def __call__(self, ids: Int64[Tensor, "..."], cache: KVCache) -> Logits:
        """Logits [batch, time, vocab] of ids that follow what ``cache`` holds; writes to it."""
        model = self.model
        check_ids(ids)
        here, keys = places(ids, cache, model.config.context_length)
        states = model.positions.add(model.embedding(ids), here)
        how = causal_view(model.positions, states, here, keys, None, cache)
        x = states.flatten(0, 1)
        for layer, block in enumerate(self.blocks):
            x = block(x, len(ids), past=partial(cache.write, layer), **how)
        return self.head(model.norm(x)).view(*ids.shape, -1)


def can_be_laid_out(model: Any) -> bool:
    """Whether nothing would be missed: plain linear maps, and nobody who looks at a part."""
    looked_at = any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    return not looked_at and all(type(part) is nn.Linear for part in laid_out_parts(model))


def laid_out_parts(model: Any) -> list[nn.Module]:
    """The parts of a GPT whose weights ``Reading`` copies."""
    parts = [model.head]
    for block in model.blocks:
        attention, layer = block.attention, block.feed_forward
        parts += [attention.query, attention.key, attention.value, attention.output]
        if type(layer) in (FeedForward, GatedFeedForward):
            parts += layer.children()
    return parts
