"""The loop trains, records, refuses, and goes on where it stood."""

from functools import partial
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from llm_book.runtime import Runtime
from llm_book.shapes import IGNORE, Batch, PairBatch, TokenBatch
from llm_book.training import loop
from llm_book.training.checkpoint import Checkpoints
from llm_book.training.loop import TrainConfig, Training, TrainingDiverged, train
from llm_book.training.losses import pair_loss, token_loss
from llm_book.training.optim import SGD, AdamW, decay_groups
from llm_book.training.rows import take_rows
from llm_book.training.schedule import constant, warmup_cosine


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
        ({"steps": 3, "warmup_steps": -1}, r"warmup_steps \(-1\) must be less than steps \(3\)"),
        ({"steps": 3, "warmup_steps": 3}, r"warmup_steps \(3\) must be less than steps \(3\)"),
        ({"steps": 3, "clip_norm": 0.0}, r"and clip_norm \(0.0\) must be above 0"),
        ({"steps": 3, "accumulate": 0}, "accumulate is 0; a step needs at least 1 batch"),
        ({"steps": 3, "learning_rate": 0.0}, r"learning_rate \(0.0\) and clip_norm \(1.0\) must"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        TrainConfig(**settings)


class Speaker(nn.Module):
    """A next-token model in float64 with dropout, which also takes pairs of texts."""

    def __init__(self, drop: float = 0.0) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(9, 5), nn.Linear(5, 9)
        self.drop, self.norm = nn.Dropout(drop), nn.LayerNorm(5)
        self.double()

    def forward(self, ids, *more):
        return self.head(self.drop(self.norm(self.embedding(more[-1] if more else ids))))


def windows(index: int, rows: int = 12) -> TokenBatch:
    """Rows with fewer and fewer targets, so that parts of a batch weigh differently."""
    generator = torch.Generator().manual_seed(index)
    ids = torch.randint(0, 9, (rows, 6), generator=generator)
    targets = (2 * ids + 1) % 9
    targets[torch.arange(6) > 5 - torch.arange(rows)[:, None] // 2] = IGNORE
    return TokenBatch(ids, targets)


def speaking(batches, accumulate: int = 1, drop: float = 0.0, steps: int = 8, **more) -> Training:
    torch.manual_seed(3)
    config = TrainConfig(steps, 0.05, 2, clip_norm=0.3, accumulate=accumulate)
    return train(Speaker(drop), batches, config, loss=token_loss, **more)


def in_parts(parts: int):
    """The batches of ``windows``, each cut in ``parts`` that follow one another."""

    def batches(index: int) -> TokenBatch:
        rows = 12 // parts
        first = index % parts * rows
        return take_rows(windows(index // parts), slice(first, first + rows))

    return batches


@pytest.mark.parametrize("parts", [2, 3, 6])
@pytest.mark.parametrize("optimizer", [None, AdamW, partial(SGD, momentum=0.9)])
def test_a_step_from_many_small_batches_is_the_step_from_the_large_one(parts, optimizer):
    whole = speaking(windows, optimizer=optimizer)
    expected = list(whole)
    cut = speaking(in_parts(parts), accumulate=parts, optimizer=optimizer)
    found = list(cut)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.loss == pytest.approx(theirs.loss, rel=0, abs=1e-12)
        assert ours.gradient_norm == pytest.approx(theirs.gradient_norm, rel=0, abs=1e-12)
        assert ours.tokens == theirs.tokens == 72
    weights = in_parts(parts)(0).weight, in_parts(parts)(parts - 1).weight
    assert weights[0] > weights[1]  # else the weighting is not seen
    for a, b in zip(cut.model.parameters(), whole.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_a_part_without_a_target_adds_nothing_and_a_step_without_one_is_refused():
    whole = windows(0)
    nothing = TokenBatch(whole.ids, torch.full_like(whole.targets, IGNORE))
    run = speaking(lambda index: [whole, nothing][index % 2], accumulate=2)
    alone = speaking(lambda index: whole)
    assert next(iter(run)).loss == next(iter(alone)).loss
    for a, b in zip(run.model.parameters(), alone.model.parameters(), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(ValueError, match="every target of step 1 is ignored; draw batches with"):
        next(iter(speaking(lambda index: nothing)))


@given(cut=st.integers(1, 7), accumulate=st.integers(1, 3))
@settings(max_examples=10, deadline=None)
def test_resumed_equals_uninterrupted_wherever_it_was_cut(tmp_path_factory, cut, accumulate):
    more = {"drop": 0.3, "accumulate": accumulate, "optimizer": AdamW}
    whole = speaking(windows, **more)
    expected = [(s.index, s.loss, s.gradient_norm, s.learning_rate) for s in whole]
    first = speaking(windows, **more)
    kept = Checkpoints(tmp_path_factory.mktemp("kept"))
    for step in first:
        if step.index == cut:
            kept.save(first.state(), step.index)
            break
    again = speaking(windows, **more)
    torch.manual_seed(99)
    again.resume(kept.newest_good()[0])
    assert again.seconds == first.seconds
    assert [(s.index, s.loss, s.gradient_norm, s.learning_rate) for s in again] == expected[cut:]
    for a, b in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_optimiser_may_be_chosen_with_groups_of_its_own():
    def optimizer(parameters):
        return AdamW(decay_groups(model, 0.5))

    torch.manual_seed(3)
    model = Speaker()
    run = train(model, windows, TrainConfig(3, 0.05), loss=token_loss, optimizer=optimizer)
    assert isinstance(run.optimizer, AdamW)
    step = next(iter(run))
    rates = [group["lr"] for group in run.optimizer.param_groups]
    assert rates == [step.learning_rate] * 2


def test_the_optimiser_nobody_chose_is_torchs_adamw_with_the_settings():
    config = TrainConfig(2, 0.05, betas=(0.5, 0.7), weight_decay=0.3)
    run = train(Speaker(), windows, config, loss=token_loss)
    assert type(run.optimizer) is torch.optim.AdamW
    group = run.optimizer.param_groups[0]
    assert (group["betas"], group["weight_decay"]) == ((0.5, 0.7), 0.3)
    assert TrainConfig(1).betas == (0.9, 0.999)
    assert (TrainConfig(1).learning_rate, TrainConfig(1).weight_decay) == (1e-3, 0.0)


def test_the_schedule_may_be_chosen():
    run = speaking(windows, schedule=partial(constant, peak=0.02, warmup_steps=4))
    rates = [step.learning_rate for step in run]
    assert rates == pytest.approx([0.005, 0.01, 0.015, *[0.02] * 5])
    plain = [step.learning_rate for step in speaking(windows)]
    assert plain == [warmup_cosine(step, 8, 0.05, 2, 0.0) for step in range(8)]
    ending = TrainConfig(4, 0.05, final_learning_rate=0.01)
    rates = [s.learning_rate for s in train(Speaker(), windows, ending, loss=token_loss)]
    assert rates == [warmup_cosine(step, 4, 0.05, 0, 0.01) for step in range(4)]


def test_pairs_of_texts_train_in_the_same_loop():
    def pairs(index: int) -> PairBatch:
        batch = windows(0)
        return PairBatch(batch.ids, torch.full((12,), 6), batch.ids, batch.targets)

    run = train(Speaker(), pairs, TrainConfig(60, 0.1), loss=pair_loss)
    losses = [step.loss for step in run]
    assert losses[-1] < 0.1 * losses[0]


def test_one_batch_is_known_by_heart():
    losses = [s.loss for s in speaking(lambda index: windows(0), steps=150)]
    assert losses[-1] < 0.05


def test_seconds_are_those_between_the_beginning_and_the_end_of_steps(monkeypatch):
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr(loop.time, "perf_counter", lambda: next(clock))
    steps = []
    for step in speaking(windows, steps=3):
        loop.time.perf_counter()  # a pause of the body
        steps.append((step.seconds, step.tokens_per_second))
    assert steps == [(3, 24), (6, 24), (9, 24)]


def test_seconds_add_up_and_pauses_of_the_body_do_not_count():
    steps = list(speaking(windows))
    assert all(b.seconds > a.seconds for a, b in pairwise(steps))
    assert all(step.memory > 0 for step in steps)
    for before, step in pairwise(steps):
        own = step.seconds - before.seconds
        assert step.tokens_per_second == pytest.approx(72 / own)


def test_a_refused_step_says_where_the_rate_stood():
    model = Speaker()
    with torch.no_grad():
        model.head.bias.fill_(float("inf"))
    config = TrainConfig(10, 0.5, 5, clip_norm=2.0)
    with pytest.raises(
        TrainingDiverged,
        match=r"the loss is nan at step 1; run again with a learning rate \(here 1.00e-01\) or a "
        r"clip_norm \(2.0\) that is lower",
    ):
        next(iter(train(model, windows, config, loss=token_loss)))


def test_a_compiled_run_is_asked_for_and_keeps_the_models_names(monkeypatch):
    called = []
    monkeypatch.setattr(Speaker, "compile", lambda self: called.append(self))
    run = train(Speaker(), windows, TrainConfig(1), Runtime(compile=True), token_loss)
    next(iter(run))
    assert called == [run.model]
    assert set(run.state()["model"]) == set(Speaker().state_dict())


def test_a_record_is_plain_numbers_and_a_line():
    step = next(iter(speaking(windows)))
    assert step.as_dict()["loss"] == step.loss
    assert type(step.loss) is type(step.gradient_norm) is float
    assert str(step) == f"step     1   loss {step.loss:.3f}   rate 2.50e-02"


def test_in_float16_the_norm_is_that_of_the_true_gradient():
    coarse, fine = next(iter(a_run(dtype="float16"))), next(iter(a_run()))
    assert coarse.gradient_norm == pytest.approx(fine.gradient_norm, rel=0.05)


def test_processes_hold_copies_unless_shards_are_asked_for(monkeypatch):
    asked = []
    together = loop.together
    monkeypatch.setattr(
        loop, "together", lambda runtime, sharded: asked.append(sharded) or together(runtime, False)
    )
    train(Coin(), batches, TrainConfig(1))
    Training(Coin(), batches, TrainConfig(1), Runtime(), token_loss)
    train(Coin(), batches, TrainConfig(1), sharded=True)
    assert asked == [False, False, True]


@pytest.mark.parametrize(
    ("device", "module"), [("cuda:1", torch.cuda), ("mps", torch.mps), ("cpu", None)]
)
def test_the_generator_of_the_device_is_remembered_and_put_back(device, module, monkeypatch):
    runtime, there, put_back = Runtime(device), torch.arange(5, dtype=torch.uint8), []
    for each in (torch.cuda, torch.mps):
        monkeypatch.setattr(each, "get_rng_state", lambda *where: torch.cat([there, there]))
        monkeypatch.setattr(
            each, "set_rng_state", lambda *what, at=each: put_back.append((at, what))
        )
    state = loop.random_state(runtime)
    assert state.keys() == {"cpu", device.partition(":")[0]}
    drawn = torch.rand(3)
    loop.set_random_state(state, runtime)
    assert torch.equal(torch.rand(3), drawn)
    if module is None:
        assert not put_back
        return
    [(at, (kept, *where))] = put_back
    assert at is module
    assert where == ([device] if module is torch.cuda else [])
    assert kept.tolist() == [*range(5), *range(5)]
