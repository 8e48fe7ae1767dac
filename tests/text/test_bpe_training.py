"""Training equals its definition, forgets nothing at chunk boundaries and learns no special."""

from collections import Counter
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.text.bpe import BPETokenizer
from llm_book.text.bpe_training import Merge, count_pieces, learn_merges
from llm_book.text.specials import SpecialFinder
from llm_book.text.split import CL100K_SPLIT, GPT2_SPLIT, Splitter
from tests.text.bpe_peers import END, SPECIALS, corpus, slow_merges, texts

words = st.dictionaries(st.text("abc", max_size=8) | st.text(max_size=4), st.integers(1, 5))


@given(words)
def test_merges_equal_those_of_counting_everything_anew(counts):
    ours = [(m.left, m.right, m.count) for m in learn_merges(counts)]
    assert ours == [step[:3] for step in slow_merges(counts, 10**6)]


def test_merges_of_a_real_text_equal_those_of_counting_everything_anew():
    counts = count_pieces(corpus()[-15_000:], Splitter(), SpecialFinder([END]))
    ours = [(m.left, m.right, m.count) for m in islice(learn_merges(counts), 40)]
    assert ours == [step[:3] for step in slow_merges(counts, 40)]


def test_the_worked_example_of_the_page():
    counts = {"low": 5, "lower": 2, "widest": 3, "newest": 6}
    steps = list(islice(learn_merges(counts), 6))
    assert steps[0] == Merge(b"s", b"t", 9)
    assert [step.token for step in steps] == [b"st", b"est", b"ow", b"low", b"west", b"ne"]
    assert [step.count for step in steps] == [9, 9, 7, 7, 6, 6]


@pytest.mark.parametrize(
    ("counts", "pair"),
    [
        ({"ab": 2, "ba": 2}, (b"b", b"a")),
        ({"ab": 2, "ac": 2}, (b"a", b"c")),
        ({"éa": 2, "za": 2}, (b"\xc3", b"\xa9")),  # by bytes; \xa9 a has as many and is smaller
        ({"ab": 2, "ac": 3}, (b"a", b"c")),
        ({"zb": 2, "ac": 3}, (b"a", b"c")),
    ],
)
def test_of_equally_frequent_pairs_the_greatest_is_merged(counts, pair):
    first = next(learn_merges(counts))
    assert (first.left, first.right) == pair


def test_the_greatest_pair_is_that_of_the_greater_left_token_not_of_the_longer_text():
    # After "ab" is made: ("ab", "z") and ("a", "y"); "ab" > "a" although both begin alike.
    counts = {"ab": 9, "abz": 2, "ay": 2}
    assert [(m.left, m.right) for m in learn_merges(counts)][1:] == [(b"ab", b"z"), (b"a", b"y")]


@given(words)
def test_counts_never_rise_and_no_pair_is_merged_twice(counts):
    steps = list(learn_merges(counts))
    assert all(a.count >= b.count for a, b in pairwise(steps))
    assert len({step.token for step in steps}) == len(steps)


@given(words, st.integers(1, 6))
def test_no_pair_rarer_than_asked_for_is_merged(counts, least):
    every = list(learn_merges(counts))
    assert list(learn_merges(counts, least)) == [step for step in every if step.count >= least]


def test_a_run_counts_its_pairs_where_they_overlap():
    assert next(learn_merges({"aaa": 1})) == Merge(b"a", b"a", 2)
    assert [step.token for step in learn_merges({"aaaaa": 1})] == [b"aa", b"aaaa", b"aaaaa"]


@given(text=texts, data=st.data(), pattern=st.sampled_from([GPT2_SPLIT, CL100K_SPLIT, r"\w+|\W"]))
def test_a_chunk_boundary_changes_no_count(text, data, pattern):
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    chunks = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    splitter, finder = Splitter(pattern), SpecialFinder(SPECIALS)
    whole = Counter(
        piece
        for part, special in finder.marked([text])
        if not special
        for piece in splitter.pieces(part)
    )
    assert count_pieces(text, splitter, finder) == whole
    assert count_pieces(chunks, splitter, finder) == whole
    assert count_pieces(iter(text), splitter, finder) == whole


