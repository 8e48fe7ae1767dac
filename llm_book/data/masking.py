"""Corrupted text for a masked language model: what is hidden is what is to be said."""

from collections.abc import Collection

import torch
from torch import Tensor

from llm_book.shapes import IGNORE, Ids, Mask, TokenBatch

HIDDEN = 0.8  # of the chosen tokens: replaced by the mask token
REPLACED = 0.1  # replaced by any other word; the rest stay as they are


def mask_tokens(
    ids: Ids,
    mask_id: int,
    vocab_size: int,
    special_ids: Collection[int],
    share: float = 0.15,
    generator: torch.Generator | None = None,
) -> TokenBatch:
    """A corrupted copy of ``ids``, and as targets the tokens that were chosen; ``ids`` stay.

    Each token is chosen with probability ``share``, at least one a batch; of the chosen, 80 %
    become ``mask_id``, 10 % a word drawn evenly and 10 % stay, so that a model must doubt every
    word it reads. Targets of tokens not chosen are ``IGNORE``. Tokens of ``special_ids`` (pads
    among them) and ``mask_id`` itself are neither chosen nor drawn. Raises ``ValueError`` for a
    share outside (0, 1], ids outside the vocabulary and where nothing can be chosen. Source:
    Devlin et al. (2019), Section 3.1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; it must lie in (0, 1], such as 0.15")
    words = _words(mask_id, vocab_size, special_ids)
    ordinary = _ordinary(ids, words, vocab_size)
    draws = torch.rand(ids.shape, generator=generator).masked_fill(~ordinary, torch.inf)
    chosen = (draws < share) | (draws == draws.min())
    fate = torch.rand(ids.shape, generator=generator)
    drawn = words[torch.randint(len(words), ids.shape, generator=generator)]
    corrupted = torch.where(chosen & (fate < HIDDEN), mask_id, ids)
    swapped = chosen & (fate >= HIDDEN) & (fate < HIDDEN + REPLACED)
    return TokenBatch(torch.where(swapped, drawn, corrupted), torch.where(chosen, ids, IGNORE))


def _words(mask_id: int, vocab_size: int, special_ids: Collection[int]) -> Tensor:
    """The ids that are neither special nor the mask, in order."""
    special = {mask_id, *special_ids}
    if wrong := [i for i in sorted(special) if not 0 <= i < vocab_size]:
        raise ValueError(
            f"special id {wrong[0]} is outside a vocabulary of {vocab_size}; ids go from 0 to "
            f"{vocab_size - 1}"
        )
    words = [i for i in range(vocab_size) if i not in special]
    if not words:
        raise ValueError(f"all {vocab_size} ids are special; a vocabulary needs words to choose")
    return torch.tensor(words)


def _ordinary(ids: Ids, words: Tensor, vocab_size: int) -> Mask:
    """True where a word stands that may be chosen."""
    if ids.numel() and not 0 <= ids.min() <= ids.max() < vocab_size:
        raise ValueError(
            f"ids from {int(ids.min())} to {int(ids.max())} are not all in a vocabulary of "
            f"{vocab_size}; ids go from 0 to {vocab_size - 1}"
        )
    ordinary = torch.isin(ids, words)
    if not ordinary.any():
        raise ValueError("the batch holds no token but special ones; give texts with words")
    return ordinary
