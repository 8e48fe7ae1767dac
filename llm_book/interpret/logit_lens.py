"""What a model would say if it stopped after each block: the logit lens."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from llm_book.interpret.taps import record
from llm_book.shapes import Ids


@torch.no_grad()
def logit_lens(model: nn.Module, ids: Ids, **named: Any) -> Float[Tensor, "depth batch time vocab"]:
    """Logits read from the states before the first block and after each, by the model's own head.

    ``model`` has ``blocks`` and ``read_out``, which is its last norm and head; depth 0 are the
    embeddings, the last depth is exactly what the model says. Used in the mode it is in. Source:
    nostalgebraist (2020). Raises ``TypeError`` for a model without those parts.
    """
    stream = residual_stream(model, ids, **named)
    gpt: Any = model
    return torch.stack([gpt.read_out(states) for states in stream])


@torch.no_grad()
def residual_stream(model: nn.Module, ids: Ids, **named: Any) -> list[Tensor]:
    """The states [batch, time, width] before the first block and after each: depth + 1 of them.

    Raises ``TypeError`` for a model without ``blocks`` and ``read_out``.
    """
    if not hasattr(model, "blocks") or not hasattr(model, "read_out"):
        raise TypeError(
            f"{type(model).__name__} has no blocks and read_out to look through; give a GPT"
        )
    gpt: Any = model
    names = [f"blocks.{layer}" for layer in range(len(gpt.blocks))]
    with record(model, names[0], side="input") as first, record(model, *names) as after:
        model(ids, **named)
    return [first[names[0]], *(after[name] for name in names)]
