"""Sentiment of reviews learned with DP-SGD: what each ε costs, and what an attacker can still tell.

``small`` reads the generated world's reviews, ``cpu`` the official IMDB split with the words and
settings of 2,000 other, public reviews. Private is one review: not its author, who may have written
more, and a text that stands twice has twice the ε.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from llm_book.data.imdb import load_imdb, split_imdb
from llm_book.data.movie_reviews import load_movie_reviews
from llm_book.data.world import reviews
from llm_book.evaluation.membership import membership_accuracy_bound
from llm_book.evaluation.rivals import tfidf_unigrams
from llm_book.recipes.job import Job
from llm_book.recipes.privacy_examiner import (
    PARTS,
    Read,
    Said,
    answers,
    beside,
    public_auc,
    scores,
)
from llm_book.recipes.public_words import BagBatch, PublicWords
from llm_book.shapes import Review
from llm_book.training.losses import Model, binary_cross_entropy
from llm_book.training.output_perturbation import blurred, blurring_noise, logistic_optimum
from llm_book.training.private import (
    Privacy,
    example_norms,
    per_example_gradients,
    train_privately,
)
from llm_book.training.renyi import noise_for
from llm_book.training.rows import take_rows

EPSILONS = (1.0, 2.0, 4.0, 8.0)
RATES = (10.0, 30.0, 100.0, 300.0, 1000.0)  # learning rates tried on public reviews
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)  # of the rivals' penalty, tried likewise
UNCLIPPED = 1e9  # no gradient is as long
LOOKED_AT, LOOKS = 1000, 10  # reviews whose gradients are measured, and how often in a run
PUBLIC_HELD_OUT = 5  # one public review in so many says which setting is best
NOT_LEARNED = 16  # one private review in so many is not learned: an attacker takes it for one
BLURS = 5  # draws of the noise over which a rival's setting is judged
MAJORITY = "the more frequent label"
SAME_WORDS = "logistic regression on the same words"
TFIDF = "tf-idf 1-grams + logistic regression"
PERTURBED = "output perturbation"


@dataclass(frozen=True)
class Config:
    """Everything that decides the run but the seed.

    ``data`` is "world" (``n_train`` generated reviews for training, ``n_test`` for the test and
    ``n_public`` public ones) or "imdb" (at most so many of each). The ``n_words`` most widespread
    public words are read. A step reads a review with probability ``rate``, no gradient counts as
    longer than ``max_norm``; ``delta`` is that of every guarantee. Raises ValueError for other
    data, counts below 1 and a δ that is not below 1 / n_train.
    """

    data: str
    n_train: int
    n_test: int
    n_public: int
    n_words: int
    steps: int
    rate: float
    max_norm: float
    delta: float

    def __post_init__(self) -> None:
        if self.data not in ("world", "imdb"):
            raise ValueError(f"data is {self.data!r}; choose 'world' or 'imdb'")
        for name in ("n_train", "n_test", "n_words", "steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.n_public < 2 * PUBLIC_HELD_OUT:
            raise ValueError(
                f"n_public is {self.n_public}; give at least {2 * PUBLIC_HELD_OUT}, of which one "
                f"in {PUBLIC_HELD_OUT} is held out"
            )
        if not 0 < self.delta * self.n_train < 1:
            raise ValueError(
                f"delta is {self.delta}; it must be above 0 and below 1 / n_train "
                f"({1 / self.n_train:.1e}), or one review in full may be given away"
            )
        Privacy(self.max_norm, 0.0, self.rate, self.delta)


PRESETS = {
    "small": Config(
        data="world",
        n_train=4000,
        n_test=2000,
        n_public=1500,
        n_words=400,
        steps=40,
        rate=0.1,
        max_norm=0.5,
        delta=1e-5,
    ),
    "cpu": Config(
        data="imdb",
        n_train=25_000,
        n_test=25_000,
        n_public=2000,
        n_words=3000,
        steps=100,
        rate=0.1,
        max_norm=0.5,
        delta=1e-6,
    ),
}


@dataclass(frozen=True)
class Arm:
    """One way to train the same model; without an ``epsilon`` there is no noise."""

    name: str
    file: str
    epsilon: float | None = None
    clipped: bool = True


@cache  # the noise is looked for step by step, and asked for at every rate
def privacy_of(arm: Arm, config: Config) -> Privacy:
    """The least noise that keeps all steps within the arm's ε."""
    noise = 0.0
    if arm.epsilon is not None:
        noise = noise_for(arm.epsilon, config.rate, config.steps, config.delta)
    max_norm = config.max_norm if arm.clipped else UNCLIPPED
    return Privacy(max_norm, noise, config.rate, config.delta)


