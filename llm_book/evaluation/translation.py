"""How close translations come to references: BLEU by hand, BLEU and chrF by sacrebleu."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
from jaxtyping import Int64

Tokens = Sequence[str]


@dataclass(frozen=True)
class Bleu:
    """BLEU of a corpus with what it is made of.

    ``score`` is 0 to 1. ``precisions`` holds the share of n-grams that stand in a reference for
    each order from 1, 0 where the corpus has no n-gram of that order; lengths count tokens.
    """

    score: float
    precisions: tuple[float, ...]
    brevity_penalty: float
    length: int
    reference_length: int


@dataclass(frozen=True)
class SignedScore:
    """A score from 0 to 1, and sacrebleu's signature: all that must be said to compare it."""

    score: float
    signature: str


def corpus_bleu(
    hypotheses: Sequence[Tokens],
    references: Sequence[Sequence[Tokens]],
    max_order: int = 4,
    effective_order: bool = False,
) -> Bleu:
    """BLEU of a corpus, unsmoothed, from 0 to 1 (equation eq-bleu); Papineni et al. (2002).

    ``references`` holds one or more token lists a hypothesis. N-gram counts are clipped to the
    highest in any one reference; the brevity penalty takes, for each hypothesis, the reference
    whose length is closest (the shorter of two). Where an order has no match, or the corpus is too
    short to have n-grams of it, the score is 0; with ``effective_order`` orders that no hypothesis
    is long enough for are left out of the mean. Equals sacrebleu with ``smooth_method="none"``
    on the same tokens. Raises ``ValueError`` for empty or unpaired lists and unsplit strings.
    """
    return bleu_of(bleu_counts(hypotheses, references, max_order), effective_order)


def bleu_counts(
    hypotheses: Sequence[Tokens], references: Sequence[Sequence[Tokens]], max_order: int = 4
) -> Int64[np.ndarray, "n counts"]:
    """What BLEU needs of each hypothesis; the counts of a corpus are their sum.

    Row by row: the n-grams that stand in a reference and all n-grams, each for orders 1 to
    ``max_order``, the hypothesis' length and that of the closest reference. So BLEU of another draw
    of the same rows (``bootstrap``) counts nothing again. Errors as for ``corpus_bleu``.
    """
    if max_order < 1:
        raise ValueError(f"max_order is {max_order}; BLEU counts n-grams of order 1 at least")
    _check_tokens(hypotheses, references)
    rows = []
    for hypothesis, several in zip(hypotheses, references, strict=True):
        grams = [n_grams(hypothesis, order + 1) for order in range(max_order)]
        matches = [(found & _most(several, i + 1)).total() for i, found in enumerate(grams)]
        totals = [found.total() for found in grams]
        rows.append([*matches, *totals, len(hypothesis), _closest_length(hypothesis, several)])
    return np.array(rows, dtype=np.int64)


def bleu_of(counts: Int64[np.ndarray, "n counts"], effective_order: bool = False) -> Bleu:
    """BLEU of a corpus from the ``bleu_counts`` of its hypotheses, as ``corpus_bleu`` gives it."""
    *of_orders, length, closest = counts.sum(axis=0).tolist()
    max_order = len(of_orders) // 2
    matches, totals = of_orders[:max_order], of_orders[max_order:]
    precisions = tuple(m / t if t else 0.0 for m, t in zip(matches, totals, strict=True))
    used = [p for p, t in zip(precisions, totals, strict=True) if t or not effective_order]
    penalty = brevity_penalty(length, closest)
    return Bleu(penalty * _geometric_mean(used), precisions, penalty, length, closest)


def n_grams(tokens: Tokens, order: int) -> Counter[tuple[str, ...]]:
    """How often each run of ``order`` tokens stands in a text."""
    return Counter(tuple(tokens[i : i + order]) for i in range(len(tokens) - order + 1))


def brevity_penalty(length: int, reference_length: int) -> float:
    """1 for a corpus as long as its references or longer, e^(1 − r/c) for a shorter one."""
    if length >= reference_length:
        return 1.0
    return math.exp(1 - reference_length / length) if length else 0.0


def bleu_with_signature(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], tokenize: str = "13a"
) -> SignedScore:
    """BLEU of untokenised text by sacrebleu (Post 2018), its default smoothing, from 0 to 1.

    ``tokenize`` is sacrebleu's: "13a" for most languages, "zh" for Chinese, "char", "none".
    Raises ``ValueError`` for another one and for empty or unpaired lists.
    """
    from sacrebleu.metrics import BLEU

    if tokenize not in BLEU.TOKENIZERS:
        raise ValueError(
            f"tokenize {tokenize!r} is unknown to sacrebleu; choose one of "
            f"{', '.join(sorted(BLEU.TOKENIZERS))}"
        )
    _check_strings(hypotheses, references)
    return _signed(BLEU(tokenize=tokenize), hypotheses, references)


def chrf_with_signature(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], word_order: int = 0
) -> SignedScore:
    """chrF by sacrebleu, from 0 to 1: F2 over runs of 1 to 6 characters (Popović 2015).

    With ``word_order=2`` it is chrF++. Raises ``ValueError`` for empty or unpaired lists and a
    negative ``word_order``.
    """
    from sacrebleu.metrics import CHRF

    if word_order < 0:
        raise ValueError(f"word_order is {word_order}; expected 0 (chrF) or 2 (chrF++)")
    _check_strings(hypotheses, references)
    return _signed(CHRF(word_order=word_order), hypotheses, references)


def _signed(
    metric: Any, hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> SignedScore:
    streams = list(zip_longest(*references))  # sacrebleu wants the first of all, the second, ...
    score = metric.corpus_score(hypotheses, streams).score / 100
    return SignedScore(score, str(metric.get_signature()))


def _most(references: Sequence[Tokens], order: int) -> Counter[tuple[str, ...]]:
    """Each n-gram's count in the one reference that has most of it."""
    most: Counter[tuple[str, ...]] = Counter()
    for reference in references:
        most |= n_grams(reference, order)
    return most


def _closest_length(hypothesis: Tokens, references: Sequence[Tokens]) -> int:
    return min((abs(len(r) - len(hypothesis)), len(r)) for r in references)[1]


def _geometric_mean(shares: Sequence[float]) -> float:
    if not shares or not all(shares):
        return 0.0
    return math.exp(sum(map(math.log, shares)) / len(shares))


def _check_tokens(hypotheses: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> None:
    _check_pairs(hypotheses, references)
    for tokens in (*hypotheses, *(tokens for several in references for tokens in several)):
        if isinstance(tokens, str):
            raise ValueError(
                f"{tokens[:40]!r} is a string, and its letters would be taken for tokens; split it "
                "first: text.split()"
            )


def _check_strings(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    _check_pairs(hypotheses, references)
    for text in (*hypotheses, *(text for several in references for text in several)):
        if not isinstance(text, str):
            raise ValueError(
                f"{text!r} is no string; sacrebleu splits text by itself: join the tokens first"
            )


def _check_pairs(hypotheses: Sequence[Any], references: Sequence[Sequence[Any]]) -> None:
    if len(hypotheses) != len(references) or not hypotheses:
        raise ValueError(
            f"{len(hypotheses)} hypotheses and {len(references)} lists of references do not pair "
            "up; give one list of references a hypothesis, and at least one"
        )
    for place, several in enumerate(references):
        if isinstance(several, str) or not several:
            raise ValueError(
                f"hypothesis {place} has no list of references but {several!r}; give a list that "
                "holds at least one"
            )
