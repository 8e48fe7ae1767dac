"""The fast step is the plain one: the same loss, the same gradients, the same on average."""

import re

import pytest
import torch

from llm_book.data.banded_pairs import bands
from llm_book.data.word_pairs import Noise, draw_windows, skip_gram_pairs
from llm_book.training.skip_gram import (
    linear_decay,
    pair_weights,
    shared_sgns_gradients,
    shared_sgns_loss,
    shared_sgns_step,
)
from llm_book.training.word_vector_losses import sgns_loss

VOCAB, WIDTH, K, SHARED, BLOCK, WINDOW = 12, 6, 3, 4, 5, 2
SPAN = BLOCK + 2 * WINDOW


def laid_out(seed=0, n=18):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, VOCAB, (n,), generator=generator)
    documents = torch.arange(n) // 7
    reach = draw_windows(n, WINDOW, generator)
    laid = bands(ids, reach, documents, WINDOW, BLOCK)
    drawn = torch.randint(0, VOCAB, (len(laid), SHARED), generator=generator)
    return laid, drawn, skip_gram_pairs(ids, reach, documents)


def tables(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        torch.randn(VOCAB, WIDTH, generator=generator, dtype=torch.float64) for _ in range(2)
    )


def pair_by_pair(words, contexts, laid, drawn):
    """The definition: every pair with every negative of its block, weighted by k / shared."""
    loss = torch.zeros((), dtype=torch.float64)
    for block in range(len(laid)):
        for i in range(BLOCK):
            w = words[laid.centres[block, i]]
            for j in range(SPAN):
                if laid.mask[block, i, j]:
                    c = contexts[laid.contexts[block, j]]
                    loss = loss - torch.sigmoid(w @ c).log()
                    for n in drawn[block]:
                        loss = loss - K / SHARED * torch.sigmoid(-w @ contexts[n]).log()
    return loss


def test_the_shared_loss_is_its_definition_pair_by_pair():
    laid, drawn, _ = laid_out()
    words, contexts = tables()
    candidates = torch.cat([laid.contexts, drawn], 1)
    weights = pair_weights(laid.mask, SHARED, K).double()
    loss = shared_sgns_loss(words[laid.centres], contexts[candidates], weights, SPAN)
    torch.testing.assert_close(loss, pair_by_pair(words, contexts, laid, drawn))


def test_with_every_negative_drawn_alike_it_is_the_plain_loss_of_the_pairs():
    laid, _, (centres, others) = laid_out()
    words, contexts = tables()
    drawn = torch.full((len(laid), K), 7)
    candidates = torch.cat([laid.contexts, drawn], 1)
    weights = pair_weights(laid.mask, K, K).double()
    loss = shared_sgns_loss(words[laid.centres], contexts[candidates], weights, SPAN)
    negatives = contexts[torch.full((len(centres), K), 7)]
    plain = sgns_loss(words[centres], contexts[others], negatives) * len(centres)
    torch.testing.assert_close(loss, plain, rtol=1e-12, atol=0)


def test_gradients_by_hand_are_autograds():
    laid, drawn, _ = laid_out()
    words, contexts = tables()
    candidates = torch.cat([laid.contexts, drawn], 1)
    weights = pair_weights(laid.mask, SHARED, K).double()
    w, c = words[laid.centres].requires_grad_(), contexts[candidates].requires_grad_()
    shared_sgns_loss(w, c, weights, SPAN).backward()
    by_hand = shared_sgns_gradients(w.detach(), c.detach(), weights, SPAN)
    for part, gradient in zip((w, c), by_hand, strict=True):
        torch.testing.assert_close(gradient, part.grad, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_step_moves_both_tables_down_the_plain_gradient(seed):
    laid, drawn, _ = laid_out(seed)
    words, contexts = (table.requires_grad_() for table in tables(seed))
    pair_by_pair(words, contexts, laid, drawn).backward()
    moved = tuple(table.detach().clone() for table in (words, contexts))
    candidates = torch.cat([laid.contexts, drawn], 1)
    weights = pair_weights(laid.mask, SHARED, K).double()
    shared_sgns_step(moved, laid.centres, candidates, weights, SPAN, 0.05)
    for table, start in zip(moved, (words, contexts), strict=True):
        expected = start.detach() - 0.05 * start.grad
        torch.testing.assert_close(table, expected, rtol=0, atol=1e-10)


def test_shared_negatives_give_the_gradient_of_separate_ones_on_average():
    laid, _, (centres, others) = laid_out()
    words, contexts = (table.requires_grad_() for table in tables())
    noise = Noise(torch.arange(1, VOCAB + 1))
    scores = words[centres] @ contexts.T
    seen = -torch.nn.functional.logsigmoid(scores[torch.arange(len(others)), others]).sum()
    drawn = -K * (noise.probabilities * torch.nn.functional.logsigmoid(-scores)).sum()
    (seen + drawn).backward()
    weights = pair_weights(laid.mask, SHARED, K).double()
    generator, sums = torch.Generator().manual_seed(0), [torch.zeros_like(words) for _ in range(2)]
    squares = [torch.zeros_like(words) for _ in range(2)]
    rounds = 1500
    for _ in range(rounds):
        candidates = torch.cat([laid.contexts, noise.draw((len(laid), SHARED), generator)], 1)
        start = tuple(torch.zeros(VOCAB, WIDTH).double() for _ in range(2))
        gradients = shared_sgns_gradients(
            words.detach()[laid.centres], contexts.detach()[candidates], weights, SPAN
        )
        for i, ids in enumerate((laid.centres, candidates)):
            start[i].index_add_(0, ids.flatten(), gradients[i].flatten(0, 1))
            sums[i] += start[i]
            squares[i] += start[i].square()
    for i, table in enumerate((words, contexts)):
        mean = sums[i].detach() / rounds
        error = ((squares[i].detach() / rounds - mean.square()).clamp(min=0) / rounds).sqrt()
        assert ((mean - table.grad).abs() < 5 * error + 1e-9).all()
        assert error.max() < 0.02 * table.grad.abs().max()


def test_the_weights_of_a_centres_negatives_sum_to_k_a_pair():
    laid, _, _ = laid_out()
    weights = pair_weights(laid.mask, SHARED, K)
    assert torch.equal(weights[..., :SPAN], laid.mask.float())
    assert weights.shape == (*laid.mask.shape[:2], SPAN + SHARED)
    torch.testing.assert_close(weights[..., SPAN:].sum(2), K * laid.mask.sum(2).float())


def test_one_shared_negative_may_stand_for_half_of_one():
    mask = torch.tensor([[[True, False, True]]])
    assert pair_weights(mask, 1, 0.5).tolist() == [[[1, 0, 1, 1]]]


def test_the_rate_falls_on_a_line_and_stays_at_the_final_one():
    rates = [linear_decay(done, 0.025, 0.005) for done in (0, 0.25, 0.5, 1, 2)]
    assert rates == pytest.approx([0.025, 0.02, 0.015, 0.005, 0.005])


@pytest.mark.parametrize(("shared", "negatives"), [(0, 5), (4, 0), (4, -1)])
def test_no_negatives_are_refused(shared, negatives):
    mask = torch.ones(1, 2, 4).bool()
    sentence = f"{negatives} negatives a pair out of {shared} shared ones came"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        pair_weights(mask, shared, negatives)
