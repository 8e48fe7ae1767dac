"""LSTM, GRU and GPT as language models of one size, and counts of tokens beside them.

All three have the parameters of the GPT, within 2 %, and read the same batches. ``small`` learns
the generated world's stories, ``cpu`` novels at a size for a processor, ``full`` at a size for a
GPU; a tenth of the novels is held out whole.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import torch
from torch import nn

from llm_book.data.novels import load_novels
from llm_book.data.windows import RandomWindows
from llm_book.data.world.storytelling import stories
from llm_book.evaluation.language_modelling import Surprise, each_target_once, evaluate
from llm_book.models.counting import NGramCounts
from llm_book.models.counting_kneser_ney import KneserNey
from llm_book.models.recurrent_language_model import RecurrentLM, RecurrentLMConfig
from llm_book.models.transformer import GPT, GPTConfig
from llm_book.recipes.job import Job
from llm_book.text.bpe import BPETokenizer
from llm_book.training.loop import TrainConfig, Training, train
from llm_book.training.losses import token_loss

CELLS = {"LSTM": "lstm", "GRU": "gru"}
OURS, *RIVALS = (*CELLS, "GPT")
ORDER = 5  # tokens that the classical rival counts together
KNESER_NEY = f"Kneser-Ney, {ORDER} tokens"
TOLERANCE = 0.02  # of the GPT's parameters, by which the recurrent networks' may differ
WIDEST = 1 << 14
HELD_OUT = 10  # one novel in so many is for validation
RIVAL_WINDOW = 512  # so that few tokens stand at a beginning, with no context


@dataclass(frozen=True)
class Config:
    """Everything that decides the run but the seed.

    ``data`` is "world" (stories of the generated world) or "novels"; ``n_characters`` of it are
    learned and ``n_validation`` predicted at most. ``width``, ``n_layers`` and ``n_heads`` are the
    GPT's, and so is ``initial_scale``: a narrow one learns hardly anything from GPT-2's 0.02 in so
    few steps. The recurrent networks have ``recurrent_layers`` as wide as makes them its size, and
    a learning rate of their own. Validation comes every ``evaluate_every`` steps. Raises ValueError
    for other data, for counts below 1 and for sizes that make no GPT.
    """

    data: str
    n_characters: int
    n_validation: int
    vocab_size: int
    width: int
    n_layers: int
    n_heads: int
    context_length: int
    batch_size: int
    steps: int
    learning_rate: float
    recurrent_learning_rate: float
    initial_scale: float = 0.02
    recurrent_layers: int = 2
    dropout: float = 0.0
    weight_decay: float = 0.01
    warmup_steps: int = 100
    evaluate_every: int = 250

    def __post_init__(self) -> None:
        if self.data not in ("world", "novels"):
            raise ValueError(f"data is {self.data!r}; choose 'world' or 'novels'")
        for name in ("n_characters", "n_validation", "batch_size", "evaluate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        self.gpt(self.vocab_size)

    def gpt(self, vocab_size: int) -> GPTConfig:
        """The shape of the GPT."""
        return GPTConfig.gpt2(
            vocab_size=vocab_size,
            context_length=self.context_length,
            width=self.width,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            dropout=self.dropout,
            bias=False,
            initial_scale=self.initial_scale,
            engine="torch",
        )

    def recurrent(self, cell: str, width: int, vocab_size: int) -> RecurrentLMConfig:
        """The shape of a recurrent network of this cell and width."""
        return RecurrentLMConfig(
            vocab_size=vocab_size,
            embedding_width=width,
            width=width,
            layers=self.recurrent_layers,
            cell=cell,
            dropout=self.dropout,
            tied=True,
            engine="torch",
        )

    def training(self, name: str) -> TrainConfig:
        """How the model of this name is trained."""
        rate = self.recurrent_learning_rate if name in CELLS else self.learning_rate
        return TrainConfig(
            steps=self.steps,
            learning_rate=rate,
            final_learning_rate=rate / 10,
            warmup_steps=min(self.warmup_steps, self.steps // 10),
            weight_decay=self.weight_decay,
            betas=(0.9, 0.99),
        )


# The rates of the first two are the best of a few tried in short runs; those of `full` are untried.
PRESETS = {
    "small": Config(
        data="world",
        n_characters=120_000,
        n_validation=12_000,
        vocab_size=500,
        width=64,
        n_layers=2,
        n_heads=4,
        context_length=64,
        batch_size=12,
        steps=300,
        learning_rate=1e-2,
        recurrent_learning_rate=2e-2,
        initial_scale=0.05,
        recurrent_layers=1,
        evaluate_every=100,
    ),
    "cpu": Config(
        data="novels",
        n_characters=4_500_000,  # about as many tokens as are read
        n_validation=200_000,
        vocab_size=2048,
        width=128,
        n_layers=4,
        n_heads=4,
        context_length=128,
        batch_size=8,
        steps=1400,
        learning_rate=3e-3,
        recurrent_learning_rate=2e-2,
        initial_scale=0.05,
        recurrent_layers=1,
        evaluate_every=350,
    ),
    "full": Config(
        data="novels",
        n_characters=100_000_000,
        n_validation=1_000_000,
        vocab_size=8192,
        width=512,
        n_layers=8,
        n_heads=8,
        context_length=256,
        batch_size=64,
        steps=5000,
        learning_rate=1e-3,
        recurrent_learning_rate=2e-3,
        dropout=0.1,
        weight_decay=0.1,
        evaluate_every=500,
    ),
}


@dataclass(frozen=True)
class Corpus:
    """A text to learn and another to predict, as ids of a tokenizer that learned from the first."""

    train: torch.Tensor
    validation: torch.Tensor
    validation_text: str
    vocab_size: int
    facts: dict[str, Any]


def run(config: Config, job: Job) -> dict[str, Any]:
    """Train one seed of all three, measure them and the counts, write the run's documents.

    The LSTM is "ours" in the record, the others stand among its rivals. Seconds and tokens are
    those of all three. Each has checkpoints of its own, so that a run that was killed goes on.
    """
    corpus = load_corpus(config)
    document = job.begin(config, corpus.facts)
    with job.noting_how_it_ends(document):
        found = {name: learned(name, corpus, config, job) for name in (OURS, *RIVALS)}
        found[KNESER_NEY] = scores(counted(corpus), corpus)
        job.say(f"{KNESER_NEY}: {found[KNESER_NEY]['validation loss']:.4f} nats a token")
        curves = [part(job, name).curve.read() for name in (OURS, *RIVALS)]
        return job.finish(
            document,
            metrics=found.pop(OURS),
            rivals=found,
            seconds=sum(curve[-1]["seconds"] for curve in curves),
            tokens=sum(step["tokens"] for curve in curves for step in curve),
            peak_memory_bytes=max(step["memory"] for curve in curves for step in curve),
        )


def load_corpus(config: Config) -> Corpus:
    """The texts that the preset reads."""
    text, held_out = (novels if config.data == "novels" else world)(config)
    tokenizer = BPETokenizer.train(text, config.vocab_size)
    ids, held_out_ids = (torch.tensor(tokenizer.encode(part)) for part in (text, held_out))
    digest = sha256(f"{len(text)}\t{text}{held_out}".encode())
    facts = {
        "name": config.data,
        "content_sha256": digest.hexdigest(),
        "report": f"{len(ids):,} tokens to learn, {len(held_out_ids):,} to predict, which are "
        f"{len(held_out.encode()):,} bytes",
    }
    return Corpus(ids, held_out_ids, held_out, tokenizer.vocab_size, facts)


def world(config: Config) -> tuple[str, str]:
    """Stories of the world, one a line; the grammar is the same, no story stands in both texts."""
    return told(config.n_characters, "train"), told(config.n_validation, "validation")


def told(n_characters: int, split: str) -> str:
    """Stories of a split until there are enough characters."""
    n = 1 + n_characters // 100
    while len(text := "\n".join(story.text for story in stories(n, split=split))) < n_characters:
        n *= 2
    return text[:n_characters]


def novels(config: Config) -> tuple[str, str]:
    """Novels from the first on, and of each tenth novel, which is not among them, its beginning."""
    books = load_novels("medium").split("\n\n")
    held_out = books[::HELD_OUT]
    learned_from = [book for place, book in enumerate(books) if place % HELD_OUT]
    share = -(-config.n_validation // len(held_out))
    predicted = "\n\n".join(book[:share] for book in held_out)
    return "\n\n".join(learned_from)[: config.n_characters], predicted[: config.n_validation]


def learned(name: str, corpus: Corpus, config: Config, job: Job) -> dict[str, float]:
    """Train one model to the last step and say what it reached.

    Where the best validation loss is not the last, it has begun to learn its text by heart.
    """
    own = part(job, name)
    own.folder.mkdir(exist_ok=True)
    torch.manual_seed(job.seed)
    model = build(name, config, corpus.vocab_size).to(job.runtime.device)
    training = fit(name, model, corpus, config, own)
    losses = [entry["loss"] for entry in own.validation.read()]
    n = len(corpus.validation) - 1
    return scores(Surprise(losses[-1] * n, n), corpus) | {
        "best validation loss": min(losses),
        "tokens a second": sum(step["tokens"] for step in own.curve.read()) / training.seconds,
        "parameters": n_parameters(model),
        "width": model.config.width,
    }


def part(job: Job, name: str) -> Job:
    """The job of one model: the whole job's folder is ours, a rival has a folder within it."""
    own = replace(job, say=lambda said: job.say(f"{name}: {said}"))
    return own if name == OURS else replace(own, recipe=name, runs=job.folder)


