"""A reading path: what to read, in which order, for a goal and for what a reader knows already."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from llm_book.i18n import language, phrase, t
from llm_book.widgets import charts
from llm_book.widgets.reading_steps import GOALS, STEPS, TOPICS, Step
from llm_book.widgets.records import Table
from llm_book.widgets.render import View, view

ROWS = 20  # of the table


@dataclass(frozen=True)
class ReadingPathRecord:
    """A goal, the topics that are known, and the words of one language, ``lang``."""

    kind: ClassVar[str] = "reading_path"
    goal: str
    known: tuple[str, ...]
    lang: str = "en"

    def steps(self) -> list[Step]:
        """What to read for the goal, in order."""
        return path(GOALS[self.goal][1], self.known)

    def document(self) -> dict[str, Any]:
        lang = self.lang
        return {
            "goal": self.goal,
            "known": list(self.known),
            "topics": [[key, words[lang]] for key, words in TOPICS.items()],
            "goals": [[key, words[lang], list(topics)] for key, (words, topics) in GOALS.items()],
            "steps": [
                {
                    "name": step.name[lang],
                    "where": step.where[lang],
                    "needs": list(step.needs),
                    "gives": step.gives,
                    "licence": step.licence,
                    "address": step.address,
                }
                for step in STEPS
            ],
        }

    def blob(self) -> bytes:
        return b""

    def sentence(self, lang: str) -> str:
        steps, goal = self.steps(), GOALS[self.goal][0][self.lang]
        if not steps:
            return phrase("To {goal} you need nothing more from this list.", lang, goal=goal)
        return phrase(
            "To {goal}: {count} to read, “{first}” first and “{last}” last.",
            lang,
            goal=goal,
            count=str(len(steps)),
            first=steps[0].name[self.lang],
            last=steps[-1].name[self.lang],
        )

    def still(self, lang: str) -> str:
        parts = []
        for row, step in enumerate(self.steps()):
            y = 24 + 22 * row
            parts.append(charts.text(30, y, f"{row + 1}.", "end"))
            parts.append(charts.text(40, y, step.name[self.lang]))
            parts.append(charts.text(330, y, step.where[self.lang], fill=charts.MUTED))
        return charts.document(600, 20 + 22 * max(1, len(parts) // 3), parts, self.sentence(lang))

    def table(self, lang: str) -> Table:
        head = (t("read", lang), t("where", lang), t("needs", lang), t("gives", lang))
        rows = (
            (
                step.name[self.lang],
                step.where[self.lang],
                " · ".join(TOPICS[topic][self.lang] for topic in step.needs),
                TOPICS[step.gives][self.lang],
            )
            for step in self.steps()[:ROWS]
        )
        return Table(head, tuple(rows))


def path(wanted: Sequence[str], known: Sequence[str]) -> list[Step]:
    """The steps that give the topics ``wanted`` and what these need, less what is ``known``."""
    left, met = list(wanted), set(known)
    while left:
        topic = left.pop()
        if topic not in met:
            met.add(topic)
            left += next(step.needs for step in STEPS if step.gives == topic)
    return [step for step in STEPS if step.gives in met and step.gives not in known]


def reading_path_record(goal: Any, known: Any = (), lang: str | None = None) -> ReadingPathRecord:
    """The record of one goal. Raises ``ValueError`` for a goal or a topic that is not listed."""
    if goal not in GOALS:
        raise ValueError(f"the goal {goal!r} is unknown; choose one of {', '.join(GOALS)}")
    if isinstance(known, str):
        raise ValueError(f"known came as one string ({known!r}); give a list of topics")
    for topic in known:
        if topic not in TOPICS:
            raise ValueError(f"the topic {topic!r} is unknown; choose among {', '.join(TOPICS)}")
    return ReadingPathRecord(goal, tuple(k for k in TOPICS if k in known), lang or language())


def reading_path(
    goal: Any = "build",
    known: Any = ("python",),
    *,
    title: str = "A path through the book",
    lang: str | None = None,
) -> View:
    """What to read in which order: the reader chooses a goal and ticks what they know.

    ``goal`` and ``known`` are keys of ``reading_steps``. Errors as for ``reading_path_record``.
    """
    return view(reading_path_record(goal, known, lang), title, lang)
