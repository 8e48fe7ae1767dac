"""Pairs are those of word2vec's loops, thinned out and drawn as gensim does."""

import math
import re
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.data.banded_pairs import bands
from llm_book.data.word_pairs import (
    Gaps,
    Noise,
    WordPairs,
    cbow_gaps,
    draw_windows,
    keep_probabilities,
    neighbours,
    skip_gram_pairs,
    subsampled,
)


def gensim_models():
    """gensim, which has no wheel for the newest Python; without it the test is skipped."""
    return pytest.importorskip("gensim.models", reason="gensim is not installed")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@st.composite
def texts(draw):
    n = draw(st.integers(1, 14))
    ids = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    reach = draw(st.lists(st.integers(1, 4), min_size=n, max_size=n))
    steps = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    return torch.tensor(ids), torch.tensor(reach), torch.tensor(steps).cumsum(0)


def by_loops(ids, reach, documents):
    for i in range(len(ids)):
        around = []
        for j in range(i - int(reach[i]), i + int(reach[i]) + 1):
            if j != i and 0 <= j < len(ids) and documents[i] == documents[j]:
                around.append(int(ids[j]))
        yield int(ids[i]), around


@given(texts())
@settings(max_examples=60, deadline=None)
def test_skip_gram_pairs_are_those_of_two_loops_in_their_order(text):
    expected = [(word, other) for word, around in by_loops(*text) for other in around]
    centres, contexts = skip_gram_pairs(*text)
    assert list(zip(centres.tolist(), contexts.tolist(), strict=True)) == expected


@given(texts())
@settings(max_examples=60, deadline=None)
def test_cbow_gaps_are_words_with_their_neighbours(text):
    expected = [pair for pair in by_loops(*text) if pair[1]]
    words, around, mask = cbow_gaps(*text)
    found = [
        (int(word), row[which].tolist())
        for word, row, which in zip(words, around, mask, strict=True)
    ]
    assert found == expected
    assert int(around[~mask].sum()) == 0


