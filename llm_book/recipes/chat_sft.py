"""Dialogue: a GPT that learns the assistant's words from nothing, and retrieval beside it.

``small`` books the generated world's tables; ``cpu`` takes orders of coffee (Taskmaster) and
follows short instructions, each with a model of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from llm_book.data.batches import ShuffledOrder, in_length_order
from llm_book.data.chat import MARKS, ChatTemplate, Example, Row, Talk, examples
from llm_book.data.instructions import load_instructions
from llm_book.data.taskmaster import load_taskmaster
from llm_book.data.world.task_dialogues import dialogues
from llm_book.evaluation.language_modelling import Surprise, evaluate
from llm_book.evaluation.question_answering import answer_scores
from llm_book.evaluation.rivals import WORD
from llm_book.generation.filtering import GREEDY
from llm_book.generation.sampling import generate
from llm_book.generation.stopping import Stopping
from llm_book.models.transformer import GPT, GPTConfig
from llm_book.recipes.job import Job
from llm_book.results import read_json, write_json
from llm_book.shapes import IGNORE, TokenBatch
from llm_book.text.bpe import BPETokenizer
from llm_book.training.early_stopping import EarlyStopping
from llm_book.training.loop import TrainConfig, Training, train
from llm_book.training.losses import full_precision, token_log_probabilities, token_loss

RIVAL = "retrieval, tf-idf 1-2-grams"
TEST_SHARE, VALIDATION_SHARE = 5, 10  # one talk in five is tested, one in ten says when to stop
EVALUATED = 64  # rows read at once when nothing is learned
CHOICES = 10  # the true reply among nine others
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Config:
    """Everything that decides the run but the seed.

    ``data`` is "world" (about ``n_talks`` generated bookings for training) or "real" (at most
    ``n_talks`` of each set, all parts together). ``vocab_size`` counts the byte-level BPE and its
    special tokens. Training ends after ``patience`` epochs without a better validation loss. A
    reply has at most ``longest`` tokens, and a prompt what is left of ``context_length``. Raises
    ValueError for other data, for counts below 1 and where a prompt has no room.
    """

    data: str
    n_talks: int
    vocab_size: int
    width: int
    n_layers: int
    n_heads: int
    dropout: float
    batch_size: int
    epochs: int
    learning_rate: float
    weight_decay: float = 0.1
    patience: int = 3
    context_length: int = 256
    longest: int = 96

    def __post_init__(self) -> None:
        if self.data not in ("world", "real"):
            raise ValueError(f"data is {self.data!r}; choose 'world' or 'real'")
        for name in ("n_talks", "epochs", "batch_size", "longest"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.longest >= self.context_length:
            raise ValueError(
                f"longest ({self.longest}) must be less than context_length "
                f"({self.context_length}), so that a prompt has room"
            )


PRESETS = {
    "small": Config(
        data="world",
        n_talks=200,
        vocab_size=600,
        width=64,
        n_layers=2,
        n_heads=4,
        dropout=0.0,
        batch_size=32,
        epochs=6,
        learning_rate=5e-3,
        longest=32,
    ),
    "cpu": Config(
        data="real",
        n_talks=1_000_000,
        vocab_size=1500,
        width=128,
        n_layers=4,
        n_heads=4,
        dropout=0.2,
        batch_size=16,
        epochs=30,
        learning_rate=1e-3,
    ),
}


@dataclass(frozen=True)
class Task:
    """One set of talks in three parts; no two parts have a talk that begins alike."""

    name: str
    train: list[Example]
    validation: list[Example]
    test: list[Example]


def run(config: Config, job: Job) -> dict[str, Any]:
    """Train a model for each set, let it and the rival answer the test part, write it all down.

    What a model answered is kept as soon as it is known: a run that was killed goes on behind it.
    """
    tasks = tasks_of(config)
    document = job.begin(config, facts(config, tasks))
    with job.noting_how_it_ends(document):
        metrics: dict[str, float] = {}
        rival: dict[str, float] = {}
        seconds, tokens = 0.0, 0
        for task in tasks:
            ours, theirs = kept(task, config, job), scored(task, *retrieved(task))
            for name, score in (scored(task, ours["said"], ours["hits"]) | ours["facts"]).items():
                metrics[f"{task.name}, {name}"] = score
            for name, score in theirs.items():
                rival[f"{task.name}, {name}"] = score
                mine = metrics[f"{task.name}, {name}"]
                job.say(f"{task.name}, {name}: {mine:.4f} against {score:.4f} of the rival")
            seconds, tokens = seconds + ours["seconds"], tokens + ours["tokens"]
        return job.finish(
            document,
            metrics=metrics,
            rivals={RIVAL: rival},
            seconds=seconds,
            tokens=tokens,
            peak_memory_bytes=job.runtime.peak_memory(),
        )


def tasks_of(config: Config) -> list[Task]:
    """The sets that the preset answers."""
    n = config.n_talks
    if config.data == "world":
        return [bookings(n)]
    orders = [tuple((t.speaker, t.text) for t in talk.turns) for talk in load_taskmaster()]
    asked = [
        (("user", f"{one.instruction}\n{one.input}".strip()), ("assistant", one.output))
        for one in load_instructions()
    ]
    return [divided("Taskmaster", orders[:n]), divided("instructions", asked[:n])]


def bookings(n: int) -> Task:
    """About ``n`` generated talks to learn from; wordings and names of the test are its own."""
    parts = {
        split: [
            tuple((turn.role, turn.text) for turn in talk.turns)
            for talk in dialogues(3 * size, split=split)
            if talk.task == "table"
        ]
        for split, size in zip(PARTS, (n, 1 + n // 10, 1 + n // 5), strict=True)
    }
    return Task("bookings", *(examples(parts[part]) for part in PARTS))


def divided(name: str, talks: Sequence[Talk]) -> Task:
    """The talks in parts, chosen by the hash of each one's first turn and so for ever."""
    parts: dict[str, list[Talk]] = {part: [] for part in PARTS}
    tested = 256 // TEST_SHARE
    looked_at = tested + 256 // VALIDATION_SHARE
    for talk in talks:
        drawn = sha256(talk[0][1].encode()).digest()[0]
        part = "test" if drawn < tested else "validation" if drawn < looked_at else "train"
        parts[part].append(talk)
    return Task(name, *(examples(parts[part]) for part in PARTS))


