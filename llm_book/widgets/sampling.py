"""One step of writing: the model's distribution, and what the four settings leave of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch

from llm_book.claims import written
from llm_book.generation.filtering import Sampling
from llm_book.i18n import phrase, t
from llm_book.widgets import charts
from llm_book.widgets.records import Table, finite, labels
from llm_book.widgets.render import View, view

PLAIN = Sampling()
MOST_TOKENS = 5000  # the rest is left out, and the view says how probable it is
BARS = 20


@dataclass(frozen=True, eq=False)
class SamplingRecord:
    """The most probable next tokens with their logits, in falling order.

    ``left_out`` counts the tokens that are not here and ``lost`` is their probability at
    temperature 1. ``prompt`` is what the model had read.
    """

    kind: ClassVar[str] = "sampling"
    logits: np.ndarray
    tokens: tuple[str, ...]
    settings: Sampling = PLAIN
    prompt: str = ""
    left_out: int = 0
    lost: float = 0.0

    def probabilities(self) -> np.ndarray:
        """What the next token is drawn from, under the settings."""
        left = self.settings.filter(torch.from_numpy(self.logits))
        return left.softmax(dim=-1).numpy()

    def document(self) -> dict[str, Any]:
        keys = ("temperature", "top_k", "top_p", "min_p")
        return {
            "logits": [float(f"{value:.7g}") for value in self.logits],
            "tokens": list(self.tokens),
            "settings": {key: getattr(self.settings, key) for key in keys},
            "prompt": self.prompt,
            "left_out": self.left_out,
            "lost": self.lost,
        }

    def blob(self) -> bytes:
        return b""

    def sentence(self, lang: str) -> str:
        likely = self.probabilities()
        said = phrase(
            "{kept} of {all} tokens stay possible; the most probable is “{token}” with {share} %.",
            lang,
            kept=f"{int((likely > 0).sum()):,}",
            all=f"{len(likely):,}",
            token=self.tokens[int(likely.argmax())],
            share=written(100 * float(likely.max())),
        )
        if not self.left_out:
            return said
        return f"{said} " + phrase(
            "{count} tokens with {share} % together are left out.",
            lang,
            count=f"{self.left_out:,}",
            share=written(100 * self.lost),
        )

    def still(self, lang: str) -> str:
        likely = self.probabilities()[:BARS]
        x = charts.scale(0, max(likely.max(), 1e-12), 0, 300)
        parts = []
        for row, (token, share) in enumerate(zip(self.tokens, likely, strict=False)):
            y = 8 + 22 * row
            parts.append(charts.text(150, y + 14, token, "end"))
            parts.append(charts.rect(158, y, max(x(share), 0.5), 18, charts.BLUE))
            parts.append(charts.text(164 + x(share), y + 14, f"{written(100 * share)} %"))
        return charts.document(540, 16 + 22 * len(likely), parts, self.sentence(lang))

    def table(self, lang: str) -> Table:
        before = replace(self, settings=PLAIN).probabilities()
        rows = zip(self.tokens, before, self.probabilities(), strict=True)
        return Table(
            (t("token", lang), t("of the model", lang), t("after the settings", lang)),
            tuple(
                (token, f"{written(100 * a)} %", f"{written(100 * b)} %")
                for token, a, b in list(rows)[:BARS]
            ),
        )


def sampling_record(
    logits: Any,
    tokens: Sequence[Any],
    settings: Sampling = PLAIN,
    prompt: str = "",
) -> SamplingRecord:
    """The record of one step from logits [vocab] and the token of each, sorted.

    Raises ``ValueError`` for NaN, for other shapes, and for a repetition penalty, which needs the
    tokens that came before.
    """
    numbers = finite(logits, "logits")
    if numbers.ndim != 1 or numbers.size == 0:
        raise ValueError(
            f"logits of shape {numbers.shape} came; give those of one step: logits[0, -1]"
        )
    names = labels(tokens)
    if len(names) != len(numbers):
        raise ValueError(f"{len(numbers)} logits and {len(names)} tokens; give one token a logit")
    if settings.repetition_penalty != 1:
        raise ValueError("a repetition_penalty needs earlier tokens; apply it to the logits first")
    order = np.argsort(-numbers, kind="stable")
    weights = np.exp(numbers - numbers.max())
    kept = order[:MOST_TOKENS]
    return SamplingRecord(
        logits=numbers[kept],
        tokens=tuple(names[i] for i in kept),
        settings=settings,
        prompt=prompt,
        left_out=len(order) - len(kept),
        lost=float(weights[order[MOST_TOKENS:]].sum() / weights.sum()),
    )


def sampling(
    logits: Any,
    tokens: Sequence[Any],
    *,
    settings: Sampling = PLAIN,
    prompt: str = "",
    title: str = "The next token",
    lang: str | None = None,
    trained: bool = False,
) -> View:
    """A distribution over the next token with its four controls, drawn from at a click.

    ``logits`` [vocab] in nats before any temperature; ``tokens`` one string each. ``trained`` says
    that training made the numbers. Errors as for ``sampling_record``.
    """
    return view(sampling_record(logits, tokens, settings, prompt), title, lang, trained)
