"""What is done to logits before a token is drawn is what transformers does, in its order."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from llm_book.generation.filtering import GREEDY, Sampling, filter_logits
from llm_book.shapes import IGNORE

INF = math.inf
ROWS = st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=12)


def chances(*values):
    return torch.tensor(values, dtype=torch.float64).log()


def kept(logits):
    return [i for i, logit in enumerate(logits.tolist()) if logit > -INF]


PEERS = {
    "temperature": TemperatureLogitsWarper,
    "top_k": TopKLogitsWarper,
    "top_p": TopPLogitsWarper,
    "min_p": MinPLogitsWarper,
    "repetition_penalty": RepetitionPenaltyLogitsProcessor,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "setting",
    [{"temperature": t} for t in (0.2, 0.7, 3.0)]
    + [{"top_k": k} for k in (1, 2, 17, 50, 400)]
    + [{"top_p": p} for p in (0.01, 0.3, 0.8, 0.9, 0.999)]
    + [{"min_p": p} for p in (0.0, 0.05, 0.5, 1.0)]
    + [{"repetition_penalty": r} for r in (0.6, 1.2, 3.0)],
)
def test_each_filter_gives_the_very_numbers_of_transformers(setting, dtype):
    logits = torch.randn(40, 200, dtype=dtype) * 3
    previous = torch.randint(200, (40, 30))
    ((name, value),) = setting.items()
    expected = PEERS[name](value)(previous, logits.clone())
    assert torch.equal(filter_logits(logits, **setting, previous=previous), expected)


@pytest.mark.parametrize("seed", range(5))
def test_all_filters_together_are_those_of_transformers_in_its_order(seed):
    torch.manual_seed(seed)
    logits, previous = torch.randn(64, 300) * 4, torch.randint(300, (64, 20))
    settings = {
        "repetition_penalty": 1.3,
        "temperature": 1.7,
        "top_k": 40,
        "top_p": 0.8,
        "min_p": 0.1,
    }
    processors = LogitsProcessorList([PEERS[name](value) for name, value in settings.items()])
    expected = processors(previous, logits.clone())
    assert torch.equal(filter_logits(logits, **settings, previous=previous), expected)


def test_the_penalty_comes_before_the_temperature_and_the_temperature_before_top_p():
    logits = chances(0.6, 0.3, 0.1)
    hot = filter_logits(logits, temperature=4.0, top_p=0.6)
    assert kept(hot) == [0, 1]  # at 4 degrees the first has less than 0.6
    assert kept(filter_logits(logits, top_p=0.6 - 1e-6)) == [0]


def test_top_k_works_on_what_top_p_has_not_seen():
    # Of the two that top-k leaves the first has 0.66: enough. Of all four it has only 0.4.
    assert kept(filter_logits(chances(0.4, 0.2, 0.21, 0.19), top_k=2, top_p=0.6)) == [0]


def test_min_p_looks_at_the_best_token_that_is_left():
    assert kept(filter_logits(chances(0.5, 0.3, 0.2), min_p=0.5)) == [0, 1]
    assert kept(filter_logits(chances(0.5, 0.3, 0.2), min_p=0.7)) == [0]


@pytest.mark.parametrize(
    ("top_p", "stay"), [(0.49, [1]), (0.51, [1, 3]), (0.79, [1, 3]), (0.81, [0, 1, 3]), (1, 4)]
)
def test_top_p_keeps_the_token_that_crosses_the_line(top_p, stay):
    found = kept(filter_logits(chances(0.15, 0.5, 0.05, 0.3), top_p=top_p))
    assert found == (list(range(4)) if stay == 4 else stay)


def test_ties_with_the_last_of_the_top_k_stay_and_top_p_keeps_the_first_of_equals():
    logits = torch.tensor([1.0, 3.0, 2.0, 2.0, 2.0])
    assert kept(filter_logits(logits, top_k=2)) == [1, 2, 3, 4]
    assert kept(filter_logits(torch.zeros(8), top_p=0.3)) == [0, 1, 2]
    assert kept(filter_logits(torch.zeros(4), top_p=0.5)) == [0, 1]  # reached, not passed


def test_temperature_zero_puts_everything_on_the_first_of_the_best():
    logits = torch.tensor([[1.0, 5.0, 5.0, -2.0], [0.5, 0.5, 0.25, -INF]])
    expected = torch.tensor([[-INF, 5.0, -INF, -INF], [0.5, -INF, -INF, -INF]])
    assert torch.equal(filter_logits(logits, temperature=0), expected)
    assert Sampling(temperature=0) == GREEDY


def test_temperature_zero_heeds_the_repetition_penalty():
    logits, previous = torch.tensor([3.0, 2.0, 1.0]), torch.tensor([0, 0])
    cold = filter_logits(logits, 0, repetition_penalty=2.0, previous=previous)
    assert kept(cold) == [1]


def test_the_penalty_counts_a_token_once_and_pads_not_at_all():
    logits = torch.tensor([[2.0, -2.0, 0.0, 4.0]])
    previous = torch.tensor([[0, 0, 1, IGNORE]])
    expected = torch.tensor([[1.0, -4.0, 0.0, 4.0]])
    answer = filter_logits(logits, repetition_penalty=2.0, previous=previous)
    assert torch.equal(answer, expected)
    nothing = filter_logits(logits, repetition_penalty=2.0, previous=previous[:, :0])
    assert torch.equal(nothing, logits)


@given(
    row=ROWS,
    temperature=st.floats(0, 5),
    top_k=st.none() | st.integers(1, 20),
    top_p=st.none() | st.floats(1e-6, 1),
    min_p=st.none() | st.floats(0, 1),
)
def test_at_least_one_token_stays_and_it_is_the_best(row, temperature, top_k, top_p, min_p):
    temperature = 0 if temperature < 1e-3 else temperature
    logits = torch.tensor(row, dtype=torch.float64)
    answer = filter_logits(logits, temperature, top_k, top_p, min_p)
    assert row.index(max(row)) in kept(answer)
    assert all(answer[i] == (logits[i] / (temperature or 1)) for i in kept(answer))


@given(row=ROWS, top_p=st.floats(0.01, 0.99))
def test_top_p_keeps_enough_and_not_one_too_many(row, top_p):
    logits = torch.tensor(row, dtype=torch.float64)
    probabilities = logits.softmax(-1)
    stay = kept(filter_logits(logits, top_p=top_p))
    mass = probabilities[stay].sum()
    assert mass >= top_p - 1e-9
    assert len(stay) == 1 or mass - probabilities[stay].min() < top_p + 1e-9


@given(row=ROWS, top_k=st.integers(1, 15))
def test_top_k_drops_exactly_what_has_k_better_ones(row, top_k):
    answer = kept(filter_logits(torch.tensor(row), top_k=top_k))
    assert answer == [i for i, x in enumerate(row) if sum(y > x for y in row) < top_k]


@given(row=ROWS)
def test_what_changes_nothing_changes_nothing(row):
    logits = torch.tensor(row)
    same = filter_logits(logits, temperature=1.0, top_k=len(row), top_p=1.0, min_p=0.0)
    assert torch.equal(same, logits)
    assert torch.equal(filter_logits(logits), logits)


def test_top_p_of_one_keeps_even_what_has_no_chance():
    logits = torch.tensor([200.0, -200.0])
    assert kept(filter_logits(logits, top_p=1)) == [0, 1]


def test_rows_and_leading_axes_do_not_know_each_other():
    logits = torch.randn(2, 3, 50)
    previous = torch.randint(50, (2, 3, 9))
    settings = {"temperature": 0.8, "top_k": 9, "top_p": 0.7, "repetition_penalty": 1.5}
    whole = filter_logits(logits, **settings, previous=previous)
    for i in range(2):
        for j in range(3):
            alone = filter_logits(logits[i, j], **settings, previous=previous[i, j])
            assert torch.equal(whole[i, j], alone)


def test_the_logits_that_came_are_left_as_they_were():
    logits = torch.randn(3, 20)
    before = logits.clone()
    for setting in ({"top_k": 3}, {"top_p": 0.4}, {"min_p": 0.4}, {"temperature": 0}):
        filter_logits(logits, **setting)
    filter_logits(logits, repetition_penalty=2.0, previous=torch.zeros(3, 1, dtype=torch.int64))
    assert torch.equal(logits, before)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_raised_before_anything_is_summed(dtype):
    logits = torch.randn(4, 1000).to(dtype)
    answer = filter_logits(logits, top_p=0.9)
    assert answer.dtype == torch.float32
    assert torch.equal(answer, filter_logits(logits.float(), top_p=0.9))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"temperature": -0.1}, "temperature is -0.1; it must be a number from 0"),
        ({"temperature": INF}, "temperature is inf"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"top_k": 0}, "top_k is 0; keep at least 1 token, or None for all"),
        ({"top_k": -3}, "top_k is -3"),
        ({"top_p": 0.0}, "top_p is 0.0; it is a probability above 0 and up to 1"),
        ({"top_p": 1.01}, "top_p is 1.01"),
        ({"top_p": math.nan}, "top_p is nan"),
        ({"min_p": -0.01}, "min_p is -0.01; it is a share from 0 to 1"),
        ({"min_p": 1.5}, "min_p is 1.5"),
        ({"repetition_penalty": 0.0}, "repetition_penalty is 0.0; it must be above 0"),
        ({"repetition_penalty": -1.0}, "repetition_penalty is -1.0"),
        ({"repetition_penalty": INF}, "repetition_penalty is inf"),
        ({"repetition_penalty": 1.2}, "a repetition_penalty of 1.2 needs the tokens that came"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        filter_logits(torch.zeros(2, 5), **settings)


@pytest.mark.parametrize(
    ("logits", "settings", "sentence"),
    [
        ([[0.0, 1.0], [math.nan, 1.0]], {}, "the largest logit of a row is nan at temperature 1"),
        ([[-INF, -INF]], {}, "the largest logit of a row is -inf"),
        ([[INF, 0.0]], {"temperature": 0}, "the largest logit of a row is inf at temperature 0"),
        ([[10.0, 0.0]], {"temperature": 1e-40}, "inf at temperature 1e-40.*is written 0"),
    ],
)
def test_logits_without_a_possible_token_are_refused(logits, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        filter_logits(torch.tensor(logits), **settings)


@pytest.mark.parametrize("shape", [(), (2, 0)])
def test_logits_without_a_vocabulary_are_refused(shape):
    with pytest.raises(ValueError, match=r"give one number for each token of the vocabulary"):
        filter_logits(torch.zeros(shape))


@pytest.mark.parametrize("bad", [-1, 5, -101])
def test_previous_ids_outside_the_vocabulary_are_refused(bad):
    with pytest.raises(IndexError, match=f"id {bad} is outside this vocabulary.*from 0 to 4"):
        filter_logits(torch.zeros(1, 5), repetition_penalty=2.0, previous=torch.tensor([[0, bad]]))


def test_previous_ids_of_other_rows_are_refused():
    with pytest.raises(ValueError, match="give one row of ids for each row of logits"):
        filter_logits(torch.zeros(2, 5), repetition_penalty=2.0, previous=torch.zeros(3, 4).long())
