"""`tokenizer.json`, the file of HuggingFace's `tokenizers`: byte-level BPE, written and read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from llm_book.text.bpe import BPETokenizer
from llm_book.text.byte_alphabet import character_of_byte, from_alphabet, to_alphabet
from llm_book.text.saving import write_whole
from llm_book.text.split import GPT2_SPLIT

PLAIN = {"single_word": False, "lstrip": False, "rstrip": False}
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}


def write_tokenizer_json(tokenizer: BPETokenizer, path: str | os.PathLike[str]) -> None:
    """Writes the tokenizer so that `tokenizers` gives the same ids; whole or not at all.

    Raises ValueError where a special's string is also that of an ordinary token.
    """
    ordinary = {i: t for i, t in tokenizer.tokens.items() if i not in tokenizer.specials.values()}
    ids = {to_alphabet(token): i for i, token in ordinary.items()}
    lost = _needed(tokenizer) - ids.keys() - tokenizer.specials.keys()
    for special in tokenizer.specials:
        written = to_alphabet(special.encode())
        if special in ids or written in lost:
            raise ValueError(
                f"the special token {special!r} is also an ordinary token, which tokenizer.json "
                "cannot say; name it otherwise"
            )
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added(tokenizer),
        "normalizer": None,
        "pre_tokenizer": _pre_tokenizer(tokenizer.pattern),
        "post_processor": None,
        "decoder": {**BYTE_LEVEL, "use_regex": True},
        "model": _model(tokenizer, ids),
    }
    write_whole(path, (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())


def read_tokenizer_json(path: str | os.PathLike[str]) -> BPETokenizer:
    """The byte-level BPE tokenizer in a `tokenizer.json`; its added tokens are our specials.

    What a post-processor would put around a text, as `tokenizers` does by default, is not added.
    Raises ValueError where the file holds another kind of tokenizer or a setting that this one
    has not, such as a normalizer.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        pattern = _pattern(content)
        specials = _specials(content)
        ids, merges = _ids_and_merges(content["model"])
        tokens = {i: from_alphabet(t) for t, i in ids.items() if t not in specials}
        return BPETokenizer(tokens, merges, specials, pattern)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} does not hold a byte-level BPE tokenizer as this book's ({error}); write one "
            "with write_tokenizer_json, or with tokenizers' ByteLevel and BPE"
        ) from error


def _added(tokenizer: BPETokenizer) -> list[dict[str, Any]]:
    by_id = sorted(tokenizer.specials.items(), key=lambda item: item[1])
    flags = {**PLAIN, "normalized": False, "special": True}
    return [{"id": i, "content": special, **flags} for special, i in by_id]


def _pre_tokenizer(pattern: str) -> dict[str, Any]:
    if pattern == GPT2_SPLIT:
        return {**BYTE_LEVEL, "use_regex": True}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}
    parts = [{**split, "invert": False}, {**BYTE_LEVEL, "use_regex": False}]
    return {"type": "Sequence", "pretokenizers": parts}


def _model(tokenizer: BPETokenizer, ids: dict[str, int]) -> dict[str, Any]:
    everything = sorted((ids | tokenizer.specials).items(), key=lambda item: item[1])
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": dict(everything),
        "merges": [[to_alphabet(left), to_alphabet(right)] for left, right in tokenizer.merges],
    }


def _needed(tokenizer: BPETokenizer) -> set[str]:
    """What a text without specials is encoded with: the bytes and what the merges make."""
    return {*character_of_byte(), *(to_alphabet(a + b) for a, b in tokenizer.merges)}


def _pattern(content: dict[str, Any]) -> str:
    """The split pattern. Raises ValueError for a normalizer or another pre-tokenizer."""
    if content.get("normalizer"):
        raise ValueError(f"it has the normalizer {content['normalizer']['type']}")
    parts = content["pre_tokenizer"]
    parts = parts["pretokenizers"] if parts["type"] == "Sequence" else [parts]
    kinds = [part["type"] for part in parts]
    if any(part.get("add_prefix_space") for part in parts):
        raise ValueError("it puts a space before the text")
    if kinds == ["ByteLevel"] and parts[0].get("use_regex", True):
        return GPT2_SPLIT
    if kinds == ["Split", "ByteLevel"] and not parts[1].get("use_regex", True):
        split = parts[0]
        if (split["behavior"], split["invert"]) in (("Isolated", False), ("Removed", True)):
            return str(split["pattern"]["Regex"])
    raise ValueError(f"its pre-tokenizer is {' and '.join(kinds)} in another manner")


def _specials(content: dict[str, Any]) -> dict[str, int]:
    """The added tokens. Raises ValueError where one takes white space or word ends into account."""
    for token in content.get("added_tokens", []):
        if any(token.get(flag) for flag in PLAIN):
            raise ValueError(f"its added token {token['content']!r} has one of {', '.join(PLAIN)}")
    return {token["content"]: token["id"] for token in content.get("added_tokens", [])}


def _ids_and_merges(model: dict[str, Any]) -> tuple[dict[str, int], list[tuple[bytes, bytes]]]:
    """The vocabulary and the merges. Raises ValueError for settings that change what is merged."""
    if model["type"] != "BPE":
        raise ValueError(f"its model is {model['type']}")
    for setting in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges"):
        if model.get(setting):
            raise ValueError(f"its model has {setting} {model[setting]!r}")
    pairs = (m.split(" ") if isinstance(m, str) else m for m in model["merges"])
    return model["vocab"], [(from_alphabet(left), from_alphabet(right)) for left, right in pairs]
