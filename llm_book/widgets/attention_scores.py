"""What a head does, in numbers: where its weight lies, how far it looks, how widely."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from llm_book.interpret.head_scores import induction_score, previous_token_score

SCORES = ("previous", "first", "induction", "distance", "entropy")
PLACES = {  # shares of the weight that a sentence can name, the first of equals wins
    "previous": "the token just before",
    "first": "the first token",
    "itself": "the token itself",
    "after": "the token just after",
    "induction": "what followed the same token earlier",
}


def head_numbers(
    weights: np.ndarray, tokens: Sequence[str], within_one_text: bool = True
) -> dict[str, float]:
    """Scores and shares of one map [query, key].

    ``entropy`` in bits and ``distance`` in tokens are means over all queries. ``previous``,
    ``first`` and ``itself`` are the mean weight on that place over all queries but the first, which
    in a causal map has no choice; ``after`` is it over all but the last. ``induction`` is there
    where a token stands twice. Where keys are not the same text only the entropy has a meaning.
    """
    logs = np.log2(weights, where=weights > 0, out=np.zeros_like(weights))
    found = {"entropy": float(-(weights * logs).sum(axis=-1).mean())}
    time = len(weights)
    if not within_one_text or time < 2:
        return found
    far = np.abs(np.subtract.outer(np.arange(time), np.arange(time)))
    found["distance"] = float((weights * far).sum(axis=-1).mean())
    found["previous"] = float(previous_token_score(torch.from_numpy(weights)))
    found["first"] = float(weights[1:, 0].mean())
    found["itself"] = float(weights.diagonal()[1:].mean())
    found["after"] = float(weights.diagonal(offset=1).mean())
    if len(set(tokens)) < time:
        maps = torch.from_numpy(weights)[None, None]
        found["induction"] = float(induction_score(maps, _ids(tokens)))
    return found


def clearest(maps: np.ndarray, tokens: Sequence[str]) -> tuple[int, int]:
    """Which of the maps [layer, head, query, key] of one text is nearest to a plain pattern.

    The pattern is looking one token back or, where tokens repeat, going on where it stood before.
    """
    layers, heads, time = maps.shape[:3]
    if time < 2:
        return (0, 0)
    best = maps.diagonal(offset=-1, axis1=-2, axis2=-1).mean(axis=-1)
    if len(set(tokens)) < time:
        one_batch = torch.from_numpy(maps.reshape(1, layers * heads, time, time))
        again = induction_score(one_batch, _ids(tokens)).numpy().reshape(layers, heads)
        best = np.maximum(best, again)
    layer, head = np.unravel_index(best.argmax(), best.shape)
    return int(layer), int(head)


def strongest(weights: np.ndarray, count: int, skip_first: bool = False) -> list[tuple[int, int]]:
    """The (query, key) of the largest weights in falling order, signs aside, zeros left out.

    ``skip_first`` leaves out the first row, which in a causal map has but one key.
    """
    sizes = np.abs(weights)
    if skip_first and len(sizes) > 1:
        sizes[0] = 0
    order = np.argsort(-sizes, axis=None, kind="stable")[:count]
    places = (np.unravel_index(place, sizes.shape) for place in order if sizes.flat[place] > 0)
    return [(int(query), int(key)) for query, key in places]


def stray(value: float, step: float) -> float:
    """How far a number as written may be from the weight, rounded up to one digit.

    ``step`` is half the distance of two neighbouring roots that the encoding tells apart; numbers
    are written with three digits.
    """
    size = abs(value)
    most = 2 * math.sqrt(size) * step + step * step
    if size:
        most += 0.005 * 10.0 ** math.floor(math.log10(size))
    unit = 10.0 ** math.floor(math.log10(most))
    return math.ceil(most / unit) * unit


def _ids(tokens: Sequence[str]) -> Any:
    numbers: dict[str, int] = {}
    return torch.tensor([[numbers.setdefault(token, len(numbers)) for token in tokens]])
