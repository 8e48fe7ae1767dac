"""What attention heads do: look one back, look for the same token, go on where it stood before."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from llm_book.interpret.attention_maps import attention_maps
from llm_book.shapes import Ids


@dataclass(frozen=True, eq=False)
class HeadScores:
    """Three scores a head, each [layer, head] from 0 to 1."""

    previous_token: Float[Tensor, "layer head"]
    duplicate_token: Float[Tensor, "layer head"]
    induction: Float[Tensor, "layer head"]


def repeated_random_ids(
    batch: int,
    period: int,
    vocab_size: int,
    repeats: int = 2,
    generator: torch.Generator | None = None,
) -> Int64[Tensor, "batch time"]:
    """Rows of ``period`` different random ids said ``repeats`` times: [batch, period · repeats].

    Nothing but the repetition can be predicted. Source: Olsson et al. (2022). Raises
    ``ValueError`` for sizes below 1, a single repeat, and a period above the vocabulary.
    """
    if min(batch, period) < 1 or repeats < 2 or period > vocab_size:
        raise ValueError(
            f"{batch} rows of {period} different ids out of {vocab_size}, said {repeats} times, "
            "cannot be drawn; expected 1 <= period <= vocab_size, 2 repeats or more"
        )
    order = torch.rand(batch, vocab_size, generator=generator).argsort(dim=1)
    return order[:, :period].repeat(1, repeats)


def previous_token_score(weights: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Mean weight on the token just before, over all positions but the first.

    ``weights`` [..., query, key]; the answer drops the last two axes. Raises ``ValueError`` for
    weights that are not square or of a single token.
    """
    time = _square(weights)
    if time < 2:
        raise ValueError("a text of 1 token has none before it; give at least 2 tokens")
    return weights.diagonal(offset=-1, dim1=-2, dim2=-1).mean(dim=-1)


def duplicate_token_score(weights: Float[Tensor, "..."], ids: Ids) -> Float[Tensor, " head"]:
    """Mean weight on earlier positions that hold the same token, where there are any.

    ``weights`` [batch, head, query, key] of a model that read ``ids`` [batch, time]. Raises
    ``ValueError`` where no token stands twice.
    """
    return _score(weights, ids, _same_before(ids))


def induction_score(weights: Float[Tensor, "..."], ids: Ids) -> Float[Tensor, " head"]:
    """Mean weight on what followed earlier occurrences of the same token, where there are any.

    Also called prefix matching. ``weights`` [batch, head, query, key] of a model that read
    ``ids`` [batch, time]. What followed just before is the token itself where it stands twice in
    a row. Source: Olsson et al. (2022). Raises ``ValueError`` where no token stands twice.
    """
    followed = torch.zeros_like(same := _same_before(ids))
    followed[:, :, 1:] = same[:, :, :-1]
    return _score(weights, ids, followed)


@torch.no_grad()
def head_scores(model: nn.Module, ids: Ids) -> HeadScores:
    """All three scores of every head when ``model`` reads ``ids``, as ``repeated_random_ids``."""
    maps = attention_maps(model, ids)
    return HeadScores(
        previous_token_score(maps).mean(dim=1),
        torch.stack([duplicate_token_score(weights, ids) for weights in maps]),
        torch.stack([induction_score(weights, ids) for weights in maps]),
    )


def _same_before(ids: Tensor) -> Tensor:
    """True where a key stands before a query and holds the same token: [batch, query, key]."""
    return (ids[:, :, None] == ids[:, None, :]).tril(-1)


def _score(weights: Tensor, ids: Tensor, wanted: Tensor) -> Tensor:
    _square(weights)
    if weights.ndim != 4 or weights.shape[0] != ids.shape[0] or weights.shape[2] != ids.shape[1]:
        raise ValueError(
            f"weights of shape {tuple(weights.shape)} are not those of ids of shape "
            f"{tuple(ids.shape)}; expected [batch, head, time, time] and [batch, time]"
        )
    counted = wanted.any(dim=-1)
    if not counted.any():
        raise ValueError("no token stands twice, so there is nothing to look back to; repeat some")
    mass = (weights * wanted[:, None]).sum(dim=-1)
    return mass.transpose(1, 2)[counted].mean(dim=0)


def _square(weights: Tensor) -> int:
    if weights.ndim < 2 or weights.shape[-1] != weights.shape[-2]:
        raise ValueError(
            f"weights of shape {tuple(weights.shape)} do not compare a text with itself; expected "
            "[..., time, time]"
        )
    return weights.shape[-1]
