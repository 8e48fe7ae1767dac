"""A token file larger than memory is read in batches, and memory stays as it was."""

import mmap

import numpy as np
import psutil
import pytest

from llm_book.data.streaming import StreamedWindows
from llm_book.data.token_files import TokenFile, write_tokens
from llm_book.data.windows import RandomWindows

CHUNKS, CHUNK = 64, 1 << 19  # 64 MiB of two bytes an id


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> TokenFile:
    chunks = (
        np.random.default_rng(i).integers(0, 50_000, CHUNK, dtype=np.uint16) for i in range(CHUNKS)
    )
    return write_tokens(tmp_path_factory.mktemp("corpus") / "corpus.tokens", chunks, 50_000)


def grown(batches, n: int) -> float:
    """By how many MiB the resident memory of this process grew while n batches were drawn."""
    batches(0)
    before = psutil.Process().memory_info().rss
    for step in range(1, n):
        batches(step)
    return (psutil.Process().memory_info().rss - before) / 2**20


@pytest.mark.skipif(
    not hasattr(mmap, "MADV_DONTNEED"), reason="this system gives pages back by itself only"
)
def test_resident_memory_stays_flat_where_a_plain_map_takes_up_the_whole_file(file):
    streamed = grown(StreamedWindows(file, 32, 64), 400)
    plain = grown(RandomWindows(file.tokens, 32, 64), 400)
    assert streamed < 8 < 40 < plain


def test_streamed_batches_are_those_of_the_map(file):
    streamed, plain = StreamedWindows(file, 4, 32, seed=3), RandomWindows(file.tokens, 4, 32, 3)
    for step in (0, 5, 5, 1):
        ours, theirs = streamed(step), plain(step)
        assert ours.ids.equal(theirs.ids) and ours.targets.equal(theirs.targets)


def test_a_corpus_shorter_than_a_window_is_refused(tmp_path):
    short = write_tokens(tmp_path / "short", [[1, 2, 3]], 9)
    with pytest.raises(ValueError, match="3 tokens hold no window of 32 with a next token"):
        StreamedWindows(short, 1, 32)
