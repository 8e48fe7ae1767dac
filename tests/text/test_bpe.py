"""Byte-level BPE: any text and back, however it streams in, with specials as we say."""

import pickle
import random
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_book.text import bpe
from llm_book.text.bpe import BPETokenizer
from llm_book.text.split import CL100K_SPLIT, GPT2_SPLIT
from tests.text.bpe_peers import END, SPECIALS, corpus, slow_join, texts, trained

BYTES = {byte: bytes([byte]) for byte in range(256)}
SMALL = BPETokenizer(
    {**BYTES, 256: b"lo", 257: b"low", 258: b" low"}, [(b"l", b"o"), (b"lo", b"w"), (b" ", b"low")]
)


def slow_ids(tokenizer: BPETokenizer, piece: str) -> list[int]:
    """Each merge in the order learned, wherever it fits."""
    word = tuple(bytes([byte]) for byte in piece.encode())
    for pair in tokenizer.merges:
        word = slow_join(word, pair)
    id_of = {token: i for i, token in tokenizer.tokens.items()}
    return [id_of[token] for token in word]


def test_a_word_is_merged_as_on_the_page():
    assert SMALL.encode("low lowest") == [257, 258, *b"est"]
    assert SMALL.pieces("lowé") == [(b"low", 257), (b"\xc3", 0xC3), (b"\xa9", 0xA9)]
    assert list(SMALL.steps("lowl")) == [
        [b"l", b"o", b"w", b"l"],
        [b"lo", b"w", b"l"],
        [b"low", b"l"],
    ]


@pytest.mark.parametrize("pattern", [GPT2_SPLIT, CL100K_SPLIT], ids=["gpt2", "cl100k"])
@given(text=texts)
def test_any_text_comes_back_from_its_ids(pattern, text):
    tokenizer = trained(pattern)
    for specials in ("recognise", "plain"):
        ids = tokenizer.encode(text, specials)
        assert tokenizer.decode(ids) == text
        assert tokenizer.decode_bytes(ids) == text.encode()


@given(text=texts)
def test_the_queue_gives_what_each_merge_in_turn_gives(text):
    tokenizer = trained()
    expected = [i for piece in tokenizer.splitter.pieces(text) for i in slow_ids(tokenizer, piece)]
    assert tokenizer.encode(text, "plain") == expected


@given(st.text("ab", max_size=40), st.text("ab", min_size=2, max_size=60))
def test_runs_that_overlap_themselves_are_merged_from_the_left(text, learned_from):
    tokenizer = BPETokenizer.train(learned_from, 270)
    assert tokenizer.encode(text) == slow_ids(tokenizer, text)
    steps = list(tokenizer.steps(text))
    assert steps[-1] == [tokenizer.tokens[i] for i in tokenizer.encode(text)]
    assert all(len(after) < len(before) for before, after in pairwise(steps))


@given(text=texts, data=st.data(), pattern=st.sampled_from([GPT2_SPLIT, CL100K_SPLIT, r"(?s:.)"]))
def test_however_a_stream_is_cut_the_ids_are_those_of_the_text(text, data, pattern):
    tokenizer = trained(pattern)
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    chunks = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    for specials in ("recognise", "plain"):
        whole = tokenizer.encode(text, specials)
        assert list(tokenizer.encode_iterable(chunks, specials)) == whole
        assert list(tokenizer.encode_iterable(text, specials)) == whole  # by characters


def test_a_text_longer_than_a_slice_is_encoded_as_one(monkeypatch):
    text = corpus()[-2000:]
    whole = trained().encode(text)
    for size in (1, 1000):
        monkeypatch.setattr("llm_book.text.bpe_training.SLICE", size)
        assert trained().encode(text) == whole


def test_a_stream_is_read_no_further_than_needed():
    def endless():
        while True:
            read.append(1)
            yield "low and lower. "

    read: list[int] = []
    ids = SMALL.encode_iterable(endless())
    assert read == []
    assert [next(ids) for _ in range(4)] == [257, *b" an"]
    assert len(read) <= 2


def test_memory_does_not_grow_with_the_stream(monkeypatch):
    def stream(n):
        numbers = random.Random(0)
        return (f"low {numbers.random()} 我不喜欢{numbers.random()}。" for _ in range(n))

    def peak(n):
        tokenizer = BPETokenizer(SMALL.tokens, SMALL.merges)
        tracemalloc.start()
        for _ in tokenizer.encode_iterable(stream(n)):
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    monkeypatch.setattr(bpe, "REMEMBERED", 50)
    assert peak(1500) < peak(150) * 1.5


def test_no_more_is_remembered_than_the_bound_and_no_long_piece(monkeypatch):
    monkeypatch.setattr(bpe, "REMEMBERED", 10)
    tokenizer = BPETokenizer(SMALL.tokens, SMALL.merges)
    for n in range(35):
        tokenizer.encode(f"{n}")
        assert 1 <= len(tokenizer._ids_of) <= 10
    fresh = BPETokenizer(SMALL.tokens, SMALL.merges)
    fresh.encode("l" * 65 + " " + "o" * 63)
    assert set(fresh._ids_of) == {" " + "o" * 63}


