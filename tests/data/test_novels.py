"""The novels: ready-made or built, the same text."""

import hashlib

import pytest

from llm_book.data.download import DataUnavailable
from llm_book.data.novels import build_novels, joined, load_novels, novel_text
from llm_book.data.registry import DATASETS, DataFile, DataSet

TEI = """<?xml version="1.0" encoding="UTF-8"?>
<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><p>no text</p></teiHeader><text><front>
<p>Dedication</p></front><body><div><head>CHAPTER   I.</head>
<p>It was <hi>so</hi><note>an <hi>editor</hi></note> still,
  so<ref>1</ref>   <hi>very</hi> still.</p><p> <note>only a note</note> </p>
<quote><l>A verse,</l><l>another — 好.</l></quote><trailer>END</trailer></div></body>
</text></TEI>"""
PLAIN = "CHAPTER I.\nIt was so still, so very still.\nA verse,\nanother — 好.\n"


@pytest.fixture
def two_novels(cache, monkeypatch):
    """A set of two novels that lie in the cache, and the text that they make."""
    files = []
    for name in ("a", "b"):
        content = TEI.replace("CHAPTER   I.", name).encode()
        path = cache / f"novels/{name}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        files.append(DataFile(f"novels/{name}.xml", len(content), digest, ("https://no.where/x",)))
    text = "\n".join(PLAIN.replace("CHAPTER I.", name) for name in ("a", "b"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    made = DataFile("novels/novels_small.txt", len(text.encode()), digest, made_from="two")
    row = DataSet("novels_small", (made,), "CC0", True, "nobody2000", digest, "", tuple(files))
    monkeypatch.setitem(DATASETS, "novels_small", row)
    return text


def test_a_novel_is_its_headings_paragraphs_and_verses_without_notes():
    assert novel_text(TEI.encode()) == PLAIN


def test_an_empty_line_parts_two_novels():
    assert joined(["a\n", "b\n"]) == "a\n\nb\n"


def test_a_text_that_is_not_at_hand_is_built_and_kept(two_novels, cache):
    assert not (cache / "novels/novels_small.txt").exists()
    assert load_novels("small", progress=False) == two_novels
    assert (cache / "novels/novels_small.txt").read_bytes() == two_novels.encode()
    (cache / "novels/a.xml").unlink()
    assert load_novels("small", progress=False) == two_novels
    assert {path.name for path in (cache / "novels").iterdir()} == {"b.xml", "novels_small.txt"}


def test_novels_in_a_mirror_folder_are_built_into_the_cache(two_novels, cache, monkeypatch):
    mirror = cache.rename(cache.with_name("mirror"))
    monkeypatch.setenv("LLM_BOOK_MIRROR", str(mirror))
    assert load_novels("small", progress=False) == two_novels
    assert (cache / "novels/novels_small.txt").read_bytes() == two_novels.encode()
    assert {path.name for path in (mirror / "novels").iterdir()} == {"a.xml", "b.xml"}


def test_a_novel_that_cannot_be_had_is_named(two_novels, cache, monkeypatch):
    monkeypatch.setattr("llm_book.data.download._download", lambda *_: None)
    (cache / "novels/b.xml").unlink()
    with pytest.raises(DataUnavailable, match=r"novels/b\.xml is neither in a mirror"):
        load_novels("small", progress=False)


def test_novels_that_make_another_text_are_refused(two_novels, monkeypatch):
    monkeypatch.setattr("llm_book.data.novels.joined", "".join)
    with pytest.raises(ValueError, match=r"the novels make a text \w{12}…, the published one is"):
        build_novels("small", progress=False)


def test_another_size_is_refused():
    with pytest.raises(ValueError, match=r"no novels of size 'large'; choose one of \('small', 'm"):
        load_novels("large")


def test_a_file_that_is_no_tei_is_refused():
    with pytest.raises(ValueError, match=r"a\.xml is no XML"):
        novel_text(b"<TEI>", "a.xml")
    with pytest.raises(ValueError, match=r"a\.xml holds no body of a TEI text"):
        novel_text(b"<TEI/>", "a.xml")


@pytest.mark.parametrize(
    ("size", "n_words", "novels"), [("small", 758_192, 12), ("medium", 10_994_740, 94)]
)
def test_the_ready_made_text_is_what_its_novels_make(size, n_words, novels, mirror):
    text = load_novels(size, progress=False)
    assert len(text.split()) == n_words
    row = DATASETS[f"novels_{size}"]
    assert hashlib.sha256(text.encode()).hexdigest() == row.content_hash
    assert text.count("\n\n") == novels - 1 == len(row.parts) - 1
    if size == "medium":
        assert len(text.encode()) == row.files[1].size
        assert row.files[1].sha256 == row.content_hash
