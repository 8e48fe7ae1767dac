"""Byte-level BPE beside HuggingFace's `tokenizers`: training and encoding, one thread each.

`tokenizers` is compiled Rust, ours is Python. Every run begins with nothing remembered: tokenizers
are built anew inside it. Run: python benchmarks/bpe.py
"""

import os
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path

from harness import PAIRS, Pairs, Row, main, paired, peak_memory, seconds, versions

from llm_book.text.bpe import BPETokenizer

PEER = "tokenizers"
VOCAB_SIZE = 8192


def rows(quick: bool = False) -> list[Row]:
    """Training to 8,192 entries, 500 merges, encoding a long text, encoding its lines."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # read when tokenizers is imported
    os.environ["RAYON_NUM_THREADS"] = "1"
    text, source = a_text(40_000 if quick else 4_000_000)
    vocab_size = 512 if quick else VOCAB_SIZE
    pairs = 1 if quick else PAIRS
    return [
        training(text, vocab_size, pairs, source),
        five_hundred_merges(text[:130_000], pairs, source),
        *encoding(text, vocab_size, pairs, source),
    ]


def a_text(size: int) -> tuple[str, str]:
    """About `size` bytes of English and what it is: novels, or generated reviews."""
    if folder := os.environ.get("LLM_BOOK_MIRROR"):
        novels = Path(folder) / "novels" / "novels_small.txt"
        return novels.read_bytes()[:size].decode("utf-8", "ignore"), "English novels"
    from llm_book.data.world import reviews

    text = "\n".join(review.text for review in reviews(size // 100))
    while len(text) < size:
        text += "\n" + text
    return text[:size], "generated film reviews, repeated"


def training(text: str, vocab_size: int, pairs: int, source: str) -> Row:
    """Our training beside theirs, which is given lines because that is faster for it."""
    lines = text.splitlines(keepends=True)
    both = paired(
        lambda: BPETokenizer.train(text, vocab_size),
        lambda: train_peer(lines, vocab_size),
        pairs=pairs,
        warm_up=False,
    )
    megabytes = len(text.encode()) / 1e6
    return both.row(
        f"BPE training, {megabytes:.3g} MB to {vocab_size:,} entries",
        "<= 5",
        PEER,
        packages=(PEER, "regex"),
        note=source,
    )


def five_hundred_merges(text: str, pairs: int, source: str) -> Row:
    """Our time alone: the aim is one of seconds."""
    run = partial(BPETokenizer.train, text, 256 + 500)
    return Row(
        name=f"BPE training, 500 merges on {len(text.encode()) / 1e3:.3g} kB",
        ours=statistics.median(seconds(run) for _ in range(pairs)),
        peer=None,
        unit="s",
        ratio=None,
        aim="<= 1.0",
        peer_name="",
        pairs=pairs,
        memory_ours=peak_memory(run),
        note=source,
        versions=versions(("regex",)),
    )


def encoding(text: str, vocab_size: int, pairs: int, source: str) -> list[Row]:
    """The same merges on both sides, in megabytes a second; their faster call, without offsets."""
    from tokenizers import Tokenizer

    lines = text.splitlines(keepends=True)
    written = train_peer(lines, vocab_size).to_str()
    ours = ours_from(written)
    megabytes = len(text.encode()) / 1e6

    def fresh() -> BPETokenizer:
        return BPETokenizer(ours.tokens, ours.merges)

    def beside(name: str, run: Callable[[], object], peer: Callable[[], object]) -> Row:
        found: Pairs = paired(run, peer, pairs=pairs)
        return found.row(
            name, ">= 1.0", PEER, (PEER, "regex"), work=megabytes, unit="MB/s", note=source
        )

    return [
        beside(
            "BPE encoding, one long text",
            lambda: fresh().encode(text),
            lambda: Tokenizer.from_str(written).encode_batch_fast([text])[0].ids,
        ),
        beside(
            f"BPE encoding, {len(lines):,} lines",
            lambda: list(map(fresh().encode, lines)),
            lambda: [e.ids for e in Tokenizer.from_str(written).encode_batch_fast(lines)],
        ),
    ]


def train_peer(lines: list[str], vocab_size: int):
    """A byte-level BPE trained by `tokenizers`."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def ours_from(written: str) -> BPETokenizer:
    """The tokenizer of their JSON."""
    import tempfile

    from llm_book.text.tokenizer_json import read_tokenizer_json

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        path.write_text(written, encoding="utf-8")
        return read_tokenizer_json(path)


if __name__ == "__main__":
    main(rows)