def test_what_is_remembered_is_not_found_again():
    tokenizer = BPETokenizer(SMALL.tokens, SMALL.merges)
    first = tokenizer.encode("low low")
    tokenizer._ids_of._find = None
    assert tokenizer.encode("low low") == first


def test_a_long_run_of_letters_takes_no_quadratic_time():
    letters = "".join(random.Random(0).choices("low", k=100_000))
    assert trained().decode(trained().encode(letters)) == letters


def test_specials_have_their_ids_the_longest_first():
    tokenizer = trained()
    end, one, two, bar, mixed = (tokenizer.specials[s] for s in SPECIALS)
    assert [end, one, two, bar, mixed] == [595, 596, 597, 598, 599]
    assert tokenizer.encode("<|end|><|end|><|end|>") == [two, one]
    assert tokenizer.encode("<|endoftext|>") == [end]
    assert tokenizer.encode("<|endoftext<|") == [bar, *tokenizer.encode("endoftext"), bar]
    assert tokenizer.encode("问<|end|>") == [mixed, *tokenizer.encode("|end|>")]
    assert tokenizer.decode([two, one, mixed]) == "<|end|><|end|><|end|>问<"


def test_a_special_read_as_plain_text_or_refused():
    plain = trained().encode(f"a{END}b", "plain")
    assert trained().decode(plain) == f"a{END}b"
    assert not set(plain) & set(trained().specials.values())
    with pytest.raises(ValueError, match=r"holds the special token '<\|endoftext\|>'; encode with"):
        trained().encode(f"a{END}b", "refuse")
    assert trained().encode("a b", "refuse") == trained().encode("a b")
    with pytest.raises(ValueError, match="specials is 'all'; choose one of recognise, refuse, pl"):
        trained().encode("a", "all")


def test_text_before_and_after_a_special_is_split_by_itself():
    tokenizer = trained()
    for text in (f"  {END}  x", f"a{END}'s", f"don{END}'t "):
        left, right = text.split(END)
        whole = tokenizer.encode(text)
        assert whole == [*tokenizer.encode(left), 595, *tokenizer.encode(right)]


def test_a_character_cut_in_two_is_replaced_or_refused():
    ids = SMALL.encode("é")
    assert SMALL.decode(ids[:1]) == "\ufffd"
    assert SMALL.decode(ids[:1], errors="ignore") == ""
    assert SMALL.decode_bytes(ids[:1]) == b"\xc3"
    with pytest.raises(UnicodeDecodeError):
        SMALL.decode(ids[:1], errors="strict")


def test_ids_may_come_as_a_tensor_or_an_array():
    ids = SMALL.encode("low lower")
    assert SMALL.decode(torch.tensor(ids)) == SMALL.decode(np.array(ids)) == "low lower"


@pytest.mark.parametrize("surrogate", ["\ud800", "\udfff"])
def test_a_lone_surrogate_is_refused(surrogate):
    for text in (surrogate, f"low {surrogate}", f"low{surrogate}low"):
        with pytest.raises(ValueError, match=r"holds the lone surrogate '\\ud.*decode its source"):
            SMALL.encode(text)
    with pytest.raises(ValueError, match="lone surrogate"):
        BPETokenizer.train("low" + surrogate, 300)
    with pytest.raises(ValueError, match="lone surrogate"):
        BPETokenizer(BYTES, [], [f"<{surrogate}>"])


@pytest.mark.parametrize("i", [259, -1, 10**9])
def test_an_id_outside_is_refused(i):
    with pytest.raises(IndexError, match=f"id {i} is not among the 259 ids of this tokenizer"):
        SMALL.decode([0, i])


def test_a_chunk_that_is_no_text_is_refused():
    with pytest.raises(TypeError, match="chunk 1 of the stream is bytes, not text; decode it"):
        list(SMALL.encode_iterable(iter(["a", b"b"])))


def test_ids_need_not_be_contiguous_nor_in_order():
    tokens = {3 * byte + 1: bytes([byte]) for byte in range(256)} | {0: b"lo", 5000: b"low"}
    tokenizer = BPETokenizer(tokens, [(b"l", b"o"), (b"lo", b"w")], {"<s>": 9000})
    assert tokenizer.encode("low lo<s>") == [5000, 97, 0, 9000]
    assert tokenizer.decode([5000, 9000]) == "low<s>"
    assert tokenizer.vocab_size == 9001
    assert SMALL.vocab_size == 259


def test_listed_specials_have_the_id_of_their_bytes_or_the_next_free_one():
    tokenizer = BPETokenizer({**BYTES, 300: b"<s>"}, [], ["<t>", "<s>", "<u>"])
    assert tokenizer.specials == {"<t>": 301, "<s>": 300, "<u>": 302}
    assert tokenizer.encode("<s><u>x<t>") == [300, 302, 120, 301]


