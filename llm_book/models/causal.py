"""Reading from left to right, with or without a cache: where tokens stand and what they see."""

from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from llm_book.models.blocks import TransformerConfig
from llm_book.models.embedding import check_context
from llm_book.models.positions import Places, Positions, Slots
from llm_book.shapes import Ids, KVCache, States


def places(
    ids: Ids, cache: KVCache | None, context_length: int, positions: Tensor | None = None
) -> tuple[Places, Slots]:
    """Positions of the new tokens [batch or 1, time] and of all keys [batch or 1, slots].

    With a cache the new tokens follow what it holds. Raises ValueError where they exceed the
    context, the cache has another number of rows, or both a cache and positions are given.
    """
    batch, time = ids.shape
    slots = time if cache is None else cache.longest + time
    check_context(slots, context_length)
    keys = torch.arange(slots, device=ids.device)[None]
    if cache is None:
        here = keys if positions is None else positions
        check_positions(here, batch, time)
        return here, here
    if positions is not None:
        raise ValueError("a cache counts the positions itself; give a cache or positions")
    if len(cache.lengths) != batch:
        raise ValueError(
            f"{batch} texts came to a cache of {len(cache.lengths)} rows; make one row a text"
        )
    return cache.positions(time), keys


def check_positions(positions: Tensor, batch: int, time: int) -> None:
    """Refuse positions that are not one a token."""
    if positions.shape not in ((batch, time), (1, time)):
        raise ValueError(
            f"positions of shape {tuple(positions.shape)} came with ids of shape {(batch, time)}; "
            "give one position a token"
        )


def causal_view(
    scheme: Positions,
    states: States,
    here: Places,
    keys: Slots,
    mask: Tensor | None,
    cache: KVCache | None,
) -> dict[str, Any]:
    """How every block's attention shall look at the keys: mask, causal, turn and bias.

    ``mask`` is [batch, key] or [batch, query, key]. Rows of a cache that differ in length need a
    mask of their own: a query sees the slots up to its position.
    """
    level = cache is None or cache.level
    if mask is not None and mask.ndim == 2:
        mask = rearrange(mask, "batch key -> batch 1 key")
    if not level:
        behind = keys[:, None, :] <= here[:, :, None]
        mask = behind if mask is None else mask & behind
    return {
        "causal": level,
        "mask": mask,
        "turn": scheme.turn(here, states),
        "bias": scheme.bias(here, keys, states),
    }


def new_cache(
    config: TransformerConfig, weight: Tensor, batch: int, capacity: int | None = None
) -> KVCache:
    """An empty cache for ``batch`` rows of up to ``capacity`` tokens (None: the context).

    It stands on the device of ``weight`` and has its precision.
    """
    return KVCache(
        config.n_layers,
        batch,
        config.kv_heads,
        config.context_length if capacity is None else capacity,
        config.width_of_head,
        weight.device,
        weight.dtype,
    )
