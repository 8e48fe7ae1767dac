"""A model without some of its heads: what gets worse is what they did."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from llm_book.interpret.taps import Change, named_part, replace

WAYS = ("zero", "mean")


@contextmanager
def without_heads(
    model: nn.Module, heads: Mapping[int, Sequence[int]], by: str = "zero"
) -> Iterator[nn.Module]:
    """Silence heads, ``{layer: [head, ...]}``, for as long as the ``with``.

    What a head adds is set to 0, or with ``by="mean"`` to its mean over the batch and time it is
    read with, which keeps what it says always and takes what it says here. The weights are not
    touched. Source: Michel et al. (2019). Raises ``ValueError`` for another way, ``IndexError``
    for a head that is not there, ``KeyError`` for a layer that is not there.
    """
    if by not in WAYS:
        raise ValueError(f"by {by!r} is unknown; choose one of {', '.join(WAYS)}")
    changes: dict[str, Change] = {}
    for layer, chosen in heads.items():
        attention: Any = named_part(model, f"blocks.{layer}.attention")
        n_heads = attention.n_heads
        wrong = [head for head in chosen if not 0 <= head < n_heads]
        if wrong:
            raise IndexError(
                f"layer {layer} has no head {wrong[0]}; it has {n_heads}, counted from 0"
            )
        name = f"blocks.{layer}.attention.output"
        changes[name] = partial(_silenced, heads=list(chosen), n_heads=n_heads, by=by)
    with replace(model, changes, side="input"):
        yield model


def _silenced(mixed: Tensor, heads: list[int], n_heads: int, by: str) -> Tensor:
    """What goes into the output map, [batch, time, head · width], less what these heads say."""
    parts = mixed.unflatten(-1, (n_heads, -1)).clone()
    put = parts.mean(dim=(0, 1), keepdim=True) if by == "mean" else torch.zeros_like(parts[:1, :1])
    parts[:, :, heads] = put[:, :, heads]
    return parts.flatten(-2)
