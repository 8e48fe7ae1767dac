"""Pairs of replies of which one is preferred, and guesses at it that no network makes.

In the real pairs (Raschka 2024) an instruction's answer stands beside a rewriting of it by Llama
3.1 70B, which a coin had ask for "more polite", and then it is preferred, or for "more impolite",
and then it is rejected. So the preferred reply is the politer of two that say the same, not the
better informed one; and it is the answer as it was, which tuning taught, in half of the pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from llm_book.data.chat import Example
from llm_book.data.instructions import load_preferences
from llm_book.data.world.manners import in_two_manners
from llm_book.evaluation.intervals import wilson
from llm_book.evaluation.rivals import WORD
from llm_book.recipes.chat_models import Corpus, ModelConfig, question
from llm_book.recipes.chat_sft import PARTS, divided

STRENGTHS = (0.1, 1.0, 10.0, 100.0)  # inverse regularisation of the linear rival: what is tried
ACCURACY = "preference accuracy"
TFIDF = "tf-idf 1-2-grams, logistic regression"


@dataclass(frozen=True)
class Pair:
    """Two replies in the same place, and whether the preferred one is the answer as it was."""

    chosen: Example
    rejected: Example
    original_chosen: bool


Pairs = dict[str, list[Pair]]


def pairs_of(config: ModelConfig, corpus: Corpus) -> Pairs:
    """The pairs in the parts of the task: what is tested here was not tuned on either."""
    if config.data == "world":
        return {part: [rewritten(one) for one in getattr(corpus.task, part)] for part in PARTS}
    told = [one for one in load_preferences()[: config.n_talks] if one.decides]
    original = {(question(one)[1], one.output) for one in told}
    chosen, rejected = (
        divided(side, [(question(one), ("assistant", getattr(one, side))) for one in told])
        for side in ("chosen", "rejected")
    )
    return {
        part: [
            Pair(better, worse, (better.context[0][1], better.reply) in original)
            for better, worse in zip(getattr(chosen, part), getattr(rejected, part), strict=True)
        ]
        for part in PARTS
    }


def rewritten(one: Example) -> Pair:
    """A reply of the world beside itself in another manner."""
    manners = in_two_manners(one.reply, key=str(one.context))
    chosen, rejected = (Example(one.context, said) for said in (manners.chosen, manners.rejected))
    return Pair(chosen, rejected, not manners.rewritten_politely)


def facts(corpus: Corpus, pairs: Pairs) -> dict[str, Any]:
    """The corpus' facts with the pairs' in them."""
    digest = sha256(f"{corpus.facts['content_sha256']}\t{pairs}".encode())
    counts = ", ".join(f"{len(pairs[part]):,} ({part})" for part in PARTS)
    kept = sum(pair.original_chosen for part in PARTS for pair in pairs[part])
    report = f"{corpus.facts['report']}; pairs: {counts}, {kept:,} prefer the answer as it was"
    return corpus.facts | {"content_sha256": digest.hexdigest(), "report": report}


def scores(margins: Sequence[float] | np.ndarray, pairs: Sequence[Pair]) -> dict[str, float]:
    """How often the preferred reply's score is above the other's, with its Wilson interval.

    ``margins`` [pair]: by how much it is above; none counts one half, as a coin would get. Beside
    it the same for the pairs that prefer the answer as it was, and for those that prefer the
    rewriting.
    """
    hits = (1 + np.sign(np.asarray(margins, float))) / 2
    kept = np.array([pair.original_chosen for pair in pairs])
    interval = wilson(round(float(hits.sum())), len(hits))
    found = {
        ACCURACY: float(hits.mean()),
        f"{ACCURACY}, low": interval.low,
        f"{ACCURACY}, high": interval.high,
    }
    for name, part in (("original chosen", kept), ("original rejected", ~kept)):
        if part.any():
            found[f"{ACCURACY}, {name}"] = float(hits[part].mean())
    return found


def classical(pairs: Pairs) -> dict[str, dict[str, float]]:
    """What length says of the test part, and what a linear model of words and word pairs says."""
    tested = pairs["test"]
    longer = np.array([len(pair.chosen.reply) - len(pair.rejected.reply) for pair in tested])
    return {
        "the longer reply": scores(longer, tested),
        "the shorter reply": scores(-longer, tested),
        TFIDF: scores(linear_margins(pairs), tested),
    }


def linear_margins(pairs: Pairs) -> np.ndarray:
    """log odds that the preferred reply of each test pair is preferred: [pair].

    Logistic regression on the difference of the two replies' tf-idf, without a constant, so that
    which stands first says nothing; how strong its weights may be is chosen on validation.
    Source: Bradley and Terry (1952), with a score that is linear in the words.
    """
    bag = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=WORD)
    bag.fit([one.reply for pair in pairs["train"] for one in (pair.chosen, pair.rejected)])
    train, validation, test = (differences(bag, pairs[part]) for part in PARTS)
    both_ways = sparse.vstack([train, -train])
    labels = np.repeat([1, 0], train.shape[0])
    models = [
        LogisticRegression(C=strength, max_iter=1000, fit_intercept=False).fit(both_ways, labels)
        for strength in STRENGTHS
    ]
    losses = [
        float(np.logaddexp(0, -model.decision_function(validation)).mean()) for model in models
    ]
    return models[int(np.argmin(losses))].decision_function(test)


def differences(bag: TfidfVectorizer, pairs: Sequence[Pair]) -> sparse.csr_matrix:
    """The preferred reply's tf-idf less the other's: [pair, word]."""
    chosen, rejected = (
        bag.transform([getattr(pair, side).reply for pair in pairs])
        for side in ("chosen", "rejected")
    )
    return sparse.csr_matrix(chosen - rejected)
