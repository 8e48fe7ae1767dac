"""The loss is the field's, the schedule is the formula of the page."""

import math
from itertools import pairwise

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from llm_book.training.losses import binary_cross_entropy
from llm_book.training.schedule import warmup_cosine


def test_our_cross_entropy_equals_torchs_in_value_and_gradient():
    ours = torch.randn(50, dtype=torch.float64, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    labels = torch.randint(0, 2, (50,))
    a = binary_cross_entropy(ours, labels)
    b = binary_cross_entropy_with_logits(theirs, labels.double())
    torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
    a.backward()
    b.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-12)


def test_a_logit_of_ten_thousand_does_not_overflow():
    loss = binary_cross_entropy(torch.tensor([1e4, -1e4]), torch.tensor([0, 1]))
    assert loss.item() == pytest.approx(1e4)


def test_a_guess_of_one_half_costs_the_logarithm_of_two():
    loss = binary_cross_entropy(torch.zeros(4), torch.tensor([0, 1, 1, 0]))
    assert loss.item() == pytest.approx(math.log(2))


def test_warm_up_is_a_line_and_the_rest_half_a_cosine():
    rates = [warmup_cosine(step, 110, 1.0, warmup_steps=10) for step in range(110)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rates[60] == pytest.approx(0.5)
    assert rates[35] == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))
    assert all(a >= b for a, b in pairwise(rates[9:]))
    assert rates[-1] < 0.001


def test_without_warm_up_the_first_step_is_the_peak_and_the_end_is_the_floor():
    assert warmup_cosine(0, 100, 0.3) == 0.3
    assert warmup_cosine(100, 100, 0.3, final=0.03) == pytest.approx(0.03)
