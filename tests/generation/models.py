"""Small models for these tests: callables, caches and the field's own."""

from types import SimpleNamespace

import torch
from torch import nn

from llm_book.shapes import KVCache


class Toy(nn.Module):
    """Logits that depend on the token, its place and all before it; with a cache that shows it."""

    def __init__(self, vocab_size: int = 11, context_length: int | None = None, seed: int = 0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.table = nn.Parameter(torch.randn(vocab_size, vocab_size, generator=generator) * 2)
        self.config = SimpleNamespace(context_length=context_length)
        self.read = []  # shapes of the ids it was shown

    def forward(self, ids, cache=None):
        self.read.append(tuple(ids.shape))
        limit = self.config.context_length
        rows = self.table[ids]
        if cache is None:
            here = torch.arange(ids.shape[1]).expand(ids.shape)
            past = rows.cumsum(1)
        else:
            here = cache.positions(ids.shape[1])
            new = rows[:, None]
            slots, _ = cache.write(0, new, new)
            seen = torch.arange(slots.shape[2])[None, None] <= here[..., None]
            past = torch.where(seen[..., None], slots[:, 0][:, None], 0).sum(2)
        assert limit is None or int(here.max()) < limit, "shown more than its context"
        return rows + past / (here[..., None] + 1) * torch.sin(here[..., None] + 1.0)

    def new_cache(self, batch, capacity):
        return KVCache(1, batch, 1, capacity, len(self.table), dtype=self.table.dtype)


def counted(vocab_size: int = 7):
    """Always expects the number after the last one."""

    def logits(ids):
        return torch.nn.functional.one_hot((ids + 1) % vocab_size, vocab_size).float() * 9

    return logits


def padded(rows, fill=0):
    """Rows of ids and their lengths as a right-padded rectangle."""
    time = max(map(len, rows))
    ids = torch.tensor([[*row, *[fill] * (time - len(row))] for row in rows])
    return ids, torch.tensor([len(row) for row in rows])
