"""Talks as ids: the assistant's words are learned, nobody else's."""

import pytest

from llm_book.data.chat import MARKS, ChatTemplate, Example, examples
from llm_book.shapes import IGNORE

TALK = (("user", "ab"), ("assistant", "cd"), ("user", "e"), ("assistant", "f"))
SYSTEM, USER, ASSISTANT, END = range(1, 5)


def a_template(room=100):
    marks = dict(zip(MARKS, (SYSTEM, USER, ASSISTANT, END), strict=True))
    return ChatTemplate(lambda text: [ord(letter) for letter in text], marks, room)


def test_each_reply_comes_with_all_that_was_said_before():
    assert examples([TALK]) == [Example(TALK[:1], "cd"), Example(TALK[:3], "f")]
    assert examples([(("assistant", "hello"), ("user", "hi"))]) == []


def test_only_the_reply_and_its_end_are_learned():
    template = a_template()
    batch = template.batch([template.row(one) for one in examples([TALK])])
    learned = [[int(t) for t in row if t != IGNORE] for row in batch.targets]
    assert learned == [[ord("c"), ord("d"), END], [ord("f"), END]]


def test_a_reply_is_said_right_after_the_mark_of_the_assistant():
    template = a_template()
    batch = template.batch([template.row(examples([TALK])[1])])
    first = int((batch.targets[0] != IGNORE).nonzero()[0])
    assert batch.ids[0, first] == ASSISTANT
    assert batch.ids[0].tolist() == [
        USER, ord("a"), ord("b"), END, ASSISTANT, ord("c"), ord("d"), END,
        USER, ord("e"), END, ASSISTANT, ord("f"),
    ]  # fmt: skip


def test_a_long_prompt_loses_its_oldest_tokens():
    prompt, reply = a_template(room=3).row(examples([TALK])[1])
    assert (prompt, reply) == ([ord("e"), END, ASSISTANT], [ord("f")])


def test_every_row_comes_once_and_shorter_ones_first():
    template = a_template()
    rows = [([USER] * n, [END]) for n in (5, 1, 3)]
    seen = list(template.in_length_order(rows, batch_size=2))
    assert [places for places, _ in seen] == [[1, 2], [0]]
    assert [batch.size for _, batch in seen] == [2, 1]


@pytest.mark.parametrize(
    ("marks", "room", "said"), [(MARKS[:3], 9, "<|end|> came without"), (MARKS, 0, "room is 0")]
)
def test_templates_that_cannot_be_are_refused(marks, room, said):
    with pytest.raises(ValueError, match=said.replace("|", r"\|")):
        ChatTemplate(lambda text: [], dict.fromkeys(marks, 1), room)
