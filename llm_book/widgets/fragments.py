"""Characters out of the bytes that tokens hold: a Chinese character may be cut into several."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from llm_book.widgets.records import finite


def merge_fragments(
    weights: Any, token_bytes: Sequence[Any], key_bytes: Sequence[Any] | None = None
) -> tuple[np.ndarray, list[str], list[str]]:
    """Weights between characters instead of fragments; the texts of the queries and of the keys.

    ``weights`` [..., query, key]; ``token_bytes`` the bytes of each query, and of each key unless
    ``key_bytes`` is given. Tokens are joined until their bytes are whole characters. What several
    fragments received is added up, what they gave is averaged, so that rows still sum to one.
    Raises ``ValueError`` where sizes do not fit or a token is no bytes.
    """
    found = finite(weights, "weights")
    sides = (token_bytes, token_bytes if key_bytes is None else key_bytes)
    if found.ndim < 2 or found.shape[-2:] != tuple(map(len, sides)):
        raise ValueError(
            f"weights of shape {found.shape} do not fit {len(sides[0])} queries and "
            f"{len(sides[1])} keys; expected [..., query, key]"
        )
    (queries, rows), (keys, columns) = map(characters, sides)
    return merged(found, rows, columns), queries, keys


def merged(weights: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Groups of rows averaged and groups of columns added; each array holds where groups begin."""
    sizes = np.diff(rows, append=weights.shape[-2])
    summed = np.add.reduceat(weights, columns, axis=-1)
    return np.add.reduceat(summed, rows, axis=-2) / sizes[:, None]


def characters(token_bytes: Sequence[Any]) -> tuple[list[str], np.ndarray]:
    """The texts of tokens joined to whole characters, and the first token of each.

    Bytes that are no UTF-8 stand alone, written as \\xff. Raises ``ValueError`` for no tokens and
    for a token that is no bytes.
    """
    texts, starts, held = [], [], b""
    for place, token in enumerate(token_bytes):
        if not isinstance(token, bytes):
            raise ValueError(f"{token!r} is no bytes; give the bytes of every token, or strings")
        if held and not _may_grow(held + token):
            texts.append(_text(held))
            held = b""
        if not held:
            starts.append(place)
        held += token
        if _whole(held) or not _may_grow(held):
            texts.append(_text(held))
            held = b""
    if held:
        texts.append(_text(held))
    if not texts:
        raise ValueError("there are no tokens; give at least one")
    return texts, np.array(starts)


def _whole(held: bytes) -> bool:
    try:
        held.decode()
    except UnicodeDecodeError:
        return False
    return True


def _may_grow(held: bytes) -> bool:
    """Whether the bytes are whole, or the beginning of something whole."""
    try:
        held.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def _text(held: bytes) -> str:
    return held.decode("utf-8", "backslashreplace")
