"""Fertility: how many tokens a tokenizer spends on a word."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def fertility(
    encode: Callable[[str], Sequence[int]],
    text: str,
    units: Callable[[str], Sequence[object]] = str.split,
) -> float:
    """Tokens per word of `text`: 1 where every word is one token, more where words are cut.

    `units` cuts the text into what is counted: `str.split` words between white space, `list`
    characters; a script without spaces needs a segmenter of its own, and the figure is relative to
    it. Raises ValueError where the text has no unit.
    """
    counted = len(units(text))
    if counted == 0:
        raise ValueError(
            f"the text {text[:20]!r} has no word to count tokens by; give a longer one"
        )
    return len(encode(text)) / counted
