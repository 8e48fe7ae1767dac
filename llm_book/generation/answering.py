"""An encoder-decoder as a callable ids → logits: the source is read once, the target written."""

from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor

from llm_book.generation.cache import evaluating
from llm_book.shapes import Ids, Lengths, Logits


class Answering:
    """Target ids → logits, given one source a row; what ``generate`` and ``beam_search`` take.

    ``model`` has ``encode(source, source_lengths)``, ``decode(inputs, states, source_lengths,
    cache)`` and, to read only what is new, ``new_cache(batch, capacity)``. Several targets a
    source (the beams of a search) stand side by side. Raises ValueError where rows of targets
    are no multiple of the sources.
    """

    def __init__(
        self,
        model: Any,
        source: Int64[Tensor, "batch source_time"],
        source_lengths: Lengths | None = None,
    ) -> None:
        self.model, self.source_lengths = model, source_lengths
        self.context_length = getattr(getattr(model, "config", None), "context_length", None)
        with torch.no_grad(), evaluating(model):
            self.states = model.encode(source, source_lengths)

    def __call__(self, ids: Ids, cache: Any = None) -> Logits:
        """Logits after each of ``ids``, the targets so far (with a cache: their newest tokens)."""
        copies, rest = divmod(len(ids), len(self.states))
        if rest:
            raise ValueError(
                f"{len(ids)} targets came for {len(self.states)} sources; give each source the "
                "same number of targets, side by side"
            )
        states, lengths = self.states, self.source_lengths
        if copies > 1:
            states = states.repeat_interleave(copies, dim=0)
            lengths = None if lengths is None else lengths.repeat_interleave(copies)
        with evaluating(self.model):
            return self.model.decode(ids, states, lengths, cache)

    def new_cache(self, batch: int, capacity: int) -> Any:
        """An empty cache of the decoder."""
        return self.model.new_cache(batch, capacity)
