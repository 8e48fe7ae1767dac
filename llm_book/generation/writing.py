"""One text printed as it grows: ``for piece in write(…): print(piece, end="")``."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from llm_book.generation.cache import Model
from llm_book.generation.sampling import Sampling, Writing
from llm_book.generation.stopping import Stopping, held_back


def write(
    model: Model,
    tokenizer: Any,
    prompt: str,
    max_new_tokens: int,
    sampling: Sampling | None = None,
    stopping: Stopping | None = None,
    *,
    generator: torch.Generator | None = None,
    slide: bool = False,
    device: torch.device | str = "cpu",
    cached: bool = True,
) -> Iterator[str]:
    """The text that follows ``prompt``, in pieces that are never taken back.

    ``tokenizer`` has ``encode`` and ``decode``. A piece waits while it may still become a stop
    string or the rest of a character is missing; joined, the pieces are the text that
    ``generate`` gives. Arguments and errors as for ``generate``; ValueError for a prompt
    without tokens.
    """
    ids = torch.tensor([tokenizer.encode(prompt)], dtype=torch.int64, device=device)
    stopping = replace(stopping or Stopping(), decode=tokenizer.decode)
    writing = Writing(model, ids, max_new_tokens, stopping, None, slide, None, cached)
    return _pieces(writing, sampling or Sampling(), generator)


def _pieces(
    writing: Writing, sampling: Sampling, generator: torch.Generator | None
) -> Iterator[str]:
    (row,), shown = writing.new, 0
    for _ in writing.steps(sampling, generator):
        whole = row.text.rstrip("\ufffd")  # a character whose bytes have not all come
        sure = len(whole) - held_back(row.stopping.all_strings, whole)
        if sure > shown:
            yield whole[shown:sure]
            shown = sure
    if row.text[shown:]:
        yield row.text[shown:]
