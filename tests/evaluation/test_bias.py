"""WEAT is its definition, by brute force too; a direction taken out is gone."""

import json
import math
import re
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from llm_book.evaluation.bias import (
    associations,
    batches_of,
    effect_size,
    exact_p_value,
    sampled_p_value,
    standardised_difference,
    weat,
)
from llm_book.evaluation.counterfactual import counterfactual_gap
from llm_book.evaluation.debias import bias_subspace, equalised, neutralised


def groups(seed=0, sizes=(5, 5, 4, 3), width=6, lean=0.0):
    rng = np.random.default_rng(seed)
    found = [rng.normal(size=(n, width)) for n in sizes]
    found[0][:, 0] += lean
    found[2][:, 0] += lean
    return found


def cosine(u, v):
    return float(u @ v / math.sqrt(u @ u) / math.sqrt(v @ v))


def by_brute_force(x, y, a, b):
    """Effect size with both deviations, and the p-value, from the paper's sentences."""

    def s(w):
        return sum(cosine(w, v) for v in a) / len(a) - sum(cosine(w, v) for v in b) / len(b)

    scores = [s(w) for w in [*x, *y]]
    n, k = len(scores), len(x)

    def difference(rows):
        rest = [i for i in range(n) if i not in rows]
        return sum(scores[i] for i in rows) / k - sum(scores[i] for i in rest) / len(rest)

    mean = sum(scores) / n
    squares = sum((score - mean) ** 2 for score in scores)
    seen = difference(range(k))
    every = [difference(rows) for rows in combinations(range(n), k)]
    p = sum(d > seen + 1e-9 for d in every) / len(every)
    return seen / math.sqrt(squares / (n - 1)), seen / math.sqrt(squares / n), p