PRIVATE = tuple(Arm(f"ε ≤ {e:g}", f"epsilon-{e:g}", e) for e in EPSILONS)
OPEN = (
    Arm("clipped, no noise", "clipped"),
    Arm("no clipping, no noise", "open", clipped=False),
)


@dataclass(frozen=True, eq=False)
class Corpus:
    """Private reviews to learn, others of the same kind that are not, a test, and public ones."""

    train: list[Review]
    not_learned: list[Review]
    test: list[Review]
    public: list[Review]
    facts: dict[str, Any]


def run(config: Config, job: Job) -> dict[str, Any]:
    """Train every arm with one seed, attack it, measure the rivals, write the run's documents.

    Learning rates and the rivals' settings are chosen on public reviews alone, so the search costs
    no ε. What is measured on private reviews (accuracy, attacks, the share of gradients clipped) is
    the examiner's view: publishing it is not covered by ε. Every arm is kept once it is trained.
    Raises ValueError for a device that is not the processor.
    """
    if job.runtime.device != "cpu":
        raise ValueError(
            f"device is {job.runtime.device}; this recipe computes on the processor: --device cpu"
        )
    corpus = load_corpus(config)
    document = job.begin(config, corpus.facts)
    with job.noting_how_it_ends(document):
        read = bags_of(corpus, config)
        found = [trained(arm, read, config, job) for arm in (*PRIVATE, *OPEN)]
        said = [answers(one["weights"], read) for one in found]
        names, ours = [arm.name for arm in PRIVATE], said[: len(PRIVATE)]
        metrics: dict[str, float] = {"reviews learned": len(read.train), "delta": config.delta}
        for name, one, answer in zip(names, found, ours, strict=False):
            facts = scores(answer, read) | spent(one, config)
            metrics |= {f"{key}, {name}": value for key, value in facts.items()}
        theirs = {arm.name: [one] * len(names) for arm, one in zip(OPEN, said[-2:], strict=True)}
        theirs |= rivals_of(corpus, read, config, job)
        rivals = {rival: beside(answer, ours, names, read) for rival, answer in theirs.items()}
        tell(metrics, rivals, job)
        return job.finish(
            document,
            metrics=metrics,
            rivals=rivals,
            seconds=float(sum(one["seconds"] for one in found)),
            tokens=round(len(found) * config.steps * config.rate * read.train.n_tokens),
            peak_memory_bytes=job.runtime.peak_memory(),
        )


def load_corpus(config: Config) -> Corpus:
    """The reviews a configuration asks for; one private text in ``NOT_LEARNED`` is set aside."""
    private, test, public = (world if config.data == "world" else imdb)(config)
    sides: dict[bool, list[Review]] = {True: [], False: []}
    for review in private:
        sides[int(sha256(review.text.encode()).hexdigest(), 16) % NOT_LEARNED == 0].append(review)
    train, not_learned = sides[False][: config.n_train], sides[True]
    digest = sha256()
    for part in (train, not_learned, test, public):
        for review in sorted(part, key=lambda r: r.id):
            digest.update(f"{review.id}\t{review.label}\t{review.text}\n".encode())
    facts = {
        "name": config.data,
        "content_sha256": digest.hexdigest(),
        "report": f"{len(train):,} private reviews learned, {len(not_learned):,} not, "
        f"{len(test):,} for the test; {len(public):,} public ones",
    }
    return Corpus(train, not_learned, test, public, facts)


