"""Which tokens stay possible, and how probable: what is done to logits before one is drawn.

The order is that of ``transformers``: repetition penalty, temperature, top-k, top-p, min-p; each
works on what the one before has left. At least one token always stays.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from llm_book.shapes import IGNORE


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; the defaults draw from the model's own distribution.

    ``temperature`` divides the logits; 0 always takes the most probable token, the first of
    equals. ``top_k`` keeps that many tokens (those that tie with the last kept stay too);
    ``top_p`` keeps the fewest most probable tokens that together reach it, the crossing one
    included; ``min_p`` keeps tokens at least that share of the best one's probability;
    ``repetition_penalty`` above 1 makes tokens that were there before less probable. Raises
    ValueError for settings that mean nothing.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise ValueError(
                f"temperature is {self.temperature}; it must be a number from 0 (always the most "
                "probable token) upwards"
            )
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k is {self.top_k}; keep at least 1 token, or None for all")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it is a probability above 0 and up to 1")
        if self.min_p is not None and not 0 <= self.min_p <= 1:
            raise ValueError(f"min_p is {self.min_p}; it is a share from 0 to 1")
        if not 0 < self.repetition_penalty < math.inf:
            raise ValueError(
                f"repetition_penalty is {self.repetition_penalty}; it must be above 0, and 1 "
                "changes nothing"
            )

    def filter(
        self, logits: Float[Tensor, "..."], previous: Int64[Tensor, "..."] | None = None
    ) -> Float[Tensor, "..."]:
        """The logits after every setting in turn, −inf where a token is no longer possible.

        ``previous`` as for ``filter_logits``, which is the same in one call.
        """
        logits = self.scaled(logits, previous)
        if self.temperature == 0:
            return only_the_best(logits)
        if self.top_k is not None:
            logits = keep_top_k(logits, self.top_k)
        if self.top_p is not None and self.top_p < 1:
            logits = keep_top_p(logits, self.top_p)
        if self.min_p is not None:
            logits = keep_min_p(logits, self.min_p)
        return logits

    def scaled(
        self, logits: Float[Tensor, "..."], previous: Int64[Tensor, "..."] | None = None
    ) -> Float[Tensor, "..."]:
        """The logits after penalty and temperature; at temperature 0 the largest is to be taken.

        Every token is still possible. Errors as for ``filter_logits``.
        """
        if logits.ndim < 1 or logits.shape[-1] < 1:
            raise ValueError(
                f"logits of shape {tuple(logits.shape)} came; give one number for each token of "
                "the vocabulary in the last place: [..., vocab]"
            )
        if logits.dtype in (torch.float16, torch.bfloat16):
            logits = logits.float()  # sums of probabilities need more digits
        if self.repetition_penalty != 1:
            logits = penalise_repetition(logits, previous, self.repetition_penalty)
        if self.temperature > 0:
            logits = logits / self.temperature
        self._check_possible(logits)
        return logits

    def _check_possible(self, logits: Tensor) -> None:
        best = logits.amax(dim=-1)  # NaN where there is one, −inf where no token is possible
        if not best.isfinite().all():
            raise ValueError(
                f"the largest logit of a row is {best[~best.isfinite()][0].item()} at temperature "
                f"{self.temperature}; logits must be numbers, one of them finite (a temperature "
                "that divides beyond all numbers is written 0)"
            )


GREEDY = Sampling(temperature=0)


def filter_logits(
    logits: Float[Tensor, "..."],
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    previous: Int64[Tensor, "..."] | None = None,
) -> Float[Tensor, "..."]:
    """Logits [..., vocab] whose softmax is what the next token is drawn from.

    Order: repetition penalty, temperature, top-k, top-p, min-p. ``previous`` [..., time] are the
    tokens that the penalty looks at, ``IGNORE`` where there is none. Half precision is raised to
    float32. Raises ValueError for NaN, for a row without a possible token and for settings that
    mean nothing (see ``Sampling``), IndexError for previous ids outside the vocabulary.
    """
    sampling = Sampling(temperature, top_k, top_p, min_p, repetition_penalty)
    return sampling.filter(logits, previous)


def penalise_repetition(
    logits: Float[Tensor, "*batch vocab"], previous: Int64[Tensor, "..."] | None, penalty: float
) -> Float[Tensor, "*batch vocab"]:
    """Logits of tokens that were there before, divided by the penalty or, below 0, multiplied.

    A token counts once however often it stood. Source: Keskar et al. (2019), section 4.1.
    """
    if previous is None:
        raise ValueError(
            f"a repetition_penalty of {penalty} needs the tokens that came before: previous=ids"
        )
    seen = seen_tokens(previous, logits)
    return torch.where(seen, torch.where(logits < 0, logits * penalty, logits / penalty), logits)


def seen_tokens(
    previous: Int64[Tensor, "..."], logits: Float[Tensor, "*batch vocab"]
) -> Bool[Tensor, "*batch vocab"]:
    """True for each token of the vocabulary that stands in its row of ``previous``."""
    vocab_size = logits.shape[-1]
    if previous.shape[:-1] != logits.shape[:-1]:
        raise ValueError(
            f"previous ids of shape {tuple(previous.shape)} do not go with logits of shape "
            f"{tuple(logits.shape)}; give one row of ids for each row of logits"
        )
    outside = ((previous < 0) & (previous != IGNORE)) | (previous >= vocab_size)
    if outside.any():
        raise IndexError(
            f"id {previous[outside][0].item()} is outside this vocabulary, whose ids go from 0 to "
            f"{vocab_size - 1}"
        )
    seen = torch.zeros(*logits.shape[:-1], vocab_size + 1, dtype=torch.bool, device=logits.device)
    slots = torch.where(previous == IGNORE, vocab_size, previous)  # one more column, thrown away
    return seen.scatter(-1, slots, True)[..., :vocab_size]


def only_the_best(logits: Float[Tensor, "*batch vocab"]) -> Float[Tensor, "*batch vocab"]:
    """The largest logit of each row, the first of equals; −inf everywhere else."""
    best = logits.argmax(dim=-1, keepdim=True)
    return torch.full_like(logits, -torch.inf).scatter(-1, best, logits.gather(-1, best))


def keep_top_k(logits: Float[Tensor, "*batch vocab"], top_k: int) -> Float[Tensor, "*batch vocab"]:
    """The ``top_k`` largest logits of each row and all that equal the smallest of them.

    A vocabulary smaller than ``top_k`` is kept whole. Source: Fan et al. (2018), section 5.
    """
    count = min(top_k, logits.shape[-1])
    smallest = logits.topk(count, dim=-1).values[..., -1:]
    return logits.masked_fill(logits < smallest, -torch.inf)


def keep_top_p(
    logits: Float[Tensor, "*batch vocab"], top_p: float
) -> Float[Tensor, "*batch vocab"]:
    """The fewest largest logits whose probabilities together reach ``top_p``.

    The token that crosses the line is kept, so one always is; of equals the first ids are kept.
    Source: Holtzman et al. (2020), section 3.1.
    """
    rising = logits.argsort(dim=-1, descending=True, stable=True).flip(-1)
    # The share of each token and of all below it: what would be lost by dropping down to here.
    tail = logits.gather(-1, rising).softmax(dim=-1).cumsum(dim=-1)
    dropped = tail <= 1 - top_p
    dropped[..., -1] = False  # rounding must not cost the best token
    return logits.masked_fill(dropped.scatter(-1, rising, dropped), -torch.inf)


def keep_min_p(
    logits: Float[Tensor, "*batch vocab"], min_p: float
) -> Float[Tensor, "*batch vocab"]:
    """Logits of tokens at least ``min_p`` times as probable as the best of their row.

    Source: Nguyen et al. (2024).
    """
    probabilities = logits.softmax(dim=-1)
    least = min_p * probabilities.amax(dim=-1, keepdim=True)
    return logits.masked_fill(probabilities < least, -torch.inf)
