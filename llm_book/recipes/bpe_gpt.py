"""Loss against size: a sweep of GPTs on one text, cut by a BPE of our own, and the fitted law.

One run is one seed is the whole sweep. Every model reads the same windows of the same tokens in the
same order, with the same batch, warm-up, cosine and weight decay; what differs is the shape. With
it go, by rule, what a width needs: the learning rate is divided by it, and the weights begin so
that the first logits are as large as GPT-2's. Since all read equally many tokens, the floor is that
of so much reading, not of the language alone.

``small`` reads the generated world's stories; ``cpu`` reads novels (11 million words) with models
for a processor, ``full`` the same novels with models for a GPU.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from typing import Any

import numpy as np
import torch

from llm_book.data.novels import load_novels
from llm_book.data.windows import RandomWindows
from llm_book.data.world.storytelling import stories
from llm_book.evaluation.accounting import parameter_terms, six_n_d
from llm_book.evaluation.floored_power_law import fit_floored_power_law
from llm_book.evaluation.language_modelling import Surprise, each_target_once, evaluate
from llm_book.evaluation.power_law import fit_power_law
from llm_book.models.transformer import GPT, GPTConfig
from llm_book.recipes.job import Job
from llm_book.text.bpe import BPETokenizer
from llm_book.training.loop import TrainConfig, train
from llm_book.training.losses import token_loss

HELD_OUT = 10  # of the novels, or stories, every tenth is for validation, whole
LEAST = 5000  # characters of a held-out text, where it has them: beginnings alone are odd texts
FEWEST = 5  # models that a law with a floor can be fitted to
NARROW = 64  # the width whose learning rate the settings give
WIDE, SCALE = 768, 0.02  # GPT-2's width, and how large its weights begin
TABLES = ("embedding", "positions")  # looked up, not multiplied with; the head is the embedding
COUNTED = {"all": "parameters", "without tables": "parameters_without_tables"}


@dataclass(frozen=True)
class Config:
    """Everything that decides the run but the seed.

    ``data`` is "world" (stories of the generated world) or "novels"; ``n_characters`` of it are
    learned from at most and ``n_held_out`` predicted, of each held-out novel as many.
    ``sizes`` names the models, width x layers: "16x1 32x2 …". ``learning_rate`` is that of a
    model 64 wide. Raises ValueError for other data, for sizes that are no sweep, for counts
    below 1 and a vocabulary that has no room for the bytes or is too large to be kept.
    """

    data: str
    n_characters: int
    n_held_out: int
    vocab_size: int
    sizes: str
    head_width: int
    context_length: int
    batch_size: int
    steps: int
    learning_rate: float = 6e-3
    warmup_steps: int = 100
    weight_decay: float = 0.1

    def __post_init__(self) -> None:
        if self.data not in ("world", "novels"):
            raise ValueError(f"data is {self.data!r}; choose 'world' or 'novels'")
        counts = ("n_characters", "n_held_out", "head_width", "context_length", "batch_size")
        for name in (*counts, "steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not 256 <= self.vocab_size <= 1 << 16:
            raise ValueError(f"vocab_size is {self.vocab_size}; expected 256 to 65,536")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate is {self.learning_rate}; it must be above 0")
        self._check_sizes()

    def _check_sizes(self) -> None:
        for name in self.sizes.split():
            if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", name):
                raise ValueError(f"size {name!r} is no width x layers; write e.g. 64x4")
            if self.shape(name)[0] % self.head_width:
                raise ValueError(
                    f"the width of {name} is not made of heads {self.head_width} wide; choose a "
                    "multiple"
                )
        if len(self.names) < FEWEST:
            raise ValueError(
                f"sizes name {len(self.names)} different models; a curve with a floor needs "
                f"{FEWEST} or more"
            )

    @property
    def names(self) -> list[str]:
        """The models, each once, in the order given."""
        return list(dict.fromkeys(self.sizes.split()))

    def shape(self, name: str) -> tuple[int, int]:
        """Width and layers of a model."""
        width, layers = name.split("x")
        return int(width), int(layers)

    @property
    def tokens_read(self) -> int:
        """By each model."""
        return self.steps * self.batch_size * self.context_length


PRESETS = {
    "small": Config(
        data="world",
        n_characters=300_000,
        n_held_out=20_000,
        vocab_size=512,
        sizes="8x1 8x2 16x1 16x2 24x1 24x2 32x1 32x2 32x3 48x2 48x3 64x3",
        head_width=8,
        context_length=32,
        batch_size=32,
        steps=300,
        learning_rate=3e-3,
        warmup_steps=30,
    ),
    "cpu": Config(
        data="novels",
        n_characters=100_000_000,
        n_held_out=300_000,
        vocab_size=2048,
        sizes="16x1 32x1 32x2 48x1 48x2 64x2 64x3 80x3 96x3 112x3 128x4 160x4",
        head_width=16,
        context_length=128,
        batch_size=8,
        steps=1400,
    ),
    "full": Config(
        data="novels",
        n_characters=100_000_000,
        n_held_out=2_000_000,
        vocab_size=8192,
        sizes="64x2 64x4 128x3 128x6 192x5 256x5 256x8 384x6 512x6 512x10 640x10 768x12",
        head_width=64,
        context_length=256,
        batch_size=64,
        steps=3000,
        warmup_steps=300,
    ),
}


@dataclass(frozen=True)
class Corpus:
    """A text to learn from and another to predict."""

    train: str
    held_out: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Tokens:
    """Both texts as ids, and how many ids there are."""

    train: np.ndarray
    held_out: np.ndarray
    vocab_size: int


@dataclass(frozen=True)
class Model:
    """One model of the sweep: its size, what it was trained with, and what came out.

    ``loss`` in nats a token, ``flop`` by 6 N D with all parameters.
    """

    name: str
    width: int
    layers: int
    parameters: int
    parameters_without_tables: int
    flop: float
    learning_rate: float
    loss: float
    bits_per_byte: float
    seconds: float


def run(config: Config, job: Job) -> dict[str, Any]:
    """Train every model of the sweep from one seed, fit the laws, write the run's documents.

    The tokens and each model's result are kept as soon as they are there.
    """
    corpus = load_corpus(config)
    document = job.begin(config, corpus.facts)
    with job.noting_how_it_ends(document):
        tokens = encoded(corpus, config, job)
        models, peak = [], 0
        for name in config.names:
            stored = job.kept(name, partial(learned, name, tokens, config, job))
            models.append(measured(name, stored, corpus, tokens, config))
            peak = max(peak, int(stored["peak"]))
            job.say(told(models[-1]))
        metrics = {f"{model.name}, validation loss": model.loss for model in models}
        laws, intervals = fitted(models)
        job.say(", ".join(f"{name} {value:.3f}" for name, value in laws.items()))
        return job.finish(
            document,
            metrics=metrics
            | laws
            | {"models": [asdict(model) for model in models], "intervals": intervals},
            rivals={},
            seconds=sum(model.seconds for model in models),
            tokens=config.tokens_read * len(models),
            peak_memory_bytes=peak,
        )


def load_corpus(config: Config) -> Corpus:
    """The texts that the preset reads, as whole as they come."""
    texts = load_novels("medium").split("\n\n") if config.data == "novels" else world(config)
    held_out = texts[HELD_OUT - 1 :: HELD_OUT]
    learning = [text for place, text in enumerate(texts) if (place + 1) % HELD_OUT]
    a_piece = max(LEAST, config.n_held_out // len(held_out))
    train = "\n\n".join(learning)[: config.n_characters]
    predicted = "\n\n".join(text[:a_piece] for text in held_out)[: config.n_held_out]
    digest = sha256(f"{len(train)}\t{train}{predicted}".encode()).hexdigest()
    report = (
        f"{len(train):,} characters to learn from, {len(predicted):,} to predict, of "
        f"{len(held_out):,} texts; each model reads {config.tokens_read:,} tokens"
    )
    facts = {"name": config.data, "content_sha256": digest, "report": report}
    return Corpus(train, predicted, facts)


def world(config: Config) -> list[str]:
    """Stories of the world, somewhat more than are needed."""
    return [story.text for story in stories(HELD_OUT + config.n_characters // 50)]


def encoded(corpus: Corpus, config: Config, job: Job) -> Tokens:
    """Both texts as ids of a BPE that has learned from the first."""

    def made() -> dict[str, np.ndarray]:
        tokenizer = BPETokenizer.train(corpus.train, config.vocab_size)
        parts = {"train": corpus.train, "held_out": corpus.held_out}
        ids = {name: np.array(tokenizer.encode(text), np.uint16) for name, text in parts.items()}
        return ids | {"vocab_size": np.array(tokenizer.vocab_size)}

    found = job.kept("tokens", made)
    job.say(f"{len(found['train']):,} tokens to learn from, {len(found['held_out']):,} to predict")
    return Tokens(found["train"], found["held_out"], int(found["vocab_size"]))


def sizes(name: str, vocab_size: int, config: Config) -> GPTConfig:
    """A model's shape, its weights beginning so that its first logits are as large as GPT-2's."""
    width, layers = config.shape(name)
    return GPTConfig.gpt2(
        vocab_size=vocab_size,
        context_length=config.context_length,
        width=width,
        n_layers=layers,
        n_heads=width // config.head_width,
        bias=False,
        initial_scale=SCALE * (WIDE / width) ** 0.5,
        engine="torch",
    )


def learning_rate(name: str, config: Config) -> float:
    """The peak of a model's schedule: one over the width, as Adam's steps inside a model need.

    Source: Yang et al. (2022), who divide the rates of inner matrices alone.
    """
    return config.learning_rate * NARROW / config.shape(name)[0]


def learned(name: str, tokens: Tokens, config: Config, job: Job) -> dict[str, np.ndarray]:
    """Train one model: what the held-out text cost it in nats, its curve and what training took."""
    torch.manual_seed(job.seed)
    model = GPT(sizes(name, tokens.vocab_size, config)).to(job.runtime.device)
    batches = RandomWindows(tokens.train, config.batch_size, config.context_length, job.seed)
    rate = learning_rate(name, config)
    settings = TrainConfig(
        steps=config.steps,
        learning_rate=rate,
        final_learning_rate=rate / 10,
        warmup_steps=min(config.warmup_steps, config.steps // 10),
        weight_decay=config.weight_decay,
        betas=(0.9, 0.99),
    )
    began, curve, peak = time.perf_counter(), [], 0
    for step in train(model, batches, settings, job.runtime, token_loss):
        curve.append(step.loss)
        peak = max(peak, step.memory)
    cost = validate(model, tokens, config, job)
    return {
        "nats": np.array(cost.nats),
        "tokens": np.array(cost.tokens),
        "curve": np.array(curve, np.float32),
        "seconds": np.array(time.perf_counter() - began),
        "peak": np.array(peak),
    }


def validate(model: GPT, tokens: Tokens, config: Config, job: Job) -> Surprise:
    """What the held-out text costs: every token once, half a window before it at least."""
    length, ids = config.context_length, torch.from_numpy(tokens.held_out.astype(np.int64))
    windows = each_target_once(ids, length, -(-length // 2), config.batch_size)
    return evaluate(model, windows, job.runtime)


def measured(
    name: str, stored: dict[str, np.ndarray], corpus: Corpus, tokens: Tokens, config: Config
) -> Model:
    """A model's size beside what it came to."""
    terms = parameter_terms(sizes(name, tokens.vocab_size, config))
    n = sum(terms.values())
    cost = Surprise(float(stored["nats"]), int(stored["tokens"]))
    width, layers = config.shape(name)
    return Model(
        name=name,
        width=width,
        layers=layers,
        parameters=n,
        parameters_without_tables=n - sum(terms[table] for table in TABLES),
        flop=six_n_d(n, config.tokens_read),
        learning_rate=learning_rate(name, config),
        loss=cost.loss,
        bits_per_byte=cost.bits_per_byte(corpus.held_out),
        seconds=float(stored["seconds"]),
    )


def told(model: Model) -> str:
    """One line on a model."""
    return (
        f"{model.name}: {model.parameters:,} parameters, {model.parameters_without_tables:,} "
        f"without tables, {model.flop:.2e} FLOP, validation loss {model.loss:.4f}, "
        f"{model.seconds:.0f} s"
    )


def fitted(models: Sequence[Model]) -> tuple[dict[str, float], dict[str, Any]]:
    """Exponents and floors of the loss against the number of parameters, and their intervals.

    Those of the law with a floor are over models drawn with replacement, those of the law without
    are Student's. Raises ValueError where the loss does not fall as the models grow.
    """
    losses, found = [model.loss for model in models], {}
    for counted, field in COUNTED.items():
        n = [getattr(model, field) for model in models]
        floored = fit_floored_power_law(n, losses)
        found[f"{counted}: exponent with a floor"] = floored.exponent
        found[f"{counted}: floor"] = floored.floor
        found[f"{counted}: exponent without a floor"] = fit_power_law(n, losses).exponent
    estimates = {name: interval.estimate for name, interval in found.items()}
    return estimates, {name: interval.as_dict() for name, interval in found.items()}
