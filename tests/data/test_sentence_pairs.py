"""Sentence pairs: both languages, row by row, with whom to name."""

import gzip

import pytest

from llm_book.data.sentence_pairs import (
    SentencePair,
    SentencePairs,
    load_cmn,
    load_multi30k,
    read_attributed_pairs,
    read_parallel,
)


def written(path, text):
    content = text.encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def test_pairs_keep_their_attribution_and_lose_the_byte_order_mark(tmp_path):
    text = "\ufeffHi.\t嗨。\tCC-BY #1\r\nHi.\t嗨。\tCC-BY #2\nHi.\t你好。\tCC-BY #3\n\n"
    read = read_attributed_pairs(written(tmp_path / "x.txt", text))
    assert read.pairs[0] == SentencePair("Hi.", "嗨。", "CC-BY #1")
    assert [pair.attribution for pair in read.pairs] == ["CC-BY #1", "CC-BY #2", "CC-BY #3"]
    assert read.n_repeated == 1


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("a\tb", "row 2: 2 columns where 3 were expected"),
        ("a\tb\tc\td", "row 2: 4 columns where 3 were expected"),
        ("a\t \tc", "row 2: a column is empty"),
        ("a\tb\t", "row 2: a column is empty"),
        ("", "row 2: 1 columns where 3 were expected"),
    ],
)
def test_a_malformed_pair_is_refused_by_row(row, sentence, tmp_path):
    path = written(tmp_path / "x.txt", f"a\tb\tc\n{row}\na\tb\tc\n")
    with pytest.raises(ValueError, match=rf"x\.txt, {sentence}"):
        read_attributed_pairs(path)


def test_two_parallel_files_make_pairs(tmp_path):
    german = written(tmp_path / "x.de.gz", "Ein Hund.\nEine Katze.\n")
    english = written(tmp_path / "x.en.gz", "A dog.\nA cat.\n")
    assert read_parallel(german, english) == SentencePairs(
        (SentencePair("Ein Hund.", "A dog."), SentencePair("Eine Katze.", "A cat."))
    )


def test_files_that_are_not_parallel_are_refused(tmp_path):
    short = written(tmp_path / "x.de", "a\n")
    long = written(tmp_path / "x.en", "a\nb\n")
    with pytest.raises(ValueError, match=r"x\.de holds 1 sentences and x\.en 2; they must be par"):
        read_parallel(short, long)
    gap = written(tmp_path / "y.en", "a\n \nb\n")
    with pytest.raises(ValueError, match=r"y\.en, row 2: the sentence is empty"):
        read_parallel(long, gap)


def test_a_split_that_was_never_published_is_refused():
    with pytest.raises(ValueError, match=r"no split 'dev'; choose one of \('train', 'val', 'test'"):
        load_multi30k("dev")


def test_the_published_english_chinese_pairs_are_all_there(mirror):
    cmn = load_cmn(progress=False)
    assert (len(cmn.pairs), cmn.n_repeated) == (29_155, 100)
    assert cmn.pairs[0].source == "Hi." and cmn.pairs[0].target == "嗨。"
    assert all(p.attribution.startswith("CC-BY 2.0 (France) Attribution:") for p in cmn.pairs)


@pytest.mark.parametrize(("split", "n"), [("train", 29_000), ("val", 1_014), ("test", 1_000)])
def test_the_published_captions_are_all_there_german_first(split, n, mirror):
    pairs = load_multi30k(split, progress=False).pairs
    assert len(pairs) == n
    assert sum(" der " in p.source or " ein" in p.source for p in pairs) > n / 2
    assert sum(" a " in p.target or " the " in p.target for p in pairs) > n / 2
