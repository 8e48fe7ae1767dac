"""Our files are the field's files, and the ids are those of `tiktoken`, `tokenizers`, GPT-2."""

import base64
import json
import random

import pytest
import tiktoken
import tokenizers
from hypothesis import given, settings
from tokenizers import decoders, models, pre_tokenizers, trainers
from transformers import GPT2Tokenizer

from llm_book.text.bpe import BPETokenizer
from llm_book.text.bpe_training import count_pieces, learn_merges
from llm_book.text.byte_alphabet import character_of_byte, from_alphabet, to_alphabet
from llm_book.text.gpt2_files import read_gpt2
from llm_book.text.specials import SpecialFinder
from llm_book.text.split import CL100K_SPLIT, GPT2_SPLIT, Splitter
from llm_book.text.tiktoken_ranks import merges_of_ranks, read_ranks, write_ranks
from llm_book.text.tokenizer_json import read_tokenizer_json, write_tokenizer_json
from tests.text.bpe_peers import (
    END,
    SPECIALS,
    as_tiktoken,
    corpus,
    in_bytes,
    pair_counts,
    slow_join,
    slow_merges,
    texts,
    trained,
)

PATTERNS = (GPT2_SPLIT, CL100K_SPLIT)
BYTES = {byte: bytes([byte]) for byte in range(256)}
LONG = (
    " " * 3000 + "\n" * 3000 + "a" * 3000 + " \n" * 500 + "'" * 100 + "我" * 1000 + "🙂" * 500
    + "\r\n\t " * 200 + "x1" * 300 + "\x00" * 300 + "e\u0301" * 300 + "1" * 1000 + "  "
)  # fmt: skip


@pytest.fixture(scope="module", params=PATTERNS, ids=["gpt2", "cl100k"])
def three(request, tmp_path_factory):
    """A tokenizer of ours, and the same in `tiktoken` and `tokenizers`."""
    ours = trained(request.param)
    path = tmp_path_factory.mktemp("bpe") / "new folder" / "tokenizer.json"
    write_tokenizer_json(ours, path)
    assert [file.name for file in path.parent.iterdir()] == ["tokenizer.json"]
    return ours, as_tiktoken(ours), tokenizers.Tokenizer.from_file(str(path)), path


def test_ids_equal_tiktokens_on_any_text(three):
    ours, theirs, *_ = three

    @given(texts)
    @settings(max_examples=300)
    def holds(text):
        assert ours.encode(text, "plain") == theirs.encode_ordinary(text)
        assert ours.encode(text, "plain") == theirs.encode(text, disallowed_special=())

    holds()


def test_ids_equal_tiktokens_with_specials(three):
    ours, *_ = three
    alone = {END: 595, "问<": 599}  # tiktoken takes overlapping specials in no stated order
    theirs = as_tiktoken(ours, alone)
    ours = BPETokenizer(ours.tokens, ours.merges, alone, ours.pattern)

    @given(texts)
    @settings(max_examples=200)
    def holds(text):
        ids = ours.encode(text)
        assert ids == theirs.encode(text, allowed_special="all")
        assert ours.decode(ids[1:-1]) == theirs.decode(ids[1:-1])
        assert ours.decode_bytes(ids[1:]) == theirs.decode_bytes(ids[1:])

    holds()


def test_ids_equal_tokenizers_with_overlapping_specials(three):
    ours, _, theirs, _ = three

    @given(texts)
    @settings(max_examples=300)
    def holds(text):
        ids = theirs.encode(text, add_special_tokens=False).ids
        assert ours.encode(text) == ids
        assert theirs.decode(ids, skip_special_tokens=False) == ours.decode(ids)

    holds()


def test_long_runs_equal_both(three):
    ours, tik, hug, _ = three
    for text in (LONG, corpus()[:20_000]):
        assert ours.encode(text, "plain") == tik.encode_ordinary(text)
        assert ours.encode(text) == hug.encode(text).ids


def test_what_was_written_is_read_again(three, tmp_path):
    ours, _, theirs, path = three
    assert read_tokenizer_json(path) == ours
    theirs.save(str(tmp_path / "theirs.json"))
    assert read_tokenizer_json(tmp_path / "theirs.json") == ours
    write_ranks(ours, tmp_path / "ours.tiktoken")
    assert read_ranks(tmp_path / "ours.tiktoken", ours.specials, ours.pattern) == ours
    assert {file.name for file in tmp_path.iterdir()} == {"theirs.json", "ours.tiktoken"}


def test_tiktoken_reads_our_rank_file(three, tmp_path):
    ours, theirs, *_ = three
    write_ranks(ours, tmp_path / "ours.tiktoken")
    from tiktoken.load import load_tiktoken_bpe

    ranks = load_tiktoken_bpe(str(tmp_path / "ours.tiktoken"))
    assert ranks == theirs._mergeable_ranks


