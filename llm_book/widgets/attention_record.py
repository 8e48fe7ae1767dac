"""The record of an attention map: weights small enough for a page, and what they say."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from llm_book.claims import written
from llm_book.i18n import phrase, t
from llm_book.widgets.attention_scores import PLACES, clearest, head_numbers, stray, strongest
from llm_book.widgets.attention_steps import AttentionSteps
from llm_book.widgets.records import Table

EXACT = 150_000  # so many weights travel as they are; more are rounded to a byte each
STEP, SIGNED_STEP = 0.5 / 255, 0.5 / 127
LINKS = 20


@dataclass(frozen=True, eq=False)
class AttentionRecord:
    """How much each query takes from each key, in every layer and head, at every checkpoint.

    ``weights`` [checkpoint, layer, head, query, key] in float32; ``relation`` is "self", "causal",
    "cross" or "difference". ``layers`` and ``heads`` are the original numbers of what is shown,
    counted from 0 (a reader's count begins at 1), and ``n_heads`` is how many heads a layer has.
    ``split`` is where the second sentence begins. ``whole`` says that no layer and no head was
    left out, without which attention cannot be rolled out.
    """

    kind: ClassVar[str] = "attention_map"
    weights: np.ndarray
    relation: str
    queries: tuple[str, ...]
    keys: tuple[str, ...]
    layers: tuple[int, ...]
    heads: tuple[int, ...]
    n_heads: int
    checkpoints: tuple[str, ...] = ("",)
    split: int | None = None
    caption: str = ""
    triangle: bool = False
    whole: bool = True
    steps: AttentionSteps | None = None

    @property
    def signed(self) -> bool:
        """Whether the numbers are differences of weights."""
        return self.relation == "difference"

    @property
    def one_text(self) -> bool:
        """Whether the keys are the queries' own text and each row sums to one."""
        return self.relation in ("self", "causal")

    @cached_property
    def stored(self) -> np.ndarray:
        """What travels: [map, weight], row after row, of a causal map the lower triangle."""
        maps = self.weights.reshape(-1, *self.weights.shape[-2:])
        if self.triangle:
            return maps[:, *np.tril_indices(maps.shape[-1])]
        return maps.reshape(len(maps), -1)

    @property
    def exact(self) -> bool:
        """Whether the page has the weights themselves, not roundings of them."""
        return self.stored.size <= EXACT

    @cached_property
    def start(self) -> tuple[int, int]:
        """Layer and head that are shown first, counted among those shown."""
        if not self.one_text:
            return (0, 0)
        return clearest(self.weights[-1].astype(np.float64), self.queries)

    def map(self, checkpoint: int, layer: int, head: int) -> np.ndarray:
        """One map [query, key] as the page has it, counted among those shown."""
        values = self.weights[checkpoint, layer, head].astype(np.float64)
        return values if self.exact else decoded(encoded(values, self.signed), self.signed)

    def document(self) -> dict[str, Any]:
        return {
            "shape": list(self.weights.shape),
            "relation": self.relation,
            "triangle": self.triangle,
            "exact": self.exact,
            "queries": list(self.queries),
            "keys": None if self.keys == self.queries else list(self.keys),
            "layers": [layer + 1 for layer in self.layers],
            "heads": [head + 1 for head in self.heads],
            "total": self.n_heads,
            "checkpoints": list(self.checkpoints),
            "split": self.split,
            "caption": self.caption,
            "start": list(self.start),
            "rolls": self.one_text and self.whole,
            "steps": self._steps(),
        }

    def _steps(self) -> dict[str, Any] | None:
        if self.steps is None:
            return None
        where = {
            "layer": self.layers.index(self.steps.layer),
            "head": self.heads.index(self.steps.head),
        }
        return self.steps.document() | where

    def blob(self) -> bytes:
        # One place of all maps, then the next: neighbours alike deflate better.
        if self.exact:
            return self.stored.T.astype("<f4").tobytes()
        return encoded(self.stored.T, self.signed).tobytes()

    def sentence(self, lang: str) -> str:
        said = self.head_sentence(len(self.checkpoints) - 1, *self.start, lang)
        return f"{said} {self.caption}".strip()

    def head_sentence(self, checkpoint: int, layer: int, head: int, lang: str = "en") -> str:
        """What one map shows, counted among those shown; the page says the very same."""
        weights = self.map(checkpoint, layer, head)
        name = self.name(layer, head, lang)
        if self.signed:
            return self._difference_sentence(weights, name, lang)
        link = self.link(weights, strongest(weights, 1, self.triangle)[0])
        where, share = self._clearest_place(weights)
        if not where:
            return phrase("{name}: the strongest link is {link}.", lang, name=name, link=link)
        return phrase(
            "{name}: on average {share} % of the weight lies on {where}; the strongest link is "
            "{link}.",
            lang, name=name, share=written(100 * share), where=t(PLACES[where], lang), link=link,
        )  # fmt: skip

    def name(self, layer: int, head: int, lang: str) -> str:
        """Which map it is, as a reader counts."""
        return phrase(
            "Layer {layer}, head {head} of {heads}",
            lang, layer=self.layers[layer] + 1, head=self.heads[head] + 1, heads=self.n_heads,
        )  # fmt: skip

    def link(self, weights: np.ndarray, place: tuple[int, int]) -> str:
        """Two tokens and the weight between them."""
        query, key = place
        return f"“{self.queries[query]}” → “{self.keys[key]}”, {self.number(weights[place])}"

    def number(self, value: float) -> str:
        """A weight, with how far it may be off where it was rounded."""
        if self.exact:
            return written(value)
        step = SIGNED_STEP if self.signed else STEP
        return f"{written(value)} ± {written(stray(value, step), 1)}"

    def _clearest_place(self, weights: np.ndarray) -> tuple[str, float]:
        numbers = head_numbers(weights, self.queries, self.one_text)
        where, share = "", 0.0
        for place in PLACES:
            if numbers.get(place, 0.0) > share + 1e-9:
                where, share = place, numbers[place]
        return where, share

    def _difference_sentence(self, weights: np.ndarray, name: str, lang: str) -> str:
        rise = strongest(weights.clip(min=0), 1, self.triangle)
        fall = strongest(weights.clip(max=0), 1, self.triangle)
        if not rise or not fall:
            return phrase("{name}: nothing moved from one link to another.", lang, name=name)
        return phrase(
            "{name}: the largest rise is {rise}; the largest fall is {fall}.",
            lang, name=name, rise=self.link(weights, rise[0]), fall=self.link(weights, fall[0]),
        )  # fmt: skip

    def still(self, lang: str) -> str:
        from llm_book.widgets.attention_still import picture  # here: it reads this file's names

        return picture(self, lang)

    def table(self, lang: str) -> Table:
        weights = self.map(len(self.checkpoints) - 1, *self.start)
        return Table(
            (t("query", lang), t("key", lang), t("weight", lang)),
            tuple(
                (
                    placed(self.queries, query),
                    placed(self.keys, key),
                    self.number(weights[query, key]),
                )
                for query, key in strongest(weights, LINKS, self.triangle)
            ),
        )


def placed(tokens: tuple[str, ...], place: int) -> str:
    """A token with its position, counted from 1."""
    return f"{tokens[place]} ({place + 1})"


def encoded(weights: np.ndarray, signed: bool = False) -> np.ndarray:
    """A byte a weight: round(255·√a), or of a difference 128 + round(127·√|a|), the sign kept."""
    roots = np.sqrt(np.minimum(np.abs(weights), 1))
    if signed:
        return np.asarray(128 + np.rint(127 * roots) * np.sign(weights), dtype=np.uint8)
    return np.asarray(np.rint(255 * roots), dtype=np.uint8)


def decoded(codes: np.ndarray, signed: bool = False) -> np.ndarray:
    """The weights that bytes stand for."""
    if signed:
        roots = (codes.astype(np.float64) - 128) / 127
        return roots * np.abs(roots)
    roots = codes / 255.0
    return roots * roots
