"""A text printed piece by piece is the text."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_book.generation.sampling import GREEDY, Sampling, generate
from llm_book.generation.stopping import Stopping
from llm_book.generation.writing import write
from tests.generation.models import Toy


class Bytes:
    """UTF-8 bytes as tokens."""

    def encode(self, text):
        return list(text.encode())

    def decode(self, ids):
        return bytes(ids).decode(errors="replace")


def says(text, prompt):
    """A model that goes on with this text, byte by byte."""
    script = list(prompt.encode()) + list(text.encode())

    def logits(ids):
        wanted = torch.tensor([*script[1:], 0])[: ids.shape[1]]
        return torch.nn.functional.one_hot(wanted, 256).float()[None] * 50

    return logits


@given(
    text=st.text(st.sampled_from("ab字🙂é"), min_size=1, max_size=8),
    strings=st.lists(st.text(st.sampled_from("ab字é"), min_size=1, max_size=3), max_size=2),
)
def test_the_pieces_joined_are_the_text_that_generate_gives(text, strings):
    model, prompt, count = says(text, "a"), "a", len(text.encode())
    stopping = Stopping(strings=strings, decode=Bytes().decode)
    whole = generate(model, torch.tensor([[97]]), count, GREEDY, stopping).texts[0]
    pieces = list(write(model, Bytes(), prompt, count, GREEDY, stopping))
    assert "".join(pieces) == whole
    assert all(pieces)
    assert not any("\ufffd" in piece for piece in pieces)


def test_a_piece_waits_while_it_may_become_a_stop():
    stopping = Stopping(strings="END")
    pieces = write(says("xEEND", "a"), Bytes(), "a", 5, GREEDY, stopping)
    assert list(pieces) == ["x", "E"]
    pieces = write(says("xENx", "a"), Bytes(), "a", 4, GREEDY, stopping)
    assert list(pieces) == ["x", "ENx"]


def test_a_text_that_stops_in_the_middle_of_a_character_says_so():
    assert list(write(says("é", "a"), Bytes(), "a", 1, GREEDY)) == ["\ufffd"]


def test_a_character_comes_whole():
    assert list(write(says("a字b", "a"), Bytes(), "a", 5, GREEDY)) == ["a", "字", "b"]


def test_chance_is_passed_on():
    def model(ids):
        return torch.zeros(*ids.shape, 128)

    def once(seed, **settings):
        generator = torch.Generator().manual_seed(seed)
        return "".join(write(model, Bytes(), "a", 30, generator=generator, **settings))

    assert once(0) == once(0) != once(1)
    assert once(0, sampling=Sampling(top_k=1)) == once(0)  # all tie
    assert once(0, sampling=GREEDY) == "\0" * 30


def test_a_long_text_slides_and_otherwise_is_refused():
    model = says("b" * 40, "a")
    model.context_length = 8
    assert "".join(write(model, Bytes(), "a", 20, GREEDY, slide=True))
    with pytest.raises(ValueError, match="do not fit in a context of 8"):
        write(model, Bytes(), "a", 20, GREEDY)


def test_each_piece_reads_the_newest_token_only():
    model = Toy(128)
    list(write(model, Bytes(), "abc", 3, GREEDY))
    assert model.read == [(1, 3), (1, 1), (1, 1)]
    model.read.clear()
    list(write(model, Bytes(), "abc", 3, GREEDY, cached=False))
    assert model.read == [(1, 3), (1, 4), (1, 5)]


def test_a_prompt_without_tokens_is_refused_at_the_call():
    with pytest.raises(ValueError, match="hold no token to go on from"):
        write(says("b", "a"), Bytes(), "", 3)
