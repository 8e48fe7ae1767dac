"""Skip-gram word vectors beside gensim's: the same sentences, settings and seeds, the same tests.

``small`` learns the generated world's sentences, where what must and must not be found is known;
``full`` learns 11 million words of novels and is asked what people say of words.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from llm_book.data.novels import load_novels
from llm_book.data.registry import DATASETS
from llm_book.data.word_tests import load_google_analogies, load_simlex999, load_wordsim353
from llm_book.data.world.analogies import (
    analogy_corpus,
    planted_analogies,
    planted_similarities,
    unplanted_analogies,
)
from llm_book.evaluation.analogies import analogy_scores, total
from llm_book.evaluation.similarity import VectorTable, neighbour_overlap, word_similarity
from llm_book.models.word_vectors import SkipGram
from llm_book.recipes import word_vectors
from llm_book.recipes.job import Job
from llm_book.text.vocabulary import Vocabulary

Scores = dict[str, float]
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
OTHER_SEED = 1000  # added to a seed to have gensim run against itself
FREQUENT = 30_000  # an analogy is asked among the most frequent words, as is usual
QUERIES = slice(100, 1100)  # by frequency: below the words that stand beside every other
SHARED = "neighbours shared with gensim"


@dataclass(frozen=True)
class Config:
    """Everything that decides the run but the seed.

    ``data`` is "world" (``n_texts`` sentences) or "novels" (at most ``n_texts`` paragraphs). The
    rest are word2vec's settings. Raises ValueError for other data and for a count below 1.
    """

    data: str
    n_texts: int
    min_count: int
    width: int
    epochs: int
    window: int = 5
    negatives: int = 5
    threshold: float = 1e-3
    learning_rate: float = 0.025

    def __post_init__(self) -> None:
        if self.data not in ("world", "novels"):
            raise ValueError(f"data is {self.data!r}; choose 'world' or 'novels'")
        for name in ("n_texts", "min_count"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        self.training()

    def training(self) -> word_vectors.Config:
        """What the trainer is told."""
        return word_vectors.Config(
            width=self.width,
            window=self.window,
            negatives=self.negatives,
            epochs=self.epochs,
            threshold=self.threshold,
            learning_rate=self.learning_rate,
        )


PRESETS = {
    "small": Config(
        data="world", n_texts=20_000, min_count=1, width=32, epochs=5, threshold=1.0, window=10
    ),
    "full": Config(data="novels", n_texts=1_000_000, min_count=5, width=100, epochs=3),
}


@dataclass(frozen=True)
class Corpus:
    """Sentences of words, and what is asked of the vectors that learned them."""

    sentences: list[list[str]]
    vocabulary: Vocabulary
    tests: Callable[[VectorTable], Scores]
    facts: dict[str, Any]

    @property
    def words(self) -> int:
        """Words of the text, once through."""
        return sum(map(len, self.sentences))


def run(config: Config, job: Job) -> dict[str, Any]:
    """Train one seed of both and write the run's documents.

    Vectors are written as soon as they are made, so that a run that was killed goes on behind
    them. Without gensim our own vectors are tested alone, and the run says so.
    """
    corpus = load_corpus(config)
    document = job.begin(config, corpus.facts)
    with job.noting_how_it_ends(document):
        ours, seconds = kept(job, "ours", lambda: train(corpus, config, job.seed))
        metrics = corpus.tests(ours)
        job.say(f"ours, {seconds:.0f} s: {said(metrics)}")
        rivals: dict[str, Scores] = {}
        if find_spec("gensim") is None:
            job.say("gensim is missing, so nothing stands beside these (pip install gensim)")
        else:
            metrics, rivals = beside_gensim(ours, metrics, corpus, config, job)
        return job.finish(
            document,
            metrics=metrics,
            rivals=rivals,
            seconds=seconds,
            tokens=corpus.words * config.epochs,
            peak_memory_bytes=job.runtime.peak_memory(),
        )


def beside_gensim(
    ours: VectorTable, metrics: Scores, corpus: Corpus, config: Config, job: Job
) -> tuple[Scores, dict[str, Scores]]:
    """Gensim's scores, and how many neighbours we and another seed of it share with it."""
    theirs, seconds = kept(job, "gensim", lambda: train_gensim(corpus, config, job.seed))
    other_seed = job.seed + OTHER_SEED
    other, _ = kept(job, "gensim-again", lambda: train_gensim(corpus, config, other_seed))
    scores = corpus.tests(theirs)
    job.say(f"gensim, {seconds:.0f} s: {said(scores)}")
    asked = corpus.vocabulary.tokens[QUERIES] or corpus.vocabulary.tokens
    shared = {
        name: neighbour_overlap(table, theirs, asked)
        for name, table in (("ours", ours), ("other", other))
    }
    job.say(f"{SHARED}: ours {shared['ours']:.3f}, gensim's other seed {shared['other']:.3f}")
    return metrics | {SHARED: shared["ours"]}, {
        "gensim": scores | {"seconds": seconds},
        "gensim, another seed": {SHARED: shared["other"]},
    }


