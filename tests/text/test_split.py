"""The split pattern loses nothing and may be cut where we say it may."""

import pytest
import regex
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, pre_tokenizers

from llm_book.text import split
from llm_book.text.split import CL100K_SPLIT, GPT2_SPLIT, SAFE_CUT, STREAMED, Splitter
from llm_book.text.unicode_age import NO_CHARACTER, YOUNGER, as_in_unicode_16
from tests.text.bpe_peers import texts

# The four planes that hold letters, without the surrogates.
EVERY = "".join(chr(i) for i in range(0x40000) if not 0xD800 <= i < 0xE000)
patterns = st.sampled_from(sorted(STREAMED))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("I don't  know.", ["I", " don", "'t", " ", " know", "."]),
        ("it'S 12345!?\n\n x", ["it", "'", "S", " 12345", "!?", "\n\n", " x"]),
        ("a \n", ["a", " \n"]),
        ("我不喜欢。", ["我不喜欢", "。"]),
    ],
)
def test_gpt2_cuts_a_text_so(text, pieces):
    assert Splitter().pieces(text) == pieces


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("I DON'T know.\n", ["I", " DON", "'T", " know", ".\n"]),
        ("12345 (word)", ["123", "45", " (", "word", ")"]),
        ("a\n \n b", ["a", "\n \n", " b"]),
    ],
)
def test_gpt4_cuts_a_text_so(text, pieces):
    assert Splitter(CL100K_SPLIT).pieces(text) == pieces


@pytest.mark.parametrize("pattern", [GPT2_SPLIT, CL100K_SPLIT], ids=["gpt2", "cl100k"])
@given(text=texts)
def test_pieces_joined_are_the_text_and_equal_those_of_tokenizers(pattern, text):
    pieces = Splitter(pattern).pieces(text)
    assert "".join(pieces) == text
    theirs = pre_tokenizers.Split(Regex(pattern), "isolated").pre_tokenize_str(text)
    assert pieces == [piece for piece, _ in theirs]


@given(texts, patterns)
@settings(max_examples=400)
def test_a_text_cut_at_safe_places_splits_as_the_whole(text, pattern):
    splitter = Splitter(pattern)
    whole = splitter.pieces(text)
    for place in (m.start() for m in regex.finditer(SAFE_CUT, as_in_unicode_16(text))):
        assert splitter.pieces(text[:place]) + splitter.pieces(text[place:]) == whole


@given(texts, patterns, st.data())
def test_blocks_joined_are_the_stream_and_split_as_the_whole(text, pattern, data):
    splitter = Splitter(pattern)
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    chunks = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    blocks = list(splitter.blocks(chunks))
    assert "".join(blocks) == text
    assert all(blocks)
    assert [p for block in blocks for p in splitter.pieces(block)] == splitter.pieces(text)
    by_character = list(splitter.blocks(text))
    cuts = regex.findall(SAFE_CUT, as_in_unicode_16(text))
    assert len(by_character) == len(cuts) + bool(text)  # each safe place is used


@pytest.mark.parametrize(
    ("chunks", "blocks"),
    [
        (["a word", " and"], ["a", " word", " and"]),
        (["an", "other, ", "1"], ["another,", " 1"]),
        (["12", "3 "], ["123", " "]),
        (["我不", "。是"], ["我不", "。是"]),
        (["a", "", " b"], ["a", " b"]),
        (["!", "\n", "!"], ["!\n!"]),
        (["!", "\t!"], ["!", "\t!"]),
        (["lo" * 5, "w" * 5], ["lololololowwwww"]),
        ([], []),
        ([""], []),
    ],
)
def test_what_is_given_out_when(chunks, blocks):
    assert list(Splitter().blocks(chunks)) == blocks


def test_with_an_unknown_pattern_the_whole_stream_is_held():
    assert list(Splitter(r"\w+|\W+").blocks(["a b", " c d"])) == ["a b c d"]


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("(", r"the split pattern '\(' is no regular expression"),
        ("(a)|(?s:.)", r"captures a group; write \(\?:…\) instead"),
    ],
)
def test_a_pattern_that_cannot_serve_is_refused(pattern, sentence):
    with pytest.raises(ValueError, match=sentence):
        Splitter(pattern)


def test_a_pattern_that_leaves_something_out_is_refused():
    with pytest.raises(ValueError, match=r"'\\\\w\+' leaves out a part of the text 'a b'; add"):
        Splitter(r"\w+").pieces("a b")


@pytest.mark.parametrize("kind", [r"\p{L}", r"\p{N}", r"\s"], ids=["letter", "number", "space"])
def test_letters_numbers_and_white_space_are_those_of_the_peers(kind):
    """Character by character; with another version of a peer, `YOUNGER` may have to follow."""
    ours = set(regex.findall(kind, as_in_unicode_16(EVERY)))
    bytes_alone = {bytes([byte]): byte for byte in range(256)}
    peer = tiktoken.Encoding("x", pat_str=kind, mergeable_ranks=bytes_alone, special_tokens={})
    assert set(peer.decode(peer.encode_ordinary(EVERY))) == ours
    removed = pre_tokenizers.Split(Regex(kind), "removed", invert=True)
    assert {c for piece, _ in removed.pre_tokenize_str(EVERY) for c in piece} == ours


def test_young_letters_are_replaced_one_for_one_and_nothing_else_is():
    young = {
        chr(i)
        for run in YOUNGER.split()
        for i in range(int(run.split("-")[0], 16), int(run.split("-")[-1], 16) + 1)
    }
    dated = as_in_unicode_16(EVERY)
    changed = {a for a, b in zip(EVERY, dated, strict=True) if a != b}
    assert changed == young
    assert {b for a, b in zip(EVERY, dated, strict=True) if a != b} == {NO_CHARACTER}
    assert as_in_unicode_16("a\u0558b🙂") == f"a{NO_CHARACTER}b🙂"
    assert not regex.findall(r"[\p{L}\p{N}\s]", NO_CHARACTER)


def test_nothing_is_compiled_at_import():
    import subprocess
    import sys

    code = (
        "from llm_book.text import bpe, split, unicode_age as age; print("
        "split._compiled.cache_info().currsize, age._younger.cache_info().currsize)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["0", "0"]
    assert split.regex is regex
