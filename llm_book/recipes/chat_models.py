"""What tuning starts from: a GPT pretrained from nothing on prose and on talks of another task.

The talks stand in the marks of the chat template, so that a tuned model need not learn what a mark
means: where embeddings are frozen, as LoRA leaves them, it could not. ``world`` tells stories and
sells tickets before it books tables; ``real`` reads English novels and Taskmaster's orders of
coffee before it follows instructions. No tuned example is read in pretraining, nor by the BPE.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Any

import torch
from torch import nn

from llm_book.data.chat import MARKS, ChatTemplate, Talk
from llm_book.data.instructions import load_instructions
from llm_book.data.novels import load_novels
from llm_book.data.taskmaster import load_taskmaster
from llm_book.data.windows import RandomWindows
from llm_book.data.world.storytelling import stories
from llm_book.data.world.task_dialogues import dialogues
from llm_book.evaluation.language_modelling import each_target_once, evaluate
from llm_book.models.transformer import GPT, GPTConfig
from llm_book.recipes import chat_sft
from llm_book.recipes.chat_sft import Task, bookings, divided
from llm_book.recipes.job import Job
from llm_book.text.bpe import BPETokenizer
from llm_book.training.loop import TrainConfig, train
from llm_book.training.losses import token_loss

HELD_OUT = 10  # one novel in so many is not read


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The model, what it is pretrained on and what it is tuned to, less how it is tuned.

    ``data`` is "world" or "real"; ``n_characters`` of prose are read at most, by ``steps`` batches
    of ``windows`` windows of ``window`` tokens, ``n_validation`` are held out; ``n_talks`` bound
    the talks tuned on (of the world) and the instructions (of the real set, all parts together).
    ``dropout`` is that of tuning; pretraining reads hardly anything twice and has none. A reply
    has at most ``longest`` tokens. Raises ValueError for other data and for counts below 1.
    """

    data: str
    n_talks: int
    n_characters: int
    n_validation: int
    vocab_size: int
    width: int
    n_layers: int
    n_heads: int
    windows: int
    window: int
    steps: int
    pretraining_rate: float
    batch_size: int
    epochs: int
    tuning_rate: float
    initial_scale: float = 0.05
    dropout: float = 0.1
    weight_decay: float = 0.1
    patience: int = 3
    context_length: int = 256
    longest: int = 96
    evaluate_every: int = 250

    def __post_init__(self) -> None:
        if self.data not in ("world", "real"):
            raise ValueError(f"data is {self.data!r}; choose 'world' or 'real'")
        for name in ("n_characters", "n_validation", "evaluate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        self.gpt(self.vocab_size)
        self.tuning(self.tuning_rate, self.epochs)
        self.pretraining()

    def gpt(self, vocab_size: int, dropout: float = 0.0) -> GPTConfig:
        """The shape of the model."""
        return GPTConfig(
            vocab_size=vocab_size,
            context_length=self.context_length,
            width=self.width,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            dropout=dropout,
            positions="rotary",
            bias=False,
            initial_scale=self.initial_scale,
            engine="torch",
        )

    def pretraining(self) -> TrainConfig:
        """How the model is pretrained."""
        return TrainConfig(
            steps=self.steps,
            learning_rate=self.pretraining_rate,
            final_learning_rate=self.pretraining_rate / 10,
            warmup_steps=min(100, self.steps // 10),
            weight_decay=self.weight_decay,
            betas=(0.9, 0.99),
        )

    def tuning(self, learning_rate: float, epochs: int) -> chat_sft.Config:
        """How a model is tuned, as ``chat_sft.fit`` takes it."""
        return chat_sft.Config(
            data=self.data,
            n_talks=self.n_talks,
            vocab_size=self.vocab_size,
            width=self.width,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            dropout=self.dropout,
            batch_size=self.batch_size,
            epochs=epochs,
            learning_rate=learning_rate,
            weight_decay=self.weight_decay,
            patience=self.patience,
            context_length=self.context_length,
            longest=self.longest,
        )


# The first two were tried in short runs; `full`, for one GPU, was not.
SIZES: dict[str, dict[str, Any]] = {
    "small": {
        "data": "world",
        "n_talks": 40,
        "n_characters": 120_000,
        "n_validation": 12_000,
        "vocab_size": 600,
        "width": 64,
        "n_layers": 2,
        "n_heads": 4,
        "windows": 12,
        "window": 64,
        "steps": 250,
        "pretraining_rate": 1e-2,
        "batch_size": 16,
        "epochs": 4,
        "tuning_rate": 3e-3,
        "dropout": 0.0,
        "longest": 64,
    },
    "cpu": {
        "data": "real",
        "n_talks": 1_000_000,
        "n_characters": 4_500_000,
        "n_validation": 200_000,
        "vocab_size": 2048,
        "width": 128,
        "n_layers": 4,
        "n_heads": 4,
        "windows": 8,
        "window": 128,
        "steps": 1400,
        "pretraining_rate": 3e-3,
        "batch_size": 16,
        "epochs": 8,
        "tuning_rate": 1e-3,
        "evaluate_every": 350,
    },
    "full": {
        "data": "real",
        "n_talks": 1_000_000,
        "n_characters": 100_000_000,
        "n_validation": 1_000_000,
        "vocab_size": 8192,
        "width": 768,
        "n_layers": 12,
        "n_heads": 12,
        "windows": 128,
        "window": 256,
        "steps": 3000,
        "pretraining_rate": 1e-3,
        "initial_scale": 0.02,
        "batch_size": 16,
        "epochs": 8,
        "tuning_rate": 1e-4,
        "evaluate_every": 500,
    },
}


@dataclass(frozen=True)
class Corpus:
    """What is read in pretraining, as ids, what is held out of it, and the task to tune to."""

    read: torch.Tensor
    held_out: torch.Tensor
    template: ChatTemplate
    tokenizer: BPETokenizer
    task: Task
    facts: dict[str, Any]


def load_corpus(config: ModelConfig) -> Corpus:
    """Prose, then talks, each turn between its marks; the BPE learns from both and nothing else."""
    prose, held_out = (novels if config.data == "real" else told)(config)
    talks, task = (orders if config.data == "real" else other_talks)(config)
    said = "\n".join(text for talk in talks for _, text in talk)
    tokenizer = BPETokenizer.train(f"{prose}\n{said}", config.vocab_size, MARKS)
    encode = partial(tokenizer.encode, specials="plain")
    template = ChatTemplate(encode, tokenizer.specials, config.context_length - config.longest)
    read = encode(prose)
    n_prose = len(read)
    for talk in talks:
        for role, text in talk:
            read += [template.marks[f"<|{role}|>"], *encode(text), template.end]
    facts = chat_sft.facts(config.tuning(config.tuning_rate, config.epochs), [task])
    digest = sha256(f"{facts['content_sha256']}\t{prose}\t{held_out}\t{talks}".encode())
    facts |= {
        "content_sha256": digest.hexdigest(),
        "report": f"pretraining: {n_prose:,} tokens of prose, {len(read) - n_prose:,} of "
        f"{len(talks):,} talks; {facts['report']}",
    }
    ids = torch.tensor(encode(held_out))
    return Corpus(torch.tensor(read), ids, template, tokenizer, task, facts)


def told(config: ModelConfig) -> tuple[str, str]:
    """Stories of the world, one a line, and others to predict."""

    def enough(n_characters: int, split: str) -> str:
        n = 1 + n_characters // 100
        while len(text := "\n".join(one.text for one in stories(n, split=split))) < n_characters:
            n *= 2
        return text[:n_characters]

    return enough(config.n_characters, "train"), enough(config.n_validation, "validation")


def novels(config: ModelConfig) -> tuple[str, str]:
    """Novels from the first on, and of each tenth, which is not among them, its beginning."""
    books = load_novels("medium").split("\n\n")
    held_out = books[::HELD_OUT]
    read = [book for place, book in enumerate(books) if place % HELD_OUT]
    share = -(-config.n_validation // len(held_out))
    predicted = "\n\n".join(book[:share] for book in held_out)
    return "\n\n".join(read)[: config.n_characters], predicted[: config.n_validation]


def orders(config: ModelConfig) -> tuple[list[Talk], Task]:
    """Taskmaster's talks, all of them; and the instructions, in the parts that chat_sft makes."""
    talks = [tuple((turn.speaker, turn.text) for turn in one.turns) for one in load_taskmaster()]
    asked = [(question(one), ("assistant", one.output)) for one in load_instructions()]
    return talks, divided("instructions", asked[: config.n_talks])


def question(one: Any) -> tuple[str, str]:
    """What the user says: an instruction, and beneath it the text it is asked about."""
    return "user", f"{one.instruction}\n{one.input}".strip()


def other_talks(config: ModelConfig) -> tuple[list[Talk], Task]:
    """The world's talks of tickets and people; and its bookings."""
    talks = [
        tuple((turn.role, turn.text) for turn in talk.turns)
        for talk in dialogues(3 * config.n_talks)
        if talk.task != "table"
    ]
    return talks, bookings(config.n_talks)


def pretrained(corpus: Corpus, config: ModelConfig, job: Job) -> tuple[GPT, dict[str, float]]:
    """The pretrained model, and what it cost and reached; a killed run goes on from a checkpoint.

    Its steps are the curve of the run.
    """
    torch.manual_seed(job.seed)
    model = GPT(config.gpt(corpus.tokenizer.vocab_size)).to(job.runtime.device)
    batches = RandomWindows(corpus.read, config.windows, config.window, job.seed)
    training = train(model, batches, config.pretraining(), job.runtime, token_loss)
    for step in job.steps(training, config.evaluate_every):
        held_out = each_target_once(corpus.held_out, config.window, -(-config.window // 2), 32)
        loss = evaluate(model, held_out, job.runtime).loss
        job.validation.append({"index": step.index, "loss": loss})
        job.say(f"pretraining: {step}   held-out loss {loss:.4f}")
    return model, {
        "loss": job.validation.read()[-1]["loss"],
        "seconds": training.seconds,
        "tokens": config.steps * config.windows * config.window,
    }


def copied(model: GPT, dropout: float) -> GPT:
    """A model of its own with the same weights, which drops states out while it is trained."""
    config = replace(model.config, dropout=dropout)
    other = GPT(config).to(model.embedding.weight.device)
    other.load_state_dict(model.state_dict())
    return other


def n_trained(model: nn.Module) -> int:
    """How many numbers training changes; those of a tied head count once."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def state_bytes(optimizer: torch.optim.Optimizer) -> int:
    """Bytes that an optimiser keeps beside the weights."""
    held: Iterable[Any] = (part for state in optimizer.state.values() for part in state.values())
    return sum(part.numel() * part.element_size() for part in held if torch.is_tensor(part))
