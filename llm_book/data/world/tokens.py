"""How the world counts tokens: English by words and marks, Chinese by characters and marks."""

import re

_TOKEN = re.compile(r"[A-Za-z]+|\d+|[^\sA-Za-z\d]")


def tokens(text: str) -> list[str]:
    """The words, numbers and marks of an English text; the characters of a Chinese one."""
    return _TOKEN.findall(text)


def count_tokens(text: str) -> int:
    """How many tokens a text has; a text cut at a space or a mark has as many as its parts."""
    return len(tokens(text))
