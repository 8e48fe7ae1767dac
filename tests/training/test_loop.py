"""The loop trains, records, refuses, and goes on where it stood."""

import pytest
import torch
from torch import nn

from llm_book.runtime import Runtime
from llm_book.shapes import Batch
from llm_book.training.loop import TrainConfig, TrainingDiverged, train


class Coin(nn.Module):
    """A tiny classifier with dropout, so that the random state matters."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4, 1)

    def forward(self, ids, lengths):
        return self.head(self.drop(self.embedding(ids).mean(1))).squeeze(-1)


def batches(step: int) -> Batch:
    generator = torch.Generator().manual_seed(step)
    ids = torch.randint(0, 10, (8, 5), generator=generator)
    return Batch(ids, torch.full((8,), 5), (ids[:, 0] > 4).long())


def a_run(steps: int = 30, dtype: str = "float32", **changes):
    torch.manual_seed(0)
    config = TrainConfig(steps=steps, learning_rate=0.01, **changes)
    return train(Coin(), batches, config, Runtime(dtype=dtype))


def with_infinite_gradient(model, batch):
    """A loss that is a number, with a gradient that is none."""
    logits = model(batch.ids, batch.lengths).float()
    return (logits - logits.detach()).abs().sqrt().sum()


def test_the_loss_falls_and_every_step_is_recorded():
    steps = list(a_run(300))
    assert [step.index for step in steps] == list(range(1, 301))
    assert sum(s.loss for s in steps[-20:]) < sum(s.loss for s in steps[:20])
    assert all(step.tokens == 40 and step.tokens_per_second > 0 for step in steps)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(dtype):
    whole = a_run(dtype=dtype)
    expected = [step.loss for step in whole]
    cut = a_run(dtype=dtype)
    for step in cut:
        if step.index == 12:
            break
    state = cut.state()
    torch.manual_seed(99)
    again = train(Coin(), batches, TrainConfig(steps=30, learning_rate=0.01), Runtime(dtype=dtype))
    again.resume(state)
    assert [step.loss for step in again] == expected[12:]
    assert again.scaler.state_dict() == whole.scaler.state_dict()
    for a, b in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_evaluating_in_the_loop_body_does_not_switch_dropout_off_for_the_next_step():
    plain = [step.loss for step in a_run()]
    evaluated = a_run()
    losses = []
    for step in evaluated:
        evaluated.model.eval()
        losses.append(step.loss)
    assert losses == plain


def test_gradients_are_clipped_to_the_norm_asked_for():
    run = a_run(5, clip_norm=1e-3)
    for step in run:
        total = torch.stack([p.grad.norm() for p in run.model.parameters()]).norm()
        assert step.gradient_norm > 1e-3
        assert total <= 1.001e-3


def test_the_learning_rate_in_the_record_is_the_one_used():
    run = a_run(20, warmup_steps=4)
    for step in run:
        assert run.optimizer.param_groups[0]["lr"] == step.learning_rate
    assert step.learning_rate < 1e-4


def test_one_step_is_the_adamw_of_torch():
    run = a_run(1, clip_norm=1e9)
    twin = Coin()
    twin.load_state_dict(run.model.state_dict())
    before = torch.get_rng_state()
    next(iter(run))
    torch.set_rng_state(before)
    optimizer = torch.optim.AdamW(twin.parameters(), lr=0.01, weight_decay=0.0)
    batch = batches(0)
    logits = twin.train()(batch.ids, batch.lengths)
    nn.functional.binary_cross_entropy_with_logits(logits, batch.labels.float()).backward()
    optimizer.step()
    for a, b in zip(run.model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


def test_a_loss_that_is_no_number_stops_before_the_weights_are_touched():
    model = Coin()
    with torch.no_grad():
        model.head.bias.fill_(float("nan"))
    before = model.embedding.weight.detach().clone()
    run = train(model, batches, TrainConfig(steps=3))
    with pytest.raises(
        TrainingDiverged, match="the loss is nan at step 1; run again with a learning rate"
    ):
        next(iter(run))
    assert torch.equal(model.embedding.weight, before)


def test_a_gradient_that_is_no_number_stops_before_the_weights_are_touched():
    model = Coin()
    before = model.head.weight.detach().clone()
    run = train(model, batches, TrainConfig(steps=3), loss=with_infinite_gradient)
    with pytest.raises(TrainingDiverged, match="length of the gradient is nan at step 1"):
        next(iter(run))
    assert torch.equal(model.head.weight, before)


def test_in_float16_such_a_step_is_skipped_and_the_scale_halved():
    model = Coin()
    before = model.head.weight.detach().clone()
    runtime = Runtime(dtype="float16")
    run = train(model, batches, TrainConfig(steps=3), runtime, with_infinite_gradient)
    scale = run.scaler.get_scale()
    next(iter(run))
    assert torch.equal(model.head.weight, before)
    assert run.scaler.get_scale() == scale / 2


def test_bfloat16_trains_too():
    run = train(
        Coin(), batches, TrainConfig(steps=200, learning_rate=0.01), Runtime(dtype="bfloat16")
    )
    losses = [step.loss for step in run]
    assert sum(losses[-20:]) < sum(losses[:20])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"steps": 0}, "steps is 0; training needs at least 1"),
        ({"steps": 300, "warmup_steps": 500}, r"warmup_steps \(500\) must be less than steps"),
        ({"steps": 3, "learning_rate": 0.0}, r"learning_rate \(0.0\) and clip_norm \(1.0\) must"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        TrainConfig(**settings)
