"""A GPT that writes character by character, beside counts of characters smoothed by Kneser and Ney.

``small`` learns the generated world's stories, ``cpu`` tiny Shakespeare at a size for a processor,
``full`` at a size for a GPU. Sizes and settings of the last two are nanoGPT's (Karpathy 2022).
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import torch

from llm_book.data.character_corpora import load_tiny_shakespeare
from llm_book.data.windows import RandomWindows
from llm_book.data.world.storytelling import stories
from llm_book.evaluation.language_modelling import Surprise, each_target_once, evaluate
from llm_book.models.counting import NGramCounts
from llm_book.models.counting_kneser_ney import KneserNey
from llm_book.models.transformer import GPT, GPTConfig
from llm_book.recipes.job import Job
from llm_book.text.tokenizers import CharTokenizer
from llm_book.training.loop import TrainConfig, Training, train
from llm_book.training.losses import token_loss

ORDERS = (3, 6)  # characters that a rival counts together
HELD_OUT = 10  # the last tenth of the text is for validation
RIVAL_WINDOW = 2048  # so that few characters stand at a beginning, with no context


@dataclass(frozen=True)
class Config:
    """Everything that decides the run but the seed.

    ``data`` is "world" (stories of the generated world) or "shakespeare"; ``n_characters`` of it
    are read at most. Validation comes every ``evaluate_every`` steps. Raises ValueError for other
    data and for counts below 1.
    """

    data: str
    n_characters: int
    width: int
    n_layers: int
    n_heads: int
    context_length: int
    dropout: float
    batch_size: int
    steps: int
    learning_rate: float
    warmup_steps: int = 100
    weight_decay: float = 0.1
    evaluate_every: int = 250

    def __post_init__(self) -> None:
        if self.data not in ("world", "shakespeare"):
            raise ValueError(f"data is {self.data!r}; choose 'world' or 'shakespeare'")
        for name in ("n_characters", "batch_size", "context_length", "evaluate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")


SHAKESPEARE: dict[str, Any] = {
    "data": "shakespeare",
    "n_characters": 10_000_000,
    "learning_rate": 1e-3,
}
PRESETS = {
    "small": Config(
        data="world",
        n_characters=120_000,
        width=64,
        n_layers=2,
        n_heads=4,
        context_length=64,
        dropout=0.0,
        batch_size=12,
        steps=400,
        learning_rate=3e-3,
        evaluate_every=100,
    ),
    "cpu": Config(
        **SHAKESPEARE,
        width=128,
        n_layers=4,
        n_heads=4,
        context_length=64,
        dropout=0.0,
        batch_size=12,
        steps=2000,
    ),
    "full": Config(
        **SHAKESPEARE,
        width=384,
        n_layers=6,
        n_heads=6,
        context_length=256,
        dropout=0.2,
        batch_size=64,
        steps=5000,
    ),
}


@dataclass(frozen=True)
class Corpus:
    """A text in two parts, as ids of characters."""

    tokenizer: CharTokenizer
    train: torch.Tensor
    validation: torch.Tensor
    validation_text: str
    facts: dict[str, Any]


def run(config: Config, job: Job) -> dict[str, Any]:
    """Train one seed, measure it and the rivals on the last tenth, write the run's documents.

    The record holds the best validation loss as well as the last: where they differ, the model
    has begun to learn its text by heart.
    """
    corpus = load_corpus(config)
    document = job.begin(config, corpus.facts)
    with job.noting_how_it_ends(document):
        torch.manual_seed(job.seed)
        model = build(config, corpus.tokenizer.vocab_size).to(job.runtime.device)
        training = fit(model, corpus, config, job)
        last = validate(model, corpus, config, job)
        best = min(entry["loss"] for entry in job.validation.read())
        metrics = scores(last, corpus) | {"best validation loss": best}
        rivals = {}
        for order in ORDERS:
            name = f"Kneser-Ney, {order} characters"
            rivals[name] = scores(counted(corpus, order), corpus)
            job.say(f"{name}: {rivals[name]['validation loss']:.4f} nats a character")
        curve = job.curve.read()
        return job.finish(
            document,
            metrics=metrics | {"parameters": sum(p.numel() for p in model.parameters())},
            rivals=rivals,
            seconds=training.seconds,
            tokens=sum(step["tokens"] for step in curve),
            peak_memory_bytes=max(step["memory"] for step in curve),
        )


def load_corpus(config: Config) -> Corpus:
    """The text that the preset reads."""
    text = load_tiny_shakespeare() if config.data == "shakespeare" else told(config.n_characters)
    text = text[: config.n_characters]
    tokenizer = CharTokenizer.train(text)
    ids = torch.tensor(tokenizer.encode(text), dtype=torch.int64)
    border = len(ids) - len(ids) // HELD_OUT
    facts = {
        "name": config.data,
        "content_sha256": sha256(text.encode()).hexdigest(),
        "report": f"{border:,} characters to learn, {len(ids) - border:,} to predict",
    }
    return Corpus(tokenizer, ids[:border], ids[border:], text[border:], facts)


def told(n_characters: int) -> str:
    """Stories of the world, one a line, until there are enough characters."""
    n = 1 + n_characters // 100
    while len(text := "\n".join(story.text for story in stories(n))) < n_characters:
        n *= 2
    return text


def build(config: Config, vocab_size: int) -> GPT:
    """The model, its weights drawn from PyTorch's generator as it stands."""
    sizes = GPTConfig.gpt2(
        vocab_size=vocab_size,
        context_length=config.context_length,
        width=config.width,
        n_layers=config.n_layers,
        n_heads=config.n_heads,
        dropout=config.dropout,
        bias=False,
        engine="torch",
    )
    return GPT(sizes)


def fit(model: GPT, corpus: Corpus, config: Config, job: Job) -> Training:
    """Train to the last step."""
    batches = RandomWindows(corpus.train, config.batch_size, config.context_length, job.seed)
    settings = TrainConfig(
        steps=config.steps,
        learning_rate=config.learning_rate,
        final_learning_rate=config.learning_rate / 10,
        warmup_steps=min(config.warmup_steps, config.steps // 10),
        weight_decay=config.weight_decay,
        betas=(0.9, 0.99),
    )
    training = train(model, batches, settings, job.runtime, token_loss)
    for step in job.steps(training, config.evaluate_every):
        loss = validate(model, corpus, config, job).loss
        job.validation.append({"index": step.index, "loss": loss})
        job.say(f"{step}   validation loss {loss:.4f}")
    return training


def validate(model: GPT, corpus: Corpus, config: Config, job: Job) -> Surprise:
    """What the held-out tenth costs: every character once, half a window before it at least."""
    length = config.context_length
    return evaluate(
        model, each_target_once(corpus.validation, length, -(-length // 2), 64), job.runtime
    )


def counted(corpus: Corpus, order: int) -> Surprise:
    """What it costs a model that counts ``order`` characters together."""
    counts = NGramCounts([corpus.train], order, corpus.tokenizer.vocab_size, borders=False)
    windows = each_target_once(corpus.validation, RIVAL_WINDOW, RIVAL_WINDOW - order, batch_size=1)
    return evaluate(KneserNey(counts, modified=True), windows)


def scores(cost: Surprise, corpus: Corpus) -> dict[str, float]:
    """Nats a character, and bits a byte of the text."""
    return {
        "validation loss": cost.loss,
        "bits per byte": cost.bits_per_byte(corpus.validation_text),
    }
