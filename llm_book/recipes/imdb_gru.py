"""Sentiment of film reviews with a two-way GRU, beside the bags of words it has to beat.

``small`` learns the generated world's reviews from nothing in about a minute; ``full`` learns the
official IMDB split from GloVe's vectors.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from llm_book.data.batches import ShuffledBatches, in_length_order
from llm_book.data.glove import embedding_matrix, load_glove
from llm_book.data.imdb import load_imdb, split_imdb
from llm_book.data.world import bag_of_words_ceiling, bayes_ceiling, reviews
from llm_book.evaluation.calibration import reliability
from llm_book.evaluation.intervals import paired_bootstrap, wilson
from llm_book.evaluation.metrics import confusion_matrix
from llm_book.evaluation.predictions import cross_entropy, probabilities
from llm_book.evaluation.rivals import RIVALS
from llm_book.models.classifier import ClassifierConfig, RecurrentClassifier
from llm_book.recipes.job import Job
from llm_book.results import code_facts
from llm_book.shapes import Review
from llm_book.text.tokenizers import WordTokenizer
from llm_book.text.vocabulary import Vocabulary
from llm_book.training.averaging import WeightAverage
from llm_book.training.early_stopping import EarlyStopping
from llm_book.training.loop import TrainConfig, Training, train


@dataclass(frozen=True)
class Config:
    """Everything that decides the run but the seed.

    ``data`` is "world" (``n_train`` generated reviews) or "imdb" (at most ``n_train`` of what the
    official half leaves when validation is held out; ``n_validation`` is not used). A review longer
    than ``max_tokens`` keeps its first and last ``max_tokens / 2``. The embedding has
    ``glove_width`` numbers that start from GloVe (0: none) and ``own_width`` that start random.
    """

    data: str
    n_train: int
    n_validation: int
    n_test: int
    vocab_size: int
    min_count: int
    max_tokens: int
    glove_width: int
    own_width: int
    width: int
    dropout: float
    engine: str
    batch_size: int
    epochs: int
    learning_rate: float
    average_decay: float
    evaluations_per_epoch: int
    patience: int
    checkpoint_every: int

    def __post_init__(self) -> None:
        if self.data not in ("world", "imdb"):
            raise ValueError(f"data is {self.data!r}; choose 'world' or 'imdb'")
        if self.data == "world" and self.n_validation < 1:
            raise ValueError(f"n_validation is {self.n_validation}; it must be at least 1")
        for name in COUNTS:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")


COUNTS = (
    *("n_train", "n_test", "width", "batch_size", "epochs", "patience", "checkpoint_every"),
    *("evaluations_per_epoch", "max_tokens", "vocab_size", "min_count"),
)


PRESETS = {
    "small": Config(
        data="world",
        n_train=6000,
        n_validation=1000,
        n_test=4000,
        vocab_size=5000,
        min_count=2,
        max_tokens=200,
        glove_width=0,
        own_width=64,
        width=64,
        dropout=0.3,
        engine="torch",
        batch_size=32,
        epochs=5,
        learning_rate=6e-3,
        average_decay=0.98,
        evaluations_per_epoch=2,
        patience=4,
        checkpoint_every=100,
    ),
    "full": Config(
        data="imdb",
        n_train=25_000,
        n_validation=0,
        n_test=25_000,
        vocab_size=30_000,
        min_count=2,
        max_tokens=400,
        glove_width=50,
        own_width=64,
        width=128,
        dropout=0.4,
        engine="torch",
        batch_size=64,
        epochs=4,
        learning_rate=2e-3,
        average_decay=0.998,
        evaluations_per_epoch=2,
        patience=4,
        checkpoint_every=200,
    ),
}


@dataclass(frozen=True)
class Corpus:
    """Reviews in three parts, and what the record says about them."""

    train: list[Review]
    validation: list[Review]
    test: list[Review]
    everything_but_test: list[Review]
    facts: dict[str, Any]


def run(config: Config, job: Job) -> dict[str, Any]:
    """Train one seed, measure it and its rivals on the test split, write the run's documents.

    Interrupted (also by Ctrl-C), the run is marked as stopped and goes on with ``job.resume``.
    """
    corpus = load_corpus(config)
    document = job.begin(config, corpus.facts)
    with job.noting_how_it_ends(document):
        torch.manual_seed(job.seed)
        reader = Reader.for_corpus(corpus, config)
        model = build_model(config, reader.vocabulary, job.seed)
        training = fit(model, reader, corpus, config, job)
        return measure(model, reader, corpus, training, job, document)


def load_corpus(config: Config) -> Corpus:
    """The reviews a configuration asks for."""
    if config.data == "imdb":
        return _imdb(config)
    train, validation, test = (
        reviews(n, seed=0, split=split)
        for n, split in (
            (config.n_train, "train"),
            (config.n_validation, "validation"),
            (config.n_test, "test"),
        )
    )
    facts = {
        "name": "world reviews",
        "content_sha256": _content_hash(train + validation + test),
        "report": f"{len(train)} / {len(validation)} / {len(test)} generated reviews",
        "bayes_ceiling": bayes_ceiling(),
        "bag_of_words_ceiling": bag_of_words_ceiling(),
    }
    return Corpus(train, validation, test, train + validation, facts)


def _imdb(config: Config) -> Corpus:
    loaded = load_imdb()
    split = split_imdb(loaded.train, loaded.test)
    facts = {
        "name": "imdb",
        "content_sha256": loaded.report.content_hash,
        "report": f"{loaded.report}; {split.report}",
    }
    train, test = some_of(split.train, config.n_train), some_of(split.test, config.n_test)
    return Corpus(train, split.validation, test, train + split.validation, facts)


def some_of(texts: list[Review], n: int) -> list[Review]:
    """``n`` reviews drawn by the hash of the text: the first ``n`` would all be negative."""
    chosen = sorted(texts, key=lambda r: hashlib.sha256(r.text.encode()).digest())[:n]
    return chosen if n < len(texts) else texts


def _content_hash(texts: Sequence[Review]) -> str:
    digest = hashlib.sha256()
    for review in sorted(texts, key=lambda r: r.id):
        digest.update(f"{review.id}\t{review.label}\t{review.text}\n".encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Reader:
    """Reviews → lists of ids, by the words of the training split."""

    vocabulary: Vocabulary
    max_tokens: int
    tokenizer: WordTokenizer

    @classmethod
    def for_corpus(cls, corpus: Corpus, config: Config) -> "Reader":
        """Count words in the training split only: the other splits must stay unseen."""
        tokenizer = WordTokenizer()
        vocabulary = Vocabulary.build(
            (tokenizer.tokenize(review.text) for review in corpus.train),
            min_count=config.min_count,
            max_size=config.vocab_size,
        )
        return cls(vocabulary, config.max_tokens, tokenizer)

    def ids(self, text: str) -> list[int]:
        """The ids of a text; of a long one, its first and last halves."""
        ids = self.vocabulary.encode(self.tokenizer.tokenize(text))
        if len(ids) <= self.max_tokens:
            return ids
        half = self.max_tokens // 2
        return ids[:half] + ids[-(self.max_tokens - half) :]

    def read(self, texts: Sequence[Review]) -> tuple[list[list[int]], list[int]]:
        """Ids and labels of many reviews."""
        return [self.ids(review.text) for review in texts], [review.label for review in texts]


def build_model(config: Config, vocabulary: Vocabulary, seed: int) -> RecurrentClassifier:
    """The classifier with its first weights, recurrent ones from PyTorch's generator as it stands.

    ``seed`` decides the embedding where it starts from GloVe.
    """
    sizes = ClassifierConfig(
        vocab_size=len(vocabulary),
        embedding_width=config.glove_width + config.own_width,
        width=config.width,
        dropout=config.dropout,
        engine=config.engine,
    )
    if not config.glove_width:
        return RecurrentClassifier(sizes)
    generator = torch.Generator().manual_seed(seed)
    glove = embedding_matrix(vocabulary.tokens, load_glove(config.glove_width), generator).weight
    own = torch.randn(len(vocabulary), config.own_width, generator=generator)
    vectors = torch.cat([glove / glove[2:].std(), own], dim=1) * FIRST_SCALE
    vectors[0] = 0  # the pad
    return RecurrentClassifier(sizes, vectors)


FIRST_SCALE = 0.4  # standard deviation of a number in the first embedding


def fit(
    model: RecurrentClassifier, reader: Reader, corpus: Corpus, config: Config, job: Job
) -> Training:
    """Train to the end or to the early stop; leaves the best averaged weights in ``model``."""
    batches = ShuffledBatches(*reader.read(corpus.train), config.batch_size, seed=job.seed)
    steps = batches.steps_per_epoch * config.epochs
    settings = TrainConfig(
        steps=steps, learning_rate=config.learning_rate, warmup_steps=min(steps // 10, 100)
    )
    training = train(model, batches, settings, job.runtime)
    average, stopping = WeightAverage(model, config.average_decay), EarlyStopping(config.patience)
    parts = {"training": training, "average": average, "stopping": stopping}
    job.restore(**parts)
    validation = reader.read(corpus.validation)
    every = max(1, batches.steps_per_epoch // config.evaluations_per_epoch)
    if not stopping.stop:
        for step in training:
            average.update(model)
            job.curve.append(step.as_dict())
            if step.index % every == 0 or step.index == steps:
                with average.borrowed_by(model):
                    loss, accuracy = _evaluate(model, validation, job)
                    best = stopping.see(step.index, loss, model)
                job.validation.append({"index": step.index, "loss": loss, "accuracy": accuracy})
                job.say(
                    f"{step}   validation loss {loss:.3f}, accuracy {accuracy:.3f}"
                    + ("   best so far" if best else "")
                )
            if step.index % config.checkpoint_every == 0 or stopping.stop:
                job.save(training.index, **parts)
            if stopping.stop:
                job.say(f"stopped early: no better since step {stopping.best_index}")
                break
    stopping.restore(model)
    return training


def _evaluate(
    model: RecurrentClassifier, texts: tuple[list[list[int]], list[int]], job: Job
) -> tuple[float, float]:
    predicted = probabilities(model, in_length_order(*texts, 256), job.runtime)
    labels = np.array(texts[1])
    return cross_entropy(predicted, labels), float(((predicted >= 0.5) == labels).mean())


def measure(
    model: RecurrentClassifier,
    reader: Reader,
    corpus: Corpus,
    training: Training,
    job: Job,
    document: dict[str, Any],
) -> dict[str, Any]:
    """Score the test split once, measure the rivals on it, write both into the run."""
    texts = reader.read(corpus.test)
    predicted, labels = probabilities(model, in_length_order(*texts, 256), job.runtime), texts[1]
    metrics = scores(predicted, np.array(labels))
    job.say(
        f"test accuracy {metrics['accuracy']:.4f} "
        f"[{metrics['accuracy_low']:.4f}, {metrics['accuracy_high']:.4f}] on {metrics['n']} reviews"
    )
    right = {"ours": (predicted >= 0.5) == np.array(labels)}
    rivals = {}
    for name, rival_right in rivals_on(corpus, job):
        right[name] = rival_right
        margin = paired_bootstrap(right["ours"], rival_right)
        rivals[name] = {"accuracy": float(rival_right.mean()), "margin": margin.as_dict()}
        verdict = "a tie" if not margin.excludes(0) else ("ahead" if margin.low > 0 else "behind")
        job.say(f"{name}: {rival_right.mean():.4f}; the GRU is {verdict}, margin {margin}")
    job.keep("scores", right)
    steps = job.curve.read()
    return job.finish(
        document,
        metrics=metrics,
        rivals=rivals,
        seconds=training.seconds,
        tokens=sum(step["tokens"] for step in steps),
        peak_memory_bytes=max(step["memory"] for step in steps),  # before the rivals were fitted
    )


def scores(predicted: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy with its Wilson interval, F1, loss and calibration error of test predictions."""
    counts = confusion_matrix(labels, predicted >= 0.5)
    accuracy = wilson(counts.correct, counts.n)
    return {
        "n": counts.n,
        "accuracy": counts.accuracy,
        "accuracy_low": accuracy.low,
        "accuracy_high": accuracy.high,
        "f1": counts.f1,
        "loss": cross_entropy(predicted, labels),
        "expected_calibration_error": reliability(predicted, labels).expected_calibration_error,
    }


def rivals_on(corpus: Corpus, job: Job) -> Iterator[tuple[str, np.ndarray]]:
    """Which test reviews each rival gets right, trained on our rows and on all that is not test.

    Rivals have no seed, so the first run of a data set keeps their answers for the next.
    """
    test, labels = [r.text for r in corpus.test], np.array([r.label for r in corpus.test])
    pools = {"same rows": corpus.train, "all of train": corpus.everything_but_test}
    version = code_facts("llm_book.evaluation.rivals")["modules_sha256"][:8]
    version += f"-sklearn-{metadata.version('scikit-learn')}"
    for pool, rows in pools.items():
        for name, rival in RIVALS.items():
            kept = (
                job.runs
                / ".rivals"
                / f"{_content_hash(rows + corpus.test)[:16]}-{version}-{name}.npy"
            )
            if not kept.exists():
                answer = rival([r.text for r in rows], [r.label for r in rows], test)
                _keep(kept, (answer >= 0.5) == labels)
            yield f"{name}, {pool}", np.load(kept)


def _keep(path: Path, right: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{os.getpid()}-{path.name}")
    np.save(aside, right)
    aside.replace(path)
