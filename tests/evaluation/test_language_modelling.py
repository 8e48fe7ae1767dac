"""Perplexity and its family: every target once, weighted right."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy

from llm_book.evaluation.language_modelling import (
    Surprise,
    each_target_once,
    evaluate,
    perplexity,
    read_batch,
    surprise,
    token_losses,
)
from llm_book.models.transformer import GPT, GPTConfig
from llm_book.shapes import IGNORE, TokenBatch, document_mask, document_positions


@given(
    batch=st.integers(1, 3),
    time=st.integers(1, 5),
    vocab=st.integers(2, 6),
    seed=st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_losses_equal_torchs_cross_entropy_and_ignored_targets_cost_nothing(
    batch, time, vocab, seed
):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(batch, time, vocab, generator=generator).double()
    targets = torch.randint(vocab, (batch, time), generator=generator)
    targets[torch.rand(batch, time, generator=generator) < 0.3] = IGNORE
    theirs = cross_entropy(logits.transpose(1, 2), targets, ignore_index=IGNORE, reduction="none")
    torch.testing.assert_close(token_losses(logits, targets), theirs, rtol=0, atol=1e-12)


@given(
    length=st.integers(2, 40),
    context=st.integers(1, 12),
    stride=st.integers(1, 12),
    batch_size=st.integers(1, 5),
)
@settings(max_examples=150, deadline=None)
def test_strided_windows_predict_each_target_once_from_what_stands_before_it(
    length, context, stride, batch_size
):
    stride = min(stride, context)
    ids = torch.arange(100, 100 + length)  # an id says where it stands
    counted, starts = [], []
    for batch in each_target_once(ids, context, stride, batch_size):
        assert 1 <= len(batch.ids) <= batch_size
        assert batch.ids.shape == batch.targets.shape == (len(batch.ids), context)
        for row, targets in zip(batch.ids, batch.targets, strict=True):
            starts.append(int(row[0]) - 100)
            for place in (targets != IGNORE).nonzero().flatten().tolist():
                assert row[: place + 1].tolist() == list(
                    range(int(row[0]), int(row[0]) + place + 1)
                )
                assert targets[place] == row[place] + 1
                assert len(starts) == 1 or place >= context - stride
                counted.append(int(targets[place]))
    assert counted == ids[1:].tolist()
    assert starts == list(range(0, len(starts) * stride, stride))


def test_without_a_stride_windows_stand_side_by_side():
    (batch,) = each_target_once(torch.arange(7), 4)
    assert batch.ids.tolist() == [[0, 1, 2, 3], [4, 5, 0, 0]]
    assert batch.targets.tolist() == [[1, 2, 3, 4], [5, 6, IGNORE, IGNORE]]


def test_eight_windows_make_a_batch_unless_told_otherwise():
    sizes = [len(batch.ids) for batch in each_target_once(torch.arange(20), 2)]
    assert sizes == [8, 2]


def test_the_loss_of_a_text_does_not_depend_on_how_it_is_batched():
    model = GPT(GPTConfig.gpt2(vocab_size=11, context_length=8, width=8, n_layers=1, n_heads=2))
    ids = torch.randint(11, (53,))
    one, three = (evaluate(model, each_target_once(ids, 8, 5, size)) for size in (1, 3))
    assert one.tokens == three.tokens == 52
    assert one.nats == pytest.approx(three.nats, abs=1e-4)


def test_a_uniform_model_is_as_surprised_as_its_vocabulary_is_large():
    def model(ids):
        return torch.zeros(*ids.shape, 32)

    found = evaluate(model, each_target_once(torch.randint(32, (100,)), 16))
    assert found.perplexity == pytest.approx(32, rel=1e-6)
    assert found.bits_per_token == pytest.approx(5, rel=1e-6)
    assert found.loss == pytest.approx(math.log(32), rel=1e-6)
    assert found.bits_per_byte("x" * 99) == pytest.approx(5, rel=1e-6)


def test_batches_of_unequal_weight_count_by_their_targets():
    logits = torch.randn(1, 4, 5)
    targets = torch.tensor([[1, 2, IGNORE, 3]])
    batches = [
        TokenBatch(torch.zeros(1, 3, dtype=torch.int64), targets[:, :3]),
        TokenBatch(torch.ones(1, 1, dtype=torch.int64), targets[:, 3:]),
    ]
    found = evaluate(lambda ids: logits[:, 3:] if ids[0, 0] else logits[:, :3], batches)
    whole = cross_entropy(logits[0], targets[0], ignore_index=IGNORE)
    assert found.tokens == 3
    assert found.loss == pytest.approx(float(whole), rel=1e-6)


def test_bits_per_byte_are_the_same_for_any_tokeniser_that_is_as_surprised():
    by_words, by_bytes = Surprise(nats=100.0, tokens=20), Surprise(nats=100.0, tokens=90)
    assert by_words.perplexity > by_bytes.perplexity
    assert by_words.bits_per_byte("字" * 30) == by_bytes.bits_per_byte(90)
    assert Surprise(1.0, 1).bits_per_byte("a") == pytest.approx(1 / math.log(2))
    assert by_bytes.bits_per_byte(b"a" * 90) == by_bytes.bits_per_token


def test_two_surprises_add_up_and_a_hopeless_one_is_infinite():
    assert Surprise(6.0, 2) + Surprise(1.0, 5) == Surprise(7.0, 7)
    assert Surprise(1000.0, 1).perplexity == math.inf
    assert Surprise(709.5, 1).perplexity == math.exp(709.5)
    assert Surprise(0.0, 3).perplexity == 1


def test_perplexity_of_losses_is_e_to_their_mean():
    losses = torch.tensor([[1.0, 2.0, 7.0]])
    assert perplexity(losses) == pytest.approx(math.exp(10 / 3))
    targets = torch.tensor([[5, 0, IGNORE]])
    assert perplexity(losses, targets) == pytest.approx(math.exp(1.5))
    assert surprise(losses, targets) == Surprise(3.0, 2)


def test_a_vocabulary_of_one_surprises_nobody():
    targets = torch.tensor([[0, IGNORE]])
    assert token_losses(torch.randn(1, 2, 1), targets).tolist() == [[0, 0]]


def test_no_small_loss_is_lost_beside_a_large_one():
    assert surprise(torch.tensor([2.0**25, 1.0])).nats == 2**25 + 1

    def model(ids):
        return torch.tensor([[[-(2.0**25), 0.0], [0.0, 0.0]]])

    batch = TokenBatch(torch.zeros(1, 2, dtype=torch.int64), torch.zeros(1, 2, dtype=torch.int64))
    assert evaluate(model, [batch]).nats == pytest.approx(2**25 + math.log(2), abs=1e-6)


def test_logits_of_half_precision_are_raised_before_the_softmax():
    logits = torch.randn(1, 5, 50).bfloat16()
    ids = torch.randint(50, (1, 5))
    batch = TokenBatch(ids, ids)
    assert evaluate(lambda ids: logits, [batch]) == evaluate(lambda ids: logits.float(), [batch])


def test_packed_documents_cost_what_they_cost_alone():
    model = GPT(GPTConfig.gpt2(vocab_size=9, context_length=8, width=8, n_layers=2, n_heads=2))
    model = model.double()
    ids = torch.randint(9, (2, 8))
    documents = torch.tensor([[0, 0, 0, 1, 1, 2, 2, 2], [3, 3, 3, 3, 3, 3, 4, 4]])
    batch = TokenBatch(ids, ids, documents)
    mask, positions = document_mask(documents), document_positions(documents)
    torch.testing.assert_close(read_batch(model, batch), model(ids, mask=mask, positions=positions))
    alone = model(ids[:1, 3:5])
    torch.testing.assert_close(read_batch(model, batch)[:1, 3:5], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_evaluated_without_dropout_and_left_as_it_was(training):
    class Forgetful(nn.Module):
        def forward(self, ids):
            assert not self.training
            assert not torch.is_grad_enabled()
            return torch.zeros(*ids.shape, 4)

    model = Forgetful().train(training)
    evaluate(model, each_target_once(torch.tensor([1, 2, 3]), 2))
    assert model.training is training


def test_the_mode_comes_back_even_when_the_model_fails():
    model = nn.Linear(1, 1)
    with pytest.raises(RuntimeError):
        evaluate(model, each_target_once(torch.tensor([1, 2, 3]), 2))
    assert model.training


IDS = torch.tensor([[1, 2]])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: evaluate(lambda ids: ids, []), "0 tokens were predicted"),
        (lambda: Surprise(float("nan"), 1), "a text cannot cost nan nats"),
        (lambda: Surprise(-1.0, 1), "a text cannot cost -1.0 nats"),
        (lambda: Surprise(1.0, 1).bits_per_byte(""), "a text of 0 bytes"),
        (lambda: token_losses(torch.zeros(1, 3, 4), IDS), r"do not fit targets of shape \(1, 2\)"),
        (lambda: token_losses(torch.zeros(1, 2), IDS), r"logits of shape \(1, 2\) do not fit"),
        (lambda: token_losses(torch.zeros(1, 2, 2), IDS), "outside the vocabulary of 2"),
        (lambda: token_losses(torch.zeros(1, 2, 4), IDS - 2), "outside the vocabulary of 4"),
        (lambda: token_losses(torch.zeros(1, 2, 4), -IDS), "outside the vocabulary of 4"),
        (lambda: next(each_target_once(IDS[0], 4, 5)), "a stride of 5 with a context of 4"),
        (lambda: next(each_target_once(IDS[0], 4, 0)), "a stride of 0 with a context of 4"),
        (lambda: next(each_target_once(IDS[0, :1], 4)), "a text of 1 tokens has none to predict"),
        (lambda: next(each_target_once(IDS[0], 4, batch_size=0)), "batch_size is 0"),
    ],
)
def test_what_has_no_perplexity_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
