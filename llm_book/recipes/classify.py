"""Sorting texts: an encoder that learns from nothing, beside tf-idf and logistic regression.

``small`` sorts the generated world's texts by topic; ``full`` sorts text messages (spam or not),
a bank's questions (77 intents) and news (4 kinds), each with a model of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import torch

from llm_book.data.batches import ShuffledBatches, in_length_order
from llm_book.data.labelled_texts import (
    LabelledText,
    load_ag_news,
    load_banking77,
    load_sms_spam,
)
from llm_book.data.world.classified_texts import class_names, classes
from llm_book.evaluation.classification import confusion_table
from llm_book.evaluation.intervals import paired_bootstrap
from llm_book.evaluation.rivals import tfidf_classes
from llm_book.models.encoder import Encoder, EncoderConfig
from llm_book.models.heads import SequenceClassifier
from llm_book.recipes.job import Job
from llm_book.text.tokenizers import WordTokenizer
from llm_book.text.vocabulary import Vocabulary
from llm_book.training.loop import TrainConfig, train
from llm_book.training.losses import class_loss

RIVAL = "tf-idf 1-2-grams + logistic regression"
TEST_SHARE = 5  # of a set without a split of its own, one text in five is tested


@dataclass(frozen=True)
class Config:
    """Everything that decides the run but the seed.

    ``data`` is "world" (``n_texts`` generated texts on topics for training, half as many for the
    test) or "real" (at most ``n_texts`` of each set for training). The rest are the encoder's and
    the training's settings. Raises ValueError for other data and for counts below 1.
    """

    data: str
    n_texts: int
    max_tokens: int = 96
    vocab_size: int = 10_000
    width: int = 64
    n_layers: int = 2
    n_heads: int = 4
    dropout: float = 0.2
    batch_size: int = 32
    epochs: int = 8
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if self.data not in ("world", "real"):
            raise ValueError(f"data is {self.data!r}; choose 'world' or 'real'")
        for name in ("n_texts", "max_tokens", "epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")


PRESETS = {
    "small": Config(data="world", n_texts=2000, epochs=6),
    "full": Config(data="real", n_texts=1_000_000, epochs=12),
}


@dataclass(frozen=True)
class Task:
    """One set of texts in two parts; no text of the test part stands in the other."""

    name: str
    label_names: tuple[str, ...]
    train: list[LabelledText]
    test: list[LabelledText]

    @property
    def labels(self) -> np.ndarray:
        """The true labels of the test part: [n]."""
        return np.array([text.label for text in self.test])


def run(config: Config, job: Job) -> dict[str, Any]:
    """Train a model for each set, measure it and its rival on the test part, write it all down.

    What a model said is kept as soon as it is known: a run that was killed goes on behind it.
    """
    tasks = tasks_of(config)
    document = job.begin(config, {"name": config.data, "content_sha256": content_hash(tasks)})
    with job.noting_how_it_ends(document):
        metrics: dict[str, float] = {}
        rival: dict[str, Any] = {}
        seconds, tokens = 0.0, 0
        for task in tasks:
            ours, cost = answered(task, config, job)
            theirs = tfidf_classes(*texts_and_labels(task), len(task.label_names))
            metrics |= scores(task, ours)
            rival |= scores(task, theirs)
            right = [said.argmax(axis=1) == task.labels for said in (ours, theirs)]
            margin = paired_bootstrap(*right)
            rival |= {f"{task.name}, margin": margin.as_dict()}
            job.say(
                f"{task.name}: {right[0].mean():.4f} against {right[1].mean():.4f} of the rival, "
                f"margin {margin}"
            )
            seconds, tokens = seconds + cost[0], tokens + int(cost[1])
        return job.finish(
            document,
            metrics=metrics,
            rivals={RIVAL: rival},
            seconds=seconds,
            tokens=tokens,
            peak_memory_bytes=job.runtime.peak_memory(),
        )


def tasks_of(config: Config) -> list[Task]:
    """The sets that the preset sorts."""
    if config.data == "world":
        return [_world(config)]
    messages, news = load_sms_spam(), load_ag_news()
    bank, bank_test = load_banking77("train"), load_banking77("test")
    found = [
        _split("SMS spam", messages.label_names, messages.texts),
        _of("banking77", bank.label_names, bank.texts, bank_test.texts),
        _split("AG News", news.label_names, news.texts),
    ]
    n = config.n_texts
    return [Task(task.name, task.label_names, task.train[:n], task.test) for task in found]


def _world(config: Config) -> Task:
    train, test = (
        [LabelledText(text.text, text.label) for text in classes("topics", n, split=split)]
        for n, split in ((config.n_texts, "train"), (config.n_texts // 2, "test"))
    )
    return Task("topics", class_names("topics"), train, test)


def _split(name: str, label_names: tuple[str, ...], texts: Sequence[LabelledText]) -> Task:
    """A fifth of the different texts for the test, chosen by their hash and so for ever."""
    drawn = {text.text: sha256(text.text.encode()).digest()[0] for text in texts}
    bound = 256 // TEST_SHARE
    test = [text for text in texts if drawn[text.text] < bound]
    return _of(name, label_names, texts, test)


def _of(
    name: str,
    label_names: tuple[str, ...],
    train: Sequence[LabelledText],
    test: Sequence[LabelledText],
) -> Task:
    """Each text once; what is tested is not learned."""
    tested = _once(test)
    seen = {text.text for text in tested}
    learned = [text for text in _once(train) if text.text not in seen]
    return Task(name, label_names, learned, tested)


def _once(texts: Sequence[LabelledText]) -> list[LabelledText]:
    """The first of those that are alike to the letter."""
    found: dict[str, LabelledText] = {}
    for text in texts:
        found.setdefault(text.text, text)
    return list(found.values())


def content_hash(tasks: Sequence[Task]) -> str:
    """Over every text with its label and its part."""
    digest = sha256()
    for task in tasks:
        for part, texts in (("train", task.train), ("test", task.test)):
            for text in texts:
                digest.update(f"{task.name}\t{part}\t{text.label}\t{text.text}\n".encode())
    return digest.hexdigest()


def texts_and_labels(task: Task) -> tuple[list[str], list[int], list[str]]:
    """Training texts, their labels, test texts."""
    train = [text.text for text in task.train], [text.label for text in task.train]
    return *train, [text.text for text in task.test]


def answered(task: Task, config: Config, job: Job) -> tuple[np.ndarray, np.ndarray]:
    """P(label) of every test text [n, labels], and what it cost: [seconds, tokens]."""

    def made() -> dict[str, np.ndarray]:
        said, *cost = learn(task, config, job)
        return {"said": said, "cost": np.array(cost)}

    stored = job.kept(task.name.replace(" ", "-"), made)
    return stored["said"], stored["cost"]


def learn(task: Task, config: Config, job: Job) -> tuple[np.ndarray, float, int]:
    """Train an encoder on the set; P(label) of the test texts, seconds and tokens of training."""
    tokenizer = WordTokenizer()
    vocabulary = Vocabulary.build(
        (tokenizer.tokenize(text.text) for text in task.train),
        min_count=2,
        max_size=config.vocab_size,
    )

    def read(texts: Sequence[LabelledText]) -> tuple[list[list[int]], list[int]]:
        ids = [vocabulary.encode(tokenizer.tokenize(text.text)) for text in texts]
        return [row[: config.max_tokens] for row in ids], [text.label for text in texts]

    torch.manual_seed(job.seed)
    sizes = EncoderConfig(
        vocab_size=len(vocabulary),
        context_length=config.max_tokens,
        width=config.width,
        n_layers=config.n_layers,
        n_heads=config.n_heads,
        dropout=config.dropout,
        engine="torch",
    )
    model = SequenceClassifier(Encoder(sizes), len(task.label_names), "mean", config.dropout)
    batches = ShuffledBatches(*read(task.train), config.batch_size, seed=job.seed)
    steps = batches.steps_per_epoch * config.epochs
    settings = TrainConfig(
        steps=steps, learning_rate=config.learning_rate, warmup_steps=min(100, steps // 10)
    )
    training = train(model, batches, settings, job.runtime, class_loss)
    tokens = 0
    for step in training:
        tokens += step.tokens
        if step.index % batches.steps_per_epoch == 0:
            job.say(f"{task.name}: {step}")
    return class_probabilities(model, read(task.test), job), training.seconds, tokens


@torch.no_grad()
def class_probabilities(
    model: SequenceClassifier, texts: tuple[list[list[int]], list[int]], job: Job
) -> np.ndarray:
    """P(label) of every text: [n, labels]."""
    model.eval()
    found: dict[int, np.ndarray] = {}
    for rows, batch in in_length_order(*texts, 256):
        batch = batch.to(job.runtime.device)
        with job.runtime.autocast():
            logits = model(batch.ids, batch.lengths)
        said = logits.to("cpu", torch.float64).softmax(dim=-1).numpy()
        found |= dict(zip(rows, said, strict=True))
    return np.stack([found[row] for row in range(len(found))])


def scores(task: Task, said: np.ndarray) -> dict[str, float]:
    """Accuracy and the mean F1 of all labels; of a rare label its own F1."""
    names = range(len(task.label_names))
    table = confusion_table(task.labels, said.argmax(axis=1), classes=list(names))
    found = {f"{task.name}, accuracy": table.accuracy, f"{task.name}, macro F1": table.macro.f1}
    if "spam" in task.label_names:
        found[f"{task.name}, F1 of spam"] = table.of(task.label_names.index("spam")).f1
    return found