def test_a_token_that_no_merge_makes_is_only_decoded():
    tokenizer = BPETokenizer({**BYTES, 256: END.encode()}, [])
    assert tokenizer.encode(END) == list(END.encode())
    assert tokenizer.decode([256]) == END


def test_a_special_may_look_like_an_ordinary_token():
    tokenizer = BPETokenizer({**BYTES, 256: b"lo"}, [(b"l", b"o")], {"lo": 400, "a": 97})
    assert tokenizer.encode("lo" + "a") == [400, 97]
    assert tokenizer.encode("lo" + "a", "plain") == [256, 97]
    first = {400: b"lo", **BYTES, 256: b"lo"}
    assert BPETokenizer(first, [(b"l", b"o")], {"lo": 400}).encode("lo", "plain") == [256]
    learned = BPETokenizer.train("lo lo a", 300, ["lo", "a"])
    assert learned.decode(learned.encode("lo la ola")) == "lo la ola"


@pytest.mark.parametrize(
    ("tokens", "merges", "specials", "sentence"),
    [
        ({0: b"a"}, [], (), r"255 of the 256 single bytes have no id, b'\\x00' first"),
        ({**BYTES, 256: b"a"}, [], (), "the token b'a' has two ids, 97 and 256; give it one"),
        ({**BYTES, 256: b""}, [], (), "the token with id 256 has no bytes; leave it out"),
        ({**BYTES, -1: b"ab"}, [], (), "the token b'ab' has id -1; ids are 0 or more"),
        (BYTES, [(b"a", b"b")], (), r"merge 0, b'a' \+ b'b', makes b'ab', which has no id"),
        ({**BYTES, 256: b"abc"}, [(b"ab", b"c")], (), "uses b'ab', which is no byte and no result"),
        ({**BYTES, 256: b"abc"}, [(b"a", b"bc")], (), "merge 0, .* uses b'bc', which is no byte"),
        ({**BYTES, 256: b"ab"}, [(b"a", b"b")] * 2, (), r"merge 1, b'a' \+ b'b', stands twice"),
        (BYTES, [], {"<s>": 97}, "'<s>' has id 97, which is that of b'a'; give it an id of"),
        (BYTES, [], {"<s>": 300, "<t>": 300}, "'<t>' has id 300, which is that of b'<s>'"),
        (BYTES, [], {"<s>": -3}, "the token b'<s>' has id -3"),
        (BYTES, [], ["<s>", "<s>"], "the special token '<s>' stands twice; give it once"),
        (BYTES, [], ["<s>", ""], "a special token is empty"),
    ],
)
def test_what_cannot_be_a_tokenizer_is_refused(tokens, merges, specials, sentence):
    with pytest.raises(ValueError, match=sentence):
        BPETokenizer(tokens, merges, specials)


def test_a_lone_string_of_specials_is_refused():
    with pytest.raises(TypeError, match=r"specials is the string '<s>'; give a list: \['<s>'\]"):
        BPETokenizer(BYTES, [], "<s>")


def test_several_merges_may_make_the_same_token():
    tokens = {**BYTES, 256: b"ab", 257: b"bc", 258: b"abc"}
    merges = [(b"b", b"c"), (b"a", b"b"), (b"a", b"bc"), (b"ab", b"c")]
    assert BPETokenizer(tokens, merges).encode("abc ab bc") == [258, 32, 256, 32, 257]


def test_what_was_given_is_copied_and_equal_parts_make_equal_tokenizers():
    tokens = {**BYTES, 256: b"lo"}
    tokenizer = BPETokenizer(tokens, iter([(b"l", b"o")]), {"<s>": 300})
    same = BPETokenizer(tokenizer.tokens, tokenizer.merges, tokenizer.specials)
    tokens.clear()
    assert tokenizer.decode([256]) == "lo"
    assert tokenizer == same
    assert tokenizer != BPETokenizer(tokenizer.tokens, tokenizer.merges, {"<s>": 301})
    assert tokenizer != BPETokenizer(tokenizer.tokens, [], {"<s>": 300})
    assert tokenizer != BPETokenizer(tokenizer.tokens, same.merges, {"<s>": 300}, CL100K_SPLIT)
    assert tokenizer != BPETokenizer({**same.tokens, 999: b"xyz"}, same.merges, {"<s>": 300})
    assert tokenizer != "a tokenizer"
    assert repr(tokenizer) == "BPETokenizer(258 tokens, 1 merges, specials={'<s>': 300})"


def test_a_tokenizer_can_be_sent_to_another_process():
    tokenizer = trained()
    sent = pickle.loads(pickle.dumps(tokenizer))
    assert sent == tokenizer
    assert sent.encode("a film<|end|>") == tokenizer.encode("a film<|end|>")
