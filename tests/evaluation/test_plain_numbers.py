"""A measured number is Python's own, so that it prints and is stored as one."""

import dataclasses

import numpy as np
import pytest
import torch

from llm_book.evaluation.calibration import (
    brier_score,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    top_class_reliability,
)
from llm_book.evaluation.classification import confusion_table
from llm_book.evaluation.intervals import bootstrap, over_seeds, paired_bootstrap, wilson
from llm_book.evaluation.language_modelling import surprise
from llm_book.evaluation.memorisation import exposure, extrapolated_exposure, sampled_exposure
from llm_book.evaluation.metrics import confusion_matrix
from llm_book.evaluation.overlap import corpus_rouge_l
from llm_book.evaluation.pass_at_k import mean_pass_at_k
from llm_book.evaluation.predictions import cross_entropy
from llm_book.evaluation.ranking import average_precision, mean_reciprocal_rank, recall_at, roc_auc
from llm_book.evaluation.selective import risk_coverage

LABELS, SCORES = np.array([0, 1, 1, 0]), np.array([0.1, 0.4, 0.8, 0.6])
TABLE = confusion_table(LABELS, [0, 1, 0, 0])
LOSSES = np.arange(1.0, 31.0) ** 0.5


@pytest.mark.parametrize(
    "measure",
    [
        lambda: roc_auc(LABELS, SCORES),
        lambda: average_precision(LABELS, SCORES),
        lambda: recall_at(1, [["a"]], [["a"]]),
        lambda: mean_reciprocal_rank([["a"]], [["a"]]),
        lambda: mean_pass_at_k([2], [1], 1),
        lambda: cross_entropy(SCORES, LABELS),
        lambda: risk_coverage(SCORES, LABELS).area,
        lambda: risk_coverage(SCORES, LABELS).at_risk(0.5),
        lambda: brier_score(SCORES, LABELS),
        lambda: brier_score(np.stack([1 - SCORES, SCORES], axis=1), LABELS),
        lambda: negative_log_likelihood(SCORES, LABELS),
        lambda: fit_temperature(SCORES - 0.5, LABELS),
        lambda: reliability(SCORES, LABELS).expected_calibration_error,
        lambda: top_class_reliability([[0.2, 0.8]], [1]).expected_calibration_error,
        lambda: TABLE.balanced_accuracy,
        lambda: TABLE.matthews,
        lambda: TABLE.macro,
        lambda: TABLE.of(1),
        lambda: confusion_matrix(LABELS, LABELS),
        lambda: corpus_rouge_l([["a"]], [[["a", "b"]]]),
        lambda: wilson(1, 2),
        lambda: paired_bootstrap(SCORES, LABELS, draws=3),
        lambda: bootstrap(np.mean, SCORES, draws=3),
        lambda: over_seeds(SCORES),
        lambda: over_seeds(LOSSES),
        lambda: surprise(torch.tensor([1.0, 2.0])),
        lambda: exposure(1.0, LOSSES),
        lambda: sampled_exposure(2.0, LOSSES),
        lambda: extrapolated_exposure(2.0, LOSSES, draws=2),
        lambda: extrapolated_exposure(-20.0, LOSSES),
    ],
)
def test_what_is_measured_is_a_plain_number(measure):
    found = measure()
    numbers = dataclasses.astuple(found) if dataclasses.is_dataclass(found) else (found,)
    assert all(type(number) in (int, float) for number in numbers)
