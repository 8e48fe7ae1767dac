"""Co-occurrences are those of three loops, whatever the weight."""

import re
from collections import defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.data.cooccurrence import cooccurrences
from llm_book.data.word_pairs import draw_windows, skip_gram_pairs

some_texts = st.lists(st.lists(st.integers(0, 4), max_size=12), min_size=1, max_size=4).filter(any)


def by_loops(texts, window, weight, symmetric):
    table = defaultdict(float)
    for text in texts:
        for i, word in enumerate(text):
            for j in range(max(0, i - window), i):
                d = i - j
                worth = {"inverse": 1 / d, "flat": 1, "window": (window - d + 1) / window}[weight]
                table[word, text[j]] += worth
                if symmetric:
                    table[text[j], word] += worth
    return table


@given(
    some_texts, st.integers(1, 15), st.sampled_from(["inverse", "flat", "window"]), st.booleans()
)
@settings(max_examples=80, deadline=None)
def test_counts_are_those_of_plain_loops(texts, window, weight, symmetric):
    expected = by_loops(texts, window, weight, symmetric)
    found = cooccurrences(texts, window, 5, weight, symmetric)
    pairs = list(zip(found.centres.tolist(), found.contexts.tolist(), strict=True))
    assert pairs == sorted(expected)
    np.testing.assert_allclose(found.counts, [expected[pair] for pair in pairs], rtol=1e-12)
    dense = found.dense()
    assert dense.shape == (5, 5)
    assert float(dense.sum()) == pytest.approx(sum(expected.values()))
    assert all(float(dense[pair]) == pytest.approx(expected[pair]) for pair in pairs)
    if symmetric:
        assert torch.equal(dense, dense.T)


def test_the_window_weight_is_what_drawn_windows_count_on_average():
    ids = torch.randint(0, 4, (60,), generator=torch.Generator().manual_seed(0))
    total = torch.zeros(4, 4)
    generator = torch.Generator().manual_seed(1)
    for _ in range(400):
        centres, contexts = skip_gram_pairs(ids, draw_windows(60, 3, generator))
        total.index_put_((centres, contexts), torch.ones(len(centres)), accumulate=True)
    expected = cooccurrences([ids], 3, 4, "window").dense()
    np.testing.assert_allclose(total / 400, expected, atol=1.0)
    assert abs(float(total.sum()) / 400 - float(expected.sum())) < 2


def test_a_part_of_the_pairs_is_a_batch():
    pairs = cooccurrences([[0, 1, 2, 1]], 2, 3)
    part = pairs[torch.tensor([2, 0])]
    assert part.centres.tolist() == pairs.centres[[2, 0]].tolist()
    assert part.contexts.tolist() == pairs.contexts[[2, 0]].tolist()
    assert part.counts.tolist() == pairs.counts[[2, 0]].tolist()
    assert (len(part), part.size, part.weight, part.tokens) == (2, 2, 2, 4)
    assert torch.equal(part.to("cpu").counts, part.counts)
    assert part.to("cpu").vocab_size == part.vocab_size == 3


@pytest.mark.parametrize(
    ("build", "error", "sentence"),
    [
        (lambda: cooccurrences([[0]], 0, 3), ValueError, "window (0) and vocab_size (3)"),
        (lambda: cooccurrences([[0]], 1, 0), ValueError, "window (1) and vocab_size (0)"),
        (lambda: cooccurrences([[0]], 1, 3, "cubic"), ValueError, "weight 'cubic' is unknown"),
        (lambda: cooccurrences([[]], 1, 3), ValueError, "no words came"),
        (lambda: cooccurrences([], 1, 3), ValueError, "no words came"),
        (lambda: cooccurrences([[0, 3]], 1, 3), IndexError, "ids from 0 to 3 came"),
        (lambda: cooccurrences([[-1, 2]], 1, 3), IndexError, "ids from -1 to 2 came"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(build, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        build()
