"""Attention weights in whatever form they come, as one checked array."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from llm_book.widgets.records import finite

LOOSE, TIGHT = 3e-2, 1e-3  # how far a row's sum may stray in 16 bits, and in more
MOST_TOKENS = 2048
MOST_WEIGHTS = 12_000_000

EAGER = (
    "the weights are None: this attention keeps none; load the model with "
    'attn_implementation="eager" and call it with output_attentions=True'
)


def layered(weights: Any) -> np.ndarray:
    """Weights as [layer, head, query, key].

    Takes one matrix, [head, query, key], [layer, head, query, key], [layer, 1, head, query, key],
    or a list with [1, head, query, key] or [head, query, key] a layer. Raises ``ValueError`` for
    None, for several texts, and for other shapes.
    """
    if weights is None:
        raise ValueError(EAGER)
    if isinstance(weights, (list, tuple)):
        if any(layer is None for layer in weights):
            raise ValueError(EAGER)
        if weights and all(hasattr(layer, "shape") for layer in weights):
            return _stacked([_one_layer(layer) for layer in weights])
    found = finite(weights, "weights")
    if found.ndim == 5:
        return _of_one_text(found, axis=1, choose="weights[:, :1]")
    if not 2 <= found.ndim <= 4:
        raise ValueError(
            f"weights of shape {found.shape} came; expected [query, key], [head, query, key], "
            "[layer, head, query, key] or [layer, 1, head, query, key]"
        )
    return found.reshape((1,) * (4 - found.ndim) + found.shape)


def _one_layer(layer: Any) -> np.ndarray:
    found = finite(layer, "weights")
    if found.ndim == 4:
        return _of_one_text(found, axis=0, choose="[layer[:1] for layer in weights]")
    if found.ndim not in (2, 3):
        raise ValueError(
            f"a layer of shape {found.shape} came; expected [1, head, query, key] each"
        )
    return found.reshape((1,) * (3 - found.ndim) + found.shape)


def _of_one_text(found: np.ndarray, axis: int, choose: str) -> np.ndarray:
    if found.shape[axis] != 1:
        raise ValueError(
            f"weights of {found.shape[axis]} texts came; show one, for instance {choose}"
        )
    return found.squeeze(axis)


def _stacked(layers: list[np.ndarray]) -> np.ndarray:
    shapes = sorted({layer.shape for layer in layers})
    if len(shapes) > 1:
        raise ValueError(
            f"layers of shapes {shapes[0]} and {shapes[1]} cannot be shown side by side; "
            "give layers of one shape"
        )
    return np.stack(layers)


def tolerance(weights: Any) -> float:
    """How far a row's sum may stray from one, for numbers of this kind."""
    parts = weights if isinstance(weights, (list, tuple)) else [weights]
    kinds = {str(getattr(part, "dtype", "")).removeprefix("torch.") for part in parts}
    return LOOSE if kinds & {"float16", "bfloat16"} else TIGHT


def check_sizes(found: np.ndarray, queries: int, keys: int) -> None:
    """Raises ``ValueError`` where tokens and weights differ in number, or there are too many."""
    if not found.size:
        raise ValueError(f"weights of shape {found.shape} hold nothing; give at least one map")
    if found.shape[-2:] != (queries, keys):
        raise ValueError(
            f"the maps are {found.shape[-2]} × {found.shape[-1]} and there are {queries} query "
            f"and {keys} key tokens; give one token a row, and key_tokens where the keys are "
            "other tokens"
        )
    if max(queries, keys) > MOST_TOKENS:
        raise ValueError(
            f"{max(queries, keys)} tokens are too many to look at; at most {MOST_TOKENS:,}"
        )


def check_weights(found: np.ndarray, within: float, signed: bool) -> None:
    """Raises ``ValueError`` where a weight is negative, or a row does not sum to one.

    A difference may be negative, and holds what lies between −1 and 1.
    """
    if signed:
        if np.abs(found).max() > 1 + within:
            raise ValueError(
                f"a difference of {np.abs(found).max():.3g} came; two weights differ by at most 1"
            )
        return
    if found.min() < 0:
        place = np.unravel_index(found.argmin(), found.shape)
        raise ValueError(
            f"{_where(place)} holds {found.min():.3g}; weights are not negative: give them after "
            'the softmax, or kind="difference"'
        )
    sums = found.sum(axis=-1)
    place = np.unravel_index(np.abs(sums - 1).argmax(), sums.shape)
    if abs(sums[place] - 1) > within:
        raise ValueError(
            f"{_where(place)} sums to {sums[place]:.4g} and not to 1; give the weights after the "
            "softmax, without dropout and with all keys"
        )


def _where(place: Sequence[Any]) -> str:
    return f"layer {place[0]}, head {place[1]}, row {place[2]}"


def triangular(found: np.ndarray, within: float = 0.0) -> bool:
    """Whether the maps are square and nothing lies above their diagonals."""
    square = found.shape[-1] == found.shape[-2] > 1
    return bool(square and np.abs(np.triu(found, 1)).max() <= within)


def chosen(asked: Any, count: int, what: str) -> tuple[int, ...]:
    """The layers or heads to show: all, or those asked for. Raises ``ValueError`` for others."""
    if asked is None:
        return tuple(range(count))
    try:
        found = tuple(int(one) for one in asked)
    except TypeError:
        raise ValueError(f"{what} is {asked!r}; give a list of numbers, [0, 2]") from None
    if not found or len(set(found)) != len(found) or not all(0 <= one < count for one in found):
        raise ValueError(f"{what} {list(found)} cannot be shown; choose from 0 to {count - 1}")
    return found
