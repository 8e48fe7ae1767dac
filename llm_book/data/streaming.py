"""Training batches from a token file larger than memory: what was read is given back."""

from __future__ import annotations

import mmap

import torch

from llm_book.data.token_files import TokenFile
from llm_book.data.windows import RandomWindows
from llm_book.shapes import TokenBatch


class StreamedWindows(RandomWindows):
    """``RandomWindows`` over a token file: the same batches, and resident memory stays flat.

    A page of a mapped file that was read once counts as resident until the system needs its room,
    or until it is given back: here after every batch. It stays in the system's file cache, so that
    reading it again costs no disk. Raises as ``RandomWindows`` does.
    """

    def __init__(
        self,
        file: TokenFile,
        batch: int,
        context: int,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(file.tokens, batch, context, seed, device)
        self.file = file

    def __call__(self, step: int) -> TokenBatch:
        """The batch of one step, counted from 0."""
        drawn = super().__call__(step)
        give_back(self.file)
        return drawn


def give_back(file: TokenFile) -> None:
    """Let the system take back the pages of ``file`` that were read; the next read fetches them.

    Windows has no such call, and takes them back by itself when room gets short.
    """
    pages = file.tokens.base
    if isinstance(pages, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
