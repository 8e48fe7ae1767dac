"""What an examiner sees of classifiers of private reviews: how often right, how much given away.

The examiner knows which reviews were learned; no ε covers what is measured here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from llm_book.evaluation.intervals import paired_bootstrap, wilson
from llm_book.evaluation.membership import membership_auc
from llm_book.evaluation.ranking import roc_auc
from llm_book.recipes.public_words import Bags

MARGIN_DRAWS = 500
PARTS = ("train", "not_learned", "test")


@dataclass(frozen=True, eq=False)
class Read:
    """The corpus as bags of public words.

    ``public`` are as many as ``train``, drawn with repeats: what is tried on them meets the noise
    that it will meet on the private ones.
    """

    train: Bags
    not_learned: Bags
    test: Bags
    public: Bags
    public_held_out: Bags


Said = dict[str, np.ndarray]  # P(label 1) of each review of a part: [n]


def public_auc(weights: np.ndarray, read: Read) -> float:
    """How well the weights order the public reviews that are held out."""
    return roc_auc(read.public_held_out.labels, read.public_held_out.rows @ weights)


def answers(weights: np.ndarray, read: Read) -> Said:
    """What a linear classifier says to each part."""
    return {part: 1 / (1 + np.exp(-(getattr(read, part).rows @ weights))) for part in PARTS}


def right(said: Said, read: Read, part: str = "test") -> np.ndarray:
    """Which reviews of a part are classified rightly: [n]."""
    return (said[part] >= 0.5) == getattr(read, part).labels


def scores(said: Said, read: Read) -> dict[str, float]:
    """Accuracy on the test with Wilson's interval, and what a threshold on the loss gives away."""
    hits = right(said, read)
    accuracy = wilson(int(hits.sum()), len(hits))
    auc = membership_auc(losses(said, read, "train"), losses(said, read, "not_learned"))
    return {
        "accuracy": accuracy.estimate,
        "accuracy low": accuracy.low,
        "accuracy high": accuracy.high,
        "accuracy on what was learned": float(right(said, read, "train").mean()),
        "membership AUC": auc.estimate,
        "membership AUC low": auc.low,
        "membership AUC high": auc.high,
    }


def losses(said: Said, read: Read, part: str) -> np.ndarray:
    """What each review's label costs, in nats."""
    labels = getattr(read, part).labels
    return -np.log(np.clip(np.where(labels == 1, said[part], 1 - said[part]), 1e-12, 1))


def beside(theirs: Sequence[Said], ours: Sequence[Said], names: Sequence[str], read: Read) -> Any:
    """A rival's scores beside each of ours, under its name, and how far ours is ahead on the test.

    Where the rival is the same for several of ours, it is measured once.
    """
    found: dict[str, Any] = {}
    known: dict[int, dict[str, float]] = {}
    for rival, own, name in zip(theirs, ours, names, strict=True):
        facts = known.get(id(rival)) or scores(rival, read)
        known[id(rival)] = facts
        margin = paired_bootstrap(right(own, read), right(rival, read), MARGIN_DRAWS)
        found |= {f"{key}, {name}": value for key, value in facts.items()}
        found[f"margin, {name}"] = margin.as_dict()
    return found
