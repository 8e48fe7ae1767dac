"""IMDB: one content from two formats, and a split that leaks nothing."""

import functools
import hashlib
import io
import lzma
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.data.download import fetch
from llm_book.data.imdb import (
    checked_content,
    content_hash,
    load_imdb,
    rating,
    read_imdb,
    split_imdb,
)
from llm_book.data.registry import DATASETS
from llm_book.shapes import Review

REVIEWS = [
    Review("awful", 0, "train/neg/0_3"),
    Review("a\ttab, a\nline, a \\n that is none", 0, "train/neg/10_1"),
    Review("好看 ", 1, "train/pos/2_9"),
    Review("fine<br />really", 1, "test/pos/0_10"),
]
reviews = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 1)), max_size=30).map(
    lambda rows: [Review(text, label, f"train/x/{i}_5") for i, (text, label) in enumerate(rows)]
)


def as_tsv(path, rows):
    lines = ["split\tlabel\tid\trating\ttext"]
    for row in rows:
        split, label, name = row.id.split("/")
        number, stars = name.split("_")
        text = row.text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
        lines.append("\t".join([split, label, number, stars, text]))
    path.write_bytes(lzma.compress(("\n".join(lines) + "\n").encode()))
    return path


def as_tar(path, rows):
    """As Stanford packs it: one file a review, among others that are none."""
    others = {"aclImdb/README": b"", "aclImdb/train/unsup/0_0.txt": b"no label",
              "aclImdb/train/labeledBow.feat": b""}  # fmt: skip
    files = {f"aclImdb/{row.id}.txt": row.text.encode() for row in rows}
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {**others, **files}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def test_both_formats_give_the_same_reviews_in_the_same_order(tmp_path):
    tsv = read_imdb(as_tsv(tmp_path / "x.tsv.xz", REVIEWS))
    tar = read_imdb(as_tar(tmp_path / "x.tar.gz", REVIEWS[::-1]))
    assert tsv == tar == REVIEWS


def test_the_content_hash_is_the_one_the_definition_gives():
    text = hashlib.sha256(b"awful").hexdigest()
    line = f"train/neg/0_3.txt\t{text}\n".encode()
    assert content_hash(REVIEWS[:1]) == hashlib.sha256(line).hexdigest()


def test_the_content_hash_does_not_depend_on_the_order_but_on_every_letter():
    assert content_hash(REVIEWS) == content_hash(REVIEWS[::-1])
    changed = [Review("Awful", 0, "train/neg/0_3"), *REVIEWS[1:]]
    assert content_hash(REVIEWS) != content_hash(changed)


def test_another_content_is_refused():
    expected = DATASETS["imdb"].content_hash
    with pytest.raises(ValueError, match="the published IMDB set has 4b0bfdfe1400"):
        checked_content(REVIEWS, expected)


def test_load_refuses_a_file_with_another_content(tmp_path, monkeypatch):
    path = as_tsv(tmp_path / "x.tsv.xz", REVIEWS)
    monkeypatch.setattr("llm_book.data.imdb.fetch", lambda *_, **__: path)
    with pytest.raises(ValueError, match="these 4 reviews have the content"):
        load_imdb()


def test_a_table_with_other_columns_is_refused(tmp_path):
    (tmp_path / "x.tsv.xz").write_bytes(lzma.compress(b"text\tlabel\n"))
    with pytest.raises(ValueError, match="begins with 'text"):
        read_imdb(tmp_path / "x.tsv.xz")


def test_an_archive_that_climbs_out_of_its_folder_is_refused(tmp_path):
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("aclImdb/../../train/pos/0_9.txt"))
    with pytest.raises(ValueError, match="would be written outside"):
        read_imdb(tmp_path / "x.tar.gz")


def test_the_stars_are_read_from_the_id():
    assert [rating(review) for review in REVIEWS] == [3, 1, 9, 10]


@given(reviews, reviews, st.floats(0.01, 0.99))
def test_no_text_stands_on_two_sides_of_the_split(train, test, share):
    split = split_imdb(train, test, share)
    texts = [{r.text for r in side} for side in (split.train, split.validation, split.test)]
    assert sum(map(len, texts)) == len(set.union(*texts))


@given(reviews, reviews)
def test_every_review_is_on_one_side_or_counted_as_removed(train, test):
    split = split_imdb(train, test, 0.5)
    report = split.report
    assert report.n_train + report.n_validation + report.n_removed == len(train)
    assert (report.n_train, report.n_validation) == (len(split.train), len(split.validation))
    assert split.test == test
    removed = {r.id for r in train} - {r.id for r in [*split.train, *split.validation]}
    assert removed == {r.id for r in train if r.text in {t.text for t in test}}


@given(reviews, st.randoms())
def test_the_order_of_reading_changes_no_side(train, random):
    split, again = split_imdb(train, []), split_imdb(random.sample(train, len(train)), [])
    assert {r.id for r in split.validation} == {r.id for r in again.validation}


def test_repeats_and_contradictions_are_counted():
    train = [Review("a", 0, "train/neg/0_1"), Review("a", 0, "train/neg/1_1"),
             Review("b", 0, "train/neg/2_1"), Review("b", 1, "train/pos/0_9")]  # fmt: skip
    report = split_imdb(train, []).report
    assert (report.n_repeats, report.n_contradictions) == (2, 1)


@pytest.mark.parametrize("share", [0, 1, -0.5, 2])
def test_a_share_that_leaves_one_side_empty_is_refused(share):
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        split_imdb(REVIEWS, [], share)


@functools.cache
def real_imdb():
    """The published set, read once."""
    return load_imdb(progress=False)


@pytest.mark.needs_mirror
def test_the_real_set_is_the_published_one_and_splits_without_leaks(mirror):
    imdb = real_imdb()
    assert imdb.report.content_hash == DATASETS["imdb"].content_hash
    assert fetch("imdb").name == imdb.report.file
    for half in (imdb.train, imdb.test):
        assert (len(half), sum(review.label for review in half)) == (25_000, 12_500)
    assert all((rating(review) >= 7) == review.label for review in imdb.train + imdb.test)
    assert (imdb.report.n_distinct, imdb.report.n_in_both) == (49_582, 123)
    split = split_imdb(imdb.train, imdb.test)
    assert split.report.n_texts_in_both == 123
    assert 0.05 < split.report.n_validation / 25_000 < 0.075
    assert not {r.text for r in split.validation} & {r.text for r in split.train + split.test}


def test_the_real_texts_are_as_long_and_as_marked_up_as_is_known(mirror):
    imdb = real_imdb()
    texts = [review.text for review in imdb.train + imdb.test]
    lengths = sorted(len(text.split()) for text in texts)
    assert sum("<br />" in text for text in texts) / 50_000 == pytest.approx(0.58, abs=0.005)
    assert sum(lengths) / 50_000 == pytest.approx(231, abs=0.5)
    assert (lengths[25_000], lengths[-1]) == (173, 2_470)
