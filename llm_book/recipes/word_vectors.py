"""Word vectors from a text: skip-gram, CBOW and GloVe, put together from the shelves.

Each trainer is a loop that you iterate; it changes its model in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from llm_book.data.banded_pairs import bands
from llm_book.data.cooccurrence import CoOccurrences
from llm_book.data.word_pairs import (
    Gaps,
    Noise,
    WordPairs,
    cbow_gaps,
    draw_windows,
    keep_probabilities,
    skip_gram_pairs,
    subsampled,
)
from llm_book.models.glove import GloVe
from llm_book.models.word_vectors import CBOW, SkipGram, TwoTables
from llm_book.training.optim import AdaGrad
from llm_book.training.skip_gram import linear_decay, pair_weights, shared_sgns_step
from llm_book.training.word_vector_losses import cbow_loss, glove_loss, skip_gram_loss

Texts = Sequence[Sequence[int]]

FARTHEST = (
    4.0  # the curvature of a pair's loss is at most |vector|² / 4, and |vector|² about 2 to 4
)


@dataclass(frozen=True)
class Config:
    """Word2vec's settings, with its program's values, and how the text is cut for speed.

    ``block`` words share ``shared`` negatives; at most ``blocks`` of them make a step; ``piece``
    words are read at a time. Raises ValueError for a setting that is not above 0.
    """

    width: int = 100
    window: int = 5
    negatives: int = 5
    epochs: int = 5
    threshold: float = 1e-3
    learning_rate: float = 0.025
    final_learning_rate: float = 1e-4
    noise_power: float = 0.75
    block: int = 8
    shared: int = 32
    blocks: int = 32
    piece: int = 50_000

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0 and name != "noise_power":
                raise ValueError(f"{name} is {value}; it must be above 0")


@dataclass(frozen=True)
class Progress:
    """How far training is: words of the text read so far, of all epochs, and the rate now."""

    words: int
    of: int
    learning_rate: float


@dataclass(frozen=True)
class Piece:
    """A part of a corpus after thinning out: ids, the number of each one's text, where it ended.

    ``done`` is the share of all epochs' words read before it, ``words`` how many it was made of.
    """

    ids: Int64[Tensor, " time"]
    documents: Int64[Tensor, " time"]
    read: int
    words: int


class Corpus:
    """Texts of ids as one stream, with what word2vec needs to know of its words.

    ``counts`` [vocab_size] are those of the stream. Raises ValueError for no words, IndexError
    for an id outside the vocabulary.
    """

    def __init__(self, texts: Texts, vocab_size: int) -> None:
        sizes = torch.tensor([len(text) for text in texts], dtype=torch.int64)
        if not int(sizes.sum()):
            raise ValueError("no words came; give at least one text that is not empty")
        stream = np.concatenate([np.asarray(text, dtype=np.int64) for text in texts])
        if stream.min() < 0 or stream.max() >= vocab_size:
            raise IndexError(
                f"ids from {stream.min()} to {stream.max()} came, the vocabulary has 0 to "
                f"{vocab_size - 1}; encode with it"
            )
        self.ids = torch.from_numpy(stream)
        self.documents = torch.arange(len(sizes)).repeat_interleave(sizes)
        self.counts: Int64[Tensor, " vocab"] = torch.bincount(self.ids, minlength=vocab_size)

    def __len__(self) -> int:
        return len(self.ids)

    def pieces(self, config: Config, generator: torch.Generator) -> Iterator[Piece]:
        """The text once through for each epoch, frequent words thinned out anew each time."""
        keep = keep_probabilities(self.counts, config.threshold).float()
        starts = range(0, len(self), config.piece)
        for epoch in range(config.epochs):
            for start in starts:
                where = slice(start, start + config.piece)
                kept = subsampled(self.ids[where], keep, generator)
                read, words = epoch * len(self) + start, len(kept)
                if bool(kept.any()):
                    yield Piece(self.ids[where][kept], self.documents[where][kept], read, words)


def train_skip_gram(
    model: SkipGram, corpus: Corpus, config: Config, generator: torch.Generator
) -> Iterator[Progress]:
    """Train fast, in blocks with shared negatives and the gradient by hand; a record a piece.

    Plain gradient descent with a rate that falls on a line, as word2vec's own program.
    """
    noise = Noise(corpus.counts, config.noise_power)
    tables = (model.centres.weight.data, model.contexts.weight.data)
    steady = steady_blocks(corpus, config, noise)
    total, span = len(corpus) * config.epochs, config.block + 2 * config.window
    for piece in corpus.pieces(config, generator):
        reach = draw_windows(len(piece.ids), config.window, generator)
        laid = bands(piece.ids, reach, piece.documents, config.window, config.block)
        drawn = noise.draw((len(laid), config.shared), generator)
        candidates = torch.cat([laid.contexts, drawn], dim=1)
        weights = pair_weights(laid.mask, config.shared, config.negatives)
        for start in range(0, len(laid), steady):
            done = (piece.read + piece.words * start / len(laid)) / total
            rate = linear_decay(done, config.learning_rate, config.final_learning_rate)
            where = slice(start, start + steady)
            shared_sgns_step(
                tables, laid.centres[where], candidates[where], weights[where], span, rate
            )
        yield Progress(piece.read + piece.words, total, rate)


def steady_blocks(corpus: Corpus, config: Config, noise: Noise) -> int:
    """How many blocks a step may hold before its most frequent word is moved too far at once.

    A step adds up what all its pairs ask of a word. Where learning rate × pairs of one word goes
    beyond FARTHEST, descent overshoots and runs away; in a small vocabulary that is soon.
    """
    kept = corpus.counts * keep_probabilities(corpus.counts, config.threshold)
    kept = kept / kept.sum()
    as_centre = (1 + config.negatives) * kept.max()
    as_context = (kept + config.negatives * noise.probabilities).max()
    pairs = (config.window + 1) * float(max(as_centre, as_context))  # of one word, a word read
    fitting = FARTHEST / (config.learning_rate * pairs * config.block)
    return max(1, min(config.blocks, int(fitting)))


def skip_gram_batches(
    corpus: Corpus, config: Config, generator: torch.Generator, batch: int = 1024
) -> Iterator[WordPairs]:
    """The same pairs one by one, in random order within a piece, each with its own negatives."""
    noise = Noise(corpus.counts, config.noise_power)
    for piece in corpus.pieces(config, generator):
        reach = draw_windows(len(piece.ids), config.window, generator)
        centres, contexts = skip_gram_pairs(piece.ids, reach, piece.documents)
        for rows in torch.randperm(len(centres), generator=generator).split(batch):
            drawn = noise.draw((len(rows), config.negatives), generator)
            yield WordPairs(centres[rows], contexts[rows], drawn)


def cbow_batches(
    corpus: Corpus, config: Config, generator: torch.Generator, batch: int = 1024
) -> Iterator[Gaps]:
    """Words and their neighbours in random order within a piece, each with its own negatives."""
    noise = Noise(corpus.counts, config.noise_power)
    for piece in corpus.pieces(config, generator):
        reach = draw_windows(len(piece.ids), config.window, generator)
        words, around, mask = cbow_gaps(piece.ids, reach, piece.documents)
        for rows in torch.randperm(len(words), generator=generator).split(batch):
            drawn = noise.draw((len(rows), config.negatives), generator)
            yield Gaps(words[rows], around[rows], mask[rows], drawn)


def train_on_pairs(
    model: TwoTables, batches: Iterator[WordPairs] | Iterator[Gaps], learning_rate: float = 0.1
) -> Iterator[float]:
    """The plain way: pairs, loss, autograd, AdaGrad; gives the loss of each step in nats.

    A SkipGram wants ``skip_gram_batches``, a CBOW ``cbow_batches``.
    """
    loss_of = cbow_loss if isinstance(model, CBOW) else skip_gram_loss
    optimizer = AdaGrad(model.parameters(), learning_rate)
    for batch in batches:
        if not batch.size:
            continue
        optimizer.zero_grad()
        loss = loss_of(model, batch)
        loss.backward()
        optimizer.step()
        yield loss.item()


def train_glove(
    model: GloVe,
    pairs: CoOccurrences,
    epochs: int,
    generator: torch.Generator,
    learning_rate: float = 0.05,
    batch: int = 1024,
) -> Iterator[float]:
    """Fit the logs of the co-occurrences with AdaGrad; gives each epoch's mean loss.

    Pairs come in a new random order each epoch. Source: Pennington et al. (2014), section 4.2.
    """
    optimizer = AdaGrad(model.parameters(), learning_rate, initial_square=1.0)
    for _ in range(epochs):
        lost = 0.0
        for rows in torch.randperm(len(pairs), generator=generator).split(batch):
            part = pairs[rows]
            optimizer.zero_grad()
            loss = glove_loss(model, part)
            (loss * part.size).backward()  # a step on the sum, as the authors' program takes
            optimizer.step()
            lost += loss.item() * part.size
        yield lost / len(pairs)
