"""Bytes by formula are those of real tensors."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from llm_book.evaluation.accounting import n_parameters
from llm_book.evaluation.memory import (
    Precision,
    SavedBytes,
    TrainingMemory,
    activation_numbers,
    bytes_of,
    cache_bytes,
    measured_memory,
    saved_for_backward,
    training_memory,
)
from llm_book.models.transformer import GPT, GPTConfig

SMALL = {"vocab_size": 50, "context_length": 64, "width": 48, "n_layers": 3, "n_heads": 4}


def test_weights_gradients_and_adams_states_are_those_of_real_tensors():
    config = GPTConfig.gpt2(**SMALL)
    model = GPT(config)
    optimizer = torch.optim.AdamW(model.parameters())
    assert measured_memory(model, optimizer).optimizer == 0
    model(torch.randint(50, (2, 8))).sum().backward()
    optimizer.step()
    real, predicted = measured_memory(model, optimizer), training_memory(n_parameters(config))
    assert (real.weights, real.gradients) == (predicted.weights, predicted.gradients)
    # Adam counts its steps in one number a parameter tensor besides
    assert real.optimizer - predicted.optimizer == 4 * len(list(model.parameters()))
    assert predicted.total == 16 * n_parameters(config)
    assert measured_memory(model, activations=7).activations == 7
    assert measured_memory(model).activations == 0
    assert measured_memory(model).optimizer == 0


@pytest.mark.parametrize(
    ("config", "tolerance"),
    [
        (GPTConfig.gpt2(**SMALL, engine="torch"), 0.05),
        (GPTConfig.gpt2(**SMALL, engine="torch", n_kv_heads=2, inner_width=64), 0.05),
        (GPTConfig.llama(**SMALL, engine="torch"), 0.2),
        (GPTConfig.llama(**SMALL, engine="torch", n_kv_heads=2), 0.2),
    ],
)
@pytest.mark.parametrize("time", [32, 64])
def test_activations_are_those_that_autograd_keeps(config, tolerance, time):
    model = GPT(config)
    ids = torch.randint(50, (16, time))
    with saved_for_backward(model) as saved:
        cross_entropy(model(ids).flatten(0, 1), ids.flatten())
    predicted = 4 * sum(activation_numbers(config, 16, time).values())
    assert predicted == pytest.approx(saved.bytes, rel=tolerance)


def test_attention_written_out_keeps_the_weights_of_all_pairs():
    kept = {}
    for engine in ("ours", "torch"):
        model = GPT(GPTConfig.gpt2(**SMALL, engine=engine))
        with saved_for_backward(model) as saved:
            model(torch.randint(50, (4, 64)))
        kept[engine] = saved.bytes
    assert kept["ours"] - kept["torch"] > 4 * 3 * 4 * 4 * 64 * 64


def test_terms_of_activations_by_hand():
    config = GPTConfig.llama(**SMALL, n_kv_heads=1, inner_width=10, n_experts=3, top_k=2)
    assert activation_numbers(config, 2, 5) == {
        "norms": 10 * 48 * 14,
        "attention": 10 * 3 * (2 * 48 + 2 * 12),
        "feed_forward": 10 * 3 * 4 * 10 * 2,
        "logits": 10 * 50,
    }

    plain = GPTConfig.gpt2(**SMALL, inner_width=10)
    assert activation_numbers(plain, 2, 5)["feed_forward"] == 10 * 3 * 2 * 10


def test_one_token_of_one_text_is_the_least_there_is():
    config = GPTConfig.gpt2(**SMALL)
    assert activation_numbers(config, 1, 1)["logits"] == 50
    assert cache_bytes(config, 1, 1, bytes_a_number=1) == 2 * 3 * 48


def test_a_weight_that_is_part_of_a_storage_is_not_counted_through_another_part():
    whole = torch.zeros(6)
    for weight, part in ((whole[1:], whole), (whole, whole[2:])):
        saved = SavedBytes([weight])
        assert saved.keep(part) is part
        assert saved.bytes == 0


def test_what_is_saved_is_counted_once_and_weights_are_not():
    model = nn.Linear(3, 3, bias=False)
    x = torch.randn(5, 3, requires_grad=True)
    with saved_for_backward(model) as saved:
        y = model(x)  # keeps x and the weight
        z = x * x  # keeps x, twice
        torch.sigmoid(z)  # keeps its answer
    assert saved.bytes == 4 * (15 + 15)
    y.sum().backward()


def test_what_two_views_share_is_held_once():
    x = torch.zeros(4, 5)
    assert bytes_of([x, x[0], x.T, None]) == 80
    assert bytes_of([x, torch.zeros(3, dtype=torch.int64)]) == 104
    assert bytes_of([]) == 0


@pytest.mark.parametrize("grouped", [None, 2])
def test_the_cache_is_that_of_a_real_one(grouped):
    config = GPTConfig.llama(**SMALL, n_kv_heads=grouped)
    cache = GPT(config).new_cache(batch=3, capacity=17)
    assert cache_bytes(config, 3, 17, bytes_a_number=4) == cache.keys.nbytes + cache.values.nbytes
    assert 2 * cache_bytes(config, 3, 17) == cache_bytes(config, 3, 17, bytes_a_number=4)


def test_lora_saves_gradients_and_states_but_not_weights():
    whole, few = training_memory(1000, activations=5), training_memory(1000, 5, trained=10)
    assert few == TrainingMemory(4000, 40, 80, 20)
    assert few.total == 4140
    assert whole == TrainingMemory(4000, 4000, 8000, 20)


def test_mixed_precision_takes_16_bytes_a_parameter_too():
    # Rajbhandari et al. (2020), section 3.1
    mixed = Precision(weight=2, gradient=2, state=4, states=3, activation=2)
    assert training_memory(7_500_000_000, 3, precision=mixed) == TrainingMemory(
        15_000_000_000, 15_000_000_000, 90_000_000_000, 6
    )


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: training_memory(5, trained=6), "6 of 5 parameters cannot learn"),
        (lambda: training_memory(5, trained=-1), "-1 of 5 parameters cannot learn"),
        (lambda: Precision(states=-1), "bytes and states cannot be negative"),
        (lambda: activation_numbers(GPTConfig.gpt2(**SMALL), 0, 1), "0 texts of 1 tokens keeps"),
        (lambda: activation_numbers(GPTConfig.gpt2(**SMALL), 1, 0), "1 texts of 0 tokens keeps"),
        (lambda: cache_bytes(GPTConfig.gpt2(**SMALL), 1, 0), "a cache of 1 texts of 0 tokens"),
        (lambda: cache_bytes(GPTConfig.gpt2(**SMALL), 1, 1, 0), "with 0 bytes a number"),
    ],
)
def test_what_holds_nothing_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_nothing_may_learn_and_no_state_be_kept():
    assert training_memory(5, trained=0).total == 20
    assert training_memory(5, precision=Precision(states=0)).optimizer == 0
