"""Soft targets: their loss is a divergence, and learning from them alone copies the teacher."""

import pytest
import torch
from torch.nn import functional as F

from llm_book.shapes import IGNORE, TokenBatch
from llm_book.training.distillation import distilled, soft_target_loss
from llm_book.training.losses import token_loss


def logits(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double()


TARGETS = torch.tensor([[0, 3, IGNORE], [1, 2, 4]])
BATCH = TokenBatch(torch.arange(6).reshape(2, 3), TARGETS)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_the_loss_is_pytorchs_divergence_of_the_positions_that_count(temperature):
    student, teacher = logits(2, 3, 5), logits(2, 3, 5, seed=1)
    counted = TARGETS != IGNORE
    theirs = F.kl_div(
        (student[counted] / temperature).log_softmax(-1),
        (teacher[counted] / temperature).softmax(-1),
        reduction="batchmean",
    )
    ours = soft_target_loss(student, teacher, TARGETS, temperature)
    torch.testing.assert_close(ours, temperature**2 * theirs)


def test_a_student_that_is_its_teacher_has_nothing_to_learn():
    student = logits(2, 3, 5).requires_grad_()
    loss = soft_target_loss(student, student.detach(), TARGETS, 3.0)
    assert abs(loss.item()) < 1e-12
    loss.backward()
    assert student.grad.abs().max() < 1e-12


def test_the_gradient_keeps_its_size_as_the_temperature_grows():
    sizes = []
    for temperature in (50.0, 100.0):
        student = logits(2, 3, 5).requires_grad_()
        soft_target_loss(student, logits(2, 3, 5, seed=1), TARGETS, temperature).backward()
        sizes.append(student.grad.norm().item())
    assert sizes[1] == pytest.approx(sizes[0], rel=0.05) and sizes[0] > 0.01


def test_no_gradient_reaches_the_teacher():
    teacher = logits(2, 3, 5, seed=1).requires_grad_()
    student = logits(2, 3, 5).requires_grad_()
    soft_target_loss(student, teacher, TARGETS).backward()
    assert teacher.grad is None and student.grad is not None


def test_nothing_counts_where_all_targets_are_ignored():
    ignored = torch.full((2, 3), IGNORE)
    assert soft_target_loss(logits(2, 3, 5), logits(2, 3, 5, seed=1), ignored) == 0


def test_a_share_mixes_the_two_losses():
    student, teacher = logits(2, 3, 5), logits(2, 3, 5, seed=1)
    soft = soft_target_loss(student, teacher, TARGETS, 2.0)
    hard = token_loss(lambda ids: student, BATCH)
    for share in (0.0, 0.3, 1.0):
        mixed = distilled(lambda ids: teacher, 2.0, share)(lambda ids: student, BATCH)
        torch.testing.assert_close(mixed, share * soft + (1 - share) * hard)


def test_without_a_share_the_teacher_is_not_asked():
    def silent(ids):
        raise AssertionError("asked")

    assert distilled(silent, share=0.0)(lambda ids: logits(2, 3, 5), BATCH) > 0


def test_settings_and_batches_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="temperature is 0; it must be above 0"):
        soft_target_loss(logits(1, 5), logits(1, 5), torch.tensor([1]), 0)
    for share in (-0.1, 1.5):
        with pytest.raises(ValueError, match=f"share is {share}; it goes from 0"):
            distilled(lambda ids: ids, share=share)
    rows = TokenBatch(BATCH.ids, BATCH.targets, torch.zeros_like(BATCH.ids))
    with pytest.raises(ValueError, match="give a batch without documents"):
        distilled(lambda ids: logits(2, 3, 5))(lambda ids: logits(2, 3, 5), rows)
