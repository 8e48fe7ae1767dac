"""One long row of tokens → windows of a context's length, each with the tokens that come next.

The row may be a list, a tensor, an array or a memory-mapped file: only what a batch needs is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from llm_book.shapes import IGNORE, TokenBatch

TokenRow: TypeAlias = np.ndarray | Tensor | Sequence[Any]  # of whole numbers, checked by hand


def windows(
    tokens: TokenRow, context_length: int, batch_size: int = 1, pad_id: int = 0
) -> Iterator[TokenBatch]:
    """Windows side by side, in order: every token but the first is a target exactly once.

    The last one may be shorter, and is padded. Raises as ``sliding_windows`` does.
    """
    return sliding_windows(tokens, context_length, context_length, batch_size, pad_id)


def sliding_windows(
    tokens: TokenRow, context_length: int, stride: int, batch_size: int = 1, pad_id: int = 0
) -> Iterator[TokenBatch]:
    """Windows that begin ``stride`` tokens after each other: what a strided perplexity reads.

    Every token but the first is a target exactly once: a window's targets that the one before it
    had are ``IGNORE``. So each target after the first window's sees more than
    ``context_length - stride`` tokens; stride 1 gives every one all that fit, at the price of a
    window a token. Raises ``ValueError`` for a stride that leaves gaps and for a row without a
    target, ``TypeError`` for tokens that are no whole numbers.
    """
    row = _token_row(tokens)
    _check_sizes(context_length=context_length, stride=stride, batch_size=batch_size)
    if stride > context_length:
        raise ValueError(
            f"a stride of {stride} leaves tokens out between windows of {context_length}; choose "
            f"1 to {context_length}"
        )
    if len(row) < 2:
        raise ValueError(f"{len(row)} tokens hold no token that comes next; give at least 2")
    return _sliding(row, context_length, stride, batch_size, pad_id)


def _sliding(
    row: np.ndarray, context_length: int, stride: int, batch_size: int, pad_id: int
) -> Iterator[TokenBatch]:
    n_targets = len(row) - 1
    n_windows = 1 + -(-max(n_targets - context_length, 0) // stride)
    within = np.arange(context_length)
    for first in range(0, n_windows, batch_size):
        numbers = np.arange(first, min(first + batch_size, n_windows))[:, None]
        positions = numbers * stride + within
        real = positions < n_targets
        fresh = real & ((numbers == 0) | (within >= context_length - stride))
        positions = np.minimum(positions, n_targets - 1)
        ids = np.where(real, row[positions].astype(np.int64), pad_id)
        targets = np.where(fresh, row[positions + 1].astype(np.int64), IGNORE)
        yield TokenBatch(torch.from_numpy(ids), torch.from_numpy(targets))


def get_batch(
    array: TokenRow,
    batch: int,
    context: int,
    device: torch.device | str = "cpu",
    generator: torch.Generator | None = None,
) -> TokenBatch:
    """``batch`` windows of ``context`` tokens, each begun anywhere in the array, evenly drawn.

    Windows are drawn apart: they may overlap and repeat. Raises ``ValueError`` where the array is
    too short for one, ``TypeError`` for tokens that are no whole numbers.
    """
    row = _row_for(array, batch, context)
    starts = torch.randint(len(row) - context, (batch, 1), generator=generator).numpy()
    read = row[starts + np.arange(context + 1)].astype(np.int64)
    return TokenBatch(torch.from_numpy(read[:, :-1]), torch.from_numpy(read[:, 1:])).to(device)


class RandomWindows:
    """Training batches of windows begun anywhere: ``batches(step)`` is a function of the step.

    What step 812 reads depends on ``(seed, 812)`` alone, so a resumed run sees what the
    uninterrupted one saw. Raises as ``get_batch`` does, and ``ValueError`` for a step or a seed
    before 0.
    """

    def __init__(
        self,
        array: TokenRow,
        batch: int,
        context: int,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.array, self.batch, self.context = _row_for(array, batch, context), batch, context
        self.seed, self.device = seed, device

    def __call__(self, step: int) -> TokenBatch:
        """The batch of one step, counted from 0."""
        generator = torch.Generator().manual_seed(step_seed(self.seed, step))
        return get_batch(self.array, self.batch, self.context, self.device, generator)


def step_seed(seed: int, step: int) -> int:
    """A seed of 64 bits for one step of one run: neighbours in either give unrelated ones.

    The same on every platform. Raises ``ValueError`` for a seed or a step before 0.
    """
    if seed < 0 or step < 0:
        raise ValueError(f"seed {seed} and step {step} must both be counted from 0")
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0])


def _row_for(array: TokenRow, batch: int, context: int) -> np.ndarray:
    """The array, where a batch of windows can be drawn from it."""
    row = _token_row(array)
    _check_sizes(batch=batch, context=context)
    if len(row) <= context:
        raise ValueError(
            f"{len(row)} tokens hold no window of {context} with a next token; give at least "
            f"{context + 1}, or choose a shorter context"
        )
    return row


def _token_row(tokens: TokenRow) -> np.ndarray:
    """The tokens as an array, itself where they are one: a memory-mapped file is not read."""
    row = np.asarray(tokens)
    if row.ndim != 1:
        raise ValueError(
            f"tokens of shape {row.shape} are no single row; give one dimension: .reshape(-1)"
        )
    if row.dtype.kind not in "iu" and len(row):
        raise TypeError(
            f"token ids are whole numbers, {row.dtype} came; give ids: .astype('int64')"
        )
    return row


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} is {size}; it must be at least 1")
