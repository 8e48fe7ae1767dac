"""Which part of a model wrote a logit: the residual stream taken apart."""

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from llm_book.interpret.logit_lens import residual_stream
from llm_book.interpret.taps import record
from llm_book.models.norms import Norm, RMSNorm
from llm_book.shapes import Ids


@torch.no_grad()
def direct_logits(
    model: nn.Module, ids: Ids, targets: Int64[Tensor, "..."]
) -> dict[str, Float[Tensor, "batch time"]]:
    """What each part adds straight to the logit of each target; the parts add up to the logit.

    Parts are "embedding" (positions included), "blocks.i.attention", "blocks.i.feed_forward" and
    "bias", that of the last norm. The norm's scale is held at what it was, which makes it
    linear; what a part does through later parts is counted there. For a GPT with norms before
    its halves, in evaluation mode. Source: Elhage et al. (2021). Raises ``ValueError`` for a
    model in training mode, norms behind the halves, or targets that are not one a position.
    """
    gpt: Any = model
    if gpt.training or not isinstance(gpt.norm, Norm):
        raise ValueError(
            "the parts add up only in evaluation mode and with norms before the halves; call "
            "model.eval(), and build it with norm_place='pre'"
        )
    if targets.shape != ids.shape:
        raise ValueError(
            f"targets of shape {tuple(targets.shape)} do not fit ids of shape {tuple(ids.shape)}; "
            "give one target a position"
        )
    halves = ("attention", "feed_forward")
    names = [f"blocks.{layer}.{half}" for layer in range(len(gpt.blocks)) for half in halves]
    with record(model, *names) as added:
        first, *_, last = residual_stream(model, ids)
    size = _centred(last, gpt.norm).square().mean(dim=-1, keepdim=True)
    direction = gpt.head.weight[targets]
    ruler = direction * gpt.norm.weight * torch.rsqrt(size + gpt.norm.epsilon)
    parts = {"embedding": first, **added}
    answer = {name: (_centred(part, gpt.norm) * ruler).sum(-1) for name, part in parts.items()}
    bias = getattr(gpt.norm, "bias", None)
    return answer if bias is None else {**answer, "bias": direction @ bias}


def _centred(states: Tensor, norm: Norm) -> Tensor:
    """What the norm scales: a layer norm takes the mean off first."""
    if isinstance(norm, RMSNorm):
        return states
    return states - states.mean(dim=-1, keepdim=True)
