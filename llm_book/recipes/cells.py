"""GRU against LSTM against plain RNN, at equal numbers of weights and at equal seconds.

All read the generated world's reviews. A width is chosen for each cell so that all models have as
many weights as the GRU. At equal steps, each sees every review equally often; at equal seconds, a
faster cell sees them more often (in whole epochs, so that the schedule ends where training ends).
"""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from llm_book.evaluation.intervals import paired_bootstrap
from llm_book.evaluation.predictions import probabilities
from llm_book.models.classifier import ClassifierConfig, RecurrentClassifier
from llm_book.recipes import imdb_gru
from llm_book.recipes.imdb_gru import Corpus, Reader
from llm_book.recipes.job import Job


@dataclass(frozen=True)
class Config:
    """The GRU's width and epochs; the other cells' follow from them."""

    n_train: int
    n_test: int
    width: int
    epochs: int


PRESETS = {"small": Config(n_train=6000, n_test=4000, width=64, epochs=5)}
RIVALS = ("lstm", "rnn")


@dataclass(frozen=True)
class Trained:
    """One cell after training: what it got right on the test split, and at what cost."""

    right: np.ndarray
    facts: dict[str, Any]


def run(config: Config, job: Job) -> dict[str, Any]:
    """Train one seed of every cell under both budgets and write the run's documents."""
    base = replace(
        imdb_gru.PRESETS["small"],
        n_train=config.n_train,
        n_test=config.n_test,
        width=config.width,
        epochs=config.epochs,
        patience=10**6,  # no early stop: every cell gets the steps of its budget
    )
    corpus = imdb_gru.load_corpus(base)
    document = job.begin(config, corpus.facts)
    with job.noting_how_it_ends(document):
        reader = Reader.for_corpus(corpus, base)
        ours = trained("gru", base, reader, corpus, job)
        others = {}
        for cell in RIVALS:
            sized = replace(base, width=equal_width(cell, len(reader.vocabulary), base))
            steps = trained(cell, sized, reader, corpus, part(job, f"{cell}_steps"))
            others[f"{cell}, equal steps"] = steps
            spent = ours.facts["seconds"] / steps.facts["seconds"]
            timed = replace(sized, epochs=max(1, round(base.epochs * spent)))
            others[f"{cell}, equal seconds"] = trained(
                cell, timed, reader, corpus, part(job, f"{cell}_seconds")
            )
        return _finish(ours, others, job, document)


def part(job: Job, name: str) -> Job:
    """A job whose curve and checkpoints stand inside the run's folder."""
    inner = replace(job, recipe=name, runs=job.folder / "parts")
    inner.folder.mkdir(parents=True, exist_ok=True)
    return inner


def equal_width(cell: str, vocab_size: int, base: imdb_gru.Config) -> int:
    """The width that brings a classifier of this cell nearest to the GRU's number of weights."""
    wanted = n_weights("gru", vocab_size, base.own_width, base.width)
    return min(
        range(2, 8 * base.width),
        key=lambda width: abs(n_weights(cell, vocab_size, base.own_width, width) - wanted),
    )


def n_weights(cell: str, vocab_size: int, embedding_width: int, width: int) -> int:
    """Weights of a one-layer, two-way classifier, biases included."""
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[cell]
    one_way = gates * width * (embedding_width + width + 2)
    return vocab_size * embedding_width + 2 * one_way + 4 * width + 1


def trained(
    cell: str, config: imdb_gru.Config, reader: Reader, corpus: Corpus, job: Job
) -> Trained:
    """Train one cell from one seed, in a folder of its own inside the run's."""
    job.say(f"{job.recipe}: width {config.width}, {config.epochs} epochs")
    torch.manual_seed(job.seed)
    model = RecurrentClassifier(
        ClassifierConfig(
            vocab_size=len(reader.vocabulary),
            embedding_width=config.own_width,
            width=config.width,
            dropout=config.dropout,
            cell=cell,
            engine=config.engine,
        )
    )
    # On a CPU, processor time: what else the machine does must not decide who gets more epochs.
    clock = time.process_time if job.runtime.device == "cpu" else time.perf_counter
    begun = clock()
    imdb_gru.fit(model, reader, corpus, config, job)
    seconds = clock() - begun
    texts, labels = reader.read(corpus.test)
    predicted = probabilities(model, imdb_gru.in_length_order(texts, labels, 256), job.runtime)
    facts = {
        "width": config.width,
        "weights": sum(p.numel() for p in model.parameters()),
        "epochs": config.epochs,
        "seconds": seconds,
        "tokens": sum(step["tokens"] for step in job.curve.read()),
        **imdb_gru.scores(predicted, np.array(labels)),
    }
    return Trained((predicted >= 0.5) == np.array(labels), facts)


def _finish(
    ours: Trained, others: dict[str, Trained], job: Job, document: dict[str, Any]
) -> dict[str, Any]:
    rivals = {}
    for name, other in others.items():
        margin = paired_bootstrap(ours.right, other.right)
        rivals[name] = other.facts | {"margin": margin.as_dict()}
        job.say(f"{name}: {other.right.mean():.4f} against the GRU's {ours.right.mean():.4f}")
    right: dict[str, Any] = {name: other.right for name, other in others.items()}
    job.keep("scores", {"ours": ours.right, **right})
    return job.finish(
        document,
        metrics=ours.facts,
        rivals=rivals,
        seconds=ours.facts["seconds"],
        tokens=ours.facts["tokens"],
        peak_memory_bytes=max(step["memory"] for step in job.curve.read()),
    )