def facts(config: Config, tasks: Sequence[Task]) -> dict[str, Any]:
    """The data as the record names it: a hash over every example in its part, and how many."""
    digest, counts = sha256(), []
    for task in tasks:
        for part in PARTS:
            chosen = getattr(task, part)
            counts.append(f"{len(chosen):,} of {task.name} ({part})")
            for one in chosen:
                digest.update(f"{task.name}\t{part}\t{one.context}\t{one.reply}\n".encode())
    report = "replies: " + ", ".join(counts)
    return {"name": config.data, "content_sha256": digest.hexdigest(), "report": report}


def template_of(task: Task, config: Config) -> tuple[ChatTemplate, BPETokenizer]:
    """Merges learned from all that training reads; a prompt has the room that a reply leaves."""
    read = (text for one in task.train for _, text in (*one.context, ("assistant", one.reply)))
    tokenizer = BPETokenizer.train("\n".join(read), config.vocab_size, MARKS)
    encode = partial(tokenizer.encode, specials="plain")
    room = config.context_length - config.longest
    return ChatTemplate(encode, tokenizer.specials, room), tokenizer


def kept(task: Task, config: Config, job: Job) -> dict[str, Any]:
    """What a model answered and what it cost, read back where it was written before."""
    path = job.folder / f"{task.name}.json"
    if not path.exists():
        write_json(path, learned(task, config, job))
    return read_json(path)


def learned(task: Task, config: Config, job: Job) -> dict[str, Any]:
    """Train a model, let it answer the test part and choose among replies."""
    torch.manual_seed(job.seed)
    template, tokenizer = template_of(task, config)
    sizes = GPTConfig(
        vocab_size=tokenizer.vocab_size,
        context_length=config.context_length,
        width=config.width,
        n_layers=config.n_layers,
        n_heads=config.n_heads,
        dropout=config.dropout,
        positions="rotary",
        engine="torch",
    )
    model = GPT(sizes).to(job.runtime.device)
    best, training, tokens = fit(model, template, task, config, job)
    rows = [template.row(one) for one in task.test]
    stopping = Stopping(template.end, decode=tokenizer.decode)
    cost = surprise_at(model, template, rows, job)
    return {
        "said": answers(model, [prompt for prompt, _ in rows], config.longest, stopping, job),
        "hits": hits(model, template, task, job),
        "facts": {
            "answer loss": cost.loss,
            "bits per byte": cost.bits_per_byte("".join(one.reply for one in task.test)),
            "validation loss": best.best_loss,
            "best epoch": best.best_index,
            "parameters": sum(p.numel() for p in model.parameters()),
        },
        "seconds": training.seconds,
        "tokens": tokens,
    }


