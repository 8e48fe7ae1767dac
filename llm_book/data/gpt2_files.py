"""GPT-2's byte-level BPE as it was published: a table of ids and a list of merges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from llm_book.data.download import fetch


@dataclass(frozen=True)
class Gpt2Files:
    """Where the two files lie: `encoder` (token → id, JSON), `merges` (two tokens a line)."""

    encoder: Path
    merges: Path


def load_gpt2_files(progress: bool = True) -> Gpt2Files:
    """GPT-2's 50,257 tokens and 50,000 merges, as paths that a tokeniser loads from.

    Raises DataUnavailable where they cannot be had. Source: Radford et al. (2019).
    """
    return Gpt2Files(
        encoder=fetch("gpt2/encoder.json", progress=progress),
        merges=fetch("gpt2/vocab.bpe", progress=progress),
    )