def test_a_rank_file_is_a_line_a_token(tmp_path):
    tokenizer = BPETokenizer({**BYTES, 256: b"lo", 257: b"low"}, [(b"l", b"o"), (b"lo", b"w")])
    write_ranks(tokenizer, tmp_path / "r")
    lines = (tmp_path / "r").read_bytes().split(b"\n")
    assert lines[97] == base64.b64encode(b"a") + b" 97"
    assert lines[256:] == [b"bG8= 256", b"bG93 257", b""]
    assert read_ranks(tmp_path / "r", ["<s>"]).specials == {"<s>": 258}


def test_merges_come_back_from_ranks_alone():
    tokenizer = trained()
    ordinary = {i: t for i, t in tokenizer.tokens.items() if i < 595}
    assert merges_of_ranks(ordinary) == tokenizer.merges


def test_a_vocabulary_trained_by_tokenizers_gives_its_ids(tmp_path):
    theirs = tokenizers.Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=[END, "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    theirs.train_from_iterator(corpus().split(END), trainer)
    theirs.save(str(tmp_path / "t.json"))
    ours = read_tokenizer_json(tmp_path / "t.json")
    assert (ours.specials, ours.vocab_size) == ({END: 0, "<pad>": 1}, 700)
    for text in (corpus(), LONG):
        assert ours.encode(text) == theirs.encode(text).ids
    reversed_ids = {i: t for i, t in ours.tokens.items() if i > 1}
    last, before = max(reversed_ids), max(reversed_ids) - 1
    reversed_ids[last], reversed_ids[before] = reversed_ids[before], reversed_ids[last]
    with pytest.raises(ValueError, match="no other order; write it with write_tokenizer_json"):
        write_ranks(BPETokenizer(reversed_ids, ours.merges), tmp_path / "r")


def merges_of_tokenizers(text, n):
    """What `tokenizers` learns from a text."""
    theirs = tokenizers.Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=256 + n,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    theirs.train_from_iterator([text], trainer)
    pairs = json.loads(theirs.to_str())["model"]["merges"]
    return [(from_alphabet(left), from_alphabet(right)) for left, right in pairs]


def test_training_equals_that_of_tokenizers_where_no_pair_is_tied():
    letters, weights = " etaoins", (23, 19, 13, 11, 7, 5, 3, 2)
    text = "".join(random.Random(0).choices(letters, weights, k=30_000))
    counts = count_pieces(text, Splitter(), SpecialFinder([]))
    steps = slow_merges(counts, 25)
    untied = next((n for n, step in enumerate(steps) if step[3]), len(steps))
    ours = [(m.left, m.right) for m in learn_merges(counts)]
    assert untied >= 10
    assert ours[:untied] == merges_of_tokenizers(text, 25)[:untied]


def test_each_merge_of_tokenizers_is_one_that_a_tie_may_choose():
    """Its rule for ties is another, so its merges are followed, not compared one by one."""
    text = corpus()[-8000:]
    words = in_bytes(count_pieces(text, Splitter(), SpecialFinder([])))
    for pair in merges_of_tokenizers(text, 100):
        pairs = pair_counts(words)
        assert pairs[pair] == max(pairs.values())
        words = {slow_join(word, pair): times for word, times in words.items()}


def test_the_alphabet_is_that_of_tokenizers_and_turns_back():
    assert set(character_of_byte()) == set(pre_tokenizers.ByteLevel.alphabet())
    assert to_alphabet(b" dog\n\x00\xad\xff") == "ĠdogĊĀŃÿ"
    every = bytes(range(256))
    assert from_alphabet(to_alphabet(every)) == every
    assert len(set(to_alphabet(every))) == 256
    with pytest.raises(ValueError, match="'a b' holds ' ', which is no character of GPT-2's byte"):
        from_alphabet("a b")


def gpt2_files(folder, tokenizer):
    """GPT-2's two files for a tokenizer of ours."""
    ids = {to_alphabet(t): i for i, t in tokenizer.tokens.items() if i < 595} | tokenizer.specials
    lines = [f"{to_alphabet(left)} {to_alphabet(right)}" for left, right in tokenizer.merges]
    (folder / "encoder.json").write_text(json.dumps(ids), encoding="utf-8")
    text = "#version: 0.2\n" + "\n".join(lines) + "\n"
    (folder / "vocab.bpe").write_text(text, encoding="utf-8", newline="\n")
    return folder / "encoder.json", folder / "vocab.bpe"


def test_files_in_gpt2s_format_are_read(tmp_path):
    ours = trained()
    encoder, merges = gpt2_files(tmp_path, ours)
    assert read_gpt2(encoder, merges) == ours
    theirs = GPT2Tokenizer(str(encoder), str(merges))
    for text in (corpus()[:5000].replace(END, ""), LONG):
        assert ours.encode(text, "plain") == theirs(text)["input_ids"]
    merges.write_bytes(merges.read_bytes().replace(b"\n", b"\r\n"))
    assert read_gpt2(encoder, merges) == ours
    merges.write_bytes(merges.read_bytes().split(b"\r\n", 1)[1])  # no line with the version
    assert read_gpt2(encoder, merges) == ours


@pytest.mark.parametrize("line", ["abc", "a b c", " a", "a "])
def test_a_line_that_is_no_merge_is_refused(tmp_path, line):
    encoder, merges = gpt2_files(tmp_path, trained())
    merges.write_text(f"#version\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"vocab\.bpe holds the line .*, which is not two tokens"):
        read_gpt2(encoder, merges)


@pytest.mark.parametrize("content", ["[]", "{", '{"a": "b"}', "3"])
def test_a_table_that_is_none_is_refused(tmp_path, content):
    encoder, merges = gpt2_files(tmp_path, trained())
    encoder.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"encoder\.json is no table of tokens and ids"):
        read_gpt2(encoder, merges)


@pytest.fixture(scope="module")
def gpt2(request):
    import os
    from pathlib import Path

    folder = os.environ.get("LLM_BOOK_MIRROR")
    if not folder:
        pytest.skip("no real data: set LLM_BOOK_MIRROR to a folder that holds it")
    encoder, merges = (Path(folder) / "gpt2" / name for name in ("encoder.json", "vocab.bpe"))
    ours = read_gpt2(encoder, merges)
    ranks = {t: i for i, t in ours.tokens.items() if i != 50256}
    theirs = tiktoken.Encoding(
        "gpt2",
        explicit_n_vocab=50257,
        pat_str=(
            r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
        ),
        mergeable_ranks=ranks,
        special_tokens={END: 50256},
    )
    return ours, theirs, GPT2Tokenizer(str(encoder), str(merges))


@pytest.mark.needs_mirror
def test_gpt2s_files_give_tiktokens_and_transformers_ids(gpt2, mirror):
    ours, theirs, third = gpt2
    assert (ours.vocab_size, len(ours.merges), ours.specials) == (50257, 50000, {END: 50256})
    assert ours.encode("Hello, world!") == [15496, 11, 995, 0]
    samples = [LONG, corpus()]
    for name in ("wikitext2/test.txt", "zh_text/sanguo_body.txt", "tinyshakespeare/input.txt"):
        with (mirror / name).open(encoding="utf-8", newline="") as file:
            samples.append(file.read(60_000))
    for text in samples:
        assert ours.encode(text) == theirs.encode(text, allowed_special="all")
        assert ours.encode(text) == third(text)["input_ids"]
        assert list(ours.encode_iterable(text.splitlines(keepends=True))) == ours.encode(text)


@pytest.mark.needs_mirror
def test_gpt2s_ids_equal_tiktokens_on_any_text(gpt2):
    ours, theirs, _ = gpt2

    @given(texts)
    @settings(max_examples=300)
    def holds(text):
        assert ours.encode(text) == theirs.encode(text, allowed_special="all")
        assert ours.decode(ours.encode(text)) == text

    holds()


@pytest.mark.needs_mirror
def test_gpt2s_ranks_are_those_of_its_merges(gpt2, tmp_path):
    ours, *_ = gpt2
    write_ranks(ours, tmp_path / "gpt2.tiktoken")
    assert read_ranks(tmp_path / "gpt2.tiktoken", [END]) == ours


@pytest.mark.parametrize(
    ("line", "why"),
    [(b"YQ==", "not enough values"), (b"!!!! 3", "base64|Non-base64"), (b"YQ== x", "invalid lit")],
)
def test_a_line_that_is_no_rank_is_refused(tmp_path, line, why):
    (tmp_path / "r").write_bytes(b"AA== 0\n" + line + b"\n")
    with pytest.raises(ValueError, match=f"line 2 of .* is not a token in base64 .*({why})"):
        read_ranks(tmp_path / "r")


def test_ranks_that_no_merges_make_are_refused(tmp_path):
    with pytest.raises(ValueError, match="the token b'abc' of rank 256 comes to 3 parts"):
        merges_of_ranks({**BYTES, 256: b"abc"})


def test_the_lowest_rank_is_merged_first_and_the_leftmost_of_equals():
    tokens = {**BYTES, 256: b"ab", 257: b"bc", 258: b"abc", 259: b"aa", 260: b"aaa"}
    merges = [(b"a", b"b"), (b"b", b"c"), (b"ab", b"c"), (b"a", b"a"), (b"aa", b"a")]
    assert merges_of_ranks(tokens) == merges


def test_a_special_that_is_also_an_ordinary_token_cannot_be_written(tmp_path):
    sentence = "special token '{}' is also an ordinary token, which tokenizer.json cannot say"
    for specials in ({"lo": 400}, {" ": 32}, {"Ġ": 300}):
        tokenizer = BPETokenizer({**BYTES, 256: b"lo"}, [(b"l", b"o")], specials)
        with pytest.raises(ValueError, match=sentence.format(*specials)):
            write_tokenizer_json(tokenizer, tmp_path / "t.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("specials", [{" lo": 400}, {"a": 97}, {"<s>": 256}, {"<t>": 5, "<s>": 3}])
def test_specials_of_any_id_can_be_written(tmp_path, specials):
    tokens = {10 + i: t for i, t in BYTES.items()} if min(specials.values()) < 97 else BYTES
    extra = {300: b" l", 301: b" lo"}
    merges = [(b" ", b"l"), (b" l", b"o")]
    tokenizer = BPETokenizer({**tokens, **extra}, merges, specials)
    write_tokenizer_json(tokenizer, tmp_path / "t.json")
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "t.json"))
    text = "a lo b<s> lo l<t>"
    assert tokenizer.encode(text) == theirs.encode(text).ids
    assert read_tokenizer_json(tmp_path / "t.json") == tokenizer


