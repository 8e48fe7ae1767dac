"""Speculative decoding: a small model proposes several tokens, the large one decides in one look.

What is written has exactly the large model's distribution. Source: Leviathan et al. (2023),
Algorithm 1.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from llm_book.generation.cache import Model, Reader, context_of, reader_of
from llm_book.generation.filtering import Sampling
from llm_book.generation.sampling import sample_tokens
from llm_book.generation.stopping import NewText, Stopping
from llm_book.generation.texts import Texts


@dataclass(frozen=True)
class Speculated:
    """New tokens and what the proposals were worth.

    ``proposed`` and ``accepted`` count proposals; ``looks`` counts how often the large model was
    asked. ``new``, ``text`` and ``reason`` as in ``Generated``.
    """

    new: tuple[int, ...]
    text: str
    reason: str
    proposed: int
    accepted: int
    looks: int

    @property
    def accepted_share(self) -> float:
        """Share of the proposals that the large model kept, 0 where none was made."""
        return self.accepted / max(1, self.proposed)


def acceptance(
    wanted: Float[Tensor, " vocab"], proposed: Float[Tensor, " vocab"], token: int
) -> float:
    """The probability with which a proposed token is kept: min(1, p(token) / q(token))."""
    return min(1.0, float(wanted[token] / proposed[token]))


def correction(
    wanted: Float[Tensor, " vocab"], proposed: Float[Tensor, " vocab"]
) -> Float[Tensor, " vocab"]:
    """Logits of the token that replaces a refused one: log of max(0, p − q)."""
    return (wanted - proposed).clamp(min=0).log()


@torch.no_grad()
def speculate(
    model: Model,
    draft: Model,
    ids: Int64[Tensor, "..."],
    max_new_tokens: int,
    sampling: Sampling | None = None,
    stopping: Stopping | None = None,
    *,
    ahead: int = 4,
    generator: torch.Generator | None = None,
    context_length: int | None = None,
    cached: bool = True,
) -> Speculated:
    """What ``model`` writes after one prompt [1, time] while ``draft`` proposes ``ahead`` tokens.

    Both read the same vocabulary. A model with a cache reads only what is new. Raises ValueError
    for several prompts, different vocabularies, or a text that does not fit in the context.
    """
    texts = Texts(ids, None, max_new_tokens)
    if len(ids) != 1:
        raise ValueError(f"{len(ids)} prompts came; speculation writes one text: ids[:1]")
    if ahead < 1:
        raise ValueError(f"ahead is {ahead}; propose at least 1 token a turn")
    needed = texts.longest + max_new_tokens - 1
    for one in (model, draft):
        context = context_of(one, context_length)
        if context is not None and needed > context:
            raise ValueError(
                f"{texts.longest} tokens and {max_new_tokens} new ones do not fit in a context of "
                f"{context}; ask for fewer or keep the prompt's last tokens"
            )
    turn = _Turn(
        _Pen(model, ids, needed, cached),
        _Pen(draft, ids, needed, cached),
        sampling or Sampling(),
        generator,
    )
    row, proposed, accepted, looks = NewText(stopping or Stopping()), 0, 0, 0
    while not row.done and (left := max_new_tokens - texts.longest + ids.shape[1]):
        count = min(ahead, left - 1)
        tokens = turn(texts.ids[:, : texts.longest], count)
        proposed, accepted, looks = proposed + count, accepted + len(tokens) - 1, looks + 1
        for token in tokens:
            texts.append(torch.tensor([token], device=ids.device))
            row.add(token)
    return Speculated(tuple(row.ids), row.text, row.reason, proposed, accepted, looks)


class _Pen:
    """A reader and how much of the text it has taken in."""

    def __init__(self, model: Model, ids: Tensor, capacity: int, cached: bool) -> None:
        self.reader: Reader = reader_of(model, 1, capacity, cached)
        self.taken = ids.shape[1] - 1
        if self.taken:
            self.reader.read(ids[:, :-1])

    def look(self, text: Tensor) -> Tensor:
        """Logits [time, vocab] after each token of ``text`` not yet taken in."""
        return self.reader.look(text[:, self.taken :])[0]

    def take_up_to(self, count: int) -> None:
        """Take in all but what stands at ``count`` and after it."""
        self.reader.take(count - self.taken)
        self.taken = count


@dataclass
class _Turn:
    model: _Pen
    draft: _Pen
    sampling: Sampling
    generator: torch.Generator | None

    def __call__(self, text: Tensor, count: int) -> list[int]:
        """The tokens of one turn: the proposals kept, and one of the large model's own."""
        begin, offers = text.shape[1], []
        for _ in range(count):
            offer = self._distribution(self.draft.look(text)[-1], text)
            token = sample_tokens(offer.log(), self.generator)
            text = torch.cat([text, token.reshape(1, 1)], dim=1)
            offers.append(offer)
        logits = self.model.look(text)[-count - 1 :]
        kept = 0
        while kept < count and self._keeps(logits[kept], offers[kept], text, begin + kept):
            kept += 1
        wanted = self._distribution(logits[kept], text[:, : begin + kept])
        own = wanted.log() if kept == count else correction(wanted, offers[kept])
        tokens = [*text[0, begin : begin + kept].tolist(), int(sample_tokens(own, self.generator))]
        self.model.take_up_to(begin + kept)
        if count:  # the draft has not looked at its last proposal
            self.draft.take_up_to(begin + min(kept, count - 1))
        return tokens

    def _keeps(self, logits: Tensor, offer: Tensor, text: Tensor, place: int) -> bool:
        wanted = self._distribution(logits, text[:, :place])
        if wanted.shape != offer.shape:
            raise ValueError(
                f"the draft's vocabulary has {len(offer)} tokens and the model's {len(wanted)}; "
                "both must be the same"
            )
        device = "cpu" if self.generator is None else self.generator.device
        chance = torch.rand((), generator=self.generator, dtype=torch.float64, device=device)
        return bool(chance < acceptance(wanted, offer, int(text[0, place])))

    def _distribution(self, logits: Tensor, text: Tensor) -> Tensor:
        return self.sampling.filter(logits, text[0]).softmax(dim=-1)
