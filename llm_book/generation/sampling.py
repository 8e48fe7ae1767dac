"""Tokens from logits: one a row, step by step, or whole texts."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from llm_book.generation.cache import Model, context_of, reader_of
from llm_book.generation.filtering import GREEDY, Sampling, filter_logits
from llm_book.generation.stopping import NewText, Stopping
from llm_book.generation.texts import Texts
from llm_book.shapes import IGNORE, Ids, Lengths, text_mask

__all__ = [
    "GREEDY",
    "Generated",
    "Sampling",
    "Stopping",
    "filter_logits",
    "generate",
    "sample_tokens",
    "stream_tokens",
]


@dataclass(frozen=True)
class Generated:
    """Prompts and what was written after them, padded with 0 on the right.

    ``ids`` [batch, time] and ``lengths`` [batch] can be gone on from. ``new`` are the new tokens
    of each row without end token and stop string; ``texts`` the same decoded (empty strings
    where no ``decode`` was given) and exact even where a stop string begins inside a token;
    ``reasons`` say why each row stopped: "end", "string" or "length".
    """

    ids: Ids
    lengths: Lengths
    new: tuple[tuple[int, ...], ...]
    texts: tuple[str, ...]
    reasons: tuple[str, ...]


def sample_tokens(
    logits: Float[Tensor, "..."], generator: torch.Generator | None = None
) -> Int64[Tensor, "..."]:
    """One token for each row of logits [..., vocab], drawn from their softmax.

    Drawn on the generator's device, so that one seed gives one text everywhere; without a
    generator PyTorch's own is used. Raises ValueError for NaN and rows without a possible token.
    """
    logits = Sampling().filter(logits)
    probabilities = logits.softmax(dim=-1).reshape(-1, logits.shape[-1])
    if generator is not None:
        probabilities = probabilities.to(generator.device)
    drawn = torch.multinomial(probabilities, 1, generator=generator)
    return drawn.to(logits.device).reshape(logits.shape[:-1])


def next_tokens(
    logits: Float[Tensor, "batch vocab"],
    sampling: Sampling,
    previous: Ids | None,
    generator: torch.Generator | None,
) -> Int64[Tensor, " batch"]:
    """One token a row, as ``sampling`` says; at a temperature of 0 nothing is left to chance."""
    if sampling.temperature == 0:
        return sampling.scaled(logits, previous).argmax(dim=-1)
    return sample_tokens(sampling.filter(logits, previous), generator)


def stream_tokens(
    model: Model,
    ids: Int64[Tensor, "..."],
    max_new_tokens: int,
    sampling: Sampling | None = None,
    stopping: Stopping | None = None,
    *,
    generator: torch.Generator | None = None,
    lengths: Int64[Tensor, "..."] | None = None,
    slide: bool = False,
    context_length: int | None = None,
    cached: bool = True,
) -> Iterator[Int64[Tensor, " batch"]]:
    """The new tokens [batch], step by step; ``IGNORE`` in rows that are finished.

    Arguments and errors as for ``generate``; refusals come at the call, not at the first step.
    """
    writing = Writing(model, ids, max_new_tokens, stopping, lengths, slide, context_length, cached)
    return writing.steps(sampling or Sampling(), generator)


def generate(
    model: Model,
    ids: Int64[Tensor, "..."],
    max_new_tokens: int,
    sampling: Sampling | None = None,
    stopping: Stopping | None = None,
    *,
    generator: torch.Generator | None = None,
    lengths: Int64[Tensor, "..."] | None = None,
    slide: bool = False,
    context_length: int | None = None,
    cached: bool = True,
) -> Generated:
    """What ``model`` writes after each prompt of ``ids`` [batch, time].

    ``model`` is any callable ids → logits; where it has ``new_cache`` and ``cached`` is left on,
    each step reads the newest token only. ``sampling`` says how a token is chosen (None: drawn
    from the model's distribution; ``GREEDY``: the most probable), ``generator`` where chance
    comes from, ``stopping`` what ends a text early, ``lengths`` how long each prompt is where
    they are padded on the right. Dropout is off while the model reads.

    The model looks at ``context_length`` tokens at most (None: what it says itself, by
    ``model.context_length`` or ``model.config.context_length``). A text that would outgrow it is
    refused with ValueError, or with ``slide`` its oldest tokens are forgotten: from then on each
    step reads the last ``context_length`` tokens anew, counted from 0.
    """
    writing = Writing(model, ids, max_new_tokens, stopping, lengths, slide, context_length, cached)
    for _ in writing.steps(sampling or Sampling(), generator):
        pass
    return writing.result()


class Writing:
    """Texts being written: iterate ``steps``, then ask for the ``result``."""

    def __init__(
        self,
        model: Model,
        ids: Int64[Tensor, "..."],
        max_new_tokens: int,
        stopping: Stopping | None,
        lengths: Int64[Tensor, "..."] | None,
        slide: bool,
        context_length: int | None,
        cached: bool,
    ) -> None:
        self.model, self.cached, self.count = model, cached, max_new_tokens
        self.texts = Texts(ids, lengths, max_new_tokens)
        self.prompt_lengths = self.texts.lengths
        self.new = [NewText(stopping or Stopping()) for _ in range(len(ids))]
        self.window = self._window(context_of(model, context_length), slide)

    def _window(self, context: int | None, slide: bool) -> int:
        """How many tokens the model is shown at most: all that it has to read, or its context."""
        needed = self.texts.longest + self.count - 1  # the last token is written, not read
        if context is None or needed <= context:
            return needed
        if not slide:
            raise ValueError(
                f"{self.texts.longest} tokens and {self.count} new ones do not fit in a context "
                f"of {context}; ask for fewer, keep the prompt's last tokens, or let the oldest "
                "go with slide=True"
            )
        return context

    @torch.no_grad()
    def steps(
        self, sampling: Sampling, generator: torch.Generator | None
    ) -> Iterator[Int64[Tensor, " batch"]]:
        """Write one token a row and step, until every row is finished."""
        logits = self._read_window()
        for step in range(self.count):
            looks_back = sampling.repetition_penalty != 1
            previous = self.texts.previous() if looks_back else None
            tokens = next_tokens(logits, sampling, previous, generator)
            self.texts.append(tokens)
            yield self._shown(tokens)
            if step == self.count - 1 or all(row.done for row in self.new):
                return
            if self.texts.longest > self.window:
                logits = self._read_window()
            else:
                logits = self.reader.read(tokens[:, None])

    def _read_window(self) -> Float[Tensor, "batch vocab"]:
        ids, lengths = self.texts.last(self.window)
        self.reader = reader_of(self.model, len(ids), self.window, self.cached)
        return self.reader.read(ids, lengths)

    def _shown(self, tokens: Int64[Tensor, " batch"]) -> Int64[Tensor, " batch"]:
        """Hand each row its token; give those that belong to a text that goes on."""
        for row, token in zip(self.new, tokens.tolist(), strict=True):
            row.add(token)
        finished = torch.tensor([row.done for row in self.new], device=tokens.device)
        return tokens.masked_fill(finished, IGNORE)

    def result(self) -> Generated:
        """The texts as they stand, cut where they stopped."""
        new = torch.tensor([len(row.ids) for row in self.new], device=self.texts.ids.device)
        lengths = self.prompt_lengths + new
        ids = self.texts.ids[:, : lengths.max()]
        return Generated(
            ids=ids.masked_fill(~text_mask(lengths, ids.shape[1]), 0),
            lengths=lengths,
            new=tuple(tuple(row.ids) for row in self.new),
            texts=tuple(row.text for row in self.new),
            reasons=tuple(row.reason for row in self.new),
        )
