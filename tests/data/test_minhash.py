"""MinHash: its estimate is as near as it says, and its candidates are the likely ones."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.data.minhash import MinHash, jaccard

words = st.sets(st.text("abc", min_size=1, max_size=4), max_size=12)


def sets_of(similarity, size, name):
    """Two sets of `size` members whose Jaccard similarity is nearest to `similarity`."""
    shared = round(2 * size * similarity / (1 + similarity))
    common = {f"{name}-{i}" for i in range(shared)}
    one, other = ({f"{name}-{side}-{i}" for i in range(size - shared)} for side in "ab")
    return common | one, common | other


@given(words, words)
def test_jaccard_is_what_it_is_called(first, second):
    if not first | second:
        with pytest.raises(ValueError, match="two empty sets have no similarity"):
            jaccard(first, second)
        return
    value = jaccard(first, second)
    assert value == jaccard(second, first) and 0 <= value <= 1
    assert value * len(first | second) == pytest.approx(len(first & second))
    assert (value == 1) == (first == second)
    assert jaccard(list(first) * 2, second) == value


@pytest.mark.parametrize("similarity", [0.2, 0.5, 0.8])
def test_the_estimate_errs_as_much_as_it_says(similarity):
    minhash = MinHash()
    errors, scaled = [], []
    for trial in range(200):
        one, other = sets_of(similarity, 60, f"{trial}")
        true = jaccard(one, other)
        estimate = minhash.estimate(minhash.signature(one), minhash.signature(other))
        errors.append(estimate - true)
        scaled.append((estimate - true) / minhash.standard_error(true))
    assert abs(np.mean(errors)) < 4 * minhash.standard_error(similarity) / math.sqrt(200)
    assert 0.8 < np.std(scaled) < 1.2


def test_equal_sets_have_equal_signatures_in_any_order():
    minhash = MinHash(4, 8, seed=3)
    members = [f"word {i}" for i in range(50)]
    first, second = minhash.signature(members), minhash.signature(members[::-1] * 2)
    assert (first == second).all() and minhash.estimate(first, second) == 1
    assert first.shape == (32,) and first.dtype == np.uint64
    assert (first != MinHash(4, 8, seed=4).signature(members)).any()


def test_a_signature_is_the_same_on_every_machine():
    assert MinHash(2, 2).signature(["好", "a"]).tolist() == [
        2296317185,
        347037997,
        2264599606,
        1716417862,
    ]


def test_the_members_of_a_union_keep_the_smallest_hash():
    minhash = MinHash()
    one, other = minhash.signature(["a", "b"]), minhash.signature(["c"])
    assert (minhash.signature(["a", "b", "c"]) == np.minimum(one, other)).all()
    assert len(np.unique(minhash.signature(["a"]))) == 128


def test_the_standard_error_is_the_binomial_one():
    assert MinHash(32, 4).n_hashes == 128
    assert MinHash().standard_error(0.5) == pytest.approx(0.5 / math.sqrt(128))
    assert MinHash(2, 8).standard_error(0.9) == pytest.approx(math.sqrt(0.09 / 16))
    assert MinHash().standard_error(1) == MinHash().standard_error(0) == 0


def test_the_chance_of_being_found_is_what_the_bands_give():
    minhash = MinHash(8, 2)
    assert minhash.chance_found(0.5) == pytest.approx(1 - 0.75**8)
    assert (minhash.chance_found(0), minhash.chance_found(1)) == (0, 1)
    assert MinHash().chance_found(0.8) > 0.9999999
    found = 0
    for trial in range(400):
        pair = sets_of(0.4, 40, f"{trial}")
        known, asked = ([minhash.signature(side)] for side in pair)
        found += len(list(minhash.candidates(known, asked)))
    expected = minhash.chance_found(jaccard(*sets_of(0.4, 40, "x")))
    assert found / 400 == pytest.approx(expected, abs=4 * math.sqrt(0.25 / 400))


def test_candidates_are_named_once_and_in_order():
    minhash = MinHash(4, 2)
    a, b, c = (minhash.signature({name}) for name in "abc")
    assert list(minhash.candidates([a, b, a], [b, c, a])) == [(1, 0), (0, 2), (2, 2)]
    assert list(minhash.candidates([], [a])) == list(minhash.candidates([a], [])) == []


def test_one_band_that_agrees_is_enough_and_bands_are_not_mixed():
    minhash = MinHash(2, 2)
    known = np.array([1, 2, 3, 4], np.uint64)
    same = [np.array(row, np.uint64) for row in ([1, 2, 9, 9], [9, 9, 3, 4])]
    other = [np.array(row, np.uint64) for row in ([1, 9, 3, 9], [3, 4, 1, 2])]
    assert list(minhash.candidates([known], same + other)) == [(0, 0), (0, 1)]


def test_nonsense_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="bands 0 and rows 4 must both be at least 1"):
        MinHash(bands=0)
    with pytest.raises(ValueError, match="bands 32 and rows 0 must both be at least 1"):
        MinHash(rows=0)
    with pytest.raises(ValueError, match="an empty set has no signature; leave it out"):
        MinHash().signature(set())
    good, short = MinHash().signature({"a"}), MinHash(2, 2).signature({"a"})
    for pair in ((good, short), (short, good)):
        with pytest.raises(ValueError, match="both need 128 numbers; make both with this MinHash"):
            MinHash().estimate(*pair)
