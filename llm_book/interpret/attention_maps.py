"""The attention weights of a whole model, layer by layer."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from llm_book.interpret.taps import record


def attention_taps(model: nn.Module, kind: str = "attention") -> list[str]:
    """Names of the taps that attention weights pass through, in the order of the layers.

    ``kind`` is the name attentions have in their blocks: "attention", or "cross_attention".
    Raises ``KeyError`` where the model has none.
    """
    end = f"{kind}.weights"
    names = [
        name
        for name, part in model.named_modules()
        if isinstance(part, nn.Identity) and (name == end or name.endswith("." + end))
    ]
    if not names:
        raise KeyError(
            f"the model has no tap named {end!r}; build its blocks on MultiHeadAttention, or give "
            "another kind"
        )
    return names


@torch.no_grad()
def attention_maps(
    model: nn.Module, *inputs: Any, kind: str = "attention", **named: Any
) -> Float[Tensor, "layer batch head query key"]:
    """How much every query takes from every key, in all layers, when the model reads ``inputs``.

    A fused engine stores no weights; while they are looked at, it does without its kernel. The
    model is put into evaluation mode for the run, so that no dropout hides what it looks at.
    """
    names = attention_taps(model, kind)
    training = model.training
    model.eval()
    try:
        with record(model, *names) as seen:
            model(*inputs, **named)
    finally:
        model.train(training)
    return torch.stack([seen[name] for name in names])
