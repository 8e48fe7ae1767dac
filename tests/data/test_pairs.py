"""Pairs for an encoder and a decoder: nothing lost, nothing learned from a pad."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_book.data.pairs import ShuffledPairs, pad_pairs, pairs_in_length_order
from llm_book.shapes import IGNORE

START, END = 1, 2
texts = st.lists(st.integers(3, 99), max_size=6)
pairs = st.lists(st.tuples(texts.filter(bool), texts), min_size=1, max_size=20)


def test_the_decoder_reads_the_target_one_place_late():
    batch = pad_pairs([[7, 8], [9]], [[5], [6, 7, 8]], START, END)
    assert batch.source.tolist() == [[7, 8], [9, 0]]
    assert batch.source_lengths.tolist() == [2, 1]
    assert batch.inputs.tolist() == [[1, 5, 0, 0], [1, 6, 7, 8]]
    assert batch.targets.tolist() == [[5, 2, IGNORE, IGNORE], [6, 7, 8, 2]]
    assert {t.dtype for t in (batch.source, batch.inputs, batch.targets)} == {torch.int64}
    assert (batch.size, batch.weight, batch.tokens) == (2, 6, 9)


def test_another_pad_stands_in_inputs_but_never_in_targets():
    batch = pad_pairs([[7, 8], [9]], [[5], [6, 7]], START, END, pad_id=50)
    assert batch.source[1, 1] == batch.inputs[0, 2] == 50
    assert not (batch.targets == 50).any()


def test_an_empty_target_is_learned_as_an_end_at_once():
    batch = pad_pairs([[7]], [[]], START, END)
    assert (batch.inputs.tolist(), batch.targets.tolist()) == ([[1]], [[2]])


@given(pairs)
def test_every_token_can_be_read_back(pairs):
    sources, targets = zip(*pairs, strict=True)
    batch = pad_pairs(sources, targets, START, END)
    for row, (source, target) in enumerate(pairs):
        assert batch.source[row, : batch.source_lengths[row]].tolist() == source
        said = batch.targets[row][batch.targets[row] != IGNORE].tolist()
        assert said == [*target, END]
        assert batch.inputs[row, : len(said)].tolist() == [START, *target]


@given(pairs, st.integers(1, 5), st.integers(0, 3))
def test_every_pair_comes_once_an_epoch_and_resumed_batches_are_the_same(pairs, size, seed):
    sources = [[100 + i, *source] for i, (source, _) in enumerate(pairs)]
    targets = [target for _, target in pairs]
    batches = ShuffledPairs(sources, targets, START, END, size, seed)
    steps = range(2 * batches.steps_per_epoch)
    walked = [batches(step) for step in steps]
    for epoch in (walked[: len(walked) // 2], walked[len(walked) // 2 :]):
        firsts = torch.cat([batch.source[:, 0] for batch in epoch])
        assert sorted(firsts.tolist()) == [source[0] for source in sources]
    resumed = ShuffledPairs(sources, targets, START, END, size, seed)
    for step in reversed(steps):
        assert resumed(step).targets.equal(walked[step].targets)
        assert resumed(step).inputs.equal(walked[step].inputs)


def test_pairs_of_similar_length_share_a_batch():
    sources = [[1] * (1 + 37 * i % 100) for i in range(400)]
    targets = [[1] * (1 + 53 * i % 100) for i in range(400)]

    def waste(pool):
        batches = ShuffledPairs(sources, targets, START, END, 8, pool=pool, pad_id=99)
        return sum(
            int((batches(step).source == 99).sum()) for step in range(batches.steps_per_epoch)
        )

    assert waste(20) < waste(1) / 3


def test_sources_of_one_length_are_sorted_by_their_targets():
    targets = [[5] * (i % 16) for i in range(64)]
    batches = ShuffledPairs([[1]] * 64, targets, START, END, 4, pool=16, pad_id=99)
    pads = [int((batches(step).inputs == 99).sum()) for step in range(16)]
    assert sum(pads) == 0


def test_the_shuffled_batches_use_their_start_end_and_pad():
    batch = ShuffledPairs([[7], [7, 7]], [[], [8]], 3, 4, batch_size=2, pad_id=6)(0)
    assert sorted(batch.source[:, 1].tolist()) == [6, 7]
    assert set(batch.inputs[:, 0].tolist()) == {3}
    assert 4 in batch.targets and 6 in batch.inputs


@given(pairs, st.integers(1, 5))
def test_evaluation_sees_every_pair_once_shortest_first(pairs, size):
    sources, targets = ([list(side) for side in sides] for sides in zip(*pairs, strict=True))
    rows, lengths = [], []
    for which, batch in pairs_in_length_order(sources, targets, START, END, size, pad_id=7):
        rows += which
        lengths += batch.source_lengths.tolist()
        assert batch.size == len(which) <= size
        assert batch.source.tolist() == [
            sources[row] + [7] * (max(len(sources[i]) for i in which) - len(sources[row]))
            for row in which
        ]
    assert sorted(rows) == list(range(len(pairs)))
    assert rows == sorted(rows, key=lambda i: (len(sources[i]), len(targets[i])))
    assert lengths == sorted(lengths)


@pytest.mark.parametrize(
    ("sources", "targets", "sentence"),
    [
        ([], [], "0 sources with 0 targets make no batch"),
        ([[1]], [[1], [2]], "1 sources with 2 targets make no batch"),
        ([[1], []], [[1], [2]], "the source of pair 1 has no token; leave the pair out"),
    ],
)
def test_what_is_no_pair_is_refused(sources, targets, sentence):
    for build in (
        lambda: pad_pairs(sources, targets, START, END),
        lambda: ShuffledPairs(sources, targets, START, END, 2),
        lambda: list(pairs_in_length_order(sources, targets, START, END, 2)),
    ):
        with pytest.raises(ValueError, match=sentence):
            build()


def test_a_step_before_the_first_is_refused():
    with pytest.raises(ValueError, match="no step -1"):
        ShuffledPairs([[1]], [[1]], START, END, 2)(-1)
