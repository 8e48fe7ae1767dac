"""A language model that has only counted: p(word | context), each order leaning on a lower one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float64, Int64
from numpy import ndarray
from torch import nn

from llm_book.models.counting import NGramCounts, Texts, Words
from llm_book.shapes import Ids, Logits


class CountingModel(nn.Module):
    """An n-gram model: p(w | h) = share(h w) + rest(h) · p(w | a lower order).

    `share` [n-grams] and `rest` [contexts] are one array a level, made by the subclass from the
    counts. A context never seen passes everything to the lower order; below the lowest stands
    1 / vocab_size. Like every model of this book it takes ids and gives logits: here they are
    log-probabilities, −inf where a word cannot come.
    """

    def __init__(
        self,
        counts: NGramCounts,
        share: Sequence[Float64[ndarray, " _"]],
        rest: Sequence[Float64[ndarray, " _"]],
    ) -> None:
        super().__init__()
        self.counts, self.share, self.rest = counts, share, rest

    @property
    def vocab_size(self) -> int:
        """Words the model can say; the begin mark is none of them."""
        return self.counts.vocab_size

    def lengths(self, context: int) -> Sequence[int]:
        """Lengths of the n-grams to ask for a context of so many words, the lowest order first."""
        return range(1, context + 2)

    def distribution(self, context: Words = ()) -> Float64[ndarray, " vocab"]:
        """p(w | context) for every word of the vocabulary; sums to one.

        Of a longer context the last order − 1 words are used; a shorter one is answered by the
        lower order. The begin mark may stand in it where texts were counted with borders.
        """
        words = self.counts.checked(context, begin=self.counts.borders)
        words = words[len(words) - min(len(words), self.counts.order - 1) :]
        chances = np.full(self.vocab_size, 1 / self.vocab_size)
        for length in self.lengths(len(words)):
            row = int(self.counts.rows(words[None, len(words) - length + 1 :])[0])
            if row >= 0:
                where, followers = self.counts.followers(length, row)
                chances = self.rest[length - 1][row] * chances
                chances[followers] += self.share[length - 1][where]
        return chances

    def forward(self, ids: Ids) -> Logits:
        """Log-probabilities of the word after each position; every row of ids begins a text."""
        contexts = self._contexts(ids)
        distinct, which = np.unique(contexts, axis=0, return_inverse=True)
        table = np.stack([self.distribution(context[context >= 0]) for context in distinct])
        with np.errstate(divide="ignore"):  # log 0 = -inf is the honest answer
            logits = torch.from_numpy(np.log(table)).to(torch.get_default_dtype())
        return logits.to(ids.device)[torch.from_numpy(which.reshape(ids.shape)).to(ids.device)]

    def _contexts(self, ids: Ids) -> Int64[ndarray, "positions context"]:
        """The order − 1 words up to each position; before the text the begin mark, or −1."""
        if not ids.numel():
            raise ValueError(f"ids of shape {tuple(ids.shape)} hold no word to go on from")
        reach = self.counts.order - 1
        rows = np.stack([self.counts.checked(row) for row in ids.cpu()])
        filler = self.counts.begin if self.counts.borders else -1
        padded = np.pad(rows, ((0, 0), (reach, 0)), constant_values=filler)
        windows = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=1)
        return windows[:, 1:].reshape(ids.numel(), reach)

    def log_probabilities(self, text: Words) -> Float64[ndarray, " words"]:
        """Log-probability in nats of each word of one text, given those before it.

        The end mark is asked for after the last word where texts were counted with one. Linear
        in the text's length and independent of the vocabulary's. Raises ValueError for no words.
        """
        words = self.counts.checked(text)
        if self.counts.end is not None:
            words = np.append(words, self.counts.end)
        if not words.size:
            raise ValueError("an empty text has no words to score; give at least one id")
        reach = self.counts.order - 1
        padded = np.concatenate([np.full(reach, self.counts.begin), words])
        ngrams = np.lib.stride_tricks.sliding_window_view(padded, reach + 1)
        known = reach if self.counts.borders else np.arange(len(words)).clip(max=reach)
        with np.errstate(divide="ignore"):
            return np.log(self._chances(ngrams, np.broadcast_to(known, len(words))))

    def _chances(
        self, ngrams: Int64[ndarray, "words order"], known: Int64[ndarray, " words"]
    ) -> Float64[ndarray, " words"]:
        """p of the last word of each row given the `known` words before it."""
        chances = np.full(len(ngrams), 1 / self.vocab_size)
        for reach in np.unique(known):
            mine = known == reach
            for length in self.lengths(int(reach)):
                chances[mine] = self._one_order(ngrams[mine, -length:], chances[mine])
        return chances

    def _one_order(
        self, ngrams: Int64[ndarray, "words length"], chances: Float64[ndarray, " words"]
    ) -> Float64[ndarray, " words"]:
        """The chances one order up; those of the lower one come in and are changed in place."""
        level = ngrams.shape[1] - 1
        context, row = self.counts.rows(ngrams[:, :-1]), self.counts.rows(ngrams)
        known, seen = context >= 0, row >= 0
        chances[known] *= self.rest[level][context[known]]
        chances[seen] += self.share[level][row[seen]]
        return chances

    def perplexity(self, texts: Texts) -> float:
        """exp of the mean surprise a word over all texts, in words: inf where one cannot come.

        Raises ValueError where there is no word.
        """
        logs = [self.log_probabilities(text) for text in texts]
        if not logs:
            raise ValueError("no texts came; perplexity is the mean over at least one word")
        return math.exp(-np.concatenate(logs).mean())
