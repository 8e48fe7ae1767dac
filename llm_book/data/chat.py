"""Talks with an assistant → prompts and replies as ids, and batches that teach the replies."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from llm_book.data.prompts import pad_answers
from llm_book.shapes import TokenBatch

Turn = tuple[str, str]  # who speaks, and what is said
Talk = tuple[Turn, ...]
Row = tuple[list[int], list[int]]  # a prompt and the reply to it, as ids
MARKS = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")


@dataclass(frozen=True)
class Example:
    """What was said so far, and what the assistant then said."""

    context: Talk
    reply: str


def examples(talks: Sequence[Talk]) -> list[Example]:
    """Each thing the assistant says with all that was said before it; a first turn is left out."""
    return [
        Example(talk[:place], text)
        for talk in talks
        for place, (role, text) in enumerate(talk)
        if role == "assistant" and place
    ]


@dataclass(frozen=True)
class ChatTemplate:
    """Talks as ids: a mark for who speaks, what is said, an end.

    ``encode`` gives the ids of a text, ``marks`` those of ``MARKS``; of a longer prompt the last
    ``room`` tokens are read. Raises ValueError for a mark without an id and a room below 1.
    """

    encode: Callable[[str], list[int]]
    marks: Mapping[str, int]
    room: int

    def __post_init__(self) -> None:
        if missing := [mark for mark in MARKS if mark not in self.marks]:
            raise ValueError(f"{', '.join(missing)} came without an id; give every mark one")
        if self.room < 1:
            raise ValueError(f"room is {self.room}; a prompt needs at least 1 token")

    @property
    def end(self) -> int:
        """The id that ends a turn."""
        return self.marks["<|end|>"]

    def row(self, example: Example) -> Row:
        """A prompt up to where the assistant begins to speak, and its reply without the end."""
        prompt: list[int] = []
        for role, text in example.context:
            prompt += [self.marks[f"<|{role}|>"], *self.encode(text), self.end]
        prompt.append(self.marks["<|assistant|>"])
        return prompt[-self.room :], self.encode(example.reply)

    def batch(self, rows: Sequence[Row]) -> TokenBatch:
        """Prompts and replies as a rectangle whose targets are the replies and their ends."""
        prompts, replies = zip(*rows, strict=True)
        return pad_answers(prompts, replies, self.end)

    def in_length_order(
        self, rows: Sequence[Row], batch_size: int
    ) -> Iterator[tuple[list[int], TokenBatch]]:
        """Every row once, shortest first, with the places each batch came from; for evaluation."""
        order = sorted(range(len(rows)), key=lambda i: sum(map(len, rows[i])))
        for first in range(0, len(order), batch_size):
            places = order[first : first + batch_size]
            yield places, self.batch([rows[i] for i in places])
