"""Beam search: several beginnings are kept alive, and the best finished texts win."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor

from llm_book.generation.cache import Model, context_of, reader_of
from llm_book.generation.stopping import end_tokens
from llm_book.generation.texts import Texts

NORMS: dict[str, Callable[[int, float], float]] = {
    "length": lambda length, alpha: length**alpha,
    "gnmt": lambda length, alpha: ((5 + length) / 6) ** alpha,
}
RULES = ("estimate", "full", "certain")


@dataclass(frozen=True)
class BeamSearch:
    """How wide to search and what a score is.

    A finished text of ``length`` new tokens (its end token counted) scores the sum of its log
    probabilities divided by lengthᵅ (``norm="length"``, as in ``transformers``) or by
    ((5 + length) / 6)ᵅ (``norm="gnmt"``, Wu et al. 2016, Eq. 14); α is ``length_penalty``, 0 is
    the plain sum.

    A prompt's search is over once ``beams`` texts are finished and, by ``stop``: "full", at once;
    "estimate", the best beginning, scored at its present length, is no better than the worst of
    them; "certain", it is no better at any length it can still reach. ("estimate" is
    ``transformers``' early_stopping=False, "full" True, "certain" "never".) Raises ValueError for
    settings that mean nothing.
    """

    beams: int = 4
    length_penalty: float = 1.0
    norm: str = "length"
    stop: str = "estimate"

    def __post_init__(self) -> None:
        if self.beams < 1:
            raise ValueError(f"beams is {self.beams}; a search needs at least 1")
        if self.norm not in NORMS:
            raise ValueError(f"norm {self.norm!r} is unknown; choose one of {', '.join(NORMS)}")
        if self.stop not in RULES:
            raise ValueError(f"stop {self.stop!r} is unknown; choose one of {', '.join(RULES)}")
        if not abs(self.length_penalty) < float("inf"):
            raise ValueError(f"length_penalty is {self.length_penalty}; it must be a finite number")

    def score(self, total: float, length: int) -> float:
        """Of a text whose log-probabilities sum to ``total`` nats."""
        return total / NORMS[self.norm](length, self.length_penalty)

    def bound(self, total: float, length: int, longest: int) -> float:
        """What a beginning of ``length`` tokens is taken to score at best when finished."""
        grows = self.stop == "certain" and self.length_penalty > 0
        return self.score(total, longest if grows else length)


@dataclass(frozen=True)
class Beams:
    """The texts found for each prompt, best first.

    ``ids`` [batch, beams, time] are the new tokens without the end token, padded with 0;
    ``lengths`` and ``ended`` [batch, beams] say how many they are and whether the end token came;
    ``scores`` [batch, beams] are as ``BeamSearch`` defines them, −inf where fewer texts exist.
    """

    ids: Int64[Tensor, "batch beams time"]
    lengths: Int64[Tensor, "batch beams"]
    ended: Tensor
    scores: Float[Tensor, "batch beams"]


@dataclass(frozen=True)
class _Text:
    score: float
    ids: tuple[int, ...]
    ended: bool


@dataclass
class _Search:
    """One prompt's search: the finished texts, and whether it is over."""

    rules: BeamSearch
    longest: int
    found: list[_Text] = field(default_factory=list)
    over: bool = False

    def add(self, total: float, ids: Sequence[int], ended: bool) -> None:
        score = self.rules.score(total, len(ids))
        self.found.append(_Text(score, tuple(ids[:-1] if ended else ids), ended))

    def close(self, best: float, length: int) -> None:
        """Keep the best; end the search where the best beginning alive cannot add to them."""
        self.found.sort(key=lambda text: -text.score)
        del self.found[self.rules.beams :]
        full = len(self.found) == self.rules.beams
        worst = self.found[-1].score if full else -torch.inf
        bound = self.rules.bound(best, length, self.longest)
        self.over = bound <= worst or (full and self.rules.stop == "full")


@torch.no_grad()
def beam_search(
    model: Model,
    ids: Int64[Tensor, "..."],
    max_new_tokens: int,
    search: BeamSearch | None = None,
    *,
    end: int | Sequence[int] | None = None,
    lengths: Int64[Tensor, "..."] | None = None,
    context_length: int | None = None,
    cached: bool = True,
) -> Beams:
    """The texts of highest score among those that a search of so many beams meets.

    Each prompt of ``ids`` [batch, time] (right-padded where ``lengths`` are given) stands in
    ``beams`` rows side by side: that is what the model reads, and a closure over something per
    prompt repeats it so. A step keeps the ``beams`` best beginnings that do not end, and finishes
    those among its ``beams`` best continuations that do; after ``max_new_tokens`` tokens the
    beginnings count as finished. Raises ValueError where prompt and new tokens exceed the context
    and for logits that are NaN.
    """
    search, ends = search or BeamSearch(), end_tokens(end)
    texts = Texts(ids, lengths, max_new_tokens)
    context, needed = context_of(model, context_length), texts.longest + max_new_tokens - 1
    if context is not None and needed > context:
        raise ValueError(
            f"{texts.longest} tokens and {max_new_tokens} new ones do not fit in a context of "
            f"{context}; ask for fewer or keep the prompt's last tokens"
        )
    prompt, lengths = texts.last(texts.longest)
    each = torch.arange(len(ids), device=ids.device).repeat_interleave(search.beams)
    reader = reader_of(model, len(each), needed, cached)
    logits = reader.read(prompt[each], None if lengths is None else lengths[each])
    alive = _Alive.first(logits, len(ids), search.beams)
    searches = [_Search(search, max_new_tokens) for _ in range(len(ids))]
    for left in reversed(range(max_new_tokens)):
        last = left == 0
        rows = alive.step(logits, ends, last, searches)
        if last or all(one.over for one in searches):
            break
        reader.select(rows)
        logits = reader.read(rearrange(alive.ids[:, :, -1], "batch beam -> (batch beam) 1"))
    return _collected(searches, alive)


@dataclass
class _Alive:
    """The beginnings: their new tokens [batch, beam, time] and sums of log-probabilities."""

    ids: Int64[Tensor, "batch beam time"]
    totals: Float[Tensor, "batch beam"]

    @classmethod
    def first(cls, logits: Tensor, batch: int, beams: int) -> "_Alive":
        """The prompts: one beginning each; the other beams are dead until there are more."""
        dtype = torch.promote_types(logits.dtype, torch.float32)
        totals = torch.full((batch, beams), -torch.inf, dtype=dtype, device=logits.device)
        totals[:, :1] = 0
        ids = torch.zeros(batch, beams, 0, dtype=torch.int64, device=logits.device)
        return cls(ids, totals)

    def step(
        self, logits: Tensor, ends: tuple[int, ...], last: bool, searches: list[_Search]
    ) -> Int64[Tensor, " rows"]:
        """Grow by one token, hand finished texts over; which rows the beginnings came from."""
        batch, beams = self.totals.shape
        totals, parents, tokens = self._candidates(logits, len(ends))
        ended = torch.isin(tokens, torch.tensor(ends, dtype=torch.int64, device=tokens.device))
        ids = torch.cat([_rows(self.ids, parents), tokens[..., None]], dim=-1)
        for row, one in enumerate(searches):
            if not one.over:
                _finish(one, totals[row, :beams], ids[row], ended[row], last)
        self.totals, places = totals.masked_fill(ended, -torch.inf).sort(dim=-1, descending=True)
        self.totals, places = self.totals[:, :beams], places[:, :beams]
        self.ids = _rows(ids, places)
        for one, best in zip(searches, self.totals[:, 0].tolist(), strict=True):
            if not one.over:
                one.close(best, ids.shape[-1])
        first = torch.arange(batch, device=tokens.device)[:, None] * beams
        return (first + parents.gather(1, places)).flatten()

    def _candidates(self, logits: Tensor, n_ends: int) -> tuple[Tensor, Tensor, Tensor]:
        """Enough of the best continuations that ``beams`` do not end: sums, parents, tokens."""
        batch, beams = self.totals.shape
        log_probabilities = logits.to(self.totals.dtype).log_softmax(dim=-1)
        if log_probabilities.isnan().any():
            raise ValueError("the model's logits are nan; a search needs numbers")
        grown = self.totals[..., None] + log_probabilities.reshape(batch, beams, -1)
        count = min(beams + n_ends * beams, beams * logits.shape[-1])
        totals, places = grown.flatten(1).topk(count, dim=-1)
        return totals, places // logits.shape[-1], places % logits.shape[-1]


def _rows(table: Tensor, places: Tensor) -> Tensor:
    """``table`` [batch, from, time] at ``places`` [batch, to]: [batch, to, time]."""
    return table.gather(1, places[..., None].expand(*places.shape, table.shape[-1]))


def _finish(one: _Search, totals: Tensor, ids: Tensor, ended: Tensor, last: bool) -> None:
    """Hand over which of the best continuations end, or all of them after the last step."""
    for rank, total in enumerate(totals.tolist()):
        if total > -torch.inf and (last or ended[rank]):
            one.add(total, ids[rank].tolist(), bool(ended[rank]))


def _collected(searches: list[_Search], alive: _Alive) -> Beams:
    batch, beams = alive.totals.shape
    nothing = _Text(-torch.inf, (), False)
    rows = [(one.found + [nothing] * beams)[:beams] for one in searches]
    width = max(len(text.ids) for row in rows for text in row)
    padded = [[[*text.ids, *[0] * (width - len(text.ids))] for text in row] for row in rows]
    device = alive.ids.device
    return Beams(
        ids=torch.tensor(padded, dtype=torch.int64, device=device).reshape(batch, beams, width),
        lengths=torch.tensor([[len(text.ids) for text in row] for row in rows], device=device),
        ended=torch.tensor([[text.ended for text in row] for row in rows], device=device),
        scores=torch.tensor(
            [[text.score for text in row] for row in rows], dtype=alive.totals.dtype, device=device
        ),
    )
