"""The word tokenizer: what GloVe expects, on any script, losing nothing."""

import re
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.text import tokenizers
from llm_book.text.tokenizers import WordTokenizer

tokenize = WordTokenizer().tokenize
# Marks of many kinds close together, where the rules meet.
tricky = st.lists(
    st.one_of(st.sampled_from(["n't", "'s", "-", "..", "--", "don", "3.5", "<", "我", "é", " "]),
              st.text(max_size=3)),
    max_size=12,
).map("".join)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("  \n\t ", []),
        ("I don't like it.", ["i", "do", "n't", "like", "it", "."]),
        ("CAN'T won’t isn\u00b4t", ["ca", "n't", "wo", "n't", "is", "n't"]),
        ("It's they'll we've", ["it", "'s", "they", "'ll", "we", "'ve"]),
        ("a well-made film by O'Neill", ["a", "well-made", "film", "by", "o'neill"]),
        ("3.5/10 for 1,000.50", ["3.5", "/", "10", "for", "1,000.50"]),
        ("Wait... what?!", ["wait", "...", "what", "?", "!"]),
        ("bad--very bad", ["bad", "--", "very", "bad"]),
        ("good<br /><br />bad<BR>end", ["good", "bad", "end"]),
        ("1 < 2 > 0", ["1", "<", "2", ">", "0"]),
        ("我不喜欢。Hello世界", ["我", "不", "喜", "欢", "。", "hello", "世", "界"]),
        ("ひどい", ["ひ", "ど", "い"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("кино не очень", ["кино", "не", "очень"]),
        ("🙂🙂", ["🙂", "🙂"]),
    ],
)
def test_a_text_is_cut_as_the_page_says(text, tokens):
    assert tokenize(text) == tokens


def test_case_is_kept_where_it_is_asked_for():
    assert WordTokenizer(lower=False).tokenize("Don't SHOUT") == ["Do", "n't", "SHOUT"]


@given(tricky)
def test_nothing_but_white_space_is_lost(text):
    # html and apostrophes aside, which are changed on purpose
    text = unicodedata.normalize("NFC", text).translate({ord(c): None for c in "<’\u00b4"})
    joined = "".join(WordTokenizer(lower=False).tokenize(text))
    assert joined == re.sub(r"\s+", "", text)


@given(tricky)
def test_no_token_is_empty_or_holds_white_space(text):
    assert all(token and not re.search(r"\s", token) for token in tokenize(text))


@given(tricky, tricky)
def test_a_space_between_two_texts_keeps_their_tokens_apart(left, right):
    left, right = left.replace("<", ""), right.replace("<", "")  # `<br` and `/>` may meet
    assert tokenize(left + " " + right) == tokenize(left) + tokenize(right)


@given(tricky)
def test_tokens_joined_by_spaces_are_cut_into_the_same_tokens(text):
    tokens = tokenize(text.replace("<", ""))
    assert tokenize(" ".join(tokens)) == tokens


@given(tricky)
def test_how_an_accent_was_typed_makes_no_difference(text):
    assert tokenize(unicodedata.normalize("NFD", text)) == tokenize(text)


@given(tricky)
def test_the_short_cut_for_plain_words_changes_no_token(text):
    without = re.compile("|".join(tokenizers._alternatives()[1:]))
    assert tokenizers._pattern().findall(text) == without.findall(text)


def test_a_million_equal_letters_are_one_token():
    assert tokenize("n" * 1_000_000) == ["n" * 1_000_000]
    assert len(tokenize("a\u0332-" * 100_000)) == 2


def test_nothing_is_compiled_at_import():
    code = (
        "import llm_book.text.tokenizers as t; print(t._pattern.cache_info().currsize, "
        "t._combining_marks.cache_info().currsize)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["0", "0"]
