"""Tokens are found again where they stand."""

import pytest

from llm_book.text.places import word_places
from llm_book.text.tokenizers import WordTokenizer


@pytest.mark.parametrize(
    "text",
    [
        "Don’t pay $5.00 (now) to O'Neill.",
        "  在 1817 年 ，华沙(Warsaw)。",
        "a a ab",
        "",
        "3.5%至9%",
    ],
)
def test_each_token_stands_at_its_place(text):
    tokens = WordTokenizer(lower=False).tokenize(text)
    found = [text[start:end].replace("’", "'") for start, end in word_places(text)]
    assert found == tokens


def test_a_word_that_is_rewritten_is_refused():
    with pytest.raises(ValueError, match="give it in NFC"):
        word_places("un cafe\u0301 noir")
