"""Questions about a paragraph whose answers stand in it: SQuAD 1.1, XQuAD, others like them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm_book.data.download import fetch
from llm_book.data.reading import malformed, member, read_json

LANGUAGES = ("en", "zh")
SPLITS = ("train", "dev")


@dataclass(frozen=True)
class Answer:
    """A span of the context: its text, and the character, counted from 0, at which it starts."""

    text: str
    start: int


@dataclass(frozen=True)
class Question:
    """A question, its published id, and the answers that people gave."""

    id: str
    text: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, the title of its article, and the questions about it."""

    title: str
    context: str
    questions: tuple[Question, ...]


def load_xquad(language: str = "en", progress: bool = True) -> tuple[Paragraph, ...]:
    """240 paragraphs of SQuAD's development set with 1,190 questions, in "en" or "zh".

    Both languages have the same paragraphs, questions and ids in the same order. Raises ValueError
    for another language, DataUnavailable where the file cannot be had. Source: Artetxe et al.
    (2020).
    """
    if language not in LANGUAGES:
        raise ValueError(f"XQuAD is not at hand in {language!r}; choose one of {LANGUAGES}")
    return read_squad(fetch(f"qa/xquad.{language}.json", progress=progress))


def load_squad(
    split: str = "dev", drop_misplaced: bool = False, progress: bool = True
) -> tuple[Paragraph, ...]:
    """SQuAD 1.1: paragraphs of Wikipedia with questions, "train" or "dev".

    Raises ValueError for another split and as `read_squad` does, DataUnavailable where the file
    cannot be had. Source: Rajpurkar et al. (2016).
    """
    if split not in SPLITS:
        raise ValueError(f"SQuAD 1.1 has no public split {split!r}; choose one of {SPLITS}")
    return read_squad(fetch(f"qa/{split}-v1.1.json", progress=progress), drop_misplaced)


def read_squad(path: str | Path, drop_misplaced: bool = False) -> tuple[Paragraph, ...]:
    """The paragraphs of a file in SQuAD 1.1's form, each answer checked against its context.

    Rows are paragraphs, counted from 1. Raises ValueError where the form is another one, and where
    an answer does not stand at its offset; `drop_misplaced` leaves such answers out instead, with
    the questions that lose all of theirs.
    """
    name = Path(path).name
    entries = _paragraphs(read_json(path, dict), name)
    return tuple(
        _paragraph(title, entry, name, row, drop_misplaced)
        for row, (title, entry) in enumerate(entries, start=1)
    )


def _paragraphs(content: Any, name: str) -> Iterator[tuple[str, Any]]:
    for article in member(content, "data", list, name, 1):
        title = member(article, "title", str, name, 1)
        for entry in member(article, "paragraphs", list, name, 1):
            yield title, entry


def _paragraph(title: str, entry: Any, name: str, row: int, drop: bool) -> Paragraph:
    context = member(entry, "context", str, name, row)
    questions = []
    for published in member(entry, "qas", list, name, row):
        identity = member(published, "id", str, name, row)
        answers = _answers(published, identity, context, name, row, drop)
        if answers:
            text = member(published, "question", str, name, row)
            questions.append(Question(identity, text, answers))
    return Paragraph(title, context, tuple(questions))


def _answers(
    published: Any, identity: str, context: str, name: str, row: int, drop: bool
) -> tuple[Answer, ...]:
    answers = []
    for entry in member(published, "answers", list, name, row):
        text = member(entry, "text", str, name, row)
        start = member(entry, "answer_start", int, name, row)
        if start >= 0 and text and context.startswith(text, start):
            answers.append(Answer(text, start))
        elif not drop:
            raise malformed(
                name,
                row,
                f"the answer {text!r} to question {identity} does not stand at character {start}, "
                f"where {context[max(start, 0) :][: len(text)]!r} does",
            )
    if not answers and not drop:
        raise malformed(name, row, f"question {identity} has no answer")
    return tuple(answers)