def world(config: Config) -> tuple[list[Review], list[Review], list[Review]]:
    """Private, test and public reviews of the generated world."""
    n = 20 + config.n_train * 11 // 10  # after those that are set aside there are enough
    test = reviews(config.n_test, seed=0, split="test")
    return reviews(n, seed=0, split="train"), test, reviews(config.n_public, seed=1, split="train")


def imdb(config: Config) -> tuple[list[Review], list[Review], list[Review]]:
    """Private and test reviews of IMDB, without those that stand in both; Pang and Lee's, public.

    All are in the order of a hash, for as they come the first are all of one label.
    """
    loaded = load_imdb()
    split = split_imdb(loaded.train, loaded.test)
    public = [Review(one.text, one.label, one.id) for one in load_movie_reviews()]
    private = in_hash_order([*split.train, *split.validation])
    test = in_hash_order(split.test)[: config.n_test]
    return private, test, in_hash_order(public)[: config.n_public]


def in_hash_order(texts: Sequence[Review]) -> list[Review]:
    """The reviews in an order that is the same everywhere and has nothing to do with labels."""
    return sorted(texts, key=lambda r: sha256(f"{r.id}\t{r.text}".encode()).digest())


def bags_of(corpus: Corpus, config: Config) -> Read:
    """The reviews as bags of the words that the learned part of the public ones holds."""
    public = corpus.public
    learned = [review for place, review in enumerate(public) if place % PUBLIC_HELD_OUT]
    words = PublicWords.of(learned, config.n_words)
    drawn = np.random.default_rng(0).integers(len(learned), size=len(corpus.train))
    return Read(
        **{part: words.bags(getattr(corpus, part)) for part in PARTS},
        public=words.bags(learned).chosen(drawn),
        public_held_out=words.bags(public[::PUBLIC_HELD_OUT]),
    )


def trained(arm: Arm, read: Read, config: Config, job: Job) -> dict[str, np.ndarray]:
    """The arm's weights on the private reviews, at the rate that is best on the public ones."""

    def tried() -> dict[str, np.ndarray]:
        batch = read.public.batch()
        found = [learned(arm, rate, batch, config, job.seed)["weights"] for rate in RATES]
        return {"auc": np.array([public_auc(weights, read) for weights in found])}

    def fitted() -> dict[str, np.ndarray]:
        rate = RATES[int(job.kept(f"public-{arm.file}", tried)["auc"].argmax())]
        job.say(f"{arm.name}: learning rate {rate:g}")
        return learned(arm, rate, read.train.batch(), config, job.seed)

    return job.kept(arm.file, fitted)


