"""Attention to look at: every layer and head, each weight, in a page that asks for nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from llm_book.i18n import t
from llm_book.widgets.attention_input import (
    EAGER,
    MOST_WEIGHTS,
    check_sizes,
    check_weights,
    chosen,
    layered,
    tolerance,
    triangular,
)
from llm_book.widgets.attention_record import AttentionRecord
from llm_book.widgets.attention_steps import AttentionSteps, check_steps
from llm_book.widgets.fragments import characters, merged
from llm_book.widgets.records import labels, shown
from llm_book.widgets.render import View, view

RELATIONS = ("self", "causal", "cross", "difference")


def attention_map(
    weights: Any,
    tokens: Sequence[Any],
    key_tokens: Sequence[Any] | None = None,
    *,
    kind: str = "self",
    sentence_b: int | None = None,
    layers: Any = None,
    heads: Any = None,
    checkpoints: Any = None,
    steps: AttentionSteps | None = None,
    title: str = "Attention",
    caption: str | None = None,
    lang: str | None = None,
    trained: bool = True,
) -> View:
    """Attention as overview, matrix, coloured text, lines and, with ``steps``, calculation.

    ``weights`` are [layer, head, query, key], ``attention_maps``' [layer, 1, head, query, key], a
    list with [1, head, query, key] a layer as from Hugging Face, or one matrix. ``tokens`` are the
    queries and, without ``key_tokens``, the keys: strings, or bytes, which are joined to whole
    characters. ``kind`` is "self" (weights that never look ahead are found to be causal),
    "causal", "cross", or "difference" for weights minus weights. ``sentence_b`` is where a second
    sentence begins. ``layers`` and ``heads`` choose, counted from 0. ``checkpoints`` are names or
    steps with weights, a dictionary or pairs, for a slider; ``weights`` beside them are its end,
    or None. ``caption`` is added to the sentence. ``trained`` says that training made the numbers.

    Raises ``ValueError`` for weights that no softmax gives (not finite, negative, rows that do not
    sum to one within 0.001, or 0.03 in 16 bits), that do not fit the tokens, or are None.
    """
    record = attention_record(
        weights, tokens, key_tokens, kind=kind, sentence_b=sentence_b, layers=layers, heads=heads,
        checkpoints=checkpoints, steps=steps, caption=caption, lang=lang,
    )  # fmt: skip
    return view(record, title, lang, trained)


def attention_record(
    weights: Any,
    tokens: Sequence[Any],
    key_tokens: Sequence[Any] | None = None,
    *,
    kind: str = "self",
    sentence_b: int | None = None,
    layers: Any = None,
    heads: Any = None,
    checkpoints: Any = None,
    steps: AttentionSteps | None = None,
    caption: str | None = None,
    lang: str | None = None,
) -> AttentionRecord:
    """The record of ``attention_map``, for a live view to show next. Errors as there."""
    if kind not in RELATIONS:
        raise ValueError(f"kind is {kind!r}; choose one of {', '.join(RELATIONS)}")
    queries = _side(tokens, "tokens")
    keys = queries if key_tokens is None else _side(key_tokens, "key_tokens")
    if key_tokens is not None and kind == "self":
        kind = "cross"
    named = _named(weights, checkpoints, lang)
    found, within = _checked(named, queries, keys, signed=kind == "difference")
    shown_layers = chosen(layers, found.shape[1], "layers")
    shown_heads = chosen(heads, found.shape[2], "heads")
    if steps is not None:
        _check_steps(steps, found[-1], within, shown_layers, shown_heads)
    picked = found[:, shown_layers][:, :, shown_heads]
    kind, triangle, picked = _formed(kind, queries, keys, picked)
    record = AttentionRecord(
        weights=picked.astype(np.float32),
        relation=kind,
        queries=queries.texts,
        keys=keys.texts,
        layers=shown_layers,
        heads=shown_heads,
        n_heads=found.shape[2],
        checkpoints=tuple(shown(name) for name, _ in named),
        split=_split(sentence_b, queries, keys),
        caption=shown(caption, 2000) if caption else "",
        triangle=triangle,
        whole=shown_layers == tuple(range(found.shape[1])) and len(shown_heads) == found.shape[2],
        steps=steps,
    )
    if record.stored.size > MOST_WEIGHTS:
        raise ValueError(
            f"{record.stored.size:,} weights make too large a page; choose some layers or heads, "
            f"or fewer tokens or checkpoints, so that at most {MOST_WEIGHTS:,} are left"
        )
    return record


@dataclass(frozen=True)
class _Side:
    """The tokens of one side: their texts, how many came, and where the kept ones begin."""

    texts: tuple[str, ...]
    came: int
    starts: np.ndarray


def _side(tokens: Sequence[Any], what: str) -> _Side:
    count = len(tokens)
    if count and isinstance(tokens[0], bytes):
        texts, starts = characters(tokens)
        return _Side(labels(texts, what), count, starts)
    return _Side(labels(tokens, what), count, np.arange(count))


def _named(weights: Any, checkpoints: Any, lang: str | None) -> list[tuple[str, Any]]:
    """The checkpoints by name; the weights alone where there are none."""
    if checkpoints is None:
        return [("", weights)]
    pairs = checkpoints.items() if isinstance(checkpoints, Mapping) else checkpoints
    try:
        found = [(str(name), one) for name, one in pairs]
    except (TypeError, ValueError):
        raise ValueError(
            "checkpoints are no names with weights; give {step: weights} or [(name, weights), …]"
        ) from None
    if weights is not None:
        found.append((t("end of training", lang), weights))
    if not found:
        raise ValueError("there are no checkpoints; give at least one, or leave them out")
    return found


def _checked(
    named: list[tuple[str, Any]], queries: _Side, keys: _Side, signed: bool
) -> tuple[np.ndarray, float]:
    """All weights as [checkpoint, layer, head, query, key], and how far rows may stray."""
    found: list[np.ndarray] = []
    within = 0.0
    for name, weights in named:
        try:
            maps = layered(weights)
            check_sizes(maps, queries.came, keys.came)
            check_weights(maps, near := tolerance(weights), signed)
        except ValueError as error:
            if not name or str(error) == EAGER:
                raise
            raise ValueError(f"checkpoint {name}: {error}") from error
        if found and maps.shape != found[0].shape:
            raise ValueError(
                f"checkpoint {name} has maps of shape {maps.shape}, the first {found[0].shape}; "
                "give checkpoints of one model reading one text"
            )
        found.append(maps)
        within = max(within, near)
    return np.stack(found), within


def _formed(
    kind: str, queries: _Side, keys: _Side, picked: np.ndarray
) -> tuple[str, bool, np.ndarray]:
    """Kind, whether the lower triangle is all there is, and the weights between what is shown."""
    if kind == "causal":
        if not triangular(picked, 1e-6) and picked.shape[-2:] != (1, 1):
            raise ValueError(
                "a causal map holds weight above its diagonal, on tokens still to come; give "
                'kind="self", or mask before the softmax'
            )
        picked = np.tril(picked)
    if len(queries.texts) < queries.came or len(keys.texts) < keys.came:
        picked = merged(picked, queries.starts, keys.starts)
    triangle = kind != "cross" and triangular(picked)
    return ("causal" if triangle and kind == "self" else kind), triangle, picked


def _check_steps(
    steps: AttentionSteps,
    weights: np.ndarray,
    within: float,
    layers: tuple[int, ...],
    heads: tuple[int, ...],
) -> None:
    check_steps(steps, weights, within)
    if steps.layer not in layers or steps.head not in heads:
        raise ValueError(
            f"the steps are those of layer {steps.layer}, head {steps.head}, which is not shown; "
            "choose it with layers and heads"
        )


def _split(sentence_b: int | None, queries: _Side, keys: _Side) -> int | None:
    """Where the second sentence begins among what is shown."""
    if sentence_b is None:
        return None
    if keys is not queries:
        raise ValueError("two sentences are told apart in one text; leave out key_tokens")
    if not 0 < sentence_b < queries.came:
        raise ValueError(
            f"sentence_b is {sentence_b}; the second sentence begins between 1 and "
            f"{queries.came - 1}"
        )
    return int(np.searchsorted(queries.starts, sentence_b, side="right")) - 1 or 1
