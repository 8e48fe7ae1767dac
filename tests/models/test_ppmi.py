"""Positive mutual information and its strongest directions are what their definitions say."""

import re

import numpy as np
import pytest

from llm_book.models.ppmi import ppmi, svd_vectors

# Three words: 0 and 1 meet often, 2 meets both rarely.
CENTRES = np.array([0, 1, 0, 2, 1, 2])
CONTEXTS = np.array([1, 0, 2, 0, 2, 1])
COUNTS = np.array([8.0, 8.0, 1.0, 1.0, 1.0, 1.0])


def by_hand(smoothing):
    table = np.zeros((3, 3))
    table[CENTRES, CONTEXTS] = COUNTS
    chance = table.sum(0) ** smoothing / (table.sum(0) ** smoothing).sum()
    with np.errstate(divide="ignore"):
        return np.log(table / table.sum(1, keepdims=True) / chance).clip(min=0)


@pytest.mark.parametrize("smoothing", [1.0, 0.75])
def test_it_is_the_log_of_together_over_by_chance_where_that_is_above_0(smoothing):
    found = ppmi(CENTRES, CONTEXTS, COUNTS, 3, smoothing).toarray()
    np.testing.assert_allclose(found, by_hand(smoothing), rtol=1e-12)
    assert (found > 0).sum() == ((by_hand(smoothing)) > 0).sum() > 0


def test_counts_that_are_chance_leave_nothing():
    every = np.repeat(np.arange(3), 3), np.tile(np.arange(3), 3)
    assert ppmi(*every, np.ones(9), 3).nnz == 0


def test_the_vectors_give_the_nearest_table_of_their_rank():
    rng = np.random.default_rng(0)
    dense = rng.random((12, 12)) * (rng.random((12, 12)) < 0.6)
    rows, columns = np.nonzero(dense)
    table = ppmi(rows, columns, dense[rows, columns], 12)
    left, strengths, _ = np.linalg.svd(table.toarray())
    vectors = svd_vectors(table, 5, power=1.0)
    nearest = (left[:, :5] * strengths[:5]) @ (left[:, :5] * strengths[:5]).T
    np.testing.assert_allclose(vectors @ vectors.T, nearest, atol=1e-10)
    halved = svd_vectors(table, 5)
    np.testing.assert_allclose(np.linalg.norm(halved, axis=0) ** 2, strengths[4::-1], rtol=1e-9)
    assert np.array_equal(halved, svd_vectors(table, 5))


@pytest.mark.parametrize("counts", [np.zeros(0), np.array([1.0, 0.0])])
def test_pairs_never_seen_are_refused(counts):
    ids = np.arange(len(counts))
    with pytest.raises(ValueError, match="counts above 0 only"):
        ppmi(ids, ids, counts, 3)


@pytest.mark.parametrize("width", [0, 3])
def test_a_width_that_the_table_has_not_is_refused(width):
    said = f"a table of 3 words has no {width} directions; choose a width from 1 to 2"
    with pytest.raises(ValueError, match=re.escape(said)):
        svd_vectors(ppmi(CENTRES, CONTEXTS, COUNTS, 3), width)