@pytest.mark.parametrize("sizes", [(5, 5, 4, 3), (3, 3, 2, 2), (4, 6, 3, 3), (2, 1, 1, 4)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_weat_is_the_papers_definition_by_brute_force(seed, sizes):
    vectors = groups(seed, sizes, lean=seed)
    sample, population, p = by_brute_force(*vectors)
    found = weat(*vectors)
    assert found.exact
    assert found.partitions == math.comb(sizes[0] + sizes[1], sizes[0])
    assert found.effect_size == pytest.approx(sample)
    assert found.p_value == pytest.approx(p, abs=1e-12)
    assert effect_size(*vectors) == pytest.approx(sample)
    assert effect_size(*vectors, sample_deviation=False) == pytest.approx(population)
    assert weat(*vectors, sample_deviation=False).effect_size == pytest.approx(population)


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_swapping_targets_or_attributes_turns_the_effect_round(seed):
    x, y, a, b = groups(seed)
    size = effect_size(x, y, a, b)
    assert effect_size(y, x, a, b) == pytest.approx(-size)
    assert effect_size(x, y, b, a) == pytest.approx(-size)
    assert effect_size(3 * x, y * 0.1, a, 7 * b) == pytest.approx(size)
    assert abs(effect_size(x, y, a, b, sample_deviation=False)) <= 2


def test_sampled_p_values_are_near_the_exact_ones_and_never_zero():
    x, y, a, b = groups(3, (7, 7, 4, 4), lean=0.4)
    first, second = associations(x, a, b), associations(y, a, b)
    exact = exact_p_value(first, second)
    assert 0.005 < exact < 0.95
    assert sampled_p_value(first, second, 25_000) == pytest.approx(exact, abs=0.01)
    assert sampled_p_value(first, second, 500, 1) != sampled_p_value(first, second, 500, 2)
    apart = np.arange(10.0) + 100, np.arange(10.0)
    assert exact_p_value(*apart) == 0
    assert sampled_p_value(*apart, 999) == pytest.approx(1 / 1000)


def test_a_partition_as_large_as_the_one_seen_does_not_count():
    # 3, 1 | 3, 0: swapping the threes gives the same sum, which is not larger.
    assert exact_p_value(np.array([3.0, 1]), np.array([3.0, 0])) == pytest.approx(1 / 6)
    assert exact_p_value(np.array([3.0, 3]), np.array([1.0, 0])) == 0


def test_draws_say_when_a_sample_is_taken():
    vectors = groups(0, (4, 4, 2, 2))
    assert weat(*vectors, draws=70).exact
    sampled = weat(*vectors, draws=69)
    assert not sampled.exact
    assert sampled.partitions == 69
    assert sampled == weat(*vectors, draws=69)
    assert sampled.p_value * 70 == pytest.approx(round(sampled.p_value * 70))
    assert weat(*vectors, draws=69, seed=1).effect_size == sampled.effect_size
    assert weat(*vectors, draws=60, seed=5).p_value != weat(*vectors, draws=60, seed=6).p_value


def test_flowers_are_pleasant_in_the_vectors_of_word2vec(mirror):
    text = (mirror / "vectors" / "weat_w2v_347x300.txt").read_text(encoding="utf-8")
    rows = (line.split(" ") for line in text.splitlines()[1:])
    table = {word: np.array(numbers, float) for word, *numbers in rows}
    lists = json.loads((mirror / "bias" / "WEAT.json").read_text(encoding="utf-8"))

    def vectors(name):
        return [table[word] for word in lists[name] if word in table]

    found = weat(*map(vectors, ("flowers", "insects", "pleasant_5", "unpleasant_5a")))
    assert found.effect_size == pytest.approx(1.54, abs=0.005)
    assert found.p_value < 1e-4
    assert not found.exact
    science = weat(*map(vectors, ("math", "arts", "male_terms", "female_terms")))
    assert science.exact
    assert science.effect_size > 0.5


def test_the_first_direction_is_pca_of_the_centred_pairs():
    rng = np.random.default_rng(0)
    pairs = rng.normal(size=(8, 2, 5))
    pairs[:, 0, 2] += 3
    pairs /= np.linalg.norm(pairs, axis=2, keepdims=True)
    centred = (pairs - pairs.mean(1, keepdims=True)).reshape(-1, 5)
    theirs = PCA(2).fit(centred).components_
    ours = bias_subspace(pairs * rng.uniform(1, 3, (8, 2, 1)), 2)
    np.testing.assert_allclose(np.abs((ours * theirs).sum(1)), 1, atol=1e-9)
    first = bias_subspace(pairs)
    assert first.shape == (1, 5)
    assert first[0, 2] > 0.5
    np.testing.assert_allclose(bias_subspace(pairs[:, ::-1]), -first, atol=1e-12)


@pytest.mark.parametrize("width", [1, 2])
def test_neutralised_words_have_no_part_in_the_subspace_and_length_one(width):
    words, basis = groups(5)[0], np.random.default_rng(1).normal(size=(width, 6))
    left = neutralised(words, basis if width > 1 else basis[0])
    np.testing.assert_allclose(left @ basis.T, 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(left, axis=1), 1)
    np.testing.assert_allclose(neutralised(left, basis), left, atol=1e-12)
    unit = words / np.linalg.norm(words, axis=1, keepdims=True)
    line = basis[:1] / np.linalg.norm(basis[0])
    if width == 1:
        expected = unit - unit @ line.T * line
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(left, expected, atol=1e-12)


def test_equalised_words_stand_equally_far_from_every_neutral_word():
    direction = np.array([1.0, 0.5, 0, 0, 0, 0])
    pair = groups(6, (2, 2, 2, 2))[0]
    pair[0] += direction
    made = equalised(pair, direction)
    neutral = neutralised(groups(7)[0], direction)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1)
    np.testing.assert_allclose(neutral @ made[0], neutral @ made[1], atol=1e-12)
    assert (made @ direction)[0] > 0 > (made @ direction)[1]
    unit = pair / np.linalg.norm(pair, axis=1, keepdims=True)
    line = direction / np.linalg.norm(direction)
    common = unit.mean(0) - (unit.mean(0) @ line) * line
    np.testing.assert_allclose(made.mean(0), common, atol=1e-12)


def test_taking_the_direction_out_takes_the_measured_bias_out():
    x, y, a, b = groups(8, (8, 8, 6, 6))
    a[:, 0] += 4
    b[:, 0] -= 4
    x[:, 0] += 2
    y[:, 0] -= 2

    def gap(first, second):
        return associations(first, a, b).mean() - associations(second, a, b).mean()

    direction = bias_subspace(np.stack([a, b], 1))
    after = gap(neutralised(x, direction), neutralised(y, direction))
    assert gap(x, y) > 0.8
    assert abs(after) < 0.3


def test_what_is_measured_is_a_plain_number():
    found = [weat(*groups(sizes=(4, 4, 2, 2)), draws=draws) for draws in (70, 69)]
    numbers = [number for one in found for number in (one.effect_size, one.p_value)]
    gap = counterfactual_gap([0.9, 0.5], [0.4, 0.6])
    numbers += [effect_size(*groups()), gap.mean, gap.mean_size, gap.flips]
    assert {type(number) for number in numbers} == {float}


def test_a_draw_is_enough_and_a_hundred_thousand_are_the_rule():
    assert weat(*groups(), draws=1).partitions == 1
    vectors = groups(sizes=(10, 10, 2, 2))
    found = weat(*vectors)
    assert (found.partitions, found.exact) == (100_000, False)
    assert found == weat(*vectors, seed=0) != weat(*vectors, seed=1)
    first, second = np.arange(8.0), np.arange(8.0) ** 2 / 8
    assert sampled_p_value(first, second, 99) == sampled_p_value(first, second, 99, 0)


def test_every_draw_counts_once():
    # Almost surely every one of the drawn groups is larger than the smallest there is.
    assert sampled_p_value(np.zeros(30), np.ones(30), 10_001) == 1


def test_partitions_come_in_batches_that_fit_in_memory():
    assert [len(part) for part in batches_of(combinations(range(5), 2), 4)] == [4, 4, 2]
    assert [len(part) for part in batches_of(combinations(range(150), 2))] == [10_000, 1175]


def test_a_spread_of_a_trillionth_is_still_a_spread():
    first, second = np.array([2e-12]), np.array([0.0])
    assert standardised_difference(first, second, False) == pytest.approx(2)


def test_as_many_directions_as_pairs_and_their_sides_do_not_depend_on_how_many():
    pairs = np.stack(groups(9, (4, 4, 1, 1))[:2], 1)
    every = bias_subspace(pairs, 4)
    np.testing.assert_allclose(every @ every.T, np.eye(4), atol=1e-12)
    for way in (pairs, pairs[:, ::-1]):
        np.testing.assert_allclose(bias_subspace(way, 4)[:1], bias_subspace(way), atol=1e-12)
    differences = pairs / np.linalg.norm(pairs, axis=2, keepdims=True)
    assert (differences[:, 0] - differences[:, 1]).sum(0) @ every[0] > 0
    turned = np.stack([pairs[0], pairs[0, ::-1]])
    assert np.linalg.norm(bias_subspace(turned)) == pytest.approx(1)


def test_the_length_of_a_vector_says_nothing():
    words, basis = groups(5)[0], groups(5)[1][:2]
    left, made = neutralised(words, basis), equalised(words[:2], basis)
    np.testing.assert_allclose(neutralised(words * 1e-12, 1e-12 * basis), left, atol=1e-12)
    np.testing.assert_allclose(equalised(words[:2] * 1e-12, 7 * basis), made, atol=1e-12)


def test_words_equalised_in_a_plane_differ_there_alone():
    words, basis = groups(5)[0], groups(5)[1][:2]
    made = equalised(words, basis)
    plane = np.linalg.qr(basis.T)[0]
    outside = made - made @ plane @ plane.T
    np.testing.assert_allclose(outside, np.broadcast_to(outside[0], outside.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1)
    unit = words / np.linalg.norm(words, axis=1, keepdims=True)
    apart = (unit - unit.mean(0)) @ plane
    apart /= np.linalg.norm(apart, axis=1, keepdims=True)
    found = made @ plane
    np.testing.assert_allclose(
        found / np.linalg.norm(found, axis=1, keepdims=True), apart, atol=1e-9
    )


@pytest.mark.parametrize("seed", range(20))
def test_words_that_hardly_differ_are_equalised_without_nan(seed):
    word, direction = groups(seed)[0][0], np.eye(6)[0]
    word[0] = 0
    made = equalised(np.stack([word - 1e-8 * direction, word + 1e-8 * direction]), direction)
    assert np.isfinite(made).all()


def test_the_counterfactual_gap_by_hand():
    gap = counterfactual_gap([0.9, 0.5, 0.2], [0.4, 0.6, 0.2])
    assert gap.mean == pytest.approx(0.4 / 3)
    assert gap.mean_size == pytest.approx(0.6 / 3)
    assert gap.flips == pytest.approx(1 / 3)
    assert counterfactual_gap([0.5], [0.49]).flips == 1
    assert counterfactual_gap([0.49], [0.5]).flips == 1
    assert counterfactual_gap([0.9, 0.1], [0.8, 0.2], threshold=0.85).flips == 0.5


X, Y, A, B = groups()


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: weat(X, Y, A, B, draws=0), "0 draws were asked for"),
        (lambda: weat(X[:0], Y, A, B), "vectors of shape (0, 6) came"),
        (lambda: weat(X, Y, A[0], B), "vectors of shape (6,) came"),
        (lambda: weat(X, Y, A[:, :5], B), "vectors of widths (6, 5, 6) cannot be compared"),
        (lambda: weat(X, Y, A, B[:, :5]), "vectors of widths (6, 6, 5) cannot be compared"),
        (lambda: weat(X * 0, Y, A, B), "a vector is zero or not a number"),
        (lambda: weat(X * math.nan, Y, A, B), "a vector is zero or not a number"),
        (lambda: weat(X[:1], X[:1], A, B), "all targets are associated alike"),
        (lambda: bias_subspace(X), "pairs of shape (5, 6) came"),
        (lambda: bias_subspace(np.ones((2, 3, 4))), "pairs of shape (2, 3, 4) came"),
        (lambda: bias_subspace(np.stack([X, Y], 1), 6), "5 pairs cannot give 6 directions"),
        (lambda: bias_subspace(np.stack([X, Y], 1), 0), "5 pairs cannot give 0 directions"),
        (lambda: neutralised(X, X[0]), "a vector lies wholly in the subspace"),
        (lambda: neutralised(X, np.zeros(6)), "a vector is zero or not a number"),
        (lambda: equalised(np.stack([X[0], X[0]]), X[0]), "does not differ in the subspace"),
        (lambda: counterfactual_gap([], []), "scores of shapes (0,) and (0,) are no pairs"),
        (lambda: counterfactual_gap([1], [1, 0]), "scores of shapes (1,) and (2,) are no pairs"),
        (lambda: counterfactual_gap([[1]], [[1]]), "scores of shapes (1, 1)"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(build, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        build()
