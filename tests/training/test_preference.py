"""Preference losses are the papers' formulas, and move a model the way they say."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from llm_book.shapes import IGNORE, TokenBatch
from llm_book.training.loop import TrainConfig, train
from llm_book.training.preference import (
    AnswerBatch,
    Preference,
    PreferenceBatch,
    answer_log_probabilities,
    centred_rewards,
    clipped_objective,
    direct_preference,
    group_advantages,
    k3_divergence,
    policy_loss,
    preference,
    preference_loss,
    reinforce,
    sequence_log_probabilities,
    with_reference,
)
from llm_book.training.rows import take_rows


class Pairs(nn.Module):
    """The next token by the last one, with dropout so that its mode matters."""

    def __init__(self, seed: int = 0, drop: float = 0.0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.rows = nn.Parameter(torch.randn(6, 6, generator=generator, dtype=torch.float64))
        self.drop = nn.Dropout(drop)

    def forward(self, ids):
        return self.drop(self.rows[ids])


def answers(seed: int, rows: int = 4) -> TokenBatch:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, 6, (rows, 5), generator=generator)
    targets = torch.randint(0, 6, (rows, 5), generator=generator)
    targets[:, :2] = IGNORE
    targets[0, 4] = IGNORE
    return TokenBatch(ids, targets)


def numbers(seed: int, *shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_an_answers_log_probability_is_the_sum_over_its_tokens():
    model, batch = Pairs(), answers(1)
    found = answer_log_probabilities(model, batch)
    assert torch.equal(found, sequence_log_probabilities(model(batch.ids), batch.targets))
    table = model.rows.softmax(-1).log()
    for row in range(4):
        places = [t for t in range(5) if batch.targets[row, t] != IGNORE]
        expected = sum(table[batch.ids[row, t], batch.targets[row, t]].item() for t in places)
        assert found[row].item() == pytest.approx(expected, abs=1e-12)


@given(seed=st.integers(0, 10**6), beta=st.sampled_from([0.05, 0.5, 3.0]), wrong=st.floats(0, 0.45))
@settings(max_examples=30, deadline=None)
def test_dpo_is_equation_7_by_hand_in_value_and_gradient(seed, beta, wrong):
    four = numbers(seed, 4, 3)
    ours, theirs = four.clone().requires_grad_(), four.clone().requires_grad_()
    found = direct_preference(*ours, beta, wrong)
    margin = beta * ((theirs[0] - theirs[2]) - (theirs[1] - theirs[3]))
    right, left = 1 / (1 + (-margin).exp()), 1 / (1 + margin.exp())
    expected = -((1 - wrong) * right.log() + wrong * left.log()).mean()
    torch.testing.assert_close(found.loss, expected, rtol=0, atol=1e-12)
    found.loss.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-12)
    torch.testing.assert_close(found.chosen_rewards, beta * (four[0] - four[2]))
    torch.testing.assert_close(found.rejected_rewards, beta * (four[1] - four[3]))
    torch.testing.assert_close(found.margins, margin.detach())
    assert found.accuracy == pytest.approx((margin > 0).double().mean().item())
    assert not found.margins.requires_grad


def test_a_model_that_is_its_reference_is_as_surprised_as_by_a_coin():
    batch = with_reference(Pairs(), answers(1), answers(2))
    found = preference(Pairs(), batch)
    assert found.loss.item() == pytest.approx(math.log(2))
    assert found.accuracy == 0  # no reward is larger
    shares = Preference(found.loss, torch.tensor([1.0, 0.0, 2.0]), torch.tensor([0.0, 1.0, 0.0]))
    assert shares.accuracy == pytest.approx(2 / 3)
    assert type(shares.accuracy) is float


def test_the_defaults_are_a_beta_of_a_tenth_and_no_smoothing():
    four = numbers(3, 4, 3)
    assert direct_preference(*four).loss == direct_preference(*four, 0.1, 0.0).loss
    batch = with_reference(Pairs(1), answers(1), answers(2))
    found = preference_loss()(Pairs(), batch)
    assert found == preference(Pairs(), batch, 0.1, 0.0).loss
    assert found == preference(Pairs(), batch).loss
    assert preference_loss(0.7, 0.2)(Pairs(), batch) == preference(Pairs(), batch, 0.7, 0.2).loss
    assert found != preference_loss(0.7)(Pairs(), batch)


def test_a_margin_of_a_thousand_does_not_overflow():
    far = torch.tensor([-1e4], dtype=torch.float64)
    near = torch.zeros(1, dtype=torch.float64)
    assert direct_preference(far, near, near, near, 1.0).loss.item() == pytest.approx(1e4)


def test_the_reference_is_asked_without_dropout_and_left_as_it_was():
    reference = Pairs(drop=0.5).train()
    batch = with_reference(reference, answers(1), answers(2))
    assert reference.training
    plain = Pairs()
    assert torch.equal(batch.reference_chosen, answer_log_probabilities(plain, answers(1)).detach())
    rejected = answer_log_probabilities(plain, answers(2))
    assert torch.equal(batch.reference_rejected, rejected.detach())
    assert not batch.reference_chosen.requires_grad
    reference.eval()
    with_reference(reference, answers(1), answers(2))
    assert not reference.training


def test_training_on_preferences_makes_the_chosen_likelier_than_the_rejected():
    model = Pairs()
    reference = copy.deepcopy(model)
    batch = with_reference(reference, answers(1), answers(2))
    assert (batch.tokens, batch.size, batch.weight) == (40, 4, 4)
    assert torch.equal(batch.to("cpu").rejected.ids, batch.rejected.ids)
    assert torch.equal(batch.to("cpu").reference_rejected, batch.reference_rejected)
    config = TrainConfig(steps=60, learning_rate=0.1)
    losses = [s.loss for s in train(model, lambda step: batch, config, loss=preference_loss(0.5))]
    assert losses[0] == pytest.approx(math.log(2))
    assert losses[-1] < 0.2
    assert preference(model, batch).accuracy == 1


def test_rows_of_a_preference_batch_are_rows_of_all_its_parts():
    batch = with_reference(Pairs(), answers(1), answers(2))
    part = take_rows(batch, slice(1, 3))
    assert isinstance(part, PreferenceBatch)
    assert torch.equal(part.chosen.targets, batch.chosen.targets[1:3])
    assert torch.equal(part.reference_rejected, batch.reference_rejected[1:3])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"beta": 0.0}, "beta is 0.0; it must be above 0"),
        ({"beta": float("nan")}, "beta is nan; it must be above 0"),
        ({"label_smoothing": 0.5}, "label_smoothing is 0.5; it must be from 0 up to below 0.5"),
        ({"label_smoothing": -0.1}, "label_smoothing is -0.1; it must be"),
        ({"chosen": torch.zeros(2)}, r"log probabilities have the shapes \[\(2,\), \(3,\)"),
        (dict.fromkeys(("chosen", "rejected", "reference_chosen", "reference_rejected"),
                       torch.zeros(2, 2)), r"give four of the same shape, one number an answer"),
        (dict.fromkeys(("chosen", "rejected", "reference_chosen", "reference_rejected"),
                       torch.zeros(0)), r"have the shapes \[\(0,\)"),
    ],
)  # fmt: skip
def test_what_dpo_cannot_take_is_refused(changes, sentence):
    names = ("chosen", "rejected", "reference_chosen", "reference_rejected")
    with pytest.raises(ValueError, match=sentence):
        direct_preference(**(dict.fromkeys(names, torch.zeros(3)) | changes))


@given(seed=st.integers(0, 10**6), n=st.integers(2, 8))
@settings(max_examples=30, deadline=None)
def test_advantages_of_a_group_have_mean_0_and_population_deviation_1(seed, n):
    rewards = numbers(seed, 3, n)
    found = group_advantages(rewards)
    deviations = rewards.std(dim=1, correction=0, keepdim=True)
    expected = (rewards - rewards.mean(1, keepdim=True)) / deviations
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(found.mean(1), torch.zeros(3).double(), rtol=0, atol=1e-10)
    torch.testing.assert_close(group_advantages(5 * rewards + 2), found, rtol=0, atol=1e-9)
    torch.testing.assert_close(centred_rewards(rewards), expected * deviations)


def test_advantages_by_hand():
    rewards = torch.tensor([[1.0, 0.0, 0.0, 1.0], [3.0, 1.0, 1.0, 1.0]])
    root = math.sqrt(3)
    expected = torch.tensor([[1, -1, -1, 1], [root, *[-1 / root] * 3]])
    torch.testing.assert_close(group_advantages(rewards), expected)
    assert centred_rewards(rewards)[1].tolist() == [1.5, -0.5, -0.5, -0.5]


def test_a_group_whose_answers_are_all_alike_teaches_nothing():
    rewards = torch.tensor([[0.1, 0.1, 0.1], [0.0, 0.0, 1.0]])
    found = group_advantages(rewards)
    assert found[0].tolist() == [0, 0, 0]
    assert (found[1] != 0).all()
    assert group_advantages(torch.tensor([[7.0]])).tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("rewards", "sentence"),
    [
        (torch.zeros(3), r"rewards of shape \(3,\) are not groups; give \[prompt, answer\]"),
        (torch.zeros(0, 3), r"rewards of shape \(0, 3\) are not groups"),
        (torch.tensor([[1.0, float("nan")]]), "a reward is not a finite number; mend the function"),
    ],
)
def test_rewards_that_are_none_are_refused(rewards, sentence):
    with pytest.raises(ValueError, match=sentence):
        group_advantages(rewards)


def test_the_divergences_estimate_is_never_negative_and_right_on_average():
    policy = numbers(1, 6).log_softmax(0)
    reference = numbers(2, 6).log_softmax(0)
    estimate = k3_divergence(policy, reference)
    ratio = (reference - policy).exp()
    torch.testing.assert_close(estimate, ratio - ratio.log() - 1)
    assert (estimate >= 0).all()
    exact = (policy.exp() * (policy - reference)).sum()
    torch.testing.assert_close((policy.exp() * estimate).sum(), exact, rtol=0, atol=1e-12)
    assert not k3_divergence(policy, policy).any()


def test_reinforce_is_minus_the_mean_of_log_probability_times_advantage():
    logs = numbers(1, 2, 3).requires_grad_()
    mask = torch.tensor([[True, True, False], [False, True, True]])
    loss = reinforce(logs, torch.tensor([2.0, -1.0]).double(), mask)
    expected = -(2 * (logs[0, 0] + logs[0, 1]) - (logs[1, 1] + logs[1, 2])) / 2
    assert loss.item() == pytest.approx(expected.item())
    loss.backward()
    assert logs.grad.tolist() == [[-1, -1, 0], [0, 0.5, 0.5]]


def by_hand(now, old, reference, advantages, mask, clip, beta, average) -> torch.Tensor:
    """Equation 3 of the paper, token by token."""
    answers, gains = [], []
    for i in range(len(now)):
        tokens = []
        for t in range(now.shape[1]):
            if mask[i, t]:
                ratio = (now[i, t] - old[i, t]).exp()
                near = 1 - clip <= ratio <= 1 + clip
                edge = 1 - clip if ratio < 1 else 1 + clip
                cut = ratio if near else torch.tensor(edge, dtype=torch.float64)
                one, other = ratio * advantages[i], cut * advantages[i]
                gain = one if one < other else other
                r = (reference[i, t] - now[i, t]).exp()
                tokens.append(gain - beta * (r - r.log() - 1))
        answers.append(sum(tokens) / len(tokens))
        gains += tokens
    return -sum(answers) / len(answers) if average == "answer" else -sum(gains) / len(gains)


@given(seed=st.integers(0, 10**6), average=st.sampled_from(["answer", "token"]))
@settings(max_examples=25, deadline=None)
def test_the_clipped_objective_is_equation_3_by_hand_in_value_and_gradient(seed, average):
    now, old, reference = (numbers(seed + i, 3, 4) * 0.4 for i in range(3))
    advantages = numbers(seed + 3, 3)
    mask = torch.rand(3, 4, generator=torch.Generator().manual_seed(seed)) < 0.7
    mask[:, 1] = True
    ours, theirs = now.clone().requires_grad_(), now.clone().requires_grad_()
    found = clipped_objective(ours, old, reference, advantages, mask, 0.3, 0.2, average)
    expected = by_hand(theirs, old, reference, advantages, mask, 0.3, 0.2, average)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    found.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-12)
    assert not ours.grad[~mask].any()


def test_the_objectives_defaults_are_the_papers():
    now, old, reference = (numbers(i, 3, 4) for i in range(3))
    mask = torch.ones(3, 4).bool()
    mask[0, 1:] = False
    given_ = (now, old, reference, numbers(3, 3), mask)
    assert clipped_objective(*given_) == clipped_objective(*given_, 0.2, 0.04, "answer")
    assert clipped_objective(*given_) != clipped_objective(*given_, average="token")
    plain = clipped_objective(*given_, beta=0.0)
    assert plain == clipped_objective(now, old, torch.full_like(now, 99.0), *given_[3:], beta=0.0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"clip": 0.0}, "clip is 0.0; it must be above 0 and below 1"),
        ({"clip": 1.0}, "clip is 1.0; it must be above 0 and below 1"),
        ({"beta": -0.1}, r"beta is -0.1; it must be 0 \(no divergence term\) or above"),
        ({"average": "text"}, "average 'text' is unknown; choose one of answer, token"),
        ({"mask": torch.ones(2, 2).bool()}, r"a mask of shape \(2, 2\) does not fit log probab"),
        ({"mask": torch.tensor([[True] * 3, [False] * 3])}, "an answer has no token; leave it out"),
    ],
)
def test_what_the_objective_cannot_take_is_refused(changes, sentence):
    names = ("log_probabilities", "old", "reference")
    given_ = dict.fromkeys(names, torch.zeros(2, 3))
    given_ |= {"advantages": torch.zeros(2), "mask": torch.ones(2, 3).bool()}
    with pytest.raises(ValueError, match=sentence):
        clipped_objective(**(given_ | changes))


def test_what_is_rewarded_becomes_likelier():
    model, drawn = Pairs(), answers(1)
    with torch.no_grad():
        old = model(drawn.ids).log_softmax(-1)
        old = old.gather(-1, drawn.targets.clamp(min=0)[..., None]).squeeze(-1)
    advantages = torch.tensor([1.0, -1.0, 1.0, -1.0]).double()
    batch = AnswerBatch(drawn, advantages, old, old)
    assert (batch.tokens, batch.size, batch.weight) == (20, 4, 4)
    assert torch.equal(batch.mask, drawn.targets != IGNORE)
    moved = batch.to("cpu")
    assert torch.equal(moved.old, old) and torch.equal(moved.advantages, advantages)
    before = answer_log_probabilities(model, drawn)
    loss = policy_loss(clip=0.5, beta=0.01)
    expected = clipped_objective(old, old, old, advantages, batch.mask, 0.5, 0.01)
    torch.testing.assert_close(loss(model, batch), expected)
    config = TrainConfig(steps=20, learning_rate=0.05)
    assert len(list(train(model, lambda step: batch, config, loss=loss))) == 20
    assert ((answer_log_probabilities(model, drawn) - before) * advantages > 0).all()


def test_a_policy_loss_has_the_objectives_defaults():
    drawn = answers(1)
    logs = numbers(5, 4, 5)
    batch = AnswerBatch(drawn, numbers(6, 4), logs, numbers(7, 4, 5))
    now = Pairs()(drawn.ids).log_softmax(-1)
    now = now.gather(-1, drawn.targets.clamp(min=0)[..., None]).squeeze(-1)
    expected = clipped_objective(now, batch.old, batch.reference, batch.advantages, batch.mask)
    torch.testing.assert_close(policy_loss()(Pairs(), batch), expected)


def test_log_probabilities_are_taken_in_full_precision():
    drawn = answers(1)
    coarse = numbers(9, 4, 5, 6).bfloat16()
    fine = coarse.float().log_softmax(-1)
    fine = fine.gather(-1, drawn.targets.clamp(min=0)[..., None]).squeeze(-1)
    fine = fine.masked_fill(drawn.targets == IGNORE, 0)
    found = answer_log_probabilities(lambda ids: coarse, drawn)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, fine.sum(1), rtol=1e-6, atol=0)
    batch = AnswerBatch(drawn, torch.ones(4), fine, fine)
    assert policy_loss()(lambda ids: coarse, batch).item() == pytest.approx(-1, abs=1e-6)
