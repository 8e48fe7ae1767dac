"""CBOW word vectors beside gensim's: the same sentences, settings and seeds, the same tests.

``small`` learns the generated world's sentences, ``full`` 11 million words of novels; both are
tested as skip-gram is in ``words_sgns``. Ours descends the gradient of the mean, at a rate of its
own. Gensim, as word2vec's program, gives each neighbour the whole gradient and not its share; a
second run of ours does so too, with gensim's rate, and is what gensim's is to be compared with.
Since ours chose a rate, gensim is run with higher ones too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import torch

from llm_book.data.banded_pairs import bands
from llm_book.data.word_pairs import Noise, draw_windows, keep_probabilities
from llm_book.evaluation.similarity import VectorTable, neighbour_overlap
from llm_book.models.word_vectors import CBOW
from llm_book.recipes import word_vectors, words_sgns
from llm_book.recipes.job import Job
from llm_book.recipes.word_vectors import FARTHEST, Progress
from llm_book.recipes.words_sgns import (
    OTHER_SEED,
    QUERIES,
    SHARED,
    Corpus,
    Scores,
    kept,
    load_corpus,
    said,
)
from llm_book.training.cbow_blocks import neighbour_shares, shared_cbow_step
from llm_book.training.skip_gram import linear_decay

PROGRAM = "ours, with word2vec's step"
AGAIN = "gensim, another seed"
HIGHER_RATES = (0.05, 0.1)
SPEED = "words a second"
BLOCK = 16  # words that share negatives; more of them than in skip-gram, as a word is one example
Timed = tuple[VectorTable, float]  # vectors, and the seconds they took


@dataclass(frozen=True)
class Config(words_sgns.Config):
    """As ``words_sgns.Config``; ``learning_rate`` is gensim's, ``mean_learning_rate`` ours.

    Raises ValueError also for a rate that is not above 0.
    """

    mean_learning_rate: float = 0.15

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.mean_learning_rate > 0:
            raise ValueError(f"mean_learning_rate is {self.mean_learning_rate}; it must be above 0")

    def stepping(self, rule: str) -> word_vectors.Config:
        """What our trainer is told: each way of stepping has its rate."""
        rate = self.mean_learning_rate if rule == "mean" else self.learning_rate
        return replace(self.training(), learning_rate=rate, block=BLOCK)


PRESETS = {
    "small": Config(
        data="world",
        n_texts=20_000,
        min_count=1,
        width=32,
        epochs=5,
        threshold=1.0,
        window=10,
        mean_learning_rate=0.05,
    ),
    "full": Config(data="novels", n_texts=1_000_000, min_count=5, width=100, epochs=3),
}


def run(config: Config, job: Job) -> dict[str, Any]:
    """Train one seed of ours and of gensim's and write the run's documents.

    Vectors are written as soon as they are made, so that a run that was killed goes on behind
    them. Without gensim our own vectors are tested alone, and the run says so.
    """
    corpus = load_corpus(config)
    document = job.begin(config, corpus.facts)
    with job.noting_how_it_ends(document):
        tables = trained(corpus, config, job)
        scores = {name: tested(name, one, corpus, config, job) for name, one in tables.items()}
        if "gensim" in tables:
            add_neighbours(scores, tables, corpus, job)
        metrics = scores.pop("ours")
        return job.finish(
            document,
            metrics=metrics,
            rivals=scores,
            seconds=tables["ours"][1],
            tokens=corpus.words * config.epochs,
            peak_memory_bytes=job.runtime.peak_memory(),
        )


def trained(corpus: Corpus, config: Config, job: Job) -> dict[str, Timed]:
    """Everybody's vectors and the seconds they took; those of gensim where it is installed."""
    tables = {
        "ours": kept(job, "ours", lambda: train(corpus, config, job.seed)),
        PROGRAM: kept(job, "ours-program", lambda: train(corpus, config, job.seed, "program")),
    }
    if find_spec("gensim") is None:
        job.say("gensim is missing, so it does not stand beside these (pip install gensim)")
        return tables
    other_seed = job.seed + OTHER_SEED
    return tables | {
        "gensim": kept(job, "gensim", lambda: train_gensim(corpus, config, job.seed)),
        AGAIN: kept(job, "gensim-again", lambda: train_gensim(corpus, config, other_seed)),
        **{f"gensim, rate {rate}": at_rate(rate, corpus, config, job) for rate in HIGHER_RATES},
    }


