"""Skip-gram with negative sampling: our blocks of matrix products beside gensim's Cython loops.

One thread, one worker, the same sentences, width 100, window 5, 5 negatives, the same epochs and
subsampling. Words per second are raw words of the text, as gensim counts them; both sides start
from sentences of strings, their vocabulary counted before the clock starts. Each pair of runs has
its own seed, and what both learned is scored on WordSim-353 and SimLex-999: a row each says how far
from 0 the 95 % interval of the difference in rho (ours - gensim's) reaches.
Run: python benchmarks/skip_gram.py   (the novels come from LLM_BOOK_MIRROR, or are fetched)
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from harness import PAIRS, Pairs, Row, main, peak_memory, seconds, versions

from llm_book.data.novels import load_novels
from llm_book.data.word_tests import load_simlex999, load_wordsim353
from llm_book.evaluation.intervals import over_seeds
from llm_book.evaluation.similarity import VectorTable, word_similarity
from llm_book.models.word_vectors import SkipGram
from llm_book.recipes.word_vectors import Config, Corpus, train_skip_gram
from llm_book.text.vocabulary import Vocabulary

WORDS, EPOCHS, MIN_COUNT = 3_000_000, 3, 5
TESTS = {"WordSim-353": load_wordsim353, "SimLex-999": load_simlex999}
# A run to be timed, and the vectors it leaves.
Run = tuple[Callable[[], object], Callable[[], VectorTable]]


@dataclass(frozen=True)
class Task:
    """What both sides are given: sentences, the words to learn, the settings."""

    sentences: list[list[str]]
    vocabulary: Vocabulary
    config: Config

    @property
    def read(self) -> int:
        """Raw words read in all epochs."""
        return sum(map(len, self.sentences)) * self.config.epochs


def ours(task: Task, seed: int) -> Run:
    """Blocks with shared negatives; turning the words into ids is timed too."""
    generator = torch.Generator().manual_seed(seed)
    words = task.vocabulary.tokens
    model = SkipGram(len(words), task.config.width, generator)
    id_of = {word: i for i, word in enumerate(words)}

    def run() -> None:
        texts = [[id_of[w] for w in sentence if w in id_of] for sentence in task.sentences]
        corpus = Corpus(texts, len(words))
        for _ in train_skip_gram(model, corpus, task.config, generator):
            pass

    return run, lambda: VectorTable(words, model.vectors.numpy())


def gensims(task: Task, seed: int) -> Run:
    """gensim's Word2Vec with one worker."""
    from gensim.models import Word2Vec

    config = task.config
    model = Word2Vec(
        vector_size=config.width,
        window=config.window,
        negative=config.negatives,
        sample=config.threshold,
        sg=1,
        hs=0,
        workers=1,
        min_count=MIN_COUNT,
        seed=seed,
    )
    counts = Counter(word for sentence in task.sentences for word in sentence)
    n = len(task.sentences)
    model.build_vocab_from_freq(counts, corpus_count=n)
    run = partial(model.train, task.sentences, total_examples=n, epochs=config.epochs)
    return run, lambda: VectorTable(model.wv.index_to_key, model.wv.vectors)


def sentences_of(words: int) -> list[list[str]]:
    """The first so many words of the novels, a paragraph a sentence, in lower case."""
    found: list[list[str]] = []
    for line in load_novels("small" if words < 700_000 else "medium", progress=False).splitlines():
        if words > 0 and (sentence := re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", line.lower())):
            found.append(sentence)
            words -= len(sentence)
    return found


def rows(quick: bool = False) -> list[Row]:
    """Speed and memory, and the difference in similarity over paired seeds."""
    sentences = sentences_of(60_000 if quick else WORDS)
    vocabulary = Vocabulary.build(sentences, min_count=MIN_COUNT, specials=())
    task = Task(sentences, vocabulary, replace(Config(), epochs=1 if quick else EPOCHS))
    tests = {name: load(progress=False).pairs for name, load in TESTS.items()}
    times: dict[Callable[..., Run], list[float]] = {ours: [], gensims: []}
    rhos: dict[str, list[tuple[float, float]]] = {name: [] for name in tests}
    for seed in range(11, 11 + (2 if quick else PAIRS)):  # the settings were chosen on other seeds
        tables = {}
        for side in (ours, gensims) if seed % 2 else (gensims, ours):
            run, table = side(task, seed)
            times[side].append(seconds(run))
            tables[side] = table()
        for name, pairs in tests.items():
            both = (word_similarity(tables[side], pairs).rho for side in (ours, gensims))
            rhos[name].append(tuple(both))
    short = replace(task, config=replace(task.config, epochs=1))
    peaks = [peak_memory(side(short, 1)[0]) for side in (ours, gensims)]
    measured = Pairs(tuple(times[ours]), tuple(times[gensims]), *peaks)
    said = f"{task.read:,} words read, {len(vocabulary):,} vectors, ours: {task.config}"
    speed = measured.row(
        "skip-gram, words a second", ">= 1.0", "gensim", ["gensim"], task.read, "words/s", said
    )
    return [speed, *(similarity(name, found) for name, found in rhos.items())]


def similarity(test: str, rhos: list[tuple[float, float]]) -> Row:
    """How far from 0 the interval of the difference in rho reaches; both medians in the note."""
    interval = over_seeds([mine - theirs for mine, theirs in rhos])
    mine, theirs = (statistics.median(side) for side in zip(*rhos, strict=True))
    return Row(
        name=f"skip-gram, {test}: the 95 % interval of ours - gensim's rho reaches",
        ours=max(abs(interval.low), abs(interval.high)),
        peer=None,
        unit="rho",
        ratio=None,
        aim="<= 0.03",
        peer_name="",
        pairs=len(rhos),
        note=f"difference {interval}; median rho ours {mine:.3f}, gensim {theirs:.3f}",
        versions=versions(["gensim"]),
    )


if __name__ == "__main__":
    main(rows)
