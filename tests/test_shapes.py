"""What passes between the shelves keeps its promises."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_book.shapes import IGNORE, Batch, KVCache, PairBatch, TokenBatch, text_mask


def new(batch: int, time: int, start: float = 0.0) -> torch.Tensor:
    """Keys that tell where they came from: [batch, 2 heads, time, 3 numbers]."""
    return start + torch.arange(batch * 2 * time * 3.0).reshape(batch, 2, time, 3)


def test_a_cache_gives_back_what_was_written_in_the_order_of_positions() -> None:
    cache = KVCache(n_layers=2, batch=2, n_kv_heads=2, capacity=5, head_width=3)
    first, second = new(2, 3), new(2, 2, start=100.0)
    keys, values = cache.write(1, first, -first)
    assert torch.equal(keys, first) and torch.equal(values, -first)
    cache.advance(3)
    keys, values = cache.write(1, second, -second)
    assert torch.equal(keys, torch.cat([first, second], dim=2))
    assert torch.equal(values, -keys)
    assert torch.equal(cache.keys[0], torch.zeros(2, 2, 5, 3))
    assert cache.longest == 3 and cache.capacity == 5


def test_rows_of_different_lengths_write_at_their_own_ends() -> None:
    cache = KVCache(1, 2, 2, 4, 3)
    prompt, step = new(2, 3), new(2, 1, start=100.0)
    cache.write(0, prompt, prompt)
    cache.advance(torch.tensor([3, 1]))
    assert cache.positions(2).tolist() == [[3, 4], [1, 2]]
    keys, _ = cache.write(0, step, step)
    assert keys.shape[2] == 4
    assert torch.equal(keys[0], torch.cat([prompt[0], step[0]], dim=1))
    assert torch.equal(keys[1, :, :2], torch.cat([prompt[1, :, :1], step[1]], dim=1))
    cache.advance(1)
    assert cache.lengths.tolist() == [4, 2] and cache.longest == 4


def test_rows_that_are_level_again_are_written_like_any_others() -> None:
    cache = KVCache(1, 2, 2, 4, 3)
    cache.write(0, new(2, 2), new(2, 2))
    cache.advance(torch.tensor([1, 1]))
    step = new(2, 1, start=50.0)
    keys, _ = cache.write(0, step, step)
    assert keys.shape[2] == 2 and torch.equal(keys[:, :, 1:], step)


@given(lengths=st.lists(st.integers(1, 4), min_size=1, max_size=4), time=st.integers(1, 3))
def test_every_row_holds_its_prompt_and_then_its_steps(lengths: list[int], time: int) -> None:
    batch = len(lengths)
    cache = KVCache(1, batch, 2, 4 + time, 3)
    prompt, step = new(batch, 4), new(batch, time, start=1000.0)
    cache.write(0, prompt, prompt)
    cache.advance(torch.tensor(lengths))
    _, values = cache.write(0, step, step)
    for row, n in enumerate(lengths):
        told = torch.cat([prompt[row, :, :n], step[row]], dim=1)
        assert torch.equal(values[row, :, : n + time], told)


def test_a_beam_takes_its_rows_along() -> None:
    cache = KVCache(1, 2, 2, 4, 3)
    cache.write(0, new(2, 2), -new(2, 2))
    cache.advance(torch.tensor([1, 2]))
    cache.select(torch.tensor([1, 1, 0]))
    assert cache.lengths.tolist() == [2, 2, 1]
    assert torch.equal(cache.keys[0, 0, :, :2], new(2, 2)[1])
    assert torch.equal(cache.values[0, 2, :, :2], -new(2, 2)[0])


def test_a_cache_says_when_it_is_full() -> None:
    cache = KVCache(1, 1, 2, 2, 3)
    with pytest.raises(ValueError, match="3 tokens do not fit in a cache of 2; make a larger one"):
        cache.write(0, new(1, 3), new(1, 3))
    with pytest.raises(ValueError, match="holds nothing; every size must be >= 1"):
        KVCache(1, 1, 0, 2, 3)


def test_a_batch_weighs_what_its_loss_is_the_mean_over() -> None:
    ids = torch.zeros(2, 3, dtype=torch.int64)
    targets = torch.tensor([[1, IGNORE, 2], [IGNORE, IGNORE, 3]])
    reviews = Batch(ids, torch.tensor([2, 3]), torch.tensor([0, 1]))
    assert (reviews.weight, reviews.size, reviews.tokens) == (2, 2, 5)
    tokens = TokenBatch(ids, targets)
    assert (tokens.weight, tokens.size, tokens.tokens) == (3, 2, 6)
    pairs = PairBatch(ids, torch.tensor([1, 3]), ids, targets)
    assert (pairs.weight, pairs.size, pairs.tokens) == (3, 2, 7)


def test_a_batch_moves_whole() -> None:
    ids = torch.zeros(2, 3, dtype=torch.int64)
    moved = TokenBatch(ids, ids, ids).to("meta")
    assert moved.ids.is_meta and moved.targets.is_meta
    assert moved.documents is not None and moved.documents.is_meta
    assert TokenBatch(ids, ids).to("meta").documents is None
    pairs = PairBatch(ids, torch.tensor([1, 3]), ids, ids).to("meta")
    assert all(part.is_meta for part in (pairs.source, pairs.source_lengths, pairs.inputs))
    assert pairs.targets.is_meta


def test_the_mask_is_true_on_text() -> None:
    assert text_mask(torch.tensor([1, 3]), 3).tolist() == [[True, False, False], [True] * 3]
