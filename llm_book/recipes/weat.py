"""WEAT's published tests on published vectors: what word2vec and GloVe learned to associate.

``small`` plants a bias in the generated world's corpus, learns vectors from it and tests them;
``full`` looks at GoogleNews vectors (300 wide) and at GloVe's (50 wide), ten tests each.
"""

import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import torch

from llm_book.data.bias_tests import WeatTest, load_weat_lists, weat_test
from llm_book.data.glove import WordVectors, load_glove
from llm_book.data.word2vec_text import load_weat_vectors
from llm_book.data.world import bias_corpus, bias_test
from llm_book.evaluation.bias import weat
from llm_book.models.word_vectors import SkipGram
from llm_book.recipes.job import Job
from llm_book.recipes.word_vectors import Config as Learning
from llm_book.recipes.word_vectors import Corpus, train_skip_gram

COVERED = 0.8  # of each list of words; a test with fewer is not computed
NAMES = {
    1: "flowers, insects",
    2: "instruments, weapons",
    3: "names by ancestry (32)",
    4: "names by ancestry (18)",
    5: "names by ancestry (18), 8 attributes",
    6: "men, women: career, family",
    7: "mathematics, arts: men, women",
    8: "science, arts: men, women",
    9: "illness of mind, of body: passing, lasting",
    10: "names of the young, of the old",
}


@dataclass(frozen=True)
class Config:
    """Everything that decides the run.

    ``data`` is "world" or "real"; partitions are all looked at where there are at most ``draws``,
    else that many are drawn. ``sentences`` and ``strength`` are the planted corpus's. Raises
    ValueError for other data.
    """

    data: str
    draws: int = 1_000_000
    sentences: int = 2000
    strength: float = 0.8

    def __post_init__(self) -> None:
        if self.data not in ("world", "real"):
            raise ValueError(f"data is {self.data!r}; choose 'world' or 'real'")


PRESETS = {"small": Config(data="world", draws=200_000), "full": Config(data="real")}


def run(config: Config, job: Job) -> dict[str, Any]:
    """Test every table of vectors with every test that its words cover; write the documents."""
    started = time.perf_counter()
    tables, tests = real() if config.data == "real" else planted(config, job.seed)
    document = job.begin(config, facts(config, tables, tests))
    with job.noting_how_it_ends(document):
        metrics: dict[str, float] = {}
        for table, vectors in tables.items():
            for name, test in tests.items():
                found = associated(vectors, test, config.draws, job.seed)
                metrics |= {f"{table}, {name}: {key}": value for key, value in found.items()}
                job.say(f"{table}, {name}: {found}")
        return job.finish(
            document,
            metrics=metrics,
            rivals={},
            seconds=time.perf_counter() - started,
            tokens=sum(map(len, tables.values())),
            peak_memory_bytes=job.runtime.peak_memory(),
        )


def associated(vectors: WordVectors, test: WeatTest, draws: int, seed: int) -> dict[str, float]:
    """Coverage of the least covered list, 0 to 1, and what the test finds in the words there are.

    Below COVERED nothing but the coverage.
    """
    lists = parts(test)
    present = [[word for word in words if word in vectors] for words in lists]
    covered = min(len(found) / len(words) for found, words in zip(present, lists, strict=True))
    if covered < COVERED:
        return {"covered": covered}
    x, y, a, b = (np.stack([vectors[word].numpy() for word in words]) for words in present)
    found = weat(x, y, a, b, draws=draws, seed=seed)
    return {"covered": covered, "effect size": found.effect_size, "p-value": found.p_value}


def real() -> tuple[dict[str, WordVectors], dict[str, WeatTest]]:
    """Both published tables, and the ten tests; GloVe's words are lower case, so are names there.

    A lower-case name may be another word too ("bill"), so each table is asked in its own spelling.
    """
    lists = load_weat_lists()
    tests = {name: weat_test(number, lists) for number, name in NAMES.items()}
    glove = load_glove()
    spelt = {word for test in tests.values() for part in parts(test) for word in part}
    as_written = {word: glove[word.lower()] for word in sorted(spelt) if word.lower() in glove}
    recased = WordVectors(tuple(as_written), torch.stack(list(as_written.values())))
    return {"word2vec": load_weat_vectors(), "GloVe": recased}, tests


def planted(config: Config, seed: int) -> tuple[dict[str, WordVectors], dict[str, WeatTest]]:
    """Vectors, 24 wide, of a corpus with a bias of known strength, and the test that fits it."""
    texts = [text.split() for text in bias_corpus(config.sentences, seed, config.strength)]
    words = sorted({word for text in texts for word in text})
    number = {word: i for i, word in enumerate(words)}
    generator = torch.Generator().manual_seed(seed)
    model = SkipGram(len(words), 24, generator)
    corpus = Corpus([[number[word] for word in text] for text in texts], len(words))
    learning = Learning(width=24, epochs=10, threshold=1.0)
    for _ in train_skip_gram(model, corpus, learning, generator):
        pass
    groups = bias_test()
    test = WeatTest(0, tuple(groups.x), tuple(groups.y), tuple(groups.a), tuple(groups.b))
    vectors = WordVectors(tuple(words), model.vectors.detach())
    return {"skip-gram": vectors}, {"names and professions": test}


def parts(test: WeatTest) -> tuple[tuple[str, ...], ...]:
    """The four lists of words."""
    return test.x, test.y, test.a, test.b


def facts(
    config: Config, tables: dict[str, WordVectors], tests: dict[str, WeatTest]
) -> dict[str, Any]:
    """The data as the record names it."""
    digest = sha256()
    for name, vectors in tables.items():
        digest.update(f"{name}\t{' '.join(vectors.words)}".encode())
        digest.update(vectors.vectors.numpy().tobytes())
    for name, test in tests.items():
        digest.update(f"{name}\t{parts(test)}".encode())
    sizes = ", ".join(
        f"{len(table):,} words of {name}, {table.vectors.shape[1]} wide"
        for name, table in tables.items()
    )
    report = f"{len(tests)} tests on vectors: {sizes}"
    return {"name": config.data, "content_sha256": digest.hexdigest(), "report": report}
