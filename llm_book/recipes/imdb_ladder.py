"""Sentiment of film reviews in rungs, the last of which pretrains the GRU as a language model.

Random word vectors; GloVe's; GloVe's and weights that have first learned to guess the words around
a position (Dai and Le 2015, Howard and Ruder 2018); and, as the control, GloVe's trained for as
long as pretraining and fine-tuning take. The language models read the texts of the training part
alone. Dai and Le had 50,000 unlabelled reviews besides, which the mirror of this book has not.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from llm_book.data.batches import ShuffledBatches, in_length_order
from llm_book.data.pieces import pieces
from llm_book.evaluation.intervals import paired_bootstrap
from llm_book.evaluation.language_modelling import Surprise
from llm_book.evaluation.mixing import best_weight, mixed
from llm_book.evaluation.predictions import probabilities
from llm_book.evaluation.rivals import naive_bayes_bigrams
from llm_book.models.classifier import RecurrentClassifier
from llm_book.models.two_way_language_model import TwoWayLM, TwoWayLMConfig, neighbours
from llm_book.recipes import imdb_gru
from llm_book.recipes.imdb_gru import Corpus, Reader, build_model, load_corpus, rivals_on, scores
from llm_book.recipes.job import Job
from llm_book.results import read_json, write_json
from llm_book.shapes import Batch, Review
from llm_book.training.loop import TrainConfig, train
from llm_book.training.losses import Loss
from llm_book.training.sampled_softmax import chances, draw, sampled_cross_entropy

RANDOM, GLOVE, LONGER, OURS = "random", "GloVe", "longer", "pretrained"
LANGUAGE_MODEL, MIXED = "language model", "with the bag"
BAG = "NB-weighted 1-2-grams + logistic regression, same rows"
PERPLEXITY = "perplexity.json"
EVALUATED = 256  # texts read at once when nothing is learned
NEVER = 10**9  # evaluations


@dataclass(frozen=True)
class Config(imdb_gru.Config):
    """Everything that decides the run but the seed; most of it is ``imdb_gru``'s.

    The language models read reviews whole, in pieces of at most ``lm_tokens``, ``lm_epochs`` times,
    and tell each word from about ``lm_drawn`` others. Their perplexity is that of ``lm_scored``
    reviews for validation. ``longer_epochs`` are the control's, so many that it takes the seconds
    of pretraining and fine-tuning together. Raises ValueError for counts below 1.
    """

    lm_epochs: int
    lm_batch_size: int
    lm_tokens: int
    lm_drawn: int
    lm_learning_rate: float
    lm_dropout: float
    lm_scored: int
    longer_epochs: int

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("lm_epochs", "lm_batch_size", "lm_drawn", "lm_scored", "longer_epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.lm_tokens < 2:
            raise ValueError(
                f"lm_tokens is {self.lm_tokens}; a piece needs at least 2 tokens, one to read and "
                "one to guess"
            )

    def language_model(self, vocab_size: int) -> TwoWayLMConfig:
        """The shape of the language models: the classifier's, less its head."""
        return TwoWayLMConfig(
            vocab_size=vocab_size,
            embedding_width=self.glove_width + self.own_width,
            width=self.width,
            dropout=self.lm_dropout,
            engine=self.engine,
        )

    @property
    def rungs(self) -> tuple[str, ...]:
        """The networks from the lowest rung up; without GloVe's vectors there is one less."""
        return (RANDOM, GLOVE, LONGER, OURS) if self.glove_width else (RANDOM, LONGER, OURS)


