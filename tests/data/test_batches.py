"""Batches are a function of the step, and every text comes once an epoch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.data.batches import ShuffledBatches, ShuffledOrder, in_length_order, pad


def test_texts_are_padded_on_the_right_and_their_lengths_kept():
    batch = pad([[5, 6, 7], [8]], [1, 0])
    assert batch.ids.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert batch.lengths.tolist() == [3, 1]
    assert batch.labels.tolist() == [1, 0]
    assert batch.tokens == 4


def test_an_empty_text_is_read_as_one_unknown_token():
    batch = pad([[], [5, 6]], [0, 1])
    assert batch.ids.tolist() == [[1, 0], [5, 6]]
    assert batch.lengths.tolist() == [1, 2]


@given(
    lengths=st.lists(st.integers(0, 12), min_size=1, max_size=40),
    batch_size=st.integers(1, 7),
    pool=st.integers(1, 4),
    seed=st.integers(0, 3),
)
@settings(max_examples=60, deadline=None)
def test_every_text_comes_once_an_epoch(lengths, batch_size, pool, seed):
    texts = [[i + 2] * n for i, n in enumerate(lengths)]
    batches = ShuffledBatches(texts, range(len(texts)), batch_size, seed, pool)
    for epoch in range(2):
        start = epoch * batches.steps_per_epoch
        steps = range(start, start + batches.steps_per_epoch)
        seen = torch.cat([batches(step).labels for step in steps])
        assert sorted(seen.tolist()) == list(range(len(texts)))


def test_a_batch_does_not_depend_on_what_was_asked_for_before():
    texts = [[i] * (i % 5 + 1) for i in range(30)]
    labels = list(range(30))
    walked = ShuffledBatches(texts, labels, 4, seed=3)
    in_order = [walked(step).labels.tolist() for step in range(20)]
    jumped = ShuffledBatches(texts, labels, 4, seed=3)
    assert [jumped(step).labels.tolist() for step in reversed(range(20))] == in_order[::-1]


def test_epochs_and_seeds_give_other_orders():
    texts, labels = [[i] for i in range(64)], list(range(64))
    batches = ShuffledBatches(texts, labels, 8, seed=0)
    other = ShuffledBatches(texts, labels, 8, seed=1)
    first = [batches(step).labels.tolist() for step in range(8)]
    second = [batches(step).labels.tolist() for step in range(8, 16)]
    assert first != second
    assert first != [other(step).labels.tolist() for step in range(8)]


def test_texts_of_similar_length_share_a_batch():
    texts = [[1] * (1 + 37 * i % 100) for i in range(400)]
    sorted_waste, waste = 0, 0
    for pool, total in ((20, "sorted"), (1, "plain")):
        batches = ShuffledBatches(texts, [0] * 400, 8, seed=0, pool=pool)
        pads = sum(
            batches(s).ids.numel() - batches(s).tokens for s in range(batches.steps_per_epoch)
        )
        if total == "sorted":
            sorted_waste = pads
        else:
            waste = pads
    assert sorted_waste < waste / 3


@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=30), size=st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_evaluation_sees_every_row_once_and_says_which(lengths, size):
    texts = [[i + 2] * n for i, n in enumerate(lengths)]
    rows, labels = [], []
    for which, batch in in_length_order(texts, list(range(len(texts))), size):
        rows += which
        labels += batch.labels.tolist()
    assert rows == labels
    assert sorted(rows) == list(range(len(texts)))


def test_the_order_of_a_seed_is_the_one_that_earlier_runs_were_trained_in():
    order = ShuffledOrder([i * 7 % 10 for i in range(10)], 3, seed=1, pool=2)
    assert [order.rows(step) for step in range(8)] == [
        [7], [0, 2, 5], [3, 6, 9], [8, 1, 4], [1, 4, 7], [0, 6, 9], [3, 5, 8], [2]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: pad([], []), "0 texts with 0 labels make no batch"),
        (lambda: pad([[1]], [0, 1]), "1 texts with 2 labels make no batch"),
        (lambda: ShuffledBatches([[1]], [], 4), "1 texts with 0 labels cannot be batched"),
        (lambda: ShuffledBatches([[1]], [1], 0), "batch_size 0 and pool 20 must both be"),
        (lambda: ShuffledBatches([[1]], [1], 1, pool=0), "batch_size 1 and pool 0 must both be"),
        (lambda: ShuffledBatches([], [], 1), "0 texts with 0 labels cannot be batched"),
        (lambda: ShuffledBatches([[1]], [1], 1)(-1), "no step -1; steps are counted from 0"),
        (lambda: ShuffledOrder([], 1), "no rows came to be put in order"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(build, sentence):
    with pytest.raises(ValueError, match=sentence):
        build()
