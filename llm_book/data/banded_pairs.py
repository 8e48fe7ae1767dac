"""Skip-gram's pairs laid out for matrix products: blocks of text with a band of neighbours.

Pair by pair, a word's vector is fetched once for each neighbour. In a block of b words all pairs
lie in a band of the product of b centre vectors with the b + 2w vectors around them, and the
words of a block share their negatives: two fetches become one matrix product.
Source: Ji et al. (2016), who share negatives within a window; here a block of windows does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from llm_book.shapes import Stream


@dataclass(frozen=True)
class Bands:
    """Blocks of a text: ``centres`` [blocks, block], ``contexts`` [blocks, block + 2 · window].

    ``mask`` [blocks, block, block + 2 · window] is True where a context lies in the centre's
    window; slots beyond the text's ends hold id 0 and are never in one.
    """

    centres: Int64[Tensor, "blocks block"]
    contexts: Int64[Tensor, "blocks span"]
    mask: Bool[Tensor, "blocks block span"]

    def __len__(self) -> int:
        return len(self.centres)

    def __getitem__(self, where: slice) -> Bands:
        """Some of the blocks."""
        return Bands(self.centres[where], self.contexts[where], self.mask[where])


def bands(
    ids: Stream,
    reach: Int64[Tensor, " _"],
    documents: Int64[Tensor, " _"],
    window: int,
    block: int = 8,
) -> Bands:
    """All pairs of a text in blocks of ``block`` words; the last block is filled up with id 0.

    ``reach`` [time] is each word's own window, at most ``window``; ``documents`` [time] numbers
    the texts, which no pair crosses: 0 or more. Raises ValueError where these do not fit.
    """
    if block < 1 or window < 1:
        raise ValueError(f"block ({block}) and window ({window}) must be 1 or more")
    if not len(ids) or len(reach) != len(ids) or len(documents) != len(ids):
        raise ValueError(
            f"{len(ids)} words, {len(reach)} windows and {len(documents)} text numbers came; give "
            "one of each a word, and at least one word"
        )
    if int(reach.min()) < 0 or int(reach.max()) > window or int(documents.min()) < 0:
        raise ValueError(f"windows go from 0 to {window} and text numbers from 0; others came")
    span = block + 2 * window
    after = -len(ids) % block
    words = padded(ids, window, after + window, 0).unfold(0, span, block)
    texts = padded(documents, window, after + window, -1).unfold(0, span, block)
    centre = slice(window, window + block)
    distance = (torch.arange(span) - window - torch.arange(block)[:, None]).abs()
    own = padded(reach, 0, after, 0).reshape(-1, block, 1)
    mask = (distance <= own) & (distance > 0) & (texts[:, None] == texts[:, centre, None])
    return Bands(words[:, centre], words, mask)


def padded(row: Stream, before: int, after: int, value: int) -> Int64[Tensor, " padded"]:
    """The row with ``value`` put in front and behind."""
    return torch.cat([row.new_full((before,), value), row, row.new_full((after,), value)])
