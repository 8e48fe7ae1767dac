"""CBOW's fast step is the plain one: the same loss and gradients, word2vec's where asked for."""

import re

import pytest
import torch

from llm_book.data.banded_pairs import bands
from llm_book.data.word_pairs import cbow_gaps, draw_windows
from llm_book.training.cbow_blocks import (
    neighbour_shares,
    shared_cbow_gradients,
    shared_cbow_loss,
    shared_cbow_step,
)
from llm_book.training.word_vector_losses import cbow_negative_loss

VOCAB, WIDTH, K, SHARED, BLOCK, WINDOW = 12, 6, 3, 4, 5, 2


def laid_out(seed=0, n=18):
    """A text of three documents, the last of a single word that has no neighbours."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, VOCAB, (n,), generator=generator)
    documents = torch.tensor([0] * 8 + [1] * (n - 9) + [2])
    reach = draw_windows(n, WINDOW, generator)
    laid = bands(ids, reach, documents, WINDOW, BLOCK)
    drawn = torch.randint(0, VOCAB, (len(laid), SHARED), generator=generator)
    return laid, drawn, cbow_gaps(ids, reach, documents)


def tables(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        torch.randn(VOCAB, WIDTH, generator=generator, dtype=torch.float64) for _ in range(2)
    )


def word_by_word(around, between, laid, drawn):
    """The definition: each word with neighbours, and every negative of its block by k / shared."""
    loss = torch.zeros((), dtype=torch.float64)
    for block in range(len(laid)):
        for i in range(BLOCK):
            near = laid.contexts[block][laid.mask[block, i]]
            if len(near):
                mean = around[near].mean(0)
                loss = loss - torch.sigmoid(mean @ between[laid.centres[block, i]]).log()
                for n in drawn[block]:
                    loss = loss - K / SHARED * torch.sigmoid(-mean @ between[n]).log()
    return loss


def exact_shares(mask):
    shares = neighbour_shares(mask)
    exact = mask.double() / mask.sum(2, keepdim=True).clamp(min=1)
    torch.testing.assert_close(shares, exact.float(), rtol=1e-6, atol=0)
    return exact


def vectors(laid, drawn, around, between):
    shares = exact_shares(laid.mask)
    return around[laid.contexts], shares, between[laid.centres], between[drawn], K


def test_shares_of_a_words_neighbours_sum_to_one_and_are_alike():
    mask = torch.tensor([[[True, False, True, False], [False] * 4]])
    assert neighbour_shares(mask).tolist() == [[[0.5, 0, 0.5, 0], [0, 0, 0, 0]]]


def test_the_shared_loss_is_its_definition_word_by_word():
    laid, drawn, _ = laid_out()
    loss = shared_cbow_loss(*vectors(laid, drawn, *tables()))
    torch.testing.assert_close(loss, word_by_word(*tables(), laid, drawn))


def test_with_every_negative_drawn_alike_it_is_the_plain_loss_of_the_gaps():
    laid, drawn, (words, near, mask) = laid_out()
    around, between = tables()
    loss = shared_cbow_loss(*vectors(laid, torch.full_like(drawn, 7), around, between))
    negatives = between[torch.full((len(words), K), 7)]
    plain = cbow_negative_loss(around[near], mask, between[words], negatives) * len(words)
    torch.testing.assert_close(loss, plain, rtol=1e-12, atol=0)
    assert len(words) == 17


def test_gradients_by_hand_are_autograds():
    laid, drawn, _ = laid_out()
    near, shares, words, negatives, k = vectors(laid, drawn, *tables())
    parts = [part.clone().requires_grad_() for part in (near, words, negatives)]
    shared_cbow_loss(parts[0], shares, parts[1], parts[2], k).backward()
    by_hand = shared_cbow_gradients(near, shares, words, negatives, k)
    for part, gradient in zip(parts, by_hand, strict=True):
        torch.testing.assert_close(gradient, part.grad, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_step_moves_both_tables_down_the_plain_gradient(seed):
    laid, drawn, _ = laid_out(seed)
    start = [table.requires_grad_() for table in tables(seed)]
    word_by_word(*start, laid, drawn).backward()
    moved = tuple(table.detach().clone() for table in start)
    shares = exact_shares(laid.mask)
    shared_cbow_step(moved, laid.contexts, shares, laid.centres, drawn, K, 0.05)
    for table, before in zip(moved, start, strict=True):
        expected = before.detach() - 0.05 * before.grad
        torch.testing.assert_close(table, expected, rtol=0, atol=1e-10)


def test_word2vecs_step_gives_each_neighbour_the_gradient_of_the_mean():
    mask = torch.tensor([[[True, True, False, True]]])
    generator = torch.Generator().manual_seed(0)
    near, words, negatives = (
        torch.randn(1, n, WIDTH, generator=generator).double() for n in (4, 1, SHARED)
    )
    given = (near, exact_shares(mask), words, negatives, K)
    true, program = (shared_cbow_gradients(*given, rule) for rule in ("mean", "program"))
    torch.testing.assert_close(program[0], 3 * true[0], rtol=1e-12, atol=0)
    assert not program[0][0, 2].any()
    assert all(torch.equal(a, b) for a, b in zip(program[1:], true[1:], strict=True))


def test_another_rule_is_refused():
    laid, drawn, _ = laid_out()
    with pytest.raises(ValueError, match=re.escape("rule 'sum' is unknown; choose 'mean' or")):
        shared_cbow_gradients(*vectors(laid, drawn, *tables()), "sum")
