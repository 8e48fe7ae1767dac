"""Pointing at answers: a small reader that learns from nothing, beside a lexical rule.

``small`` asks about the generated world's passages; ``cpu`` about XQuAD's paragraphs, in English
and in Chinese, with a reader for each. Finding the paragraph (BM25) is measured apart from reading.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from llm_book.data.batches import ShuffledOrder
from llm_book.data.span_batches import SpanBatch, SpanRows
from llm_book.evaluation.intervals import paired_bootstrap
from llm_book.evaluation.question_answering import exact_match, token_f1
from llm_book.evaluation.ranking import mean_reciprocal_rank, recall_at
from llm_book.models.bm25 import BM25
from llm_book.models.lexical_span import LexicalSpan, Span, clues, is_mark, stemmed
from llm_book.models.span_marks import marked
from llm_book.models.span_reader import SpanReader
from llm_book.recipes.job import Job
from llm_book.recipes.span_tasks import PARTS, SETS, Asked, Task
from llm_book.text.vocabulary import Vocabulary
from llm_book.training.averaging import WeightAverage
from llm_book.training.early_stopping import EarlyStopping
from llm_book.training.loop import TrainConfig, train
from llm_book.training.losses import cross_entropy

RULE = "lexical span rule"
STEM = 6  # the characters by which the reader's words compare
NOWHERE = "<nowhere>"
UNSAID = (-1, -1)  # in the file of spans, for nowhere
DECAY = 0.99  # of the average of the weights over the steps, which is what answers
SEARCHES = ((4, False), (4, True), (6, False), (6, True), (99, False), (99, True))
CHOICES: dict[str, tuple[Any, ...]] = {
    "stem": (4, 5, 6, 8, 99),
    "together": (1, 2),
    "glue": (0.0, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0),
    "near": (0.0, 0.5, 1.0, 2.0, 4.0),
    "fits": (0.0, 0.2, 0.5, 1.0),
    "longest": (2, 3, 5, 8, 12),
    "least": (0.0, 0.2, 0.3, 0.4, 0.5, 0.6),
}


@dataclass(frozen=True)
class Config:
    """Everything that decides the run but the seed.

    ``data`` is "world" (``n_questions`` for training, a tenth as many for each other part) or
    "xquad" (at most ``n_questions`` for training). An answer has at most ``longest`` tokens;
    training ends when ``patience`` epochs brought no better F1 on the validation part. The rest
    are the reader's settings. Raises ValueError for other data and for counts below 1.
    """

    data: str
    n_questions: int
    longest: int
    epochs: int
    patience: int
    embedding_width: int = 32
    width: int = 64
    reach: int = 1
    dropout: float = 0.1
    hidden: float = 0.1
    min_count: int = 2
    weight_decay: float = 0.0
    batch_size: int = 16
    learning_rate: float = 2e-3

    def __post_init__(self) -> None:
        if self.data not in SETS:
            raise ValueError(f"data is {self.data!r}; choose one of {', '.join(SETS)}")
        for name in ("n_questions", "longest", "epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")


PRESETS = {
    "small": Config(data="world", n_questions=1000, longest=4, epochs=8, patience=3),
    "cpu": Config(
        data="xquad",
        n_questions=1_000_000,
        longest=12,
        epochs=40,
        patience=8,
        embedding_width=32,
        width=48,
        reach=2,
        dropout=0.3,
        weight_decay=0.1,
    ),
}


def run(config: Config, job: Job) -> dict[str, Any]:
    """Search, point by rule and by a trained reader, measure each and both in a chain.

    Spans that a reader found are kept as soon as they are known.
    """
    tasks = SETS[config.data](config.n_questions)
    document = job.begin(config, facts(config, tasks))
    with job.noting_how_it_ends(document):
        metrics: dict[str, float] = {}
        rival: dict[str, Any] = {}
        seconds, tokens = 0.0, 0
        for task in tasks:
            asked = task.parts["test"]
            rankings = found_passages(task)
            metrics |= search_scores(task, rankings)
            read_in = {
                "right passage": [one.passage for one in asked],
                "BM25's first": [ranking[0] if ranking else 0 for ranking in rankings],
            }
            rule = tuned(task)
            spans, cost = kept_spans(task, list(read_in.values()), config, job)
            seconds, tokens = seconds + cost[0], tokens + int(cost[1])
            for row, (place, passages) in enumerate(read_in.items()):
                ours = texts(task, passages, spans[row])
                theirs = texts(task, passages, ruled(task, rule, asked, passages))
                each = [per_question(task, said) for said in (ours, theirs)]
                for metric, mine, other in zip(("exact match", "F1"), *each, strict=True):
                    name = f"{task.name}, {place}, {metric}"
                    metrics[name], rival[name] = float(mine.mean()), float(other.mean())
                    rival[f"{name}, margin"] = paired_bootstrap(mine, other).as_dict()
                    job.say(f"{name}: {mine.mean():.4f}, rule {other.mean():.4f}")
            rival[f"{task.name}, settings"] = str(rule)
        return job.finish(
            document,
            metrics=metrics,
            rivals={RULE: rival},
            seconds=seconds,
            tokens=tokens,
            peak_memory_bytes=job.runtime.peak_memory(),
        )


def facts(config: Config, tasks: Sequence[Task]) -> dict[str, Any]:
    """The data as the record names it."""
    digest = sha256()
    for task in tasks:
        for name, part_asked in task.parts.items():
            for one in part_asked:
                line = (task.name, name, task.passages[one.passage].text, one.words, one.references)
                digest.update(repr(line).encode())
    sizes = ", ".join(f"{len(tasks[0].parts[name]):,} {name}" for name in PARTS)
    report = f"questions in {' and '.join(task.name for task in tasks)}: {sizes}"
    return {"name": config.data, "content_sha256": digest.hexdigest(), "report": report}


def found_passages(task: Task) -> list[list[int]]:
    """BM25's ranking of all passages for each question of the test.

    How words are cut, and whether pairs of them are looked for too, the validation part decides.
    """
    best: tuple[float, list[list[int]]] = (-1.0, [])
    for stem, pairs in SEARCHES:
        search = BM25([terms(passage.words, stem, pairs) for passage in task.passages])
        ranked = {
            name: [search.ranking(terms(one.words, stem, pairs)) for one in task.parts[name]]
            for name in ("validation", "test")
        }
        right = [[one.passage] for one in task.parts["validation"]]
        score = mean_reciprocal_rank(ranked["validation"], right)
        if score > best[0]:
            best = score, ranked["test"]
    return best[1]


def terms(words: Sequence[str], stem: int, pairs: bool) -> list[str]:
    """What is looked for: the words without punctuation, with their neighbours too if asked."""
    cut = [stemmed(word, stem) for word in words if not is_mark(word)]
    return cut + [f"{a} {b}" for a, b in pairwise(cut)] if pairs else cut


def search_scores(task: Task, rankings: Sequence[Sequence[int]]) -> dict[str, float]:
    """How well the right passage is found."""
    right = [[asked.passage] for asked in task.parts["test"]]
    found = {f"{task.name}, BM25, recall@{k}": recall_at(k, rankings, right) for k in (1, 5)}
    return found | {f"{task.name}, BM25, MRR": mean_reciprocal_rank(rankings, right)}


def tuned(task: Task) -> LexicalSpan:
    """The rule with the settings that answer the validation part best, one after the other."""
    asked = task.parts["validation"]
    passages = [one.passage for one in asked]

    def f1(rule: LexicalSpan) -> float:
        said = texts(task, passages, ruled(task, rule, asked, passages))
        return float(per_question(task, said, "validation")[1].mean())

    rule = LexicalSpan()
    for _ in range(2):
        for name, values in CHOICES.items():
            rule = max((replace(rule, **{name: value}) for value in values), key=f1)
    return rule


def ruled(
    task: Task, rule: LexicalSpan, asked: Sequence[Asked], passages: Sequence[int]
) -> list[Span | None]:
    """What the rule points at in a passage for each question."""
    worth = task.worth(rule.stem)
    return [
        rule(one.words, task.passages[number].words, worth)
        for one, number in zip(asked, passages, strict=True)
    ]


def texts(task: Task, passages: Sequence[int], spans: Sequence[Span | None]) -> list[str]:
    """Spans as they are written in their passages; none is the empty answer."""
    return [task.passages[number].said(span) for number, span in zip(passages, spans, strict=True)]


def per_question(
    task: Task, said: Sequence[str], part: str = "test"
) -> tuple[np.ndarray, np.ndarray]:
    """Exact match and F1 of each answer."""
    pairs = list(zip(said, task.parts[part], strict=True))
    exact = [exact_match(text, one.references, task.unit) for text, one in pairs]
    f1 = [token_f1(text, one.references, task.unit) for text, one in pairs]
    return np.array(exact), np.array(f1)


def rows(
    task: Task, asked: Sequence[Asked], passages: Sequence[int], vocabulary: Vocabulary
) -> SpanRows:
    """Questions and the passages to be read for them; position 0 is no word."""
    worth, columns = task.worth(STEM), []
    for one, number in zip(asked, passages, strict=True):
        said = task.passages[number].words
        marks = marked(one.words, said, worth, STEM)
        sentence = clues(one.words, said, worth, STEM).sentence
        start, end = (0, 0) if one.span is None else (one.span[0] + 1, one.span[1] + 1)
        columns.append(
            (
                torch.tensor(vocabulary.encode([stemmed(w, STEM) for w in one.words])),
                torch.tensor(vocabulary.encode([NOWHERE, *(stemmed(w, STEM) for w in said)])),
                torch.tensor([[0.0] * len(marks[0]), *marks]),
                torch.tensor([0, *sentence]),
                torch.tensor(start),
                torch.tensor(end),
            )
        )
    return SpanRows(columns)


def kept_spans(
    task: Task, read_in: Sequence[Sequence[int]], config: Config, job: Job
) -> tuple[list[list[Span | None]], np.ndarray]:
    """The reader's spans of each reading, and what they cost: [seconds, tokens]."""

    def made() -> dict[str, np.ndarray]:
        model, vocabulary, cost = learned(task, config, job)
        spans = [
            pointed(model, rows(task, task.parts["test"], passages, vocabulary), config, job)
            for passages in read_in
        ]
        kept = [[span or UNSAID for span in found] for found in spans]
        return {"spans": np.array(kept), "cost": np.array(cost)}

    stored = job.kept(task.name, made)
    spans = [
        [None if first < 0 else (first, last) for first, last in found]
        for found in stored["spans"].tolist()
    ]
    return spans, stored["cost"]


