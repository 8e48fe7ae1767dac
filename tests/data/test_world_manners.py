"""Two manners of one answer: they say the same, and the answer itself is better in half."""

import pytest

from llm_book.data.world.manners import POLITE, RUDE, in_two_manners


def test_the_answer_is_one_of_the_two_and_stands_within_the_other():
    for number in range(50):
        answer = f"A table for {number}."
        manners = in_two_manners(answer, key="x")
        original, other = manners.chosen, manners.rejected
        if manners.rewritten_politely:
            original, other = other, original
        assert original == answer and answer in other and other != answer


def test_a_polite_rewriting_is_chosen_and_a_rude_one_rejected():
    for key in map(str, range(50)):
        manners = in_two_manners("Yes.", key)
        side = manners.chosen if manners.rewritten_politely else manners.rejected
        wordings = POLITE if manners.rewritten_politely else RUDE
        assert side in {wording.format("Yes.") for wording in wordings}


def test_about_half_are_polite_and_every_wording_comes_always_for_the_same_key():
    found = [in_two_manners("Yes.", str(key)) for key in range(400)]
    assert 160 < sum(manners.rewritten_politely for manners in found) < 240
    said = {text for manners in found for text in (manners.chosen, manners.rejected)}
    assert said == {"Yes.", *(wording.format("Yes.") for wording in POLITE + RUDE)}
    assert found == [in_two_manners("Yes.", str(key)) for key in range(400)]


def test_an_answer_that_says_nothing_is_refused():
    with pytest.raises(ValueError, match="no manners"):
        in_two_manners(" ", "x")
