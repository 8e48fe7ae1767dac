"""Fertility: tokens a word, or whatever one counts by."""

import pytest

from llm_book.text.fertility import fertility
from llm_book.text.tokenizers import ByteTokenizer, WordTokenizer
from tests.text.bpe_peers import corpus, trained


def test_bytes_cost_as_many_tokens_as_a_word_has_bytes():
    encode = ByteTokenizer().encode
    assert fertility(encode, "ab cd") == 2.5
    assert fertility(encode, "我不喜欢", list) == 3.0


def test_what_was_trained_on_a_text_spends_less_than_bytes_and_a_word_tokenizer_one():
    text = corpus()[:5000]
    assert 1 < fertility(trained().encode, text) < fertility(ByteTokenizer().encode, text)
    words = WordTokenizer.train([text])
    assert fertility(words.encode, text, words.tokenize) == 1


def test_a_text_without_words_is_refused():
    with pytest.raises(ValueError, match="the text '  ' has no word to count tokens by"):
        fertility(ByteTokenizer().encode, "  ")
