"""The numbered formulas of sections 6.4 and 6.5 against the functions they name."""

import math
from collections import Counter

import numpy as np

from tests.chapters.equations import Equation
from tests.equations.test_equations import close


def refused(why, call, *arguments) -> None:
    """Raise where a call is not refused with a ValueError whose sentence ends so."""
    try:
        call(*arguments)
    except ValueError as error:
        if str(error).endswith(why):
            return
    raise AssertionError(f"{arguments} was not refused")


def check_token_f1(token_f1) -> None:
    pairs = (
        ("the white donkey", ["donkey", "grey donkey"]),
        ("very very old cat", ["very old"]),
        ("dog", ["cat"]),
    )
    for answer, references in pairs:
        a = Counter(w for w in answer.split() if w != "the")
        best = max(
            2 * (a & r).total() / (a.total() + r.total())
            for r in (Counter(reference.split()) for reference in references)
        )
        close(token_f1(answer, references), best)
    close(token_f1("猫", ["猫狗"], "characters"), 2 / 3)
    close(token_f1("ab", ["b"]), 0)


def check_rarity(rarity) -> None:
    for holding, passages in ((1, 3), (2, 3), (5, 5), (7, 400)):
        odds = (passages - holding + 0.5) / (holding + 0.5)
        close(rarity(holding, passages), math.log1p(odds))


def check_saturation(saturation) -> None:
    for f, length, mean, k1, b in ((1, 4, 4, 1.5, 0.75), (3, 9, 4, 1.2, 0.4), (2, 1, 5, 2, 0)):
        formula = f * (k1 + 1) / (f + k1 * (1 - b + b * length / mean))
        close(saturation(f, length, mean, k1, b), formula)
    close(saturation(2, 8, 5), 2 * 2.5 / (2 + 1.5 * (0.25 + 0.75 * 8 / 5)))


def check_risk_coverage(risk_coverage) -> None:
    confidence = np.array([0.2, 0.9, 0.6, 0.6, 0.1])
    right = np.array([1, 1, 0, 1, 0])
    curve = risk_coverage(confidence, right)
    sizes = [1, 3, 4, 5]  # the two of confidence 0.6 together
    order = np.argsort(-confidence, kind="stable")
    close(curve.coverage, np.array(sizes) / 5)
    close(curve.risk, np.array([np.mean(1 - right[order[:m]]) for m in sizes]))
    close(curve.threshold, np.array([0.9, 0.6, 0.2, 0.1]))
    close(risk_coverage([0.5, 0.4], [0.25, 1]).risk, np.array([0.75, 0.375]))
    for wrong in (([0.5], [1, 0]), ([], []), ([[0.5, 0.2]], [[1, 0]])):
        refused("give both for each question, at least one", risk_coverage, *wrong)
    for wrong in (
        ([math.nan, 1], [1, 0]),
        ([0.5, 0.2], [1, 1.05]),
        ([0.5, 0.2], [1, -0.05]),
        ([0.5, 0.2], [1, math.nan]),
    ):
        refused("right is not between 0 and 1; repair it", risk_coverage, *wrong)


def check_cost_threshold(cost_threshold) -> None:
    for lost, let_through in ((1, 1), (19, 1), (2, 7)):
        p = np.linspace(0, 1, 100_001)
        cheaper = lost * (1 - p) < let_through * p
        close(cost_threshold(lost, let_through), p[cheaper.argmax()], within=2e-5)
    close(cost_threshold(0.5, 0.5), 0.5)
    for wrong in ((0, 1), (1, 0), (-1, 1)):
        refused("both must be above 0", cost_threshold, *wrong)


EQUATIONS = {
    "eq-token-f1": Equation("llm_book.evaluation.question_answering.token_f1", check_token_f1),
    "eq-rarity": Equation("llm_book.models.bm25.rarity", check_rarity),
    "eq-saturation": Equation("llm_book.models.bm25.saturation", check_saturation),
    "eq-risk-coverage": Equation(
        "llm_book.evaluation.selective.risk_coverage", check_risk_coverage
    ),
    "eq-cost-threshold": Equation(
        "llm_book.evaluation.thresholds.cost_threshold", check_cost_threshold
    ),
}
