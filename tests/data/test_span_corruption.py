"""Runs cut out of a text: nothing is lost, the counts are T5's, and nonsense is refused."""

import pytest
import torch

from llm_book.data.span_corruption import corrupt_spans, hidden_spans

SENTINELS = range(1000, 1100)


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def restored(source: torch.Tensor, target: torch.Tensor) -> list[int]:
    """The text again: each sentinel of the source gives way to what follows it in the target."""
    runs: dict[int, list[int]] = {}
    for i in target.tolist():
        if i >= 1000:
            runs[i] = []
        else:
            runs[list(runs)[-1]].append(i)
    return [j for i in source.tolist() for j in (runs[i] if i >= 1000 else [i])]


@pytest.mark.parametrize("time", [2, 3, 7, 20, 100, 512])
@pytest.mark.parametrize("share", [0.01, 0.15, 0.5, 0.99])
@pytest.mark.parametrize("mean_length", [1.0, 3.0, 10.0])
def test_source_and_target_together_are_the_text(time, share, mean_length):
    ids = torch.arange(time)
    for seed in range(5):
        source, target = corrupt_spans(ids, range(1000, 1600), share, mean_length, drawn(seed))
        assert restored(source, target) == ids.tolist()
        assert source.dtype == target.dtype == torch.int64


def test_the_counts_are_those_of_t5s_own_code():
    # random_spans_noise_mask of the text-to-text-transfer-transformer repository: 512 tokens at
    # 15 % in spans of 3 hide 77 tokens in 26 spans, and neither side is ever empty.
    for seed in range(20):
        hidden = hidden_spans(512, 0.15, 3.0, drawn(seed))
        begins = hidden[1:] & ~hidden[:-1]
        assert hidden.sum() == 77
        assert begins.sum() == 26
        assert not hidden[0]
        assert hidden[-1]


def test_sentinels_come_in_their_order_and_the_target_ends_with_one_more():
    source, target = corrupt_spans(torch.arange(100), SENTINELS, generator=drawn())
    asked = [i for i in source.tolist() if i >= 1000]
    answered = [i for i in target.tolist() if i >= 1000]
    assert asked == list(SENTINELS)[: len(asked)]
    assert answered == list(SENTINELS)[: len(asked) + 1]
    assert target[0] == 1000
    assert target[-1] == answered[-1]


def test_the_first_sentinels_are_used_in_the_order_given():
    source, target = corrupt_spans(torch.arange(20), [900, 800, 700], 0.2, 2.0, drawn())
    assert [i for i in source.tolist() if i >= 700] == [900, 800]
    assert [i for i in target.tolist() if i >= 700] == [900, 800, 700]


def test_every_way_of_cutting_is_equally_likely():
    # 5 tokens, 2 of them hidden in 2 runs: the 3 that stay are 1 + 2 or 2 + 1.
    counts = [0, 0]
    generator = drawn()
    for _ in range(2000):
        hidden = hidden_spans(5, 0.4, 1.0, generator).tolist()
        assert hidden in ([False, True, False, False, True], [False, False, True, False, True])
        counts[hidden[1]] += 1
    assert abs(counts[0] - 1000) < 4 * 2000**0.5 / 2


def test_the_same_generator_gives_the_same_runs_and_the_text_stays():
    ids = torch.arange(50)
    one, two = (corrupt_spans(ids, SENTINELS, generator=drawn(3)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert ids.tolist() == list(range(50))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((torch.arange(9), SENTINELS, 0.0), "between 0 and 1"),
        ((torch.arange(9), SENTINELS, 1.0), "between 0 and 1"),
        ((torch.arange(9), SENTINELS, 0.2, 0.5), "1 token or more"),
        ((torch.arange(1), SENTINELS), "give 2"),
        ((torch.arange(9), [3, 1000]), "does not use"),
        ((torch.arange(9), [1000, 1000]), "stands twice"),
        ((torch.arange(9), [1000]), "2 sentinels are needed and 1 came"),
    ],
)
def test_nonsense_is_refused_with_what_to_do(arguments, said):
    with pytest.raises(ValueError, match=said):
        corrupt_spans(*arguments, generator=drawn())
