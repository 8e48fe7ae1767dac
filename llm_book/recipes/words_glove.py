"""GloVe word vectors beside a factorised table of the same counts, tested as skip-gram's are.

``small`` learns the generated world's sentences, ``full`` 11 million words of novels. No library
that is kept up holds a GloVe; positive mutual information with a singular value decomposition is
the older way to vectors from counts, and reads the very same ones.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from llm_book.data.cooccurrence import CoOccurrences, cooccurrences
from llm_book.evaluation.similarity import VectorTable
from llm_book.models.glove import GloVe
from llm_book.models.ppmi import ppmi, svd_vectors
from llm_book.recipes import words_sgns
from llm_book.recipes.job import Job
from llm_book.recipes.words_sgns import Corpus, kept, load_corpus, said
from llm_book.training.glove_step import glove_step
from llm_book.training.word_vector_losses import glove_weights

RIVAL = "SVD of positive mutual information"
SPEED = "words a second"


@dataclass(frozen=True)
class Config:
    """Everything that decides the run but the seed.

    ``data`` is "world" (``n_texts`` sentences) or "novels" (at most ``n_texts`` paragraphs). The
    rest are GloVe's settings: pairs that meet ``x_max`` times or more count in full, and ``batch``
    of them make a step. Raises ValueError for other data and for a setting that is not above 0.
    """

    data: str
    n_texts: int
    min_count: int
    width: int
    epochs: int
    window: int = 10
    x_max: float = 10.0
    learning_rate: float = 0.05
    batch: int = 1024

    def __post_init__(self) -> None:
        self.reading()
        for name in ("x_max", "batch"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")

    def reading(self) -> words_sgns.Config:
        """What decides which words are read."""
        return words_sgns.Config(
            data=self.data,
            n_texts=self.n_texts,
            min_count=self.min_count,
            width=self.width,
            epochs=self.epochs,
            window=self.window,
            learning_rate=self.learning_rate,
        )


PRESETS = {
    "small": Config(data="world", n_texts=20_000, min_count=1, width=32, epochs=25, batch=256),
    "full": Config(data="novels", n_texts=1_000_000, min_count=5, width=100, epochs=20),
}


def run(config: Config, job: Job) -> dict[str, Any]:
    """Count, fit one seed of both and write the run's documents.

    Vectors are written as soon as they are made, so that a run that was killed goes on behind
    them. ``words a second`` counts the text once, from its sentences to the vectors.
    """
    corpus = load_corpus(config.reading())
    document = job.begin(config, corpus.facts)
    with job.noting_how_it_ends(document):
        pairs, counting = counted(corpus, config)
        job.say(f"{len(pairs):,} pairs of words counted in {counting:.0f} s")
        scores, seconds = {}, {}
        ways: dict[str, Callable[[], VectorTable]] = {
            "ours": lambda: train(corpus, pairs, config, job),
            RIVAL: lambda: factorised(corpus, pairs, config),
        }
        for name, make in ways.items():
            table, fitting = kept(job, name.replace(" ", "-"), make)
            seconds[name] = counting + fitting
            scores[name] = corpus.tests(table) | {SPEED: corpus.words / seconds[name]}
            job.say(f"{name}, {seconds[name]:.0f} s: {said(scores[name])}")
        fitted = len(pairs) * config.epochs / (seconds["ours"] - counting)
        metrics = scores.pop("ours") | {"pairs": len(pairs), "pairs a second": fitted}
        return job.finish(
            document,
            metrics=metrics,
            rivals=scores,
            seconds=seconds["ours"],
            tokens=corpus.words * config.epochs,
            peak_memory_bytes=job.runtime.peak_memory(),
        )


def counted(corpus: Corpus, config: Config) -> tuple[CoOccurrences, float]:
    """How often words meet, near ones counting more, and the seconds that counting took."""
    started = time.perf_counter()
    words = corpus.vocabulary.tokens
    id_of = {word: i for i, word in enumerate(words)}
    texts = [[id_of[w] for w in sentence if w in id_of] for sentence in corpus.sentences]
    pairs = cooccurrences(texts, config.window, len(words))
    return pairs, time.perf_counter() - started


def train(corpus: Corpus, pairs: CoOccurrences, config: Config, job: Job) -> VectorTable:
    """Our GloVe; what each epoch costs is said as it goes."""
    generator = torch.Generator().manual_seed(job.seed)
    model = GloVe(len(corpus.vocabulary), config.width, generator)
    for epoch, loss in enumerate(train_glove(model, pairs, config, generator), 1):
        job.say(f"epoch {epoch:3d}   loss {loss:.4f}")
    return VectorTable(corpus.vocabulary.tokens, model.vectors.numpy())


def train_glove(
    model: GloVe, pairs: CoOccurrences, config: Config, generator: torch.Generator
) -> Iterator[float]:
    """Fit the logs of the counts, fast; gives each epoch's mean loss, each batch's before its step.

    Computes what ``word_vectors.train_glove`` does, with the gradient by hand.
    """
    vectors = (model.centres.weight.data, model.contexts.weight.data)
    biases = (model.centre_biases.weight.data, model.context_biases.weight.data)
    tables = [torch.cat(both, 1) for both in zip(vectors, biases, strict=True)]
    squares = [torch.ones_like(table) for table in tables]
    logs = pairs.counts.log().to(tables[0].dtype)
    weights = glove_weights(pairs.counts, config.x_max).to(tables[0].dtype)
    for _ in range(config.epochs):
        lost = 0.0
        for rows in torch.randperm(len(pairs), generator=generator).split(config.batch):
            ids = (pairs.centres[rows], pairs.contexts[rows])
            lost += glove_step(
                tables, squares, *ids, logs[rows], weights[rows], config.learning_rate
            )
        for table, vector, bias in zip(tables, vectors, biases, strict=True):
            vector.copy_(table[:, :-1])
            bias.copy_(table[:, -1:])
        yield lost / len(pairs)


def factorised(corpus: Corpus, pairs: CoOccurrences, config: Config) -> VectorTable:
    """Vectors of the same width from the same counts; a word without good company has none."""
    arrays = (pairs.centres.numpy(), pairs.contexts.numpy(), pairs.counts.numpy())
    vectors = svd_vectors(ppmi(*arrays, pairs.vocab_size), config.width)
    some = np.abs(vectors).max(axis=1) > 0
    words = [word for word, has in zip(corpus.vocabulary.tokens, some, strict=True) if has]
    return VectorTable(words, vectors[some])
