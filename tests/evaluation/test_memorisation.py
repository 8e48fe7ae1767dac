"""Exposure is what Carlini et al. define, exact and estimated."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from llm_book.evaluation.memorisation import (
    Exposure,
    continuation_losses,
    exposure,
    extrapolated_exposure,
    sampled_exposure,
)
from llm_book.models.transformer import GPT, GPTConfig


@given(st.permutations(range(16)))
def test_exposure_falls_by_rank_from_all_the_bits_to_none(order):
    losses = [float(place) for place in order]
    for rank in range(16):
        found = exposure(float(rank), losses)
        assert found.bits == found.low == found.high == pytest.approx(4 - math.log2(rank + 1))


def test_of_equals_the_canary_ranks_last():
    assert exposure(1.0, [1.0, 1.0, 2.0, 3.0]).bits == 1
    assert exposure(1.0, [1.0, 1.0, 1.0, 1.0]).bits == 0


def test_a_sample_estimates_it_and_its_interval_covers_it_about_95_times_in_100():
    rng = np.random.default_rng(0)
    losses = rng.normal(size=4096)
    canary = np.sort(losses)[255]  # exposure 4
    hits, bits = 0, []
    for _ in range(400):
        found = sampled_exposure(canary, rng.choice(losses, 300))
        hits += found.low <= 4 <= found.high
        bits.append(found.bits)
    assert 0.92 < hits / 400 < 0.99
    assert np.mean(bits) == pytest.approx(4, abs=0.1)


def test_the_sampled_interval_is_wilsons():
    share = stats.binomtest(3, 10).proportion_ci(0.95, method="wilson")
    found = sampled_exposure(2.0, [0.0, 1.0, 2.0, 3, 4, 5, 6, 7, 8, 9])
    assert found.bits == pytest.approx(-math.log2(0.3))
    assert (found.low, found.high) == pytest.approx((-math.log2(share.high), -math.log2(share.low)))


def test_beyond_the_sample_only_a_lower_end_is_known():
    found = sampled_exposure(-1.0, np.arange(1000.0))
    assert found.bits == found.high == math.inf
    assert 7 < found.low < 10


@pytest.mark.parametrize(("skew", "z"), [(0.0, -3.0), (-4.0, -5.0), (2.0, -2.0), (3.0, 0.5)])
def test_the_fitted_tail_reaches_where_no_sample_does(skew, z):
    sample = stats.skewnorm.rvs(skew, loc=50, scale=5, size=20_000, random_state=0)
    truth = -math.log2(stats.skewnorm.cdf(50 + 5 * z, skew, loc=50, scale=5))
    assert extrapolated_exposure(50 + 5 * z, sample).bits == pytest.approx(truth, rel=0.15)


def test_deep_in_the_tail_the_bits_are_those_of_the_logarithm_of_the_distribution():
    sample = np.random.default_rng(0).normal(size=500)
    skew, place, scale = stats.skewnorm.fit(sample)
    for canary in (-8.0, -30.0):  # e^−450 has no float of its own
        end = (canary - place) / scale
        back = np.linspace(0, 60 / (1 + skew * skew) / abs(end), 400_001)
        density = stats.norm.logpdf(end - back) + stats.norm.logcdf(skew * (end - back))
        mass = np.trapezoid(np.exp(density - density[0]), back)
        truth = -(density[0] + math.log(2) + math.log(mass)) / math.log(2)
        found = extrapolated_exposure(canary, sample)
        assert found.bits == found.low == found.high == pytest.approx(truth, rel=1e-6)


def test_where_the_distribution_is_wide_the_tail_and_scipy_agree():
    sample = np.random.default_rng(1).normal(size=500)
    skew, place, scale = stats.skewnorm.fit(sample)
    for canary in (-5.5, -4.0, 0.0, 3.0):
        truth = -math.log2(stats.skewnorm.cdf(canary, skew, place, scale))
        assert extrapolated_exposure(canary, sample).bits == pytest.approx(truth, rel=1e-4)
    assert extrapolated_exposure(1e9, sample).bits == 0


def test_refits_say_how_far_the_extrapolation_may_be_off():
    sample = np.random.default_rng(2).normal(size=100)
    found = extrapolated_exposure(-4.0, sample, draws=20, seed=1)
    assert found.low < found.bits < found.high
    assert found == extrapolated_exposure(-4.0, sample, draws=20, seed=1)
    assert found != extrapolated_exposure(-4.0, sample, draws=20, seed=2)
    two = extrapolated_exposure(-4.0, sample, draws=2)
    assert two == extrapolated_exposure(-4.0, sample, draws=2, seed=0)


def test_a_continuation_costs_its_own_tokens_and_not_the_prefix():
    config = GPTConfig.gpt2(vocab_size=7, context_length=8, width=8, n_layers=1, n_heads=2)
    model = GPT(config).eval()
    prefix, candidates = torch.tensor([1, 2, 3]), torch.randint(7, (5, 2))
    for batch_size in (1, 2, 256):
        found = continuation_losses(model, prefix, candidates, batch_size)
        for row, loss in zip(candidates, found, strict=True):
            ids = torch.cat([prefix, row])[None]
            chances = model(ids).log_softmax(dim=-1)[0]
            truth = -(chances[2, row[0]] + chances[3, row[1]])
            assert loss == pytest.approx(truth.item(), rel=1e-5)


def test_a_planted_secret_is_exposed():
    secret = torch.tensor([4, 2])

    def model(ids):
        logits = torch.zeros(*ids.shape, 6)
        logits[:, 0, secret[0]] = 5
        logits[:, 1, secret[1]] = 5
        return logits

    everything = torch.cartesian_prod(torch.arange(6), torch.arange(6))
    losses = continuation_losses(model, torch.tensor([0]), everything)
    assert exposure(float(losses.min()), losses).bits == pytest.approx(math.log2(36))
    assert losses.argmin() == 4 * 6 + 2
    assert losses.min() == pytest.approx(2 * math.log(1 + 5 * math.exp(-5)), rel=1e-12)


def test_256_candidates_are_read_at_a_time_unless_told_otherwise():
    read = []

    def model(ids):
        read.append(len(ids))
        return torch.zeros(*ids.shape, 3)

    losses = continuation_losses(model, torch.tensor([0]), torch.zeros(257, 1, dtype=torch.int64))
    assert read == [256, 1]
    assert losses == pytest.approx([math.log(3)] * 257)


IDS = torch.tensor([1])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: exposure(5.0, [1.0, 2.0]), "the canary's loss 5.0 is not among those of the 2"),
        (lambda: exposure(float("nan"), [1.0]), "cannot rank a canary of loss nan"),
        (lambda: exposure(1.0, [1.0, float("nan")]), "none NaN"),
        (lambda: sampled_exposure(1.0, []), r"losses of shape \(0,\) cannot rank"),
        (lambda: sampled_exposure(1.0, [[1.0]]), r"losses of shape \(1, 1\) cannot rank"),
        (lambda: extrapolated_exposure(1.0, np.arange(19.0)), "fitted to 19 losses"),
        (lambda: extrapolated_exposure(1.0, [2.0] * 30), "30 losses with a spread of 0"),
        (lambda: continuation_losses(len, IDS[:0], IDS[None]), "after a prefix of 0"),
        (lambda: continuation_losses(len, IDS, IDS[None, :0]), "1 candidates of 0 tokens"),
        (lambda: continuation_losses(len, IDS, IDS[None], 0), "0 at a time"),
    ],
)
def test_what_has_no_exposure_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_twenty_losses_are_enough_for_a_fit():
    assert isinstance(extrapolated_exposure(0.0, np.arange(20.0)), Exposure)
