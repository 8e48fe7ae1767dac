"""GloVe: the same vectors from two formats, and an embedding that starts from them."""

import struct
import zipfile

import numpy as np
import pytest
import torch

from llm_book.data.glove import (
    WordVectors,
    embedding_matrix,
    load_glove,
    read_glove_int8,
    read_glove_text,
)

WORDS = ("the", "好", "n't", "a b")
RAW = np.random.default_rng(0).normal(size=(len(WORDS), 50)).astype(np.float32)
TEXT = [f"{w} {' '.join(map(str, row))}\n".encode() for w, row in zip(WORDS, RAW, strict=True)]


def as_int8(path, words=WORDS, rows=RAW, version=1, magic=b"RDGLVQ8\0"):
    content = struct.pack("<8sHHIHH", magic, version, rows.shape[1], len(words), 127, 0)
    for word, row in zip(words, rows, strict=True):
        name = word.encode()
        quantised = np.round(row / np.linalg.norm(row) * 127).astype(np.int8)
        content += struct.pack("<H", len(name)) + name + quantised.tobytes()
    path.write_bytes(content)
    return path


@pytest.fixture
def vectors():
    return read_glove_text(TEXT, 50, 10)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_both_formats_give_the_same_words_and_nearly_the_same_vectors(tmp_path, vectors):
    small = read_glove_int8(as_int8(tmp_path / "x.bin"))
    assert small.words == vectors.words == WORDS
    assert (small.vectors - vectors.vectors).abs().max() < 0.01


def test_every_vector_has_length_1(tmp_path, vectors):
    for source in (vectors, read_glove_int8(as_int8(tmp_path / "x.bin"))):
        assert source.vectors.dtype == torch.float32
        torch.testing.assert_close(source.vectors.norm(dim=1), torch.ones(len(WORDS)))


def test_only_the_first_words_of_a_text_file_are_read():
    def lines():
        yield from TEXT[:2]
        raise AssertionError("read on past the words that were asked for")

    assert read_glove_text(lines(), 50, 2).words == WORDS[:2]


def test_a_word_is_looked_up_by_its_name(vectors):
    torch.testing.assert_close(vectors["好"], vectors.vectors[1])
    assert "好" in vectors and "坏" not in vectors
    with pytest.raises(KeyError):
        vectors["坏"]


def test_other_widths_come_from_the_zip(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "glove.6B.zip", "w") as archive:
        archive.writestr("glove.6B.50d.txt", "wrong 1\n")
        archive.writestr("glove.6B.100d.txt", f"the {' '.join(['1'] * 100)}\n")
    asked = []
    monkeypatch.setattr(
        "llm_book.data.glove.fetch",
        lambda name, progress: asked.append(name) or tmp_path / "glove.6B.zip",
    )
    wide = load_glove(dim=100)
    assert (wide.words, wide.vectors.shape) == (("the",), (1, 100))
    assert asked == ["vectors/glove.6B.zip"]


def test_a_width_that_was_never_published_is_refused():
    with pytest.raises(ValueError, match="no vectors of width 64"):
        load_glove(dim=64)


def test_a_text_file_of_another_width_is_refused():
    with pytest.raises(ValueError, match="row 1 holds 50 numbers where 100 were expected"):
        read_glove_text(TEXT, 100, 10)


@pytest.mark.parametrize("cut", [1, 30, 60])
def test_a_quantised_file_that_ends_early_is_refused(cut, tmp_path):
    path = as_int8(tmp_path / "x.bin")
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ValueError, match=r"x\.bin ends or breaks off in row \d of 4"):
        read_glove_int8(path)


def test_another_file_or_version_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not a file of quantised vectors"):
        read_glove_int8(as_int8(tmp_path / "x.bin", magic=b"PK\3\4"))
    with pytest.raises(ValueError, match="has version 2"):
        read_glove_int8(as_int8(tmp_path / "y.bin", version=2))


def test_known_words_start_from_their_vectors_and_pad_from_zero(vectors):
    start = embedding_matrix(("<pad>", "<unk>", "好", "坏", "the"), vectors, generator())
    assert start.known.tolist() == [False, False, True, False, True]
    assert start.coverage == pytest.approx(2 / 5)
    torch.testing.assert_close(start.weight[[2, 4]], vectors.vectors[[1, 0]])
    assert not start.weight[0].any()
    assert start.weight[1].any() and start.weight[3].any()


def test_unknown_words_are_as_loud_as_known_ones(vectors):
    words = ("the", *(f"w{i}" for i in range(2000)))
    start = embedding_matrix(words, vectors, generator())
    assert float(start.weight[1:].norm(dim=1).mean()) == pytest.approx(1, abs=0.05)


def test_the_generator_alone_decides_what_is_drawn(vectors):
    words = ("<pad>", "坏")
    first, same, other = (embedding_matrix(words, vectors, generator(s)).weight for s in (0, 0, 1))
    assert torch.equal(first, same) and not torch.equal(first, other)


def test_a_vocabulary_without_a_known_word_has_coverage_0(vectors):
    start = embedding_matrix(("<pad>", "坏"), vectors, generator())
    assert start.coverage == 0 and start.weight[1].isfinite().all()
    assert embedding_matrix((), vectors, generator()).weight.shape == (0, 50)


def test_words_without_vectors_are_refused():
    with pytest.raises(ValueError, match="2 words and 1 vectors came"):
        WordVectors(("a", "b"), torch.ones(1, 3))


@pytest.mark.needs_mirror
def test_the_real_vectors_know_what_is_alike(mirror):
    glove = load_glove(progress=False)
    assert (len(glove), glove.vectors.shape[1]) == (50_000, 50)
    assert "n't" in glove and "'s" in glove
    assert glove["france"] @ glove["germany"] > 0.7 > 0.3 > glove["france"] @ glove["banana"]
