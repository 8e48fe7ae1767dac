"""GloVe's fast step is autograd with AdaGrad on whole tables, number for number."""

import pytest
import torch

from llm_book.models.glove import GloVe
from llm_book.training.glove_step import glove_gradients, glove_step, rows_adagrad_step
from llm_book.training.optim import AdaGrad
from llm_book.training.word_vector_losses import glove_weights, weighted_squares

VOCAB, WIDTH, PAIRS = 9, 4, 14


def some_pairs(seed=0):
    generator = torch.Generator().manual_seed(seed)
    centres, contexts = torch.randint(0, VOCAB, (2, PAIRS), generator=generator)
    counts = 200 * torch.rand(PAIRS, generator=generator).double() + 0.1
    return centres, contexts, counts, counts.log(), glove_weights(counts)


def test_gradients_by_hand_are_autograds():
    generator = torch.Generator().manual_seed(0)
    centres, contexts = (torch.randn(PAIRS, WIDTH, generator=generator).double() for _ in "ab")
    biases = torch.randn(PAIRS, generator=generator).double()
    _, _, counts, logs, weights = some_pairs()
    parts = [part.clone().requires_grad_() for part in (centres, contexts, biases)]
    predicted = (parts[0] * parts[1]).sum(1) + parts[2]
    (weighted_squares(predicted, counts) * PAIRS).backward()
    by_hand = glove_gradients(centres, contexts, biases, logs, weights)
    for part, gradient in zip(parts, by_hand, strict=True):
        torch.testing.assert_close(gradient.view_as(part), part.grad, rtol=0, atol=1e-10)


def test_steps_on_rows_are_adagrads_on_the_whole_table():
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(VOCAB, WIDTH, generator=generator).double()
    whole = table.clone().requires_grad_()
    optimizer = AdaGrad([whole], 0.1, initial_square=1.0)
    squares = torch.ones_like(table)
    for ids in (torch.tensor([3, 1, 3]), torch.tensor([8, 3])):
        gradients = torch.randn(len(ids), WIDTH, generator=generator).double()
        optimizer.zero_grad()
        (whole[ids] * gradients).sum().backward()
        optimizer.step()
        rows_adagrad_step(table, squares, ids, gradients, 0.1)
    torch.testing.assert_close(table, whole.detach(), rtol=0, atol=1e-12)
    untouched = [0, 2, 4, 5, 6, 7]
    assert torch.equal(squares[untouched], torch.ones(6, WIDTH).double())


def test_a_step_is_the_plain_one_and_tells_the_loss_before_it():
    model = GloVe(VOCAB, WIDTH, torch.Generator().manual_seed(1)).double()
    sides = ((model.centres, model.centre_biases), (model.contexts, model.context_biases))

    def whole():
        return [torch.cat([part.weight.detach() for part in side], 1) for side in sides]

    tables = whole()
    squares = [torch.ones_like(table) for table in tables]
    optimizer = AdaGrad(model.parameters(), 0.05, initial_square=1.0)
    for seed in (0, 1, 2):
        centres, contexts, counts, logs, weights = some_pairs(seed)
        optimizer.zero_grad()
        loss = weighted_squares(model(centres, contexts), counts) * PAIRS
        loss.backward()
        optimizer.step()
        told = glove_step(tables, squares, centres, contexts, logs, weights, 0.05)
        assert told == pytest.approx(loss.item(), rel=1e-9)
    for table, expected in zip(tables, whole(), strict=True):
        torch.testing.assert_close(table, expected, rtol=0, atol=1e-12)