def fit(
    model: GPT, template: ChatTemplate, task: Task, config: Config, job: Job
) -> tuple[EarlyStopping, Training, int]:
    """Train until validation gets no better, give the model its best weights; and the tokens."""
    rows, held_out = ([template.row(one) for one in part] for part in (task.train, task.validation))
    order = ShuffledOrder([sum(map(len, row)) for row in rows], config.batch_size, job.seed)
    steps = order.steps_per_epoch * config.epochs
    settings = TrainConfig(
        steps=steps,
        learning_rate=config.learning_rate,
        warmup_steps=min(100, steps // 10),
        weight_decay=config.weight_decay,
    )

    def batches(step: int) -> TokenBatch:
        return template.batch([rows[i] for i in order.rows(step)])

    training, tokens = train(model, batches, settings, job.runtime, token_loss), 0
    best = EarlyStopping(config.patience)
    for step in training:
        tokens += step.tokens
        epoch, rest = divmod(step.index, order.steps_per_epoch)
        if rest == 0:
            loss = surprise_at(model, template, held_out, job).loss
            best.see(epoch, loss, model)
            job.say(f"{task.name}: {step}   validation loss {loss:.4f}")
            if best.stop:
                break
    best.restore(model)
    return best, training, tokens


def surprise_at(model: GPT, template: ChatTemplate, rows: Sequence[Row], job: Job) -> Surprise:
    """What the replies and their ends cost, each after its prompt."""
    return evaluate(
        model, (batch for _, batch in template.in_length_order(rows, EVALUATED)), job.runtime
    )


def answers(
    model: GPT, prompts: Sequence[list[int]], longest: int, stopping: Stopping, job: Job
) -> list[str]:
    """What the model says to each prompt, the most probable token after the other."""
    said: dict[int, str] = {}
    for places, batch in in_length_order(prompts, range(len(prompts)), EVALUATED):
        batch = batch.to(job.runtime.device)
        written = generate(model, batch.ids, longest, GREEDY, stopping, lengths=batch.lengths)
        said |= dict(zip(places, written.texts, strict=True))
    return [said[place] for place in range(len(prompts))]


def choices(task: Task) -> list[list[str]]:
    """For each test context its true reply, then nine others of the test part, always the same."""

    def drawn(one: Example) -> list[Example]:
        """The others by a hash of both."""
        return sorted(task.test, key=lambda other: sha256(f"{one} {other}".encode()).digest())

    return [
        list(dict.fromkeys([one.reply, *(other.reply for other in drawn(one))]))[:CHOICES]
        for one in task.test
    ]


def hits(model: GPT, template: ChatTemplate, task: Task, job: Job) -> list[float]:
    """Whether the true reply is the most probable of its choices, by the mean over its tokens."""
    offered = choices(task)
    pairs = zip(task.test, offered, strict=True)
    rows = [template.row(replace(one, reply=reply)) for one, replies in pairs for reply in replies]
    scores = iter(log_probabilities(model, template, rows, job))
    return [first_wins([next(scores) for _ in replies]) for replies in offered]


@torch.no_grad()
def log_probabilities(
    model: GPT, template: ChatTemplate, rows: Sequence[Row], job: Job
) -> list[float]:
    """For each reply the mean of log p over its tokens and its end, in nats."""
    found: dict[int, float] = {}
    model.eval()
    for places, batch in template.in_length_order(rows, EVALUATED):
        batch = batch.to(job.runtime.device)
        with job.runtime.autocast():
            logits = model(batch.ids)
        total = token_log_probabilities(full_precision(logits), batch.targets).sum(dim=1)
        mean = total / (batch.targets != IGNORE).sum(dim=1)
        found |= dict(zip(places, mean.tolist(), strict=True))
    return [found[place] for place in range(len(rows))]


def first_wins(scores: Sequence[float]) -> float:
    """1 where the first score is the highest, 1/k where k are as high as it, else 0.

    A rival to whom all are alike gets what a draw among them would get on the average.
    """
    return (scores[0] == max(scores)) / list(scores).count(max(scores))


def retrieved(task: Task) -> tuple[list[str], list[float]]:
    """What was said in the training context whose last user turn is most similar; and its hits.

    Of the choices it takes the one most similar to what it said. Similar is the cosine of tf-idf.
    """
    asked, said = (
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=WORD) for _ in range(2)
    )
    known = asked.fit_transform([one.context[-1][1] for one in task.train])
    said.fit([one.reply for one in task.train])
    near = (asked.transform([one.context[-1][1] for one in task.test]) @ known.T).toarray()
    found = [task.train[i].reply for i in near.argmax(axis=1)]
    likeness = [
        (said.transform(replies) @ said.transform([one]).T).toarray().ravel().tolist()
        for one, replies in zip(found, choices(task), strict=True)
    ]
    return found, [first_wins(scores) for scores in likeness]


def scored(task: Task, said: Sequence[str], hit: Sequence[float]) -> dict[str, float]:
    """How often the true reply was chosen, and how near what was said came to it: 0 to 1."""
    found = answer_scores(said, [[one.reply] for one in task.test])
    return {
        f"hits@1 of {CHOICES}": float(np.mean(hit)),
        "token F1": found.f1,
        "exact match": found.exact_match,
    }
