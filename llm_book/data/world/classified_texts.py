"""Short texts with a class: topics, spam, intents; unbalanced, with noise, and with known ceilings.

In "plain" texts the phrases of one class are in the majority. In the "decisive" ones phrases of
two classes tie, and only the order of the words tells which of them counts.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from llm_book.data.world.chances import weighted
from llm_book.data.world.class_tasks import TASKS, ClassTask
from llm_book.data.world.grammar import Pair, chance, pick, sample, shuffled
from llm_book.data.world.names import made_up_name
from llm_book.data.world.requests import LANGUAGES, check_known, check_request

CLASS_NOISE = 0.06
"""Probability that a label is another one, whatever the text says."""

ORDER_DECIDES = 0.32
"""Probability that two classes tie and the order of the words decides."""


@dataclass(frozen=True)
class ClassText:
    """A text and its `label`, a number into `class_names`; `meaning` is the class it is about.

    decisive: two classes are mentioned equally often. label differs from meaning where it is noise.
    """

    id: str
    text: str
    label: int
    meaning: int
    decisive: bool


def class_names(task: str) -> tuple[str, ...]:
    """What each label of "topics", "spam" or "intents" stands for.

    Raises ValueError for another task.
    """
    return _task(task).labels


def classes(
    task: str, n: int, seed: int = 0, split: str = "train", language: str = "en"
) -> list[ClassText]:
    """`n` texts of a task, "topics", "spam" or "intents"; more of them begin with the same ones.

    Both languages say the same, with the same labels. Raises ValueError for an unknown task, a
    negative n, an unknown split or language.
    """
    row = _task(task)
    check_request(n, "texts", split, language)
    rng = random.Random(f"{task} {split} {seed}")
    side = LANGUAGES.index(language)
    drawn = _different(rng, row, split)
    return [
        ClassText(f"{task}-{split}-{seed}-{number}", texts[side], label, meaning, decisive)
        for number, (texts, label, meaning, decisive) in zip(range(n), drawn, strict=False)
    ]


def class_ceiling() -> float:
    """The best accuracy any reader can expect in every task: 1 − noise."""
    return 1 - CLASS_NOISE


def class_bag_ceiling(task: str) -> float:
    """The best accuracy without word order, of words or of pairs of neighbours.

    (1 − q)(1 − ε) + q/2 (1 − ε + ε/(K − 1)) with q = ORDER_DECIDES, ε = CLASS_NOISE, K classes:
    where two tie, each is right half of the time. Raises ValueError for an unknown task.
    """
    others = len(class_names(task)) - 1
    tied = (1 - CLASS_NOISE + CLASS_NOISE / others) / 2
    return (1 - ORDER_DECIDES) * (1 - CLASS_NOISE) + ORDER_DECIDES * tied


def _task(task: str) -> ClassTask:
    check_known("task", task, TASKS)
    return TASKS[task]


def _different(
    rng: random.Random, task: ClassTask, split: str
) -> Iterator[tuple[Pair, int, int, bool]]:
    """Texts without end, none twice."""
    seen: set[str] = set()
    while True:
        drawn = _text(rng, task, split)
        if seen.isdisjoint(drawn[0]):
            seen.update(drawn[0])
            yield drawn


def _text(rng: random.Random, task: ClassTask, split: str) -> tuple[Pair, int, int, bool]:
    """(texts, label, meaning, whether order decides)."""
    meaning, other = _two_classes(rng, task)
    decisive = chance(rng, ORDER_DECIDES)
    if decisive:
        if chance(rng, 0.5):  # so that both orders of the same words are equally probable
            meaning, other = other, meaning
        words = {"y": pick(rng, task.phrases[meaning]), "x": pick(rng, task.phrases[other])}
        body = [_fill(pick(rng, task.decisive[split]), words)]
    else:
        own, foreign = task.fellows
        said = sample(rng, task.phrases[meaning], own) + sample(rng, task.phrases[other], foreign)
        frames = sample(rng, task.plain[split], len(said))
        filled = [_fill(frame, {"y": y}) for frame, y in zip(frames, said, strict=True)]
        body = shuffled(rng, filled)
    greeting = _fill(pick(rng, task.greetings[split]), {"p": made_up_name(rng, split)})
    text = [greeting, *body]
    texts = " ".join(english for english, _ in text), "".join(chinese for _, chinese in text)
    return texts, _label(rng, meaning, len(task.labels)), meaning, decisive


def _two_classes(rng: random.Random, task: ClassTask) -> tuple[int, int]:
    """Two different classes, the first by its probability, the second by it among the others."""
    first = second = weighted(rng, task.priors)
    while second == first:
        second = weighted(rng, task.priors)
    return first, second


def _label(rng: random.Random, meaning: int, n_classes: int) -> int:
    """The meaning, or by noise any of the other classes."""
    if chance(rng, CLASS_NOISE):
        return (meaning + 1 + pick(rng, range(n_classes - 1))) % n_classes
    return meaning


def _fill(frame: Pair, words: dict[str, Pair]) -> Pair:
    english = frame[0].format(**{slot: pair[0] for slot, pair in words.items()})
    chinese = frame[1].format(**{slot: pair[1] for slot, pair in words.items()})
    return english, chinese