def build(name: str, config: Config, vocab_size: int) -> GPT | RecurrentLM:
    """A model of the GPT's size, its weights drawn from PyTorch's generator as it stands.

    Raises ValueError where no width makes a recurrent network that has it.
    """
    if name not in CELLS:
        return GPT(config.gpt(vocab_size))

    def recurrent(width: int) -> RecurrentLM:
        return RecurrentLM(config.recurrent(CELLS[name], width, vocab_size))

    budget = size_of(lambda: GPT(config.gpt(vocab_size)))
    width = fitting_width(lambda width: size_of(lambda: recurrent(width)), budget)
    size = size_of(lambda: recurrent(width))
    if abs(size - budget) > TOLERANCE * budget:
        raise ValueError(
            f"the GPT has {budget:,} parameters, the {name} nearest to it {size:,}: more than "
            f"{TOLERANCE:.0%} apart; choose a greater width or fewer recurrent_layers"
        )
    return recurrent(width)


def fitting_width(size: Callable[[int], int], budget: int) -> int:
    """The width whose ``size(width)``, which grows with it, comes nearest to ``budget``."""
    first = bisect_left(range(1, WIDEST), budget, key=size) + 1  # the least that is not below it
    return min(max(1, first - 1), first, key=lambda width: abs(size(width) - budget))