def load_corpus(config: Config) -> Corpus:
    """The sentences of the preset, with its tests."""
    sentences, tests = (novels if config.data == "novels" else world)(config)
    digest = sha256()
    for sentence in sentences:
        digest.update(" ".join(sentence).encode() + b"\n")
    facts = {"name": config.data, "content_sha256": digest.hexdigest()}
    if config.data == "novels":
        facts["file_sha256"] = DATASETS["novels_medium"].content_hash
    vocabulary = Vocabulary.build(sentences, min_count=config.min_count, specials=())
    return Corpus(sentences, vocabulary, tests, facts)


def world(config: Config) -> tuple[list[list[str]], Callable[[VectorTable], Scores]]:
    """The generated sentences; what was planted must be found, what was not must not."""

    def tests(table: VectorTable) -> Scores:
        return {
            "planted similarities": word_similarity(table, planted_similarities()).rho,
            "planted analogies": total(analogy_scores(table, planted_analogies())).accuracy,
            "unplanted analogies": total(analogy_scores(table, unplanted_analogies())).accuracy,
        }

    return [sentence.split(" ") for sentence in analogy_corpus(config.n_texts)], tests


def novels(config: Config) -> tuple[list[list[str]], Callable[[VectorTable], Scores]]:
    """Paragraphs of novels in lower case; similarities and analogies as people see them."""
    similarities = {"WordSim-353": load_wordsim353(), "SimLex-999": load_simlex999()}
    analogies = load_google_analogies()

    def tests(table: VectorTable) -> Scores:
        frequent = VectorTable(table.words[:FREQUENT], table.unit[:FREQUENT], fold_case=True)
        right = total(analogy_scores(frequent, analogies))
        naive = total(analogy_scores(frequent, analogies, exclude_query=False))
        found: Scores = {}
        for name, test in similarities.items():
            answer = word_similarity(table, test.pairs)
            found |= {name: answer.rho, f"{name}, pairs": answer.covered}
        return found | {
            "analogies": right.accuracy,
            "analogies, query words may answer": naive.accuracy,
            "analogies, asked": right.covered,
        }

    lines = load_novels("medium").splitlines()
    found = (WORD.findall(line.lower()) for line in lines)
    return [sentence for sentence in found if sentence][: config.n_texts], tests


def train(corpus: Corpus, config: Config, seed: int) -> VectorTable:
    """Our skip-gram, its frequent words first."""
    generator = torch.Generator().manual_seed(seed)
    words = corpus.vocabulary.tokens
    id_of = {word: i for i, word in enumerate(words)}
    texts = [[id_of[w] for w in sentence if w in id_of] for sentence in corpus.sentences]
    model = SkipGram(len(words), config.width, generator)
    stream = word_vectors.Corpus(texts, len(words))
    for _ in word_vectors.train_skip_gram(model, stream, config.training(), generator):
        pass
    return VectorTable(words, model.vectors.numpy())


def train_gensim(corpus: Corpus, config: Config, seed: int) -> VectorTable:
    """Gensim's skip-gram with the same settings and one worker."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        corpus.sentences,
        vector_size=config.width,
        window=config.window,
        negative=config.negatives,
        sample=config.threshold if config.threshold < 1 else 0,  # 1 means something else to it
        alpha=config.learning_rate,
        epochs=config.epochs,
        min_count=config.min_count,
        sg=1,
        hs=0,
        workers=1,
        seed=seed,
    )
    return VectorTable(model.wv.index_to_key, model.wv.vectors)


def kept(job: Job, name: str, make: Callable[[], VectorTable]) -> tuple[VectorTable, float]:
    """Vectors and the seconds they took, read from the run's folder where they were made before."""

    def timed() -> dict[str, np.ndarray]:
        started = time.perf_counter()
        table = make()
        seconds = np.array(time.perf_counter() - started)
        vectors = table.unit.astype(np.float32)
        return {"words": np.array(table.words), "vectors": vectors, "seconds": seconds}

    stored = job.kept(name, timed)
    return VectorTable(stored["words"].tolist(), stored["vectors"]), float(stored["seconds"])


def said(scores: Scores) -> str:
    """Scores in a line."""
    return ", ".join(f"{name} {score:.4g}" for name, score in scores.items())
