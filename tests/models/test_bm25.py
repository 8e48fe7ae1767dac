"""BM25 gives what its formula gives, and prefers what it should."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.models.bm25 import BM25, rarity, saturation

LITTLE = [
    ["seed", "and", "loss", "curve"],
    ["loss", "after", "loss", "printed"],
    ["the", "text", "was", "padded"],
]
texts = st.lists(st.lists(st.sampled_from("abcd"), max_size=6), min_size=1, max_size=5)


def test_the_worked_example_of_the_chapter():
    scores = BM25(LITTLE).scores(["seed", "loss"])
    seed, loss = math.log(1 + 2.5 / 1.5), math.log(1 + 1.5 / 2.5)
    np.testing.assert_allclose(scores, [seed + loss, loss * 2 * 2.5 / 3.5, 0])
    assert BM25(LITTLE).ranking(["seed", "loss"]) == [0, 1]


@given(texts.filter(any), st.lists(st.sampled_from("abcde"), max_size=4))
def test_scores_are_the_formula_summed_over_the_query(passages, query):
    k1, b, n = 1.2, 0.6, len(passages)
    mean = sum(map(len, passages)) / n
    expected = np.zeros(n)
    for place, passage in enumerate(passages):
        for word in query:
            holding = sum(word in other for other in passages)
            count = passage.count(word)
            below = count + k1 * (1 - b + b * len(passage) / mean)
            if count:
                worth = math.log(1 + (n - holding + 0.5) / (holding + 0.5))
                expected[place] += worth * count * (k1 + 1) / below
    np.testing.assert_allclose(BM25(passages, k1, b).scores(query), expected, atol=1e-12)


def test_a_rare_word_is_worth_more_and_no_word_is_worth_nothing_or_less():
    worths = [rarity(holding, 10) for holding in range(1, 11)]
    assert worths == sorted(worths, reverse=True) and worths[-1] > 0


def test_once_in_a_passage_of_mean_length_is_worth_one_and_repetition_saturates():
    assert saturation(1, 7, 7) == pytest.approx(1)
    worths = [saturation(count, 7, 7) for count in (1, 2, 4, 1000)]
    assert worths == sorted(worths) and 2.4 < worths[-1] < 2.5


def test_the_longer_of_two_passages_is_worth_less_unless_length_does_not_count():
    short, long = ["a"], ["a", "b", "b", "b"]
    assert np.diff(BM25([short, long]).scores(["a"])) < 0
    assert np.diff(BM25([short, long], b=0).scores(["a"])) == 0


def test_equal_scores_keep_the_order_and_what_does_not_fit_is_not_ranked():
    assert BM25([["b"], ["a"], ["a"], ["c"]]).ranking(["a"]) == [1, 2]
    assert BM25([["b"], ["a"], ["a"], ["c"]]).ranking(["a"], most=1) == [1]
    assert BM25([["a"]]).ranking(["z"]) == []


def test_nothing_to_search_and_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match="0 passages hold no token"):
        BM25([])
    with pytest.raises(ValueError, match="1 passages hold no token"):
        BM25([[]])
    for k1, b in ((-1, 0.5), (1, 1.5), (1, -0.1)):
        with pytest.raises(ValueError, match="expected k1 >= 0 and b from 0 to 1"):
            BM25([["a"]], k1, b)
