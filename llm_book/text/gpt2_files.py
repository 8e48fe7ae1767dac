"""GPT-2's own files: `encoder.json` with the ids, `vocab.bpe` with the merges."""

from __future__ import annotations

import json
import os
from pathlib import Path

from llm_book.text.bpe import BPETokenizer
from llm_book.text.byte_alphabet import from_alphabet
from llm_book.text.split import GPT2_SPLIT


def read_gpt2(
    encoder: str | os.PathLike[str], merges: str | os.PathLike[str], pattern: str = GPT2_SPLIT
) -> BPETokenizer:
    """The tokenizer in GPT-2's two files (also called `vocab.json` and `merges.txt`).

    A token that is neither a byte nor the result of a merge (`<|endoftext|>`) is a special. Raises
    ValueError where a file is not what it should be.
    """
    pairs = _read_merges(Path(merges))
    ordinary = {bytes([byte]) for byte in range(256)} | {left + right for left, right in pairs}
    tokens, specials = {}, {}
    for written, i in _read_ids(Path(encoder)).items():
        try:
            token = from_alphabet(written)
        except ValueError:  # a special may be written in any characters
            token = b""
        if token in ordinary:
            tokens[i] = token
        else:
            specials[written] = i
    return BPETokenizer(tokens, pairs, specials, pattern)


def _read_ids(path: Path) -> dict[str, int]:
    try:
        ids = json.loads(path.read_text(encoding="utf-8"))
        return {str(written): int(i) for written, i in ids.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is no table of tokens and ids ({error}); give GPT-2's encoder.json"
        ) from error


def _read_merges(path: Path) -> list[tuple[bytes, bytes]]:
    lines = path.read_text(encoding="utf-8").split("\n")
    if lines[0].startswith("#version"):
        lines = lines[1:]
    pairs = []
    for line in filter(None, (line.rstrip("\r") for line in lines)):
        left, _, right = line.partition(" ")
        if not (left and right) or " " in right:
            raise ValueError(
                f"{path} holds the line {line!r}, which is not two tokens and a space between "
                "them; give GPT-2's vocab.bpe"
            )
        pairs.append((from_alphabet(left), from_alphabet(right)))
    return pairs
