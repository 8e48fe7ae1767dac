"""This book's own prose, frozen once an edition: passages to search, and questions about them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable


@dataclass(frozen=True)
class Passage:
    """Some sentences of a page under one heading; ``id`` is page/heading/number."""

    id: str
    page: str
    heading: str
    text: str


@dataclass(frozen=True)
class BookProse:
    """The passages of one edition in the order of the pages."""

    edition: str
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class BookQuestion:
    """A question, and where it is answered: page, heading, the sentence, and the words in it.

    ``page``, ``heading``, ``sentence`` and ``answer`` are empty where the book does not say.
    """

    text: str
    page: str = ""
    heading: str = ""
    sentence: str = ""
    answer: str = ""

    @property
    def answerable(self) -> bool:
        """Whether the book says it."""
        return bool(self.answer)


def load_book_prose(folder: Traversable | None = None) -> BookProse:
    """The passages of the snapshot that the package carries, or of another ``folder``.

    ``book/snapshot.py`` makes it. Raises ValueError where the file is not the one that was frozen.
    """
    folder = folder or _shipped()
    about = json.loads(folder.joinpath("snapshot.json").read_text(encoding="utf-8"))
    content = folder.joinpath("passages.jsonl").read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != about["sha256"]:
        raise ValueError(
            f"passages.jsonl has the hash {found[:12]}…, {about['sha256'][:12]}… was frozen; "
            "install the package again, or run book/snapshot.py"
        )
    passages = tuple(Passage(**json.loads(line)) for line in content.decode().splitlines())
    if len(passages) != about["passages"]:
        raise ValueError(f"{len(passages)} passages came, {about['passages']} were frozen")
    return BookProse(about["edition"], passages)


def load_book_questions() -> tuple[BookQuestion, ...]:
    """Questions about the snapshot, written by hand: those it answers first, then the others."""
    rows = json.loads(_shipped().joinpath("questions.json").read_text(encoding="utf-8"))
    return tuple(BookQuestion(**row) for row in rows)


def answering_passages(question: BookQuestion, passages: Sequence[Passage]) -> list[int]:
    """The places of the passages that hold the question's sentence under its heading.

    Empty for a question that the book does not answer; and where an edition has lost the sentence.
    """
    if not question.answerable:
        return []
    return [
        place
        for place, passage in enumerate(passages)
        if (passage.page, passage.heading) == (question.page, question.heading)
        and question.sentence in passage.text
    ]


def _shipped() -> Traversable:
    return resources.files("llm_book") / "assets" / "prose"
