"""A text ends where it should, and nothing behind the cut is given back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_book.generation.sampling import GREEDY, generate
from llm_book.generation.stopping import NewText, Stopping, first_of, held_back

PIECES = ["a", "b", "ab", "ba", "c", "", "cab", "X", "aX"]


def decode(ids):
    return "".join(PIECES[i] for i in ids)


def says(script):
    """A model that says the script, whatever it reads, after a prompt of one token."""

    def logits(ids):
        wanted = torch.tensor([*script, 0])[: ids.shape[1]]
        return torch.nn.functional.one_hot(wanted, len(PIECES)).float().expand(*ids.shape, -1) * 9

    return logits


def written(script, stopping):
    prompt = torch.tensor([[0]])
    return generate(says(script), prompt, len(script), GREEDY, stopping)


def test_a_stop_string_that_spans_tokens_is_found_and_cut():
    answer = written([0, 4, 1, 2, 3, 4], Stopping(strings=["bab"], decode=decode))
    # a c b ab: the string is there with the fourth token, of which nothing stays
    assert answer.texts == ("ac",)
    assert answer.new == ((0, 4),)
    assert answer.reasons == ("string",)
    assert answer.ids.tolist() == [[0, 0, 4]]


def test_a_stop_string_inside_a_token_cuts_the_text_exactly_and_drops_the_token():
    answer = written([4, 6, 0], Stopping(strings="b", decode=decode))
    assert answer.texts == ("cca",)
    assert answer.new == ((4,),)


def test_the_first_stop_string_in_the_text_wins():
    answer = written([0, 6, 0], Stopping(strings=("b", "ca"), decode=decode))
    assert answer.texts == ("a",)


def test_a_stop_string_is_not_looked_for_in_the_prompt():
    answer = generate(
        says([1, 4]), torch.tensor([[0]]), 2, GREEDY, Stopping(strings="ab", decode=decode)
    )
    assert answer.texts == ("bc",)


def test_an_end_token_is_no_part_of_the_text():
    answer = written([0, 1, 7, 4], Stopping(end=[8, 7], decode=decode))
    assert answer.texts == ("ab",)
    assert answer.new == ((0, 1),)
    assert answer.reasons == ("end",)


def test_without_a_stop_the_whole_is_decoded():
    assert written([0, 1, 4], Stopping(decode=decode)).texts == ("abc",)


@given(
    script=st.lists(st.integers(0, len(PIECES) - 1), min_size=1, max_size=12),
    strings=st.lists(st.text("abcX", min_size=1, max_size=4), max_size=3),
    end=st.none() | st.integers(0, 8),
)
def test_what_is_given_back_is_what_stands_before_the_first_stop(script, strings, end):
    answer = written(script, Stopping(end=end, strings=strings, decode=decode))
    before_end = script[: script.index(end)] if end in script else script
    whole = decode(before_end)
    places = [whole.find(string) for string in strings if string in whole]
    # A later token may bring an earlier stop only if the string is there already: cut by token.
    expected = whole
    for n in range(len(before_end) + 1):
        part = decode(before_end[:n])
        here = [part.find(string) for string in strings if string in part]
        if here:
            expected = part[: min(here)]
            break
    assert answer.texts == (expected,)
    assert not any(string in answer.texts[0] for string in strings)
    assert whole.startswith(decode(list(answer.new[0])))
    assert expected.startswith(decode(list(answer.new[0])))
    reason = "string" if places else "end" if end in script else "length"
    assert answer.reasons == (reason,)


def test_token_0_may_be_an_end():
    row = NewText(Stopping(end=0))
    row.add(0)
    assert (row.ids, row.reason) == ([], "end")


def test_nothing_is_added_to_a_text_that_is_done():
    row = NewText(Stopping(end=3))
    for token in (1, 3, 2):
        row.add(token)
    assert (row.ids, row.reason, row.done) == ([1], "end", True)


def test_the_first_place_of_several_strings():
    assert first_of(["b", "cc"], "accb") == 1
    assert first_of(["a", "x"], "ba") == 1
    assert first_of(["x"], "ba") is None
    assert first_of([], "ba") is None


@given(text=st.text("ab", max_size=8), strings=st.lists(st.text("ab", min_size=1, max_size=4)))
def test_what_is_held_back_is_the_longest_end_that_may_become_a_stop(text, strings):
    held = held_back(strings, text)
    ends = [text[i:] for i in range(len(text))]
    may = [len(e) for e in ends if any(s.startswith(e) and s != e for s in strings)]
    assert held == max(may, default=0)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"strings": ["a", ""], "decode": decode}, "a stop string is empty; it would stop every"),
        ({"strings": ""}, "a stop string is empty"),
        ({"strings": "\n"}, "are looked for in decoded text; give decode="),
        ({"end": -1}, r"end tokens \(-1,\) came; a token is 0 or more"),
        ({"end": [2, -5]}, "a token is 0 or more"),
    ],
)
def test_stops_that_mean_nothing_are_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        generate(says([0]), torch.tensor([[0]]), 1, stopping=Stopping(**settings))
