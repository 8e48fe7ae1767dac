"""A model with what it has read so far: through its cache where it has one, from its text if not.

A model is any callable ids [batch, time] → logits [batch, time, vocab]. One that can go on where
it stopped has ``new_cache(batch, capacity)``, takes ``cache=`` and writes into it; the cache has
``advance(by)`` and ``select(rows)`` as ``llm_book.shapes.KVCache`` does. One that can read faster
than it trains may have ``reading()``, a callable (ids, cache) → logits with the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from llm_book.shapes import Ids, Lengths, Logits

Model = Callable[..., Tensor]


class Reader:
    """A model and the rows of text it has read.

    ``look`` reads on without remembering, ``take`` remembers so many of the tokens looked at,
    ``read`` does both. Looking twice before taking is allowed: the second look replaces the first.
    """

    def __init__(self, model: Model, batch: int, capacity: int) -> None:
        self.model = model

    def look(self, ids: Ids) -> Logits:
        """What is expected after each of ``ids``, read as what follows each row's text."""
        with evaluating(self.model):
            logits = self._logits(ids)
        if logits.ndim != 3 or logits.shape[:2] != ids.shape:
            raise ValueError(
                f"the model gave logits of shape {tuple(logits.shape)} for ids of shape "
                f"{tuple(ids.shape)}; generation wants [batch, time, vocab]"
            )
        return logits

    def _logits(self, ids: Ids) -> Tensor:
        raise TypeError("a Reader alone reads nothing; ask reader_of for one")

    def take(self, by: int | Lengths) -> None:
        """Remember the first ``by`` tokens of the last look, one number for all or one a row."""

    def select(self, rows: Int64[Tensor, " rows"]) -> None:
        """Keep these rows, in that order, repeats allowed."""

    def read(self, ids: Ids, lengths: Lengths | None = None) -> Float[Tensor, "batch vocab"]:
        """Take ``ids`` in (``lengths`` of them a row) and say what is expected next."""
        logits = self.look(ids)
        if lengths is None:
            self.take(ids.shape[1])
            return logits[:, -1]
        self.take(lengths)
        return logits[torch.arange(len(ids), device=ids.device), lengths - 1]


class CacheReader(Reader):
    """Reads only what is new; the model's cache holds the rest."""

    def __init__(self, model: Any, batch: int, capacity: int) -> None:
        super().__init__(model, batch, capacity)
        self.cache = model.new_cache(batch, capacity)
        self.reading = model.reading() if hasattr(model, "reading") else model

    def _logits(self, ids: Ids) -> Tensor:
        return self.reading(ids, cache=self.cache)

    def take(self, by: int | Lengths) -> None:
        self.cache.advance(by)

    def select(self, rows: Int64[Tensor, " rows"]) -> None:
        self.cache.select(rows)


class PlainReader(Reader):
    """Reads the whole text anew at every look: any callable will do."""

    def __init__(self, model: Model, batch: int, capacity: int) -> None:
        super().__init__(model, batch, capacity)
        self.text = torch.zeros(batch, 0, dtype=torch.int64)
        self.lengths = torch.zeros(batch, dtype=torch.int64)

    def _logits(self, ids: Ids) -> Tensor:
        time = ids.shape[1]
        self.lengths = self.lengths.to(ids.device)
        places = self.lengths[:, None] + torch.arange(time, device=ids.device)
        before = self.text[:, : self.lengths.max()].to(ids.device)
        self.text = torch.cat([before, torch.zeros_like(ids)], dim=1).scatter(1, places, ids)
        logits = self.model(self.text)
        if logits.ndim != 3 or logits.shape[:2] != self.text.shape:
            return logits  # refused by look
        return logits.gather(1, places[..., None].expand(*places.shape, logits.shape[-1]))

    def take(self, by: int | Lengths) -> None:
        self.lengths = self.lengths + by

    def select(self, rows: Int64[Tensor, " rows"]) -> None:
        self.text, self.lengths = self.text[rows], self.lengths[rows]


def reader_of(model: Model, batch: int, capacity: int, cached: bool = True) -> Reader:
    """A reader with nothing read yet, for ``batch`` rows of up to ``capacity`` tokens.

    With ``cached=False`` the model's cache, if it has one, is left alone.
    """
    kind = CacheReader if cached and hasattr(model, "new_cache") else PlainReader
    return kind(model, batch, capacity)


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """No dropout inside the block; every module is then as it was before."""
    if not getattr(model, "training", False):
        yield
        return
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def context_of(model: Model, context_length: int | None) -> int | None:
    """How many tokens the model can look at: what was asked for, or what the model says of itself.

    The model says it as ``context_length`` or ``config.context_length``; None is no limit.
    """
    own = getattr(model, "context_length", None)
    if own is None:
        own = getattr(getattr(model, "config", None), "context_length", None)
    if context_length is None:
        return own
    if context_length < 1 or (own is not None and context_length > own):
        raise ValueError(
            f"context_length is {context_length}; it must be from 1 to what the model can look "
            f"at, {own if own is not None else 'here without limit'}"
        )
    return context_length
