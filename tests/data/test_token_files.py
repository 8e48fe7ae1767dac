"""Token files: written in pieces, read where asked, never half there, larger than memory."""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_book.data.token_files import HEADER, open_tokens, write_tokens
from llm_book.data.windows import RandomWindows, windows


@given(
    chunks=st.lists(st.lists(st.integers(0, 70_000), max_size=9), min_size=1, max_size=9),
    spare=st.integers(1, 5000),
)
def test_what_was_written_is_read_back(chunks, spare, tmp_path_factory):
    ids = [i for chunk in chunks for i in chunk]
    if not ids:
        return
    path = tmp_path_factory.mktemp("tokens") / "t.tokens"
    written = write_tokens(path, chunks, max(ids) + spare)
    for file in (written, open_tokens(str(path))):
        assert file.tokens.tolist() == ids
        assert len(file) == len(ids)
        assert (file.path, file.vocab_size) == (path, max(ids) + spare)
        file.check()


@pytest.mark.parametrize(
    ("vocab_size", "dtype"), [(1, "<u2"), (65_536, "<u2"), (65_537, "<u4"), (2**32, "<u4")]
)
def test_ids_take_two_bytes_where_that_is_enough(vocab_size, dtype, tmp_path):
    file = write_tokens(tmp_path / "t", [[vocab_size - 1, 0]], vocab_size)
    assert file.tokens.dtype == np.dtype(dtype)
    assert file.tokens.tolist() == [vocab_size - 1, 0]
    assert (
        (tmp_path / "t").stat().st_size
        == HEADER.size + 2 * file.tokens.itemsize
        == (64 + 2 * file.tokens.itemsize)
    )


def test_chunks_may_be_arrays_tensors_and_a_generator(tmp_path):
    chunks = (c for c in (np.array([1, 2], np.uint16), torch.tensor([3]), [], (4, 5)))
    assert write_tokens(tmp_path / "t", chunks, 10).tokens.tolist() == [1, 2, 3, 4, 5]


def test_the_file_is_the_same_whatever_the_chunks(tmp_path):
    one = write_tokens(tmp_path / "a", [[1, 2, 3, 4]], 9)
    two = write_tokens(tmp_path / "b", [[1], [2, 3], [4]], 9)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert one.sha256 == two.sha256 != write_tokens(tmp_path / "c", [[1, 2, 3, 5]], 9).sha256


def test_memory_stays_small_however_long_the_file(tmp_path):
    n_chunks, size = 60, 100_000  # 12 MB on disk

    def chunks():
        for i in range(n_chunks):
            yield np.full(size, i, np.uint16)

    tracemalloc.start()
    file = write_tokens(tmp_path / "t", chunks(), 100)
    some = file.tokens[size - 2 : size + 2].tolist()
    batch = RandomWindows(file.tokens, 4, 32)(0)
    file.check()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(file) == n_chunks * size and some == [0, 0, 1, 1]
    assert batch.ids.shape == (4, 32)
    assert peak < 3_500_000


def test_windows_over_a_file_are_windows_over_its_ids(tmp_path):
    ids = np.random.default_rng(0).integers(0, 70_000, 200)
    file = write_tokens(tmp_path / "t", np.split(ids, 4), 70_000)
    for mine, same in zip(windows(file.tokens, 9, 4), windows(ids, 9, 4), strict=True):
        assert mine.ids.equal(same.ids) and mine.targets.equal(same.targets)


def test_the_ids_cannot_be_changed_in_the_file(tmp_path):
    file = write_tokens(tmp_path / "t", [[1, 2]], 9)
    with pytest.raises(ValueError, match="read-only"):
        file.tokens[0] = 3


def broken():
    yield [1, 2]
    raise RuntimeError("the reader's tokeniser failed")


@pytest.mark.parametrize("before", [None, [7, 8]])
def test_a_write_that_fails_leaves_what_was_there(before, tmp_path):
    path = tmp_path / "t"
    if before:
        write_tokens(path, [before], 9)
    with pytest.raises(RuntimeError, match="tokeniser failed"):
        write_tokens(path, broken(), 9)
    left = [p.name for p in tmp_path.iterdir()]
    assert left == (["t"] if before else [])
    if before:
        assert open_tokens(path).tokens.tolist() == before


def test_a_changed_id_is_found_on_demand(tmp_path):
    file = write_tokens(tmp_path / "t", [[1, 2, 3]], 9)
    content = bytearray((tmp_path / "t").read_bytes())
    content[-2] ^= 1
    (tmp_path / "t").write_bytes(content)
    changed = open_tokens(tmp_path / "t")
    assert changed.sha256 == file.sha256
    with pytest.raises(ValueError, match=r"t holds other ids than were written \(sha256 \w{12}…"):
        changed.check()


@pytest.mark.parametrize(
    ("chunks", "vocab_size", "sentence"),
    [
        ([[1, 2], [3, 9]], 9, "id 9 at position 3 is outside a vocabulary of 9; .* 0 to 8"),
        ([[1, 2], [3, -1, -2]], 9, "id -1 at position 3 is outside"),
        ([[1, 70_000]], 70_000, "id 70000 at position 1 is outside a vocabulary of 70,000"),
        ([], 9, "no ids came, and a token file holds at least one"),
        ([[], []], 9, "no ids came"),
        ([[1]], 0, "vocab_size is 0; it must be from 1 to 4294967296"),
        ([[1]], 2**32 + 1, "vocab_size is 4294967297; it must be from 1"),
        ([[[1, 2]]], 9, r"a chunk of shape \(1, 2\) is no row of ids; give one dimension"),
        ([3], 9, r"a chunk of shape \(\) is no row of ids"),
    ],
)
def test_ids_that_cannot_be_written_are_refused(chunks, vocab_size, sentence, tmp_path):
    # as arrays, so that it is the function and not the test's own type check that refuses
    with pytest.raises(ValueError, match=sentence):
        write_tokens(tmp_path / "t", [np.array(chunk, int) for chunk in chunks], vocab_size)
    assert list(tmp_path.iterdir()) == []


def test_ids_that_are_no_whole_numbers_are_refused(tmp_path):
    with pytest.raises(TypeError, match="ids are whole numbers, float64 came"):
        write_tokens(tmp_path / "t", [[1.0, 2.0]], 9)


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "t"
    for content in (b"", b"LLMTOKEN", b"x" * 100):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="t is no token file; write one"):
            open_tokens(path)


def test_a_file_of_another_length_or_version_is_refused(tmp_path):
    path = tmp_path / "t"
    write_tokens(path, [[1, 2, 3]], 9)
    content = path.read_bytes()
    for changed in (content[:-1], content + b"\0"):
        path.write_bytes(changed)
        with pytest.raises(ValueError, match=rf"t is {len(changed)} bytes long where 70 were"):
            open_tokens(path)
    path.write_bytes(content[:8] + b"\2" + content[9:])
    with pytest.raises(ValueError, match="t has version 2; this reader knows version 1"):
        open_tokens(path)
