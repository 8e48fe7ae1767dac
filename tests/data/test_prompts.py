"""Prompts with answers: only the answer is learned."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_book.data.prompts import pad_answers
from llm_book.shapes import IGNORE

END = 1
ids = st.lists(st.integers(2, 99), max_size=6)
examples = st.lists(st.tuples(ids.filter(bool), ids), min_size=1, max_size=8)


def test_the_prompts_targets_are_ignored_and_the_answer_ends():
    batch = pad_answers([[5, 6], [7]], [[8, 9], [4]], END)
    assert batch.ids.tolist() == [[5, 6, 8, 9], [7, 4, 0, 0]]
    assert batch.targets.tolist() == [[IGNORE, 8, 9, END], [4, END, IGNORE, IGNORE]]
    assert batch.ids.dtype == batch.targets.dtype == torch.int64
    assert batch.documents is None and batch.weight == 5


@given(examples)
def test_what_is_learned_is_the_answer_and_its_end(examples):
    prompts, answers = zip(*examples, strict=True)
    batch = pad_answers(prompts, answers, END, pad_id=55)
    for row, (prompt, answer) in enumerate(examples):
        targets = batch.targets[row]
        assert targets[targets != IGNORE].tolist() == [*answer, END]
        read = len(prompt) + len(answer)
        assert batch.ids[row].tolist() == [*prompt, *answer] + [55] * (batch.ids.shape[1] - read)
        first = int((targets != IGNORE).nonzero()[0])
        assert first == len(prompt) - 1
        for place in range(first, read - 1):
            assert targets[place] == batch.ids[row, place + 1]


def test_an_example_that_just_fits_is_taken():
    assert pad_answers([[5, 6]], [[7, 8]], END, context_length=4).ids.shape == (1, 4)


@pytest.mark.parametrize(
    ("prompts", "answers", "context", "sentence"),
    [
        ([], [], None, "0 prompts with 0 answers make no batch"),
        ([[1]], [], None, "1 prompts with 0 answers make no batch"),
        ([[5], []], [[6], [7]], None, "prompt 1 has no token to answer; begin it with a start"),
        ([[5], [5, 6]], [[6], [7, 8]], 3, "example 1 has 4 tokens, which do not fit in .* of 3"),
        ([[5, 6], [5]], [[6, 7], [7]], 3, "example 0 has 4 tokens, which do not fit"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(prompts, answers, context, sentence):
    with pytest.raises(ValueError, match=sentence):
        pad_answers(prompts, answers, END, context_length=context)
