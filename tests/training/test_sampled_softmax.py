"""A softmax learned from a few drawn words comes to the probabilities of the whole one."""

import math

import pytest
import torch

from llm_book.training.sampled_softmax import chances, draw, sampled_cross_entropy


def test_two_words_are_compared_as_by_hand():
    # the target's score is 2·3 + 0.5 − ln 0.25, the drawn word's 2·1 − 1 − ln 0.75
    table, bias = torch.tensor([[3.0], [1.0]]), torch.tensor([0.5, -1.0])
    loss = sampled_cross_entropy(
        *(torch.tensor([[2.0]]), torch.tensor([0]), table, bias, torch.tensor([1])),
        torch.tensor([0.25, 0.75]),
    )
    own, other = 6.5 - math.log(0.25), 1.0 - math.log(0.75)
    assert float(loss) == pytest.approx(math.log(math.exp(own) + math.exp(other)) - own, abs=1e-6)


def test_words_that_are_all_drawn_for_certain_give_the_whole_softmax():
    torch.manual_seed(0)
    guesses, table, bias = torch.randn(6, 4), torch.randn(9, 4), torch.randn(9)
    targets = torch.tensor([0, 8, 3, 3, 1, 5])
    drawn = draw(torch.ones(9))
    found = sampled_cross_entropy(guesses, targets, table, bias, drawn, torch.ones(9))
    whole = torch.nn.functional.cross_entropy(guesses @ table.T + bias, targets)
    torch.testing.assert_close(found, whole)


def test_a_drawn_word_that_is_the_target_is_no_rival_of_itself():
    guesses, table, chance = torch.ones(1, 2), torch.ones(3, 2), torch.tensor([0.2, 0.5, 0.3])
    drawn, targets = torch.tensor([1]), torch.tensor([1])
    loss = sampled_cross_entropy(guesses, targets, table, torch.zeros(3), drawn, chance)
    assert float(loss) == 0


def test_what_is_learned_from_drawn_words_are_the_true_probabilities():
    torch.manual_seed(0)
    true, chance = torch.tensor([0.6, 0.3, 0.1]), torch.tensor([1.0, 0.3, 0.6])
    bias = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.Adam([bias], 0.02)
    mean = torch.zeros(3)
    for step in range(600):
        targets = torch.multinomial(true, 256, replacement=True)
        optimizer.zero_grad()
        sampled_cross_entropy(
            *(torch.zeros(256, 1), targets, torch.zeros(3, 1), bias, draw(chance), chance)
        ).backward()
        optimizer.step()
        if step >= 300:
            mean += bias.detach().softmax(0) / 300
    torch.testing.assert_close(mean, true, atol=0.02, rtol=0)


def test_words_are_drawn_by_their_counts_to_three_quarters_and_strangers_never():
    found = chances([[1] * 16, [2]], 4, n_drawn=1)
    torch.testing.assert_close(found, torch.tensor([0, 8 / 9, 1 / 9, 0]))
    assert chances([[1] * 16, [2]], 4, n_drawn=3).tolist() == pytest.approx([0, 1, 1 / 3, 0])


def test_a_word_is_drawn_as_often_as_its_chance_says():
    torch.manual_seed(0)
    chance = torch.tensor([0.0, 0.2, 1.0])
    counts = sum(torch.bincount(draw(chance), minlength=3) for _ in range(2000))
    assert counts[0] == 0 and counts[2] == 2000
    assert abs(int(counts[1]) / 2000 - 0.2) < 0.04