PRESETS = {
    "small": Config(
        data="world",
        n_train=2000,
        n_validation=500,
        n_test=2000,
        vocab_size=5000,
        min_count=2,
        max_tokens=200,
        glove_width=0,
        own_width=48,
        width=32,
        dropout=0.3,
        engine="torch",
        batch_size=32,
        epochs=5,
        learning_rate=6e-3,
        average_decay=0.98,
        evaluations_per_epoch=2,
        patience=4,
        checkpoint_every=50,
        lm_epochs=3,
        lm_batch_size=32,
        lm_tokens=100,
        lm_drawn=64,
        lm_learning_rate=1e-2,
        lm_dropout=0.1,
        lm_scored=100,
        longer_epochs=9,
    ),
    "cpu": Config(
        data="imdb",
        n_train=25_000,
        n_validation=0,
        n_test=25_000,
        vocab_size=30_000,
        min_count=2,
        max_tokens=400,
        glove_width=50,
        own_width=32,
        width=64,
        dropout=0.4,
        engine="torch",
        batch_size=64,
        epochs=2,
        learning_rate=3e-3,
        average_decay=0.998,
        evaluations_per_epoch=4,
        patience=8,
        checkpoint_every=100,
        lm_epochs=1,
        lm_batch_size=64,
        lm_tokens=128,
        lm_drawn=256,
        lm_learning_rate=4e-3,
        lm_dropout=0.1,
        lm_scored=100,
        longer_epochs=4,
    ),
}
# A size for a GPU, which has not been tried.
PRESETS["full"] = replace(
    PRESETS["cpu"],
    glove_width=300,
    own_width=100,
    width=512,
    dropout=0.5,
    epochs=4,
    learning_rate=1e-3,
    lm_epochs=10,
    lm_tokens=200,
    lm_drawn=8192,
    lm_learning_rate=2e-3,
    lm_dropout=0.3,
    lm_scored=1476,
    longer_epochs=16,
)


def run(config: Config, job: Job) -> dict[str, Any]:
    """Train every rung of one seed, then let all of them and the bags read the test part.

    The pretrained network is "ours" in the record, the other rungs stand among its rivals. What a
    rung has learned is kept, and it has checkpoints of its own: a killed run goes on in it.
    """
    corpus = load_corpus(config)
    document = job.begin(config, corpus.facts | {"language models read": read_by_lm(corpus)})
    with job.noting_how_it_ends(document):
        reader = Reader.for_corpus(corpus, config)
        models = {name: learned(name, reader, corpus, config, job) for name in config.rungs}
        return measure(models, reader, corpus, config, job, document)


def read_by_lm(corpus: Corpus) -> str:
    """What the record says of the texts that are read without their labels."""
    return (
        f"the texts of the {len(corpus.train):,} train reviews; neither those of validation and "
        "test nor any unlabelled ones"
    )


def part(job: Job, name: str) -> Job:
    """The job of one rung: the whole job's folder is ours, another has a folder within it."""
    own = replace(job, say=lambda said: job.say(f"{name}: {said}"))
    return own if name == OURS else replace(own, recipe=name.replace(" ", "_"), runs=job.folder)


def learned(
    name: str, reader: Reader, corpus: Corpus, config: Config, job: Job
) -> RecurrentClassifier:
    """The classifier of one rung with the weights that validation liked best."""
    own = part(job, name)
    own.folder.mkdir(exist_ok=True)

    def weights() -> dict[str, np.ndarray]:
        model = beginning(name, reader, corpus, config, job).to(job.runtime.device)
        torch.manual_seed(job.seed)
        imdb_gru.fit(model, reader, corpus, settings(name, config), own)
        return as_arrays(model)

    kept = own.kept("weights", weights)
    return with_arrays(build_model(config, reader.vocabulary, job.seed), kept)


def settings(name: str, config: Config) -> Config:
    """How a rung is trained: all alike, but the control has its epochs and is never cut short."""
    return (
        replace(config, epochs=config.longer_epochs, patience=NEVER) if name == LONGER else config
    )


def beginning(
    name: str, reader: Reader, corpus: Corpus, config: Config, job: Job
) -> RecurrentClassifier:
    """A rung's classifier before it has seen a label; where nothing else is said, all begin alike.

    The lowest has other numbers in GloVe's place, as many and as large.
    """
    torch.manual_seed(job.seed)
    model = build_model(config, reader.vocabulary, job.seed)
    if name == RANDOM and config.glove_width:
        with torch.no_grad():
            drawn = torch.randn(len(reader.vocabulary) - 1, config.glove_width)
            model.embedding.weight[1:, : config.glove_width] = drawn * imdb_gru.FIRST_SCALE
    if name == OURS:
        hand_over(pretrained(reader, corpus, config, job), model)
    return model


def hand_over(
    source: TwoWayLM | RecurrentClassifier, target: TwoWayLM | RecurrentClassifier
) -> None:
    """Give ``target`` the word vectors and recurrent weights of ``source``, in place."""
    for name in ("embedding", "recurrent"):
        getattr(target, name).load_state_dict(getattr(source, name).state_dict())


