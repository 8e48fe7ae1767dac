"""Passages with questions, and the spans of tokens that answer them: what ``qa_span`` reads."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from llm_book.data.questions import load_xquad
from llm_book.data.world.passage_questions import questions
from llm_book.models.bm25 import rarity
from llm_book.models.lexical_span import Span, Worth, stemmed
from llm_book.text.places import word_places

PARTS = ("train", "validation", "test")
UNITS = {"zh": "characters"}  # what F1 counts; elsewhere words
TEST, VALIDATION = 256 // 5, 256 // 10  # of 256 hashes: a fifth of the paragraphs, a tenth


@dataclass(frozen=True)
class Passage:
    """A text, its tokens as they are written, and where each begins and ends."""

    text: str
    words: list[str]
    places: list[Span]

    @classmethod
    def of(cls, text: str) -> "Passage":
        """The text cut into tokens, white space left out.

        XQuAD's Chinese paragraphs mostly have a space on each side of an answer, which no
        Chinese text has; nobody who answers may see it.
        """
        places = word_places(text)
        return cls(text, [text[start:end] for start, end in places], places)

    def said(self, span: Span | None) -> str:
        """The text from the first to the last token of a span; nothing for none."""
        return self.text[self.places[span[0]][0] : self.places[span[1]][1]] if span else ""

    def span(self, start: int, text: str) -> Span:
        """First and last token that have a character of ``text``, which begins at ``start``."""
        end = start + len(text)
        held = [i for i, (a, b) in enumerate(self.places) if a < end and b > start]
        return held[0], held[-1]


@dataclass(frozen=True)
class Asked:
    """A question's tokens, its passage's number, the answer's span and text (none: nowhere)."""

    words: list[str]
    passage: int
    span: Span | None
    references: list[str]


@dataclass(frozen=True)
class Task:
    """Passages with questions in three parts; a passage's questions stand in one of them."""

    name: str
    passages: list[Passage]
    parts: dict[str, list[Asked]]

    @property
    def unit(self) -> str:
        """What F1 counts."""
        return UNITS.get(self.name, "words")

    def worth(self, stem: int) -> Worth:
        """The rarity of a word, cut to ``stem`` characters, among the passages of training."""
        seen = sorted({asked.passage for asked in self.parts["train"]})
        holding = Counter(
            word for i in seen for word in {stemmed(w, stem) for w in self.passages[i].words}
        )
        return lambda word: rarity(holding[word], len(seen))


def world(n_questions: int) -> list[Task]:
    """Generated passages with a question each; frames and names of the test are new."""
    passages: list[Passage] = []
    parts: dict[str, list[Asked]] = {}
    for part in PARTS:
        n = n_questions if part == "train" else max(1, n_questions // 10)
        parts[part] = []
        for one in questions(n, seed=1, split=part):
            passages.append(Passage.of(one.context))
            span = passages[-1].span(one.answer.start, one.answer.text) if one.answer else None
            references = [one.answer.text] if one.answer else []
            words = Passage.of(one.text).words
            parts[part].append(Asked(words, len(passages) - 1, span, references))
    return [Task("world", passages, parts)]


def xquad(n_questions: int) -> list[Task]:
    """XQuAD in both languages; the hash of a paragraph's English decides its part in both."""
    part_by_number = [part_of(paragraph.context) for paragraph in load_xquad("en")]
    tasks = []
    for language in ("en", "zh"):
        paragraphs = load_xquad(language)
        passages = [Passage.of(paragraph.context) for paragraph in paragraphs]
        parts: dict[str, list[Asked]] = {name: [] for name in PARTS}
        for number, paragraph in enumerate(paragraphs):
            for one in paragraph.questions:
                span = passages[number].span(one.answers[0].start, one.answers[0].text)
                references = [answer.text for answer in one.answers]
                asked = Asked(Passage.of(one.text).words, number, span, references)
                parts[part_by_number[number]].append(asked)
        parts["train"] = parts["train"][:n_questions]
        tasks.append(Task(language, passages, parts))
    return tasks


def part_of(context: str) -> str:
    """Where a paragraph belongs, for ever."""
    drawn = sha256(context.encode()).digest()[0]
    return "test" if drawn < TEST else "validation" if drawn < TEST + VALIDATION else "train"


SETS: dict[str, Callable[[int], list[Task]]] = {"world": world, "xquad": xquad}
