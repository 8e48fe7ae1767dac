"""Corrupted text for an encoder–decoder: runs of tokens are cut out, and written one by one."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from llm_book.shapes import Stream


def corrupt_spans(
    ids: Stream,
    sentinel_ids: Sequence[int],
    share: float = 0.15,
    mean_length: float = 3.0,
    generator: torch.Generator | None = None,
) -> tuple[Int64[Tensor, " source"], Int64[Tensor, " target"]]:
    """The text with a sentinel for each run that was cut out, and the runs behind their sentinels.

    A ``share`` of the tokens is hidden (rounded; at least one, never all), in runs of
    ``mean_length`` tokens on average; the first tokens always stay. The target ends with one more
    sentinel, which says that there is no further run. Raises ``ValueError`` for shares outside
    (0, 1), runs shorter than 1, fewer than two tokens, a sentinel that stands in the text or twice,
    and too few sentinels. Source: Raffel et al. (2020), section 3.1.4 and their published code.
    """
    hidden = hidden_spans(len(ids), share, mean_length, generator)
    sentinels = torch.tensor(_checked(sentinel_ids, ids, int(_beginnings(hidden).sum()) + 1))
    return _marked(ids, hidden, sentinels), _marked(
        torch.cat([ids, sentinels[:1]]), torch.cat([~hidden, torch.tensor([True])]), sentinels
    )


def hidden_spans(
    time: int, share: float, mean_length: float, generator: torch.Generator | None = None
) -> Bool[Tensor, " time"]:
    """True where a token is hidden: runs of text and hidden runs by turns, text first."""
    if not 0 < share < 1 or mean_length < 1:
        raise ValueError(
            f"a share of {share} in runs of {mean_length} tokens cannot be hidden; the share must "
            "lie between 0 and 1 and a run has 1 token or more"
        )
    if time < 2:
        raise ValueError(f"a text of {time} tokens has none to hide and one to keep; give 2")
    n_hidden = min(max(round(time * share), 1), time - 1)
    n_spans = min(max(round(n_hidden / mean_length), 1), time - n_hidden)
    kept = _parts(time - n_hidden, n_spans, generator)
    gone = _parts(n_hidden, n_spans, generator)
    runs = torch.stack([kept, gone], dim=1).flatten()
    return torch.tensor([False, True]).repeat(n_spans).repeat_interleave(runs)


def _parts(total: int, count: int, generator: torch.Generator | None) -> Tensor:
    """``total`` as a sum of ``count`` whole numbers of 1 or more, every such sum as likely."""
    cuts = torch.randperm(total - 1, generator=generator)[: count - 1].sort().values + 1
    edges = torch.cat([torch.tensor([0]), cuts, torch.tensor([total])])
    return edges.diff()


def _beginnings(hidden: Tensor) -> Tensor:
    """True where a hidden run begins."""
    before = torch.cat([torch.tensor([False]), hidden[:-1]])
    return hidden & ~before


def _marked(ids: Tensor, hidden: Tensor, sentinels: Tensor) -> Tensor:
    """The ids with each hidden run replaced by the sentinel of its number."""
    begins = _beginnings(hidden)
    numbers = begins.long().cumsum(dim=0) - 1
    return torch.where(begins, sentinels[numbers.clamp(min=0)], ids)[begins | ~hidden]


def _checked(sentinel_ids: Sequence[int], ids: Tensor, needed: int) -> list[int]:
    sentinels = list(sentinel_ids)
    if len(set(sentinels)) < len(sentinels) or torch.isin(ids, torch.tensor(sentinels)).any():
        raise ValueError(
            "a sentinel stands twice or in the text itself; give ids that the text does not use"
        )
    if len(sentinels) < needed:
        raise ValueError(f"{needed} sentinels are needed and {len(sentinels)} came; give more")
    return sentinels
