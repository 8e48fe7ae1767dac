"""Dialogues with a task: a system message with the facts, a user, an assistant who answers by them.

"table": a booking whose missing parts the assistant asks for. "ticket": times and prices from a
list, the total is count times price. "people": questions about a passage; "And Anna?" can only be
understood from what was asked before; what the passage does not say is not known.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from llm_book.data.world.conversation import (
    ASSISTANT,
    LIST_MARKS,
    REPLIES,
    SYSTEM,
    TRAIN_LINE,
    USER,
)
from llm_book.data.world.grammar import Pair, chance, pairs, pick, sample, shuffled
from llm_book.data.world.nouns import MEN, TOWNS, WOMEN
from llm_book.data.world.passages import draw_passage
from llm_book.data.world.persons import Person
from llm_book.data.world.relations import QUESTIONS, answer
from llm_book.data.world.requests import LANGUAGES, check_request

DAYS = pairs(
    """Monday=星期一; Tuesday=星期二; Wednesday=星期三; Thursday=星期四; Friday=星期五;
    Saturday=星期六; Sunday=星期天"""
)

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Turn:
    """What one of "system", "user", "assistant" says."""

    role: str
    text: str


@dataclass(frozen=True)
class WorldDialogue:
    """A dialogue: its `turns`, the first the system's, then user and assistant in alternation.

    task: "table", "ticket" or "people". slots: (name, value) of what was agreed or asked, in
    order, the same facts in both languages.
    """

    id: str
    task: str
    turns: tuple[Turn, ...]
    slots: tuple[tuple[str, str], ...]

    @property
    def messages(self) -> list[dict[str, str]]:
        """The turns as a chat template takes them: {"role": …, "content": …}."""
        return [{"role": turn.role, "content": turn.text} for turn in self.turns]

    @property
    def examples(self) -> list[tuple[tuple[Turn, ...], str]]:
        """For each answer of the assistant all turns before it, and the answer."""
        return [
            (self.turns[:number], turn.text)
            for number, turn in enumerate(self.turns)
            if turn.role == "assistant"
        ]


class _Script:
    """The dialogue as it is written: (role, both texts) and the slots in both languages."""

    def __init__(self, rng: random.Random, split: str) -> None:
        self.rng = rng
        self.split = split
        self.lines: list[tuple[str, Pair]] = []
        self.slots: list[tuple[str, Pair]] = []

    def system(self, task: str, **words: Pair) -> None:
        self.lines.append(("system", _fill(pick(self.rng, SYSTEM[task][self.split]), words)))

    def user(self, act: str, **words: Pair) -> None:
        self.lines.append(("user", _fill(pick(self.rng, USER[act][self.split]), words)))

    def assistant(self, act: str, **words: Pair) -> None:
        self.lines.append(("assistant", _fill(ASSISTANT[act], words)))


def dialogues(
    n: int, seed: int = 0, split: str = "train", language: str = "en"
) -> list[WorldDialogue]:
    """`n` dialogues, a third of each task on the average; more begin with the same ones.

    Both languages say the same. Raises ValueError for a negative n, an unknown split or language.
    """
    check_request(n, "dialogues", split, language)
    rng = random.Random(f"dialogues {split} {seed}")
    side = LANGUAGES.index(language)
    return [_dialogue(rng, f"dialogue-{split}-{seed}-{i}", split, side) for i in range(n)]


def _dialogue(rng: random.Random, name: str, split: str, side: int) -> WorldDialogue:
    task = pick(rng, tuple(_TASKS))
    script = _Script(rng, split)
    _TASKS[task](script)
    turns = tuple(Turn(role, texts[side]) for role, texts in script.lines)
    return WorldDialogue(name, task, turns, tuple((k, v[side]) for k, v in script.slots))


def _table(script: _Script) -> None:
    """A booking: day (not the closed one), guests, hour, name, asked for one by one."""
    rng = script.rng
    names = WOMEN[script.split] + MEN[script.split]
    owner, name = sample(rng, names, 2)
    closed, *open_days = shuffled(rng, DAYS)
    day = closed if chance(rng, 0.3) else open_days[0]
    count, hour = _number(2 + int(rng.random() * 7)), _number(5 + int(rng.random() * 5))
    script.system("table", owner=owner, town=pick(rng, TOWNS), closed=closed)
    if chance(rng, 0.5):
        script.user("wish day", day=day)
    else:
        script.user("wish")
        script.assistant("ask day")
        script.user("day", day=day)
    if day == closed:
        day = open_days[0]
        script.assistant("closed", day=closed)
        script.user("day", day=day)
    script.assistant("ask guests")
    script.user("guests", count=count)
    script.assistant("ask hour")
    script.user("hour", hour=hour)
    script.assistant("ask name")
    script.user("name", name=name)
    script.slots = [("day", day), ("count", count), ("hour", hour), ("name", name)]
    script.assistant("booked", **dict(script.slots))


def _ticket(script: _Script) -> None:
    """Times and prices of three trains, and one place to which none goes."""
    rng = script.rng
    here, nowhere, *places = sample(rng, TOWNS, 5)
    hours = [_number(6 + hour) for hour in sample(rng, range(12), 3)]
    prices = [2 + int(rng.random() * 30) for _ in places]
    trains = [
        _fill(TRAIN_LINE, {"to": to, "hour": hour, "price": _number(price)})
        for to, hour, price in zip(places, hours, prices, strict=True)
    ]
    owner = pick(rng, WOMEN[script.split] + MEN[script.split])
    listed = tuple(LIST_MARKS[side].join(train[side] for train in trains) for side in (0, 1))
    script.system("ticket", owner=owner, town=here, trains=(listed[0], listed[1]))
    asked = sample(rng, range(3), 2) if chance(rng, 0.5) else [pick(rng, range(3))]
    act = "when"
    if chance(rng, 0.3):
        script.user(act, to=nowhere)
        script.assistant("no train", to=nowhere)
        act = "and to"
    for number in asked:
        script.user(act, to=places[number])
        script.assistant("leaves", to=places[number], hour=hours[number])
        act = "and to"
    chosen, count = asked[-1], 2 + int(rng.random() * 5)
    script.slots = [
        ("to", places[chosen]),
        ("count", _number(count)),
        ("total", _number(count * prices[chosen])),
    ]
    script.user("buy", count=_number(count))
    script.assistant("price", **dict(script.slots))


def _people(script: _Script) -> None:
    """Two questions about a passage, the second sometimes no more than a name; and thanks."""
    rng, split = script.rng, script.split
    passage = draw_passage(rng, split)
    script.system("people", passage=(passage.text(0), passage.text(1)))
    first, second = sample(rng, passage.people, 2)
    said = [relation for relation in QUESTIONS if relation in passage.relations(first)]
    relation = pick(rng, said) if chance(rng, 0.6) else pick(rng, tuple(QUESTIONS))
    for person, act in ((first, "question"), (second, pick(rng, ("question", "and person")))):
        if act == "question":
            asked = pick(rng, QUESTIONS[relation][split])
            script.lines.append(("user", _fill(asked, {"p": person.name})))
        else:
            script.user(act, p=person.name)
        _reply(script, person, relation, relation in passage.relations(person))
    script.user("thanks")
    script.assistant("welcome")


def _reply(script: _Script, person: Person, relation: str, known: bool) -> None:
    found = answer(person, relation) if known else ("unknown", "不知道")
    script.slots.append((relation, found))
    if known:
        script.lines.append(("assistant", _fill(REPLIES[relation], {"p": person.name, "y": found})))
    else:
        script.assistant("unknown")


_TASKS: dict[str, Callable[[_Script], None]] = {
    "table": _table,
    "ticket": _ticket,
    "people": _people,
}


def _fill(frame: Pair, words: dict[str, Pair]) -> Pair:
    english = frame[0].format(**{slot: pair[0] for slot, pair in words.items()})
    chinese = frame[1].format(**{slot: pair[1] for slot, pair in words.items()})
    return english, chinese


def _number(n: int) -> Pair:
    return str(n), str(n)
