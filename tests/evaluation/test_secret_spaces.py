"""All secrets are ranked as one by one, and luck exposes 1.44 bits."""

import itertools
import math

import numpy as np
import pytest
import torch

from llm_book.evaluation.memorisation import continuation_losses, exposure
from llm_book.evaluation.secret_spaces import exposure_by_chance, secret_losses
from llm_book.models.transformer import GPT, GPTConfig

SYMBOLS = torch.tensor([5, 2, 7])


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [2, 256])
def test_every_secret_costs_what_it_costs_alone(length, batch_size):
    config = GPTConfig.gpt2(vocab_size=9, context_length=8, width=8, n_layers=1, n_heads=2)
    model = GPT(config, torch.Generator().manual_seed(0)).eval()
    with torch.no_grad():
        model.embedding.weight.mul_(30)
    prefix = torch.tensor([1, 2, 3])
    secrets = torch.tensor(list(itertools.product(SYMBOLS.tolist(), repeat=length)))
    truth = continuation_losses(model, prefix, secrets)
    found = secret_losses(model, prefix, SYMBOLS, length, batch_size)
    assert found.shape == (3**length,) and np.ptp(found) > 0.01
    np.testing.assert_allclose(found, truth, rtol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 10, 1000])
def test_luck_exposes_the_mean_over_all_ranks(n):
    losses = np.arange(n, dtype=float)
    truth = np.mean([exposure(loss, losses).bits for loss in losses])
    assert exposure_by_chance(n) == pytest.approx(truth, abs=1e-9)


def test_among_many_secrets_luck_exposes_one_over_ln_two_with_as_large_a_spread():
    assert exposure_by_chance(10**6) == pytest.approx(1 / math.log(2), abs=1e-4)
    bits = np.log2(10_000 / np.arange(1, 10_001))
    assert bits.std() == pytest.approx(exposure_by_chance(10_000), rel=0.01)


def test_secrets_never_planted_are_exposed_by_luck_alone_whatever_the_model_prefers():
    def model(ids):
        logits = torch.zeros(*ids.shape, 10)
        return logits + torch.arange(10.0)  # one digit is always likelier than another

    losses = secret_losses(model, torch.tensor([0]), torch.arange(10), 3)
    losses = losses + np.random.default_rng(1).normal(scale=1e-6, size=losses.size)
    drawn = np.random.default_rng(0).integers(1000, size=400)
    mean = np.mean([exposure(losses[secret], losses).bits for secret in drawn])
    assert abs(mean - exposure_by_chance(1000)) < 4 * 1.44 / 20


@pytest.mark.parametrize(
    ("prefix", "symbols", "length"), [([], [1], 1), ([1], [], 1), ([1], [1], 0)]
)
def test_nothing_to_rank_is_refused(prefix, symbols, length):
    ids = [torch.tensor(part, dtype=torch.int64) for part in (prefix, symbols)]
    with pytest.raises(ValueError, match="nothing to rank"):
        secret_losses(lambda ids: ids, *ids, length)
    with pytest.raises(ValueError, match="n is 0"):
        exposure_by_chance(0)