def span_loss(model: Callable[..., Tensor], batch: SpanBatch) -> Tensor:
    """The mean of two cross-entropies: where the answer starts, where it ends."""
    start, end = model(batch.asked, batch.said, batch.marks, batch.sentence).unbind(-1)
    return (cross_entropy(start, batch.start) + cross_entropy(end, batch.end)) / 2


def learned(
    task: Task, config: Config, job: Job
) -> tuple[SpanReader, Vocabulary, tuple[float, int]]:
    """A reader trained on the task, at the epoch that answered the validation part best."""
    learning = task.parts["train"]
    vocabulary = Vocabulary.build(
        (
            [stemmed(w, STEM) for w in [*one.words, *task.passages[one.passage].words]]
            for one in learning
        ),
        min_count=config.min_count,
        specials=("<pad>", "<unk>", NOWHERE),
    )
    own, seen = (
        rows(task, asked, [one.passage for one in asked], vocabulary)
        for asked in (learning, task.parts["validation"])
    )
    torch.manual_seed(job.seed)
    model = SpanReader(
        len(vocabulary),
        own.columns[0][2].shape[1],
        config.embedding_width,
        config.width,
        config.reach,
        config.dropout,
        config.hidden,
    ).to(job.runtime.device)
    order = ShuffledOrder([len(row[1]) for row in own.columns], config.batch_size, job.seed)
    every = order.steps_per_epoch
    settings = TrainConfig(
        steps=config.epochs * every,
        learning_rate=config.learning_rate,
        warmup_steps=min(50, every - 1),
        weight_decay=config.weight_decay,
    )

    def batches(step: int) -> SpanBatch:
        return own.batch(order.rows(step))

    training = train(model, batches, settings, job.runtime, span_loss)
    average, stopping, tokens = WeightAverage(model, DECAY), EarlyStopping(config.patience), 0
    for step in training:
        average.update(model)
        tokens += step.tokens
        if step.index % every == 0:
            with average.borrowed_by(model):
                found = texts(
                    task,
                    [one.passage for one in task.parts["validation"]],
                    pointed(model, seen, config, job),
                )
                f1 = float(per_question(task, found, "validation")[1].mean())
                stopping.see(step.index, -f1, model)
            job.say(f"{task.name}: {step}   F1 {f1:.4f}")
        if stopping.stop:
            break
    stopping.restore(model)
    return model, vocabulary, (training.seconds, tokens)


@torch.no_grad()
def pointed(model: nn.Module, read: SpanRows, config: Config, job: Job) -> list[Span | None]:
    """First and last token of the most probable span; None where nowhere is more probable."""
    model.eval()
    found: list[Span | None] = []
    for row in range(len(read.columns)):
        batch = read.batch([row]).to(job.runtime.device)
        logits = model(batch.asked, batch.said, batch.marks, batch.sentence)
        start, end = logits[0].log_softmax(dim=0).cpu().unbind(-1)
        pairs = start[:, None] + end[None, :]
        allowed = torch.ones_like(pairs).triu() - torch.ones_like(pairs).triu(config.longest)
        allowed[0, 1:] = 0
        best = int(pairs.masked_fill(allowed == 0, -torch.inf).argmax())
        first, last = divmod(best, len(start))
        found.append((first - 1, last - 1) if first else None)
    return found
