"""Windows: every target once, shifted by one, and the same at every step of every run."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from llm_book.data.windows import RandomWindows, get_batch, sliding_windows, step_seed, windows
from llm_book.shapes import IGNORE

sizes = st.integers(1, 12)


def counted(batches):
    """Every target that is not ignored, in order."""
    return [t for batch in batches for t in batch.targets.flatten().tolist() if t != IGNORE]


@given(st.integers(2, 60), sizes, sizes, sizes)
def test_every_token_but_the_first_is_a_target_exactly_once(n, context, stride, batch_size):
    stride = min(stride, context)
    tokens = list(range(100, 100 + n))
    batches = list(sliding_windows(tokens, context, stride, batch_size, pad_id=7))
    assert counted(batches) == tokens[1:]
    assert all(batch.ids.shape[1] == context for batch in batches)
    assert all(batch.size == batch_size for batch in batches[:-1])
    assert 1 <= batches[-1].size <= batch_size


@given(st.integers(2, 60), sizes, sizes, sizes)
def test_a_target_is_the_token_that_follows_and_sees_what_the_stride_promises(
    n, context, stride, batch_size
):
    stride = min(stride, context)
    for batch in sliding_windows(list(range(n)), context, stride, batch_size, pad_id=-7):
        for ids, targets in zip(batch.ids.tolist(), batch.targets.tolist(), strict=True):
            for place, target in enumerate(targets):
                if target != IGNORE:
                    assert target == ids[place] + 1
                    assert place + 1 > context - stride or ids[0] == 0
            text = [i for i in ids if i != -7]
            assert text == list(range(text[0], text[0] + len(text)))
            assert ids == text + [-7] * (context - len(text))
            assert text[0] % stride == 0
            assert len([t for t in targets if t != IGNORE]) >= 1


@given(st.integers(2, 60), sizes, sizes)
def test_windows_side_by_side_are_sliding_ones_of_a_whole_stride(n, context, batch_size):
    tokens = torch.arange(n)
    mine = list(windows(tokens, context, batch_size, pad_id=3))
    same = list(sliding_windows(tokens, context, context, batch_size, pad_id=3))
    assert len(mine) == len(same)
    for one, other in zip(mine, same, strict=True):
        assert one.ids.equal(other.ids) and one.targets.equal(other.targets)
    read = [i for b in mine for i in b.ids[b.targets != IGNORE].tolist()]
    assert read == list(range(n - 1))


def test_a_short_text_is_one_padded_window():
    (batch,) = windows([5, 6, 7], 4)
    assert batch.ids.tolist() == [[5, 6, 0, 0]]
    assert batch.targets.tolist() == [[6, 7, IGNORE, IGNORE]]
    assert batch.ids.dtype == batch.targets.dtype == torch.int64


def test_a_text_that_fits_exactly_has_no_pads_and_no_second_window():
    (batch,) = sliding_windows([5, 6, 7, 8], 3, 1)
    assert (batch.ids.tolist(), batch.targets.tolist()) == ([[5, 6, 7]], [[6, 7, 8]])


def test_the_default_batch_is_one_window():
    assert [b.ids.tolist() for b in windows([1, 2, 3, 4, 5], 2)] == [[[1, 2]], [[3, 4]]]
    assert [b.size for b in sliding_windows([1, 2, 3, 4, 5], 2, 1)] == [1, 1, 1]


def test_a_bigrams_loss_does_not_depend_on_stride_or_batch():
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(11, 11, generator=generator, dtype=torch.float64)
    tokens = torch.randint(11, (101,), generator=generator)
    whole = F.cross_entropy(table[tokens[:-1]], tokens[1:], reduction="sum").item()
    for stride, batch_size in ((8, 1), (8, 3), (3, 2), (1, 7)):
        total = 0.0
        for batch in sliding_windows(tokens, 8, stride, batch_size):
            logits = table[batch.ids].flatten(0, 1)
            total += F.cross_entropy(logits, batch.targets.flatten(), reduction="sum").item()
        assert math.isclose(total, whole, rel_tol=1e-12)


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "int32", "int64"])
def test_any_whole_numbers_and_a_file_on_disk_can_be_read(dtype, tmp_path):
    array = np.arange(50, dtype=dtype)
    array.tofile(tmp_path / "t.bin")
    on_disk = np.memmap(tmp_path / "t.bin", dtype, "r")
    assert counted(windows(on_disk, 7, 2)) == list(range(1, 50))
    batch = get_batch(on_disk, 4, 7)
    assert batch.ids.dtype == torch.int64 and batch.targets.equal(batch.ids + 1)


def test_a_batch_owns_its_ids_and_leaves_the_array_as_it_was():
    array = np.arange(50)
    for batch in (next(iter(windows(array, 7))), get_batch(array, 2, 7)):
        batch.ids.zero_()
    assert (array == np.arange(50)).all()


@given(st.integers(2, 30), st.integers(1, 12), st.integers(1, 6), st.integers(0, 9))
def test_a_drawn_window_lies_in_the_array_and_its_targets_follow(n, context, batch, seed):
    context = min(context, n - 1)
    drawn = get_batch(np.arange(n), batch, context, "cpu", torch.Generator().manual_seed(seed))
    assert drawn.ids.shape == drawn.targets.shape == (batch, context)
    assert drawn.targets.equal(drawn.ids + 1)
    assert drawn.ids.equal(drawn.ids[:, :1] + torch.arange(context))
    assert drawn.documents is None


def test_every_start_is_drawn_equally_often_the_last_one_too():
    drawn = get_batch(np.arange(10), 7000, 3, "cpu", torch.Generator().manual_seed(0))
    counts = drawn.ids[:, 0].bincount().tolist()
    assert len(counts) == 7
    # 1000 expected each, standard deviation 29
    assert all(abs(count - 1000) < 120 for count in counts)


def test_the_generator_alone_decides_and_without_one_the_global_numbers_do():
    array = np.arange(1000)
    first, same, other = (
        get_batch(array, 8, 5, "cpu", torch.Generator().manual_seed(seed)).ids for seed in (1, 1, 2)
    )
    assert first.equal(same) and not first.equal(other)
    torch.manual_seed(3)
    free = get_batch(array, 8, 5).ids
    torch.manual_seed(3)
    assert free.equal(get_batch(array, 8, 5).ids)


def test_a_batch_goes_to_the_device_that_was_asked_for():
    assert get_batch(np.arange(9), 1, 3, "meta").ids.device.type == "meta"
    batch = RandomWindows(np.arange(9), 1, 3, device="meta")(0)
    assert batch.targets.device.type == "meta"


def test_a_resumed_run_sees_the_same_batches():
    array = np.arange(1000)
    walked = RandomWindows(array, 4, 6, seed=5)
    in_order = [walked(step).ids for step in range(12)]
    resumed = RandomWindows(array, 4, 6, seed=5)
    assert all(resumed(step).ids.equal(in_order[step]) for step in reversed(range(12)))
    assert len({tuple(ids.flatten().tolist()) for ids in in_order}) == 12
    assert not RandomWindows(array, 4, 6, seed=6)(0).ids.equal(in_order[0])
    assert RandomWindows(array, 4, 6)(3).ids.equal(RandomWindows(array, 4, 6, seed=0)(3).ids)


def test_the_global_numbers_do_not_touch_a_steps_batch():
    batches = RandomWindows(np.arange(1000), 4, 6)
    torch.manual_seed(1)
    first = batches(0).ids
    state = torch.get_rng_state()
    assert batches(0).ids.equal(first)
    assert torch.get_rng_state().equal(state)


def test_step_seeds_are_the_same_everywhere_and_never_meet():
    assert step_seed(0, 0) == np.random.SeedSequence([0, 0]).generate_state(1, np.uint64)[0]
    seeds = {step_seed(seed, step) for seed in range(40) for step in range(200)}
    assert len(seeds) == 8000 and max(seeds) > 2**63


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: windows([1, 2, 3], 0), "context_length is 0; it must be at least 1"),
        (lambda: windows([1, 2, 3], 2, 0), "batch_size is 0; it must be at least 1"),
        (lambda: sliding_windows([1, 2, 3], 2, 0), "stride is 0; it must be at least 1"),
        (lambda: sliding_windows([1, 2, 3], 2, 3), "a stride of 3 leaves tokens out .* of 2; cho"),
        (lambda: windows([1], 2), "1 tokens hold no token that comes next; give at least 2"),
        (lambda: windows([], 2), "0 tokens hold no token that comes next"),
        (lambda: windows(np.zeros((2, 3), int), 2), r"tokens of shape \(2, 3\) are no single row"),
        (lambda: get_batch(np.arange(8), 2, 8), "8 tokens hold no window of 8 .* at least 9"),
        (lambda: get_batch(np.arange(8), 0, 4), "batch is 0; it must be at least 1"),
        (lambda: get_batch(np.arange(8), 1, 0), "context is 0; it must be at least 1"),
        (lambda: get_batch(torch.zeros(2, 3).long(), 1, 1), "are no single row"),
        (lambda: RandomWindows(np.arange(8), 2, 8), "8 tokens hold no window of 8"),
        (lambda: RandomWindows(np.arange(9), 2, 8)(-1), "seed 0 and step -1 must both be counted"),
        (lambda: RandomWindows(np.arange(9), 2, 8, seed=-1)(0), "seed -1 and step 0 must both"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize("tokens", [np.ones(9), [0.5] * 9, torch.ones(9), np.ones(9, bool)])
def test_tokens_that_are_no_whole_numbers_are_refused(tokens):
    for call in (lambda: windows(tokens, 2), lambda: get_batch(tokens, 1, 2)):
        with pytest.raises(TypeError, match=r"token ids are whole numbers, (float|bool)\w* came"):
            call()