def learned(
    arm: Arm, rate: float, examples: BagBatch, config: Config, seed: int
) -> dict[str, np.ndarray]:
    """Train from weights of 0: the weights, and what it took.

    ``clipped``: the share of gradients longer than C, over some of the reviews and of the steps.
    """
    started, privacy = time.perf_counter(), privacy_of(arm, config)
    model = nn.Linear(examples.bags.shape[1], 1, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    generator = torch.Generator().manual_seed(seed)
    steps = train_privately(model, examples, bag_loss, optimizer, privacy, config.steps, generator)
    some, clipped = take_rows(examples, slice(0, LOOKED_AT)), []
    for step in steps:
        if step.index % max(1, config.steps // LOOKS) == 0:
            norms = example_norms(per_example_gradients(model, bag_loss, some))
            clipped.append(float((norms > privacy.max_norm).float().mean()))
    return {
        "weights": model.weight.detach()[0].double().numpy(),
        "epsilon": np.array(step.epsilon),
        "noise": np.array(privacy.noise),
        "clipped": np.array(np.mean(clipped)),
        "learning rate": np.array(rate),
        "seconds": np.array(time.perf_counter() - started),
    }


def bag_loss(model: Model, batch: BagBatch) -> Tensor:
    """Cross-entropy of a linear classifier of bags."""
    return binary_cross_entropy(model(batch.bags).squeeze(-1), batch.labels)


def spent(found: dict[str, np.ndarray], config: Config) -> dict[str, float]:
    """What the arm took: never more ε than it was allowed."""
    epsilon = float(found["epsilon"])
    return {
        "epsilon spent": epsilon,
        "noise": float(found["noise"]),
        "learning rate": float(found["learning rate"]),
        "share clipped": float(found["clipped"]),
        "seconds": float(found["seconds"]),
        "membership accuracy allowed": membership_accuracy_bound(epsilon, config.delta),
    }


def rivals_of(corpus: Corpus, read: Read, config: Config, job: Job) -> dict[str, list[Said]]:
    """What the others say, one answer an ε: the same where they take no notice of it."""
    praised = float(read.train.labels.mean())
    alike = {
        MAJORITY: {part: np.full(len(getattr(read, part)), praised) for part in PARTS},
        SAME_WORDS: answers(perturbed(None, read, config, job), read),
        TFIDF: job.kept("tf-idf", lambda: tfidf_answers(corpus)),
    }
    blur = [answers(perturbed(e, read, config, job), read) for e in EPSILONS]
    return {name: [said] * len(EPSILONS) for name, said in alike.items()} | {PERTURBED: blur}


def perturbed(epsilon: float | None, read: Read, config: Config, job: Job) -> np.ndarray:
    """Weights of logistic regression on the private reviews, with the noise that ε asks for.

    Its penalty is the one that is best on the public reviews with noise of the same size.
    """

    def on_public() -> dict[str, np.ndarray]:
        rows, labels = read.public.rows, read.public.labels
        return {"weights": np.stack([logistic_optimum(rows, labels, one) for one in STRENGTHS])}

    noise = 0.0 if epsilon is None else blurring_noise(epsilon, config.delta)

    def noisy(weights: np.ndarray, strength: float, draw: int) -> np.ndarray:
        return blurred(weights, strength, noise, np.random.default_rng([job.seed, draw]))

    optima = zip(job.kept("public-optima", on_public)["weights"], STRENGTHS, strict=True)
    best = max(
        (np.mean([public_auc(noisy(w, s, draw), read) for draw in range(1, 1 + BLURS)]), s)
        for w, s in optima
    )[1]

    def on_private() -> dict[str, np.ndarray]:
        return {"weights": logistic_optimum(read.train.rows, read.train.labels, best)}

    job.say(f"{PERTURBED}, ε {epsilon}: penalty {best:g}")
    return noisy(job.kept(f"optimum-{best:g}", on_private)["weights"], best, 0)


def tfidf_answers(corpus: Corpus) -> dict[str, np.ndarray]:
    """Of tf-idf and logistic regression on every word of the private reviews, by part."""
    parts = [getattr(corpus, part) for part in PARTS]
    train, _, _ = ([review.text for review in part] for part in parts)
    asked = [review.text for part in parts for review in part]
    said = tfidf_unigrams(train, [review.label for review in corpus.train], asked)
    ends = np.cumsum([len(part) for part in parts])[:-1]
    return dict(zip(PARTS, np.split(said, ends), strict=True))


def tell(metrics: dict[str, float], rivals: dict[str, Any], job: Job) -> None:
    """One line an ε, one a rival."""
    for facts, who in ((metrics, "ours"), *((facts, name) for name, facts in rivals.items())):
        for arm in PRIVATE:
            job.say(
                f"{arm.name}, {who}: accuracy {facts[f'accuracy, {arm.name}']:.4f}, "
                f"membership AUC {facts[f'membership AUC, {arm.name}']:.4f}"
            )