def changed(path, change, tmp_path):
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    (tmp_path / "changed.json").write_text(json.dumps(content), encoding="utf-8")
    return tmp_path / "changed.json"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda c: c.update(normalizer={"type": "NFC"}), "it has the normalizer NFC"),
        (lambda c: c["model"].update(type="WordPiece"), "its model is WordPiece"),
        (lambda c: c["model"].update(dropout=0.1), "its model has dropout 0.1"),
        (lambda c: c["model"].update(ignore_merges=True), "its model has ignore_merges True"),
        (lambda c: c["model"].update(end_of_word_suffix="</w>"), "has end_of_word_suffix '</w>'"),
        (lambda c: c["model"].update(continuing_subword_prefix="##"), "continuing_subword_prefix"),
        (lambda c: c["added_tokens"][1].update(lstrip=True), "'<|end|>' has one of single_word"),
        (lambda c: c["added_tokens"][0].update(single_word=True), "token '<|endoftext|>' has one"),
        (lambda c: c.update(pre_tokenizer={"type": "Whitespace"}), "pre-tokenizer is Whitespace"),
        (
            lambda c: c.update(pre_tokenizer={"type": "ByteLevel", "add_prefix_space": True}),
            "it puts a space before the text",
        ),
        (
            lambda c: c.update(pre_tokenizer={"type": "ByteLevel", "use_regex": False}),
            "its pre-tokenizer is ByteLevel in another manner",
        ),
        (lambda c: c["model"]["vocab"].update({"我": 9000}), "no character of GPT-2's byte alpha"),
        (lambda c: c["model"]["vocab"].pop("a"), "1 of the 256 single bytes have no id"),
        (lambda c: c.pop("model"), "model"),
        (lambda c: c["model"]["merges"].insert(0, "a b c"), "too many values"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, change, why):
    path = tmp_path / "tokenizer.json"
    write_tokenizer_json(trained(), path)
    with pytest.raises(ValueError, match=f"changed.json does not hold a byte-level BPE.*{why}"):
        read_tokenizer_json(changed(path, change, tmp_path))


def test_older_spellings_of_the_same_file_are_read(tmp_path):
    def older(content):
        model = content["model"]
        model["merges"] = [" ".join(pair) for pair in model["merges"]]
        del model["ignore_merges"]
        split = content["pre_tokenizer"]["pretokenizers"][0]
        split.update(behavior="Removed", invert=True)

    path = tmp_path / "tokenizer.json"
    write_tokenizer_json(trained(CL100K_SPLIT), path)
    assert read_tokenizer_json(changed(path, older, tmp_path)) == trained(CL100K_SPLIT)

    def other(content):
        content["pre_tokenizer"]["pretokenizers"][0].update(behavior="MergedWithNext")

    with pytest.raises(ValueError, match="pre-tokenizer is Split and ByteLevel in another manner"):
        read_tokenizer_json(changed(path, other, tmp_path))

    def twice(content):
        content["pre_tokenizer"]["pretokenizers"][1].update(use_regex=True)

    with pytest.raises(ValueError, match="pre-tokenizer is Split and ByteLevel in another manner"):
        read_tokenizer_json(changed(path, twice, tmp_path))


def test_specials_names_are_kept_by_every_format():
    assert tuple(trained().specials) == SPECIALS