def size_of(make: Callable[[], nn.Module]) -> int:
    """How many parameters a model would have; no numbers are made for it."""
    with torch.device("meta"):
        return n_parameters(make())


def n_parameters(model: nn.Module) -> int:
    """How many numbers a model learns; those of a tied head count once."""
    return sum(p.numel() for p in model.parameters())


def fit(name: str, model: nn.Module, corpus: Corpus, config: Config, job: Job) -> Training:
    """Train to the last step; every model reads the batches of the seed."""
    batches = RandomWindows(corpus.train, config.batch_size, config.context_length, job.seed)
    training = train(model, batches, config.training(name), job.runtime, token_loss)
    for step in job.steps(training, config.evaluate_every):
        loss = validate(model, corpus, config, job).loss
        job.validation.append({"index": step.index, "loss": loss})
        job.say(f"{step}   validation loss {loss:.4f}")
    return training


def validate(model: nn.Module, corpus: Corpus, config: Config, job: Job) -> Surprise:
    """What the held-out text costs: every token once, half a window before it at least."""
    length = config.context_length
    windows = each_target_once(corpus.validation, length, -(-length // 2), 32)
    return evaluate(model, windows, job.runtime)


def counted(corpus: Corpus) -> Surprise:
    """What it costs a model that counts tokens, discounts as Chen and Goodman do (1999)."""
    counts = NGramCounts([corpus.train], ORDER, corpus.vocab_size, borders=False)
    windows = each_target_once(corpus.validation, RIVAL_WINDOW, RIVAL_WINDOW - ORDER, batch_size=1)
    return evaluate(KneserNey(counts, modified=True), windows)


def scores(cost: Surprise, corpus: Corpus) -> dict[str, float]:
    """Nats a token, and bits a byte of the text."""
    return {
        "validation loss": cost.loss,
        "bits per byte": cost.bits_per_byte(corpus.validation_text),
    }
