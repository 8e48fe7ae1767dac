"""The word tokenizer: what GloVe expects, on any script, losing nothing."""

import re
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.text import tokenizers
from llm_book.text.tokenizers import ByteTokenizer, CharTokenizer, WordTokenizer
from llm_book.text.vocabulary import Vocabulary

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


WORDS = WordTokenizer.train(["A film I don't like.", "a film"])


def test_a_word_tokenizer_joined_to_a_vocabulary_gives_ids():
    assert WORDS.vocabulary == Vocabulary.build(map(tokenize, ["A film I don't like.", "a film"]))
    assert WORDS.vocab_size == 9
    assert WORDS.encode("A film, a like") == [2, 3, 1, 2, WORDS.vocabulary["like"]]
    assert WORDS.decode([2, 3, 1]) == "a film <unk>"
    assert WORDS.encode("") == []
    assert WordTokenizer(vocabulary=WORDS.vocabulary) == WORDS


@given(tricky)
def test_words_come_back_with_spaces_between_them(text):
    text = text.replace("<", "")
    tokenizer = WordTokenizer.train([text])
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == " ".join(tokenize(text))
    assert tokenizer.encode(tokenizer.decode(ids)) == ids


def test_a_word_vocabulary_is_built_as_asked():
    texts = ["B a a c", "b a"]
    assert WordTokenizer.train(texts, min_count=2).vocabulary.words == ("a", "b")
    assert WordTokenizer.train(texts, max_size=3).vocabulary.words == ("a",)
    cased = WordTokenizer.train(texts, specials=("<s>",), lower=False)
    assert cased.vocabulary.tokens == ("<s>", "a", "B", "b", "c")
    assert cased.lower is False
    assert cased.encode("B b") == [2, 3]
    with pytest.raises(KeyError, match="'zebra' is not in this vocabulary"):
        cased.encode("zebra")
    with pytest.raises(IndexError, match="id 5 is outside"):
        cased.decode([5])


def test_a_word_tokenizer_without_a_vocabulary_knows_no_ids():
    sentence = "this tokenizer has no vocabulary and knows no ids; join one"
    for ask in (
        lambda: WordTokenizer().encode("a"),
        lambda: WordTokenizer().decode([1]),
        lambda: WordTokenizer().vocab_size,
    ):
        with pytest.raises(ValueError, match=sentence):
            ask()


def test_a_single_text_to_train_words_on_is_refused():
    with pytest.raises(TypeError, match=r"train wants a list of texts, a text came \('a b'\)"):
        WordTokenizer.train("a b")


@given(st.text(min_size=1))
def test_any_text_comes_back_from_its_characters(text):
    tokenizer = CharTokenizer.train(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.vocab_size == len(set(text))
    assert CharTokenizer.train(iter([text[:1], text[1:]])) == tokenizer


def test_characters_are_numbered_by_code_point_after_the_specials():
    tokenizer = CharTokenizer.train("ba ab<", ["<pad>", "<unk>", "<"])
    assert tokenizer.vocabulary.tokens == ("<pad>", "<unk>", "<", " ", "a", "b")
    assert tokenizer.encode("abz<") == [4, 5, 1, 2]
    assert tokenizer.decode([5, 1]) == "b<unk>"


def test_shakespeare_has_65_characters(mirror):
    text = (mirror / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")
    tokenizer = CharTokenizer.train(text)
    assert tokenizer.vocab_size == 65
    assert tokenizer.vocabulary.tokens == tuple(sorted(set(text)))


def test_what_no_character_tokenizer_can_do_is_refused():
    with pytest.raises(KeyError, match="'z' is not in this vocabulary, which has no <unk>"):
        CharTokenizer.train("ab").encode("az")
    with pytest.raises(IndexError, match="id 2 is outside"):
        CharTokenizer.train("ab").decode([2])
    for nothing in ("", [], ["", ""]):
        with pytest.raises(ValueError, match="the text holds no character to learn"):
            CharTokenizer.train(nothing)
    for token in ("ab", ""):
        with pytest.raises(ValueError, match=f"holds '{token}', which is not one character"):
            CharTokenizer(Vocabulary.build([["a", token]]))


@given(st.text())
def test_any_text_comes_back_from_its_bytes(text):
    tokenizer = ByteTokenizer()
    ids = tokenizer.encode(text)
    assert ids == list(text.encode())
    assert tokenizer.decode(ids) == text


def test_bytes_that_are_no_text_are_replaced_and_what_is_no_byte_is_refused():
    tokenizer = ByteTokenizer()
    assert tokenizer.vocab_size == 256
    assert tokenizer.decode([97, 255]) == "a\ufffd"
    assert tokenizer.decode([97, 255], errors="ignore") == "a"
    for i in (-1, 256):
        with pytest.raises(IndexError, match=f"id {i} is no byte; .* ids go from 0 to 255"):
            tokenizer.decode([97, i])
    with pytest.raises(ValueError, match="holds the lone surrogate"):
        tokenizer.encode("a\udc00")