def pretrained(reader: Reader, corpus: Corpus, config: Config, job: Job) -> TwoWayLM:
    """The language models, which begin with the weights of the rung below, read back if kept."""
    own = part(job, LANGUAGE_MODEL)
    own.folder.mkdir(exist_ok=True)
    torch.manual_seed(job.seed)
    first = build_model(config, reader.vocabulary, job.seed)
    model = TwoWayLM(config.language_model(len(reader.vocabulary)))
    hand_over(first, model)
    model.to(job.runtime.device)

    def weights() -> dict[str, np.ndarray]:
        read(model, reader, corpus, config, own)
        return as_arrays(model)

    return with_arrays(model, own.kept("weights", weights))


def read(model: TwoWayLM, reader: Reader, corpus: Corpus, config: Config, job: Job) -> None:
    """Train the language models to the last step, their perplexity noted before and after."""
    texts = pieces(whole(reader, corpus.train), config.lm_tokens)
    batches = ShuffledBatches(texts, [0] * len(texts), config.lm_batch_size, seed=job.seed)
    steps = batches.steps_per_epoch * config.lm_epochs
    plan = TrainConfig(
        steps=steps, learning_rate=config.lm_learning_rate, warmup_steps=min(steps // 10, 100)
    )
    held_out = whole(reader, imdb_gru.some_of(corpus.validation, config.lm_scored))
    path = job.folder / PERPLEXITY
    if not path.exists():
        write_json(path, {"before": surprise_at(model, held_out, job).perplexity})
    loss = guessing_loss(chances(texts, len(reader.vocabulary), config.lm_drawn))
    training = train(model, batches, plan, job.runtime, loss)
    for step in job.steps(training, config.checkpoint_every):
        job.say(f"{step}")
    after = surprise_at(model, held_out, job).perplexity
    write_json(path, read_json(path) | {"after": after})
    job.say(f"perplexity {read_json(path)['before']:.0f} before, {after:.0f} after")


def whole(reader: Reader, texts: list[Review]) -> list[list[int]]:
    """The ids of the texts with nothing left out of the middle."""
    return [reader.vocabulary.encode(reader.tokenizer.tokenize(review.text)) for review in texts]


def guessing_loss(chance: torch.Tensor) -> Loss:
    """Surprise at both neighbours among words drawn anew for each batch."""

    def loss(model: TwoWayLM, batch: Batch) -> torch.Tensor:
        guesses, targets = neighbours(model(batch.ids, batch.lengths), batch.ids, batch.lengths)
        drawn, likely = draw(chance).to(guesses.device), chance.to(guesses.device)
        return sampled_cross_entropy(
            guesses, targets, model.embedding.weight, model.bias, drawn, likely
        )

    return loss


@torch.no_grad()
def surprise_at(model: TwoWayLM, texts: list[list[int]], job: Job) -> Surprise:
    """What both neighbours cost of all words of the vocabulary, none of them drawn."""
    nats, n = 0.0, 0
    model.eval()
    for _, batch in in_length_order(texts, [0] * len(texts), 16):
        batch = batch.to(job.runtime.device)
        found = neighbours(model(batch.ids, batch.lengths), batch.ids, batch.lengths)
        for guesses, targets in zip(*(one.split(2048) for one in found), strict=True):
            cost = torch.nn.functional.cross_entropy(model.logits(guesses), targets)
            nats, n = nats + float(cost) * len(targets), n + len(targets)
    return Surprise(nats, n)


def as_arrays(model: torch.nn.Module) -> dict[str, np.ndarray]:
    """The weights as numpy's arrays, by their names."""
    return {name: weight.cpu().numpy() for name, weight in model.state_dict().items()}


def with_arrays(model: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The model with the weights that ``as_arrays`` gave."""
    model.load_state_dict({name: torch.from_numpy(weight) for name, weight in arrays.items()})
    return model


def measure(
    models: dict[str, RecurrentClassifier],
    reader: Reader,
    corpus: Corpus,
    config: Config,
    job: Job,
    document: dict[str, Any],
) -> dict[str, Any]:
    """Read the test part, for the first time, with every rung; and with the bags; write it down."""
    found = {name: both_parts(model, reader, corpus, job) for name, model in models.items()}
    found[MIXED], weight = with_the_bag(found[OURS], bag(corpus, job), corpus)
    labels = labels_of(corpus.test)
    right = {name: (test >= 0.5) == labels for name, (_, test) in found.items()}
    right |= dict(rivals_on(corpus, job))
    costs = {name: part(job, name).curve.read() for name in (*config.rungs, LANGUAGE_MODEL)}
    ours, others = right[OURS], {name: one for name, one in right.items() if name != OURS}
    job.keep("scores", {"ours": ours, **others})
    return job.finish(
        document,
        metrics=scores(found[OURS][1], labels)
        | of_rungs(found, corpus, job)
        | {f"weight of the GRU, {MIXED}": weight}
        | margins(right)
        | {f"seconds, {name}": curve[-1]["seconds"] for name, curve in costs.items()}
        | {f"perplexity {when}": said for when, said in perplexities(job).items()},
        rivals={
            name: {"accuracy": float(one.mean()), "margin": paired_bootstrap(ours, one).as_dict()}
            for name, one in others.items()
        },
        seconds=sum(curve[-1]["seconds"] for curve in costs.values()),
        tokens=sum(step["tokens"] for curve in costs.values() for step in curve),
        peak_memory_bytes=max(step["memory"] for curve in costs.values() for step in curve),
    )


def of_rungs(
    found: dict[str, tuple[np.ndarray, np.ndarray]], corpus: Corpus, job: Job
) -> dict[str, float]:
    """Every rung's scores on the test part and its accuracy on validation, by flat names."""
    metrics: dict[str, float] = {}
    for name, (validation, test) in found.items():
        said = scores(test, labels_of(corpus.test))
        metrics |= {f"{key}, {name}": value for key, value in said.items() if key != "n"}
        hits = (validation >= 0.5) == labels_of(corpus.validation)
        metrics[f"validation accuracy, {name}"] = float(hits.mean())
        job.say(f"{name}: test accuracy {said['accuracy']:.4f}, loss {said['loss']:.4f}")
    return metrics


def labels_of(texts: list[Review]) -> np.ndarray:
    """The labels of reviews, in their order."""
    return np.array([review.label for review in texts])


def perplexities(job: Job) -> dict[str, float]:
    """Of the language models on held-out reviews, before training and after."""
    return read_json(part(job, LANGUAGE_MODEL).folder / PERPLEXITY)


def both_parts(
    model: RecurrentClassifier, reader: Reader, corpus: Corpus, job: Job
) -> tuple[np.ndarray, np.ndarray]:
    """P(praise) of every review for validation, and of every one of the test part."""
    model.to(job.runtime.device)
    validation, test = (
        probabilities(model, in_length_order(*reader.read(texts), EVALUATED), job.runtime)
        for texts in (corpus.validation, corpus.test)
    )
    return validation, test


def bag(corpus: Corpus, job: Job) -> tuple[np.ndarray, np.ndarray]:
    """The same of the bag of word pairs that learned from the training part."""

    def answers() -> dict[str, np.ndarray]:
        texts, labels = [r.text for r in corpus.train], [r.label for r in corpus.train]
        new = [r.text for r in corpus.validation + corpus.test]
        return {"probability": naive_bayes_bigrams(texts, labels, new)}

    found = job.kept("bag", answers)["probability"]
    return found[: len(corpus.validation)], found[len(corpus.validation) :]


def with_the_bag(
    ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray], corpus: Corpus
) -> tuple[tuple[np.ndarray, np.ndarray], float]:
    """Both parts' weighted means of log-odds, and our weight, which validation chooses.

    Mesnil et al. (2015) put a recurrent language model and this bag together.
    """
    weight = best_weight(ours[0], theirs[0], labels_of(corpus.validation))
    return (mixed(ours[0], theirs[0], weight), mixed(ours[1], theirs[1], weight)), weight


def margins(right: dict[str, np.ndarray]) -> dict[str, float]:
    """How much accuracy a rung has over another, and each over the bag, with 95 % ends."""
    below = GLOVE if GLOVE in right else RANDOM
    pairs = [(GLOVE, RANDOM), (LONGER, below), (OURS, below), (OURS, LONGER), (MIXED, OURS)]
    pairs += [(name, BAG) for name in (RANDOM, GLOVE, LONGER, OURS, MIXED)]
    found: dict[str, float] = {}
    for name, other in pairs:
        if name in right:
            gain = paired_bootstrap(right[name], right[other])
            said = f"{name} minus {'bag' if other == BAG else other}"
            found |= {said: gain.estimate, f"{said}, low": gain.low, f"{said}, high": gain.high}
    return found