def test_a_text_a_file_and_a_stream_give_the_same_tokenizer(tmp_path, monkeypatch):
    text = corpus()[-3000:]
    path = tmp_path / "corpus.txt"
    path.write_bytes(text.encode())
    from_text = BPETokenizer.train(text, 350, SPECIALS)
    lines = text.splitlines(keepends=True)
    for size in (1 << 16, 5):
        monkeypatch.setattr("llm_book.text.bpe_training.SLICE", size)
        assert BPETokenizer.train(path, 350, SPECIALS) == from_text
        assert BPETokenizer.train(text, 350, SPECIALS) == from_text
    assert BPETokenizer.train(iter(lines), 350, SPECIALS) == from_text
    assert BPETokenizer.train(text, 300, SPECIALS).merges == from_text.merges[:39]


def test_line_ends_of_a_file_are_kept(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(b"a\r\nb\rc\n")
    assert count_pieces(path, Splitter(CL100K_SPLIT), SpecialFinder([])) == Counter(
        ["a", "\r\n", "b", "\r", "c", "\n"]
    )


def test_the_vocabulary_is_bytes_then_merges_then_specials():
    tokenizer = BPETokenizer.train("low low lower", 261, ["<s>", "<t>"])
    assert tokenizer.vocab_size == 261
    assert [tokenizer.tokens[i] for i in range(256)] == [bytes([i]) for i in range(256)]
    assert [tokenizer.tokens[i] for i in (256, 257, 258)] == [b"ow", b"low", b" low"]
    assert tokenizer.specials == {"<s>": 259, "<t>": 260}


def test_the_vocabulary_is_smaller_where_there_is_no_more_to_merge():
    assert BPETokenizer.train("abab", 1000, ["<s>"]).vocab_size == 256 + 2 + 1
    assert BPETokenizer.train("abab ac", 1000, min_count=2).vocab_size == 256 + 1
    assert BPETokenizer.train("abab", 257, ["<s>"]).merges == []


def test_nothing_is_learned_from_specials_or_across_them():
    tokenizer = BPETokenizer.train("xy<|q|>zw<|q|>" * 50, 300, ["<|q|>"])
    assert tokenizer.merges == [(b"z", b"w"), (b"x", b"y")]
    assert BPETokenizer.train("xy<|q|>zw<|q|>" * 50, 300).merges != tokenizer.merges


@pytest.mark.parametrize(
    ("source", "size", "specials", "sentence"),
    [
        ("abc", 255, [], "vocab_size 255 has no room for 256 bytes and 0 specials; give 256"),
        ("abc", 257, ["<s>", "<t>"], "257 has no room for 256 bytes and 2 specials; give 258"),
        ("", 300, [], "the source holds no text to learn merges from"),
        ("<s><s>", 300, ["<s>"], "the source holds no text to learn merges from"),
        ([], 300, [], "the source holds no text to learn merges from"),
        ("abc", 300, ["<s>", "<s>"], "'<s>' stands twice"),
    ],
)
def test_what_cannot_be_learned_is_refused(source, size, specials, sentence):
    with pytest.raises(ValueError, match=sentence):
        BPETokenizer.train(source, size, specials)


def test_a_min_count_below_one_is_refused():
    with pytest.raises(ValueError, match="min_count is 0; a pair must occur once at least"):
        BPETokenizer.train("abc", 300, min_count=0)


def test_a_file_that_is_no_utf8_is_refused(tmp_path):
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1") + b"abc")
    with pytest.raises(ValueError, match=r"latin\.txt is not UTF-8 .*; convert it"):
        BPETokenizer.train(tmp_path / "latin.txt", 300)


def test_bytes_are_refused():
    with pytest.raises(TypeError, match="chunk 0 of the stream is bytes, not text"):
        BPETokenizer.train(iter([b"abc"]), 300)