def at_rate(rate: float, corpus: Corpus, config: Config, job: Job) -> Timed:
    """Gensim's vectors, learned at another rate than its own."""
    other = replace(config, learning_rate=rate)
    return kept(job, f"gensim-{rate}", lambda: train_gensim(corpus, other, job.seed))


def tested(name: str, timed: Timed, corpus: Corpus, config: Config, job: Job) -> Scores:
    """What vectors know, and how many words a second they were learned from."""
    table, seconds = timed
    scores = corpus.tests(table) | {SPEED: corpus.words * config.epochs / seconds}
    job.say(f"{name}, {seconds:.0f} s: {said(scores)}")
    return scores


def add_neighbours(
    scores: dict[str, Scores], tables: dict[str, Timed], corpus: Corpus, job: Job
) -> None:
    """To everybody's scores, how many neighbours they share with gensim's first run."""
    asked = corpus.vocabulary.tokens[QUERIES] or corpus.vocabulary.tokens
    for name, (table, _) in tables.items():
        if name != "gensim":
            scores[name][SHARED] = neighbour_overlap(table, tables["gensim"][0], asked)
            job.say(f"{SHARED}: {name} {scores[name][SHARED]:.3f}")


def train(corpus: Corpus, config: Config, seed: int, rule: str = "mean") -> VectorTable:
    """Our CBOW, in blocks with shared negatives; ``rule`` as ``shared_cbow_gradients`` takes it."""
    generator = torch.Generator().manual_seed(seed)
    words = corpus.vocabulary.tokens
    id_of = {word: i for i, word in enumerate(words)}
    texts = [[id_of[w] for w in sentence if w in id_of] for sentence in corpus.sentences]
    model = CBOW(len(words), config.width, generator)
    stream = word_vectors.Corpus(texts, len(words))
    for _ in train_cbow(model, stream, config.stepping(rule), generator, rule):
        pass
    return VectorTable(words, model.vectors.numpy())


def train_cbow(
    model: CBOW,
    corpus: word_vectors.Corpus,
    config: word_vectors.Config,
    generator: torch.Generator,
    rule: str = "mean",
) -> Iterator[Progress]:
    """Train fast, in blocks with shared negatives and the gradient by hand; a record a piece.

    Plain gradient descent with a rate that falls on a line, as word2vec's own program.
    """
    noise = Noise(corpus.counts, config.noise_power)
    tables = (model.centres.weight.data, model.contexts.weight.data)
    steady = steady_blocks(corpus, config, noise)
    total = len(corpus) * config.epochs
    for piece in corpus.pieces(config, generator):
        reach = draw_windows(len(piece.ids), config.window, generator)
        laid = bands(piece.ids, reach, piece.documents, config.window, config.block)
        drawn = noise.draw((len(laid), config.shared), generator)
        shares = neighbour_shares(laid.mask)
        for start in range(0, len(laid), steady):
            done = (piece.read + piece.words * start / len(laid)) / total
            rate = linear_decay(done, config.learning_rate, config.final_learning_rate)
            at = slice(start, start + steady)
            ids = (laid.contexts[at], shares[at], laid.centres[at], drawn[at])
            shared_cbow_step(tables, *ids, config.negatives, rate, rule)
        yield Progress(piece.read + piece.words, total, rate)


def steady_blocks(corpus: word_vectors.Corpus, config: word_vectors.Config, noise: Noise) -> int:
    """How many blocks a step may hold before its most frequent word is moved too far at once.

    As ``word_vectors.steady_blocks``, but with one mean a word, not a pair for each neighbour: in
    all the means that it is part of, a word has about the share of one.
    """
    kept = corpus.counts * keep_probabilities(corpus.counts, config.threshold)
    kept = kept / kept.sum()
    as_neighbour = (1 + config.negatives) * kept.max()
    as_word = (kept + config.negatives * noise.probabilities).max()
    means = float(max(as_neighbour, as_word))  # that ask something of one word, a word read
    fitting = FARTHEST / (config.learning_rate * means * config.block)
    return max(1, min(config.blocks, int(fitting)))


def train_gensim(corpus: Corpus, config: Config, seed: int) -> VectorTable:
    """Gensim's CBOW with the same settings and one worker."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        corpus.sentences,
        vector_size=config.width,
        window=config.window,
        negative=config.negatives,
        sample=config.threshold if config.threshold < 1 else 0,  # 1 means something else to it
        alpha=config.learning_rate,
        epochs=config.epochs,
        min_count=config.min_count,
        sg=0,
        cbow_mean=1,
        hs=0,
        workers=1,
        seed=seed,
    )
    return VectorTable(model.wv.index_to_key, model.wv.vectors)
