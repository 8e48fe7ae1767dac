"""`tiktoken`'s rank files: a line a token, its bytes in base64 and its rank, which is its id.

They name no merges: two neighbours may join where together they are a token, the lowest rank first.
Each token's own merge is what its bytes come to by the ranks below its own.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from llm_book.text.bpe import BPETokenizer
from llm_book.text.saving import write_whole
from llm_book.text.split import GPT2_SPLIT


def read_ranks(
    path: str | os.PathLike[str],
    specials: Mapping[str, int] | list[str] | tuple[str, ...] = (),
    pattern: str = GPT2_SPLIT,
) -> BPETokenizer:
    """The tokenizer of a rank file, which holds neither specials nor pattern: give them.

    Raises ValueError where a line is not a token with its rank, or a token cannot be merged from
    two of lower rank.
    """
    tokens: dict[int, bytes] = {}
    for number, line in enumerate(Path(path).read_bytes().splitlines(), start=1):
        try:
            written, rank = line.split()
            tokens[int(rank)] = base64.b64decode(written, validate=True)
        except ValueError as error:
            raise ValueError(
                f"line {number} of {path} is not a token in base64 and its rank ({error}); "
                "give a file in tiktoken's format"
            ) from error
    return BPETokenizer(tokens, merges_of_ranks(tokens), specials, pattern)


def write_ranks(tokenizer: BPETokenizer, path: str | os.PathLike[str]) -> None:
    """Writes the tokens without the specials, by rank; whole or not at all.

    Raises ValueError where the ids do not rise in the order of the merges: a rank file cannot say
    any other order.
    """
    special = set(tokenizer.specials.values())
    tokens = {i: t for i, t in sorted(tokenizer.tokens.items()) if i not in special}
    if merges_of_ranks(tokens) != tokenizer.merges:
        raise ValueError(
            "the ids of this tokenizer do not rise in the order of its merges, and a rank file "
            "knows no other order; write it with write_tokenizer_json"
        )
    lines = (base64.b64encode(token) + f" {i}\n".encode() for i, token in tokens.items())
    write_whole(path, b"".join(lines))


def merges_of_ranks(tokens: Mapping[int, bytes]) -> list[tuple[bytes, bytes]]:
    """The merge that makes each token of two bytes or more, by rank.

    Raises ValueError where the ranks below its own do not bring a token to two parts.
    """
    rank_of = {token: rank for rank, token in tokens.items()}
    merges = []
    for rank, token in sorted(tokens.items()):
        if len(token) > 1:
            parts = _merged_below(token, rank, rank_of)
            if len(parts) != 2:
                raise ValueError(
                    f"the token {token!r} of rank {rank} comes to {len(parts)} parts by the ranks "
                    "below it, not to two; these are not the ranks of byte-pair merges"
                )
            merges.append((parts[0], parts[1]))
    return merges


def _merged_below(token: bytes, limit: int, rank_of: Mapping[bytes, int]) -> list[bytes]:
    """The parts that a token's bytes come to by the ranks below `limit`."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 1:
        ranks = [rank_of.get(left + right, limit) for left, right in pairwise(parts)]
        if (lowest := min(ranks)) >= limit:
            break
        place = ranks.index(lowest)
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
    return parts