@given(texts(), st.integers(1, 7), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_bands_hold_the_same_pairs(text, block, more):
    ids, reach, documents = text
    laid = bands(ids, reach, documents, 4 + more, block)
    rows, i, j = laid.mask.nonzero(as_tuple=True)
    found = Counter(
        zip(laid.centres[rows, i].tolist(), laid.contexts[rows, j].tolist(), strict=True)
    )
    centres, contexts = skip_gram_pairs(ids, reach, documents)
    assert found == Counter(zip(centres.tolist(), contexts.tolist(), strict=True))
    assert len(laid) == math.ceil(len(ids) / block)
    assert laid.mask.shape == (len(laid), block, block + 2 * (4 + more))
    assert torch.equal(laid.centres.flatten()[: len(ids)], ids)
    assert int(laid.centres.flatten()[len(ids) :].sum()) == 0
    assert torch.equal(laid[1:3].mask, laid.mask[1:3])
    assert torch.equal(laid[1:3].contexts, laid.contexts[1:3])


def test_without_text_numbers_all_words_are_one_text():
    centres, contexts = skip_gram_pairs(torch.tensor([7, 8, 9]), torch.tensor([1, 1, 1]))
    assert centres.tolist() == [7, 8, 8, 9]
    assert contexts.tolist() == [8, 7, 9, 8]


def gensims_model(sentences, **settings):
    model = gensim_models().Word2Vec(min_count=1, **settings)
    model.build_vocab(sentences)
    counts = [model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key]
    return model, counts


SENTENCES = [
    [f"w{i}" for i in np.random.default_rng(0).zipf(1.3, 3000).clip(max=300)] for _ in range(4)
]


@pytest.mark.parametrize("power", [0.75, 1.0, 0.5])
def test_the_noise_is_gensims_cumulative_table(power):
    model, counts = gensims_model(SENTENCES, ns_exponent=power)
    noise = Noise(counts, power)
    table = noise.table()
    assert np.abs(table.numpy() - model.cum_table.astype(np.int64)).max() <= 1
    assert table[-1] == 2**31 - 1
    expected = np.array(counts) ** power / (np.array(counts) ** power).sum()
    np.testing.assert_allclose(noise.probabilities, expected, rtol=1e-12)


@pytest.mark.parametrize("threshold", [1e-2, 1e-3])
def test_words_are_kept_as_often_as_gensim_keeps_them(threshold):
    model, counts = gensims_model(SENTENCES, sample=threshold)
    theirs = [model.wv.get_vecattr(word, "sample_int") for word in model.wv.index_to_key]
    ours = keep_probabilities(counts, threshold)
    np.testing.assert_allclose(ours, np.array(theirs, float) / (2**32 - 1), atol=1e-8)


def test_the_papers_rule_keeps_fewer_than_the_programs():
    counts = [900, 90, 10]
    program = keep_probabilities(counts, 0.01)
    paper = keep_probabilities(counts, 0.01, rule="paper")
    assert paper.tolist() == pytest.approx([math.sqrt(0.01 / 0.9), math.sqrt(0.01 / 0.09), 1])
    assert program.tolist() == pytest.approx(
        [math.sqrt(0.01 / 0.9) + 0.01 / 0.9, math.sqrt(0.01 / 0.09) + 0.01 / 0.09, 1]
    )
    assert keep_probabilities([5, 0]).tolist()[1] == 1


def test_noise_is_drawn_as_often_as_it_should_be_and_never_a_word_without_a_count():
    noise = Noise([0, 16, 0, 81, 256, 0])
    drawn = noise.draw((200, 300), generator())
    assert drawn.shape == (200, 300)
    shares = torch.bincount(drawn.flatten(), minlength=6) / drawn.numel()
    expected = torch.tensor([0, 8, 0, 27, 64, 0]) / 99
    assert (shares - expected).abs().max() < 0.006
    assert shares[[0, 2, 5]].tolist() == [0, 0, 0]
    assert torch.equal(drawn, noise.draw((200, 300), generator()))
    assert Noise([0, 3], power=0.0).probabilities.tolist() == [0, 1]


def test_positions_are_kept_one_by_one_with_their_words_probability():
    ids = torch.tensor([0, 1]).repeat(20_000)
    stays = subsampled(ids, torch.tensor([0.25, 1.0]), generator())
    assert stays[1::2].all()
    assert abs(float(stays[::2].float().mean()) - 0.25) < 0.015


def test_windows_are_drawn_evenly():
    reach = draw_windows(40_000, 4, generator())
    shares = torch.bincount(reach, minlength=5) / 40_000
    assert (shares - torch.tensor([0, 0.25, 0.25, 0.25, 0.25])).abs().max() < 0.01


def test_batches_know_their_size_and_travel():
    rows = torch.arange(6).reshape(3, 2)
    pairs = WordPairs(rows[:, 0], rows[:, 1], rows)
    assert (pairs.size, pairs.weight, pairs.tokens) == (3, 3, 6)
    moved = pairs.to("cpu")
    assert torch.equal(moved.contexts, pairs.contexts)
    gaps = Gaps(rows[:, 0], rows, rows > 2, rows)
    assert (gaps.size, gaps.weight, gaps.tokens) == (3, 3, 6)
    assert torch.equal(gaps.to("cpu").mask, gaps.mask)


ROW = torch.tensor([1, 2, 3])
ONES = torch.ones(3, dtype=torch.int64)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: keep_probabilities([1, 2], 0), "threshold is 0; it must be above 0"),
        (lambda: keep_probabilities([1, 2], rule="c"), "rule 'c' is unknown"),
        (lambda: keep_probabilities([0, 0]), "counts must be 0 or more a word and not all 0"),
        (lambda: Noise([1, -1]), "counts must be 0 or more"),
        (lambda: Noise([]), "counts must be 0 or more"),
        (lambda: Noise([math.nan]), "counts must be 0 or more"),
        (lambda: draw_windows(3, 0, generator()), "window is 0; it must reach at least 1"),
        (lambda: neighbours(ROW[:0], ROW[:0]), "an empty text has no neighbours"),
        (lambda: neighbours(ROW, ONES[:2]), "are wanted for each of the 3 words"),
        (lambda: neighbours(ROW, ONES, ONES[:2]), "are wanted for each of the 3 words"),
        (lambda: neighbours(ROW, ONES - 1), "a window of 0 came; each must be 1 or more"),
        (lambda: bands(ROW, ONES, ONES, 0), "block (8) and window (0) must be 1 or more"),
        (lambda: bands(ROW, ONES, ONES, 1, 0), "block (0) and window (1) must be 1 or more"),
        (lambda: bands(ROW[:0], ONES[:0], ONES[:0], 1), "0 words, 0 windows and 0 text numbers"),
        (lambda: bands(ROW, ONES[:2], ONES, 1), "3 words, 2 windows and 3 text numbers"),
        (lambda: bands(ROW, ONES, ONES[:2], 1), "3 words, 3 windows and 2 text numbers"),
        (lambda: bands(ROW, ONES * 2, ONES, 1), "windows go from 0 to 1"),
        (lambda: bands(ROW, -ONES, ONES, 1), "windows go from 0 to 1"),
        (lambda: bands(ROW, ONES, -ONES, 1), "text numbers from 0; others came"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(build, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        build()
