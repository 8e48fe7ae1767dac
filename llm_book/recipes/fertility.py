"""Fertility: what a word and a character cost, by what a tokenizer has learned from.

``small`` counts the generated world's stories in English and in Chinese; ``full`` learns from
novels and counts paragraphs that stand in both languages, beside GPT-2's own tokenizer.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from llm_book.data.gpt2_files import load_gpt2_files
from llm_book.data.novels import load_novels
from llm_book.data.questions import load_xquad
from llm_book.data.sanguo import load_sanguo
from llm_book.data.world.storytelling import stories
from llm_book.recipes.job import Job
from llm_book.text.bpe import BPETokenizer
from llm_book.text.fertility import fertility
from llm_book.text.gpt2_files import read_gpt2

Encode = Callable[[str], list[int]]
Texts = dict[str, str]  # language → text
GPT2 = "GPT-2's own 50,257 tokens"
BESIDE_HAN = re.compile(r"(?<=[^\x00-\x7f]) +| +(?=[^\x00-\x7f])")  # XQuAD's, around answers


@dataclass(frozen=True)
class Config:
    """Everything that decides the run; the seed decides nothing.

    ``data`` is "world" or "real". Of each language ``n_characters`` are learned from at most, and
    the three tokenizers have ``vocab_size`` tokens each. Raises ValueError for other data and for
    a count below 1.
    """

    data: str
    n_characters: int
    vocab_size: int

    def __post_init__(self) -> None:
        if self.data not in ("world", "real"):
            raise ValueError(f"data is {self.data!r}; choose 'world' or 'real'")
        if self.n_characters < 1:
            raise ValueError(f"n_characters is {self.n_characters}; it must be at least 1")


PRESETS = {
    "small": Config(data="world", n_characters=50_000, vocab_size=600),
    "full": Config(data="real", n_characters=2_000_000, vocab_size=8000),
}


def run(config: Config, job: Job) -> dict[str, Any]:
    """Learn three tokenizers, count the same text in both languages, write the documents."""
    learned, counted = (real if config.data == "real" else world)(config)
    document = job.begin(config, facts(config, learned, counted))
    with job.noting_how_it_ends(document):
        started = time.perf_counter()
        learned["both"] = "\n".join(learned.values())
        metrics: dict[str, float] = {}
        for name, text in learned.items():
            tokenizer = BPETokenizer.train(text, config.vocab_size)
            metrics |= costs(name, tokenizer.encode, counted)
            job.say(", ".join(f"{key} {metrics[key]:.3f}" for key in costs_named(name)))
        if config.data == "real":
            files = load_gpt2_files()
            published = read_gpt2(files.encoder, files.merges)
            metrics |= costs(GPT2, published.encode, counted)
        return job.finish(
            document,
            metrics=metrics,
            rivals={},
            seconds=time.perf_counter() - started,
            tokens=sum(map(len, learned.values())),
            peak_memory_bytes=job.runtime.peak_memory(),
        )


def world(config: Config) -> tuple[Texts, Texts]:
    """Stories to learn from, and others that are told in both languages."""
    learned, counted = (
        {
            name: "\n".join(story.text for story in stories(n, language=language, split=split))
            for name, language in (("English", "en"), ("Chinese", "zh"))
        }
        for n, split in ((1 + config.n_characters // 100, "train"), (100, "test"))
    )
    return {name: text[: config.n_characters] for name, text in learned.items()}, counted


def real(config: Config) -> tuple[Texts, Texts]:
    """English novels and a Chinese one; paragraphs of Wikipedia in both languages (XQuAD)."""
    learned = {"English": load_novels(), "Chinese": load_sanguo()}
    counted = {
        name: "\n".join(paragraph.context for paragraph in load_xquad(language))
        for name, language in (("English", "en"), ("Chinese", "zh"))
    }
    counted["Chinese"] = BESIDE_HAN.sub("", counted["Chinese"])
    return {name: text[: config.n_characters] for name, text in learned.items()}, counted


def facts(config: Config, learned: Texts, counted: Texts) -> dict[str, Any]:
    """The data as the record names it."""
    digest = sha256()
    for text in (*learned.values(), *counted.values()):
        digest.update(f"{len(text)}\t{text}".encode())
    sizes = ", ".join(f"{len(text):,} of {name}" for name, text in learned.items())
    report = f"characters to learn from: {sizes}; to count: " + ", ".join(
        f"{len(text):,} of {name}" for name, text in counted.items()
    )
    return {"name": config.data, "content_sha256": digest.hexdigest(), "report": report}


def costs_named(learned_from: str) -> tuple[str, str, str]:
    """The names of a tokenizer's three numbers."""
    return (
        f"{learned_from}: tokens an English word",
        f"{learned_from}: tokens a Chinese character",
        f"{learned_from}: Chinese tokens for one of English",
    )


def costs(learned_from: str, encode: Encode, counted: Texts) -> dict[str, float]:
    """What the same text costs in both languages, white space and all."""
    a_word = fertility(encode, counted["English"])
    a_character = fertility(encode, counted["Chinese"], list)
    tax = len(encode(counted["Chinese"])) / len(encode(counted["English"]))
    return dict(zip(costs_named(learned_from), (a_word, a_character, tax), strict=True))
