"""Per-example gradients are those of a loop; what is summed, noised and counted is Abadi's."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from opacus.grad_sample import GradSampleModule
from torch import nn

from llm_book.models.classifier import ClassifierConfig, RecurrentClassifier
from llm_book.models.transformer import GPT, GPTConfig
from llm_book.shapes import IGNORE, Batch, TokenBatch
from llm_book.training.losses import class_loss, review_loss, token_loss
from llm_book.training.private import (
    Privacy,
    add_noise,
    clipped_sum,
    example_norms,
    per_example_gradients,
    poisson_sample,
    private_sum,
    train_privately,
)
from llm_book.training.renyi import epsilon
from llm_book.training.rows import take_rows

BLANK = nn.Parameter(torch.zeros(1))
PRIVACY = Privacy(max_norm=0.5, noise=1.2, rate=0.25, delta=1e-3)


class Classes(nn.Module):
    """A bag of embeddings with a hidden layer; its scale is frozen, its last bias too."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, 4)
        self.hidden, self.head = nn.Linear(4, 5), nn.Linear(5, 3)
        self.head.bias.requires_grad_(False)

    def forward(self, ids, lengths):
        return self.head(torch.tanh(self.hidden(self.embedding(ids).mean(1))))


def model_of(seed: int = 0) -> Classes:
    torch.manual_seed(seed)
    return Classes().double()


def examples(seed: int = 0, n: int = 6) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, 9, (n, 4), generator=generator)
    return Batch(ids, torch.full((n,), 4), ids[:, 0] % 3)


def in_a_loop(model, loss, batch) -> dict[str, torch.Tensor]:
    """One backward pass an example, by the plainest means."""
    found: dict[str, list] = {n: [] for n, p in model.named_parameters() if p.requires_grad}
    for row in range(batch.size):
        model.zero_grad()
        loss(model, take_rows(batch, slice(row, row + 1))).backward()
        for name, kept in found.items():
            kept.append(model.get_parameter(name).grad.clone())
    model.zero_grad()
    return {name: torch.stack(kept) for name, kept in found.items()}


def assert_same(ours: dict, theirs: dict, atol: float = 1e-12) -> None:
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=0, atol=atol)


@given(seed=st.integers(0, 1000), vectorised=st.booleans())
@settings(max_examples=10, deadline=None)
def test_every_examples_gradient_is_its_own(seed, vectorised):
    model, batch = model_of(seed), examples(seed)
    ours = per_example_gradients(model, class_loss, batch, vectorised)
    assert_same(ours, in_a_loop(model, class_loss, batch))
    assert "head.bias" not in ours
    assert all(weight.grad is None for weight in model.parameters())
    assert not any(gradient.requires_grad for gradient in ours.values())


def test_a_gpt_has_them_too():
    torch.manual_seed(0)
    shape = {"vocab_size": 11, "context_length": 6, "width": 8, "n_layers": 2, "n_heads": 2}
    model = GPT(GPTConfig.gpt2(**shape)).double()
    ids = torch.randint(0, 11, (3, 6))
    targets = ids.roll(-1, 1)
    targets[1, 2:] = IGNORE
    batch = TokenBatch(ids, targets)
    ours = per_example_gradients(model, token_loss, batch)
    assert_same(ours, in_a_loop(model, token_loss, batch), atol=1e-11)


def test_a_model_that_packs_by_length_is_asked_one_by_one():
    torch.manual_seed(0)
    config = ClassifierConfig(vocab_size=9, embedding_width=4, width=3, engine="torch", dropout=0.0)
    model, batch = RecurrentClassifier(config).double(), examples()
    batch = replace(batch, labels=batch.labels.clamp(max=1), ids=batch.ids.clamp(min=1))
    with pytest.raises(ValueError, match="RecurrentClassifier reads numbers off its input, which"):
        per_example_gradients(model, review_loss, batch)
    with pytest.raises(ValueError, match="reads numbers off its input"):
        private_sum(model, review_loss, batch, PRIVACY)
    with pytest.raises(ValueError, match="reads numbers off its input"):
        certain = replace(PRIVACY, rate=1.0)
        next(train_privately(model, batch, review_loss, torch.optim.SGD([BLANK]), certain, 1))
    ours = per_example_gradients(model, review_loss, batch, vectorised=False)
    assert_same(ours, in_a_loop(model, review_loss, batch))


def test_another_failure_is_not_blamed_on_the_model():
    def broken(model, batch):
        raise RuntimeError("out of paper")

    with pytest.raises(RuntimeError, match="out of paper"):
        per_example_gradients(model_of(), broken, examples())


def test_dropout_differs_from_example_to_example():
    class Dropped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(50))

        def forward(self, ids, lengths):
            return nn.functional.dropout(self.weight, 0.5).expand(len(ids), 50)

    gradients = per_example_gradients(Dropped(), lambda m, b: m(b.ids, 0).sum(), examples())
    assert len({tuple(row.tolist()) for row in gradients["weight"]}) == 6


@pytest.mark.filterwarnings("ignore:Full backward hook is firing:UserWarning")
def test_gradients_and_clipped_sums_are_those_of_opacus():
    model, batch = model_of(), examples()
    ours = per_example_gradients(model, class_loss, batch)
    twin = GradSampleModule(model_of(), loss_reduction="mean")
    class_loss(twin, batch).backward()
    theirs = {
        name.removeprefix("_module."): p.grad_sample
        for name, p in twin.named_parameters()
        if p.requires_grad
    }
    assert_same(ours, theirs)
    norms = torch.stack([g.flatten(1).norm(dim=1) for g in theirs.values()]).norm(dim=0)
    torch.testing.assert_close(example_norms(ours), norms, rtol=0, atol=1e-12)
    limit = float(norms.median()) * 1.01
    factors = (limit / norms).clamp(max=1)
    expected = {n: (factors.view(-1, *[1] * (g.ndim - 1)) * g).sum(0) for n, g in theirs.items()}
    assert_same(clipped_sum(ours, limit), expected)
    assert 0 < int((factors == 1).sum()) < 6


@given(seed=st.integers(0, 1000), limit=st.sampled_from([1e-3, 0.1, 1.0]))
@settings(max_examples=15, deadline=None)
def test_taking_one_example_away_moves_the_sum_by_no_more_than_the_limit(seed, limit):
    gradients = per_example_gradients(model_of(seed), class_loss, examples(seed))
    fewer = {name: g[1:] for name, g in gradients.items()}
    whole, less = clipped_sum(gradients, limit), clipped_sum(fewer, limit)
    moved = torch.cat([(whole[name] - less[name]).flatten() for name in whole]).norm()
    own = example_norms(gradients)[0]
    assert moved.item() == pytest.approx(min(limit, own.item()), rel=1e-9)


def test_a_gradient_of_zeros_stays_zeros():
    assert clipped_sum({"w": torch.zeros(3, 2)}, 1.0)["w"].tolist() == [0, 0]


def test_noise_has_the_deviation_asked_for_and_comes_from_the_generator():
    gradients = {"w": torch.full((200, 200), 3.0), "b": torch.zeros(1000, dtype=torch.float64)}
    noisy = add_noise(gradients, 2.0, torch.Generator().manual_seed(1))
    assert noisy["w"].mean().item() == pytest.approx(3.0, abs=0.05)
    assert noisy["w"].std().item() == pytest.approx(2.0, abs=0.05)
    assert noisy["b"].dtype == torch.float64
    again = add_noise(gradients, 2.0, torch.Generator().manual_seed(1))
    assert all(torch.equal(noisy[name], again[name]) for name in noisy)
    assert torch.equal(add_noise(gradients, 0.0)["w"], gradients["w"])
    with pytest.raises(ValueError, match=r"deviation is -1.0; it must be 0 or above"):
        add_noise(gradients, -1.0)


def test_every_example_is_drawn_with_the_same_probability_apart_from_the_others():
    generator = torch.Generator().manual_seed(0)
    drawn = torch.zeros(400, 50)
    for row in drawn:
        row[poisson_sample(50, 0.3, generator)] = 1
    sizes = drawn.sum(1)
    assert drawn.mean().item() == pytest.approx(0.3, abs=0.02)
    assert sizes.var().item() == pytest.approx(50 * 0.3 * 0.7, rel=0.3)
    assert drawn.mean(0).min() > 0.15
    assert poisson_sample(50, 1.0, generator).tolist() == list(range(50))
    assert poisson_sample(50, 0.0, generator).tolist() == []
    assert len(poisson_sample(1, 1.0)) == 1


def test_the_noisy_sum_has_noise_of_sigma_times_the_limit():
    model, batch = model_of(), examples()
    found = private_sum(model, class_loss, batch, PRIVACY, torch.Generator().manual_seed(3))
    clipped = clipped_sum(per_example_gradients(model, class_loss, batch), 0.5)
    expected = add_noise(clipped, 0.6, torch.Generator().manual_seed(3))
    assert_same(found, expected)
    empty = take_rows(batch, slice(0, 0))
    noise = private_sum(model, class_loss, empty, PRIVACY, torch.Generator().manual_seed(3))
    zeros = {name: torch.zeros_like(g) for name, g in clipped.items()}
    assert_same(noise, add_noise(zeros, 0.6, torch.Generator().manual_seed(3)))


def test_a_private_step_by_hand():
    model, twin, batch = model_of(), model_of(), examples(n=40)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    steps = train_privately(
        model, batch, class_loss, optimizer, PRIVACY, 3, torch.Generator().manual_seed(5)
    )
    generator = torch.Generator().manual_seed(5)
    for number, step in enumerate(steps, 1):
        rows = poisson_sample(40, 0.25, generator)
        total = private_sum(twin, class_loss, take_rows(batch, rows), PRIVACY, generator)
        with torch.no_grad():
            for name, change in total.items():
                twin.get_parameter(name).sub_(0.1 * change / 10)
        assert step.index == number
        assert step.epsilon == epsilon(1.2, 0.25, number, 1e-3)
        assert_same(dict(model.named_parameters()), dict(twin.named_parameters()))
    assert number == 3


def test_it_learns_without_noise_and_promises_nothing():
    model, batch = model_of(), examples(n=60)
    before = class_loss(model, batch).item()
    privacy = Privacy(max_norm=1.0, noise=0.0, rate=0.5, delta=1e-3)
    model.eval()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for step in train_privately(model, batch, class_loss, optimizer, privacy, 60):
        assert step.epsilon == float("inf")
        assert model.training
    assert class_loss(model, batch).item() < 0.6 * before
    assert privacy.epsilon(0) == 0


def test_a_step_of_a_model_that_cannot_be_vectorised():
    model, batch = model_of(), examples(n=8)
    twin = model_of()
    for vectorised, own in ((True, model), (False, twin)):
        optimizer = torch.optim.SGD(own.parameters(), lr=0.1)
        generator = torch.Generator().manual_seed(1)
        list(
            train_privately(
                own, batch, class_loss, optimizer, PRIVACY, 2, generator, vectorised=vectorised
            )
        )
    assert_same(dict(model.named_parameters()), dict(twin.named_parameters()))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"max_norm": 0.0}, "max_norm is 0.0; it must be above 0"),
        ({"noise": -0.1}, r"noise is -0.1; it must be 0 \(no privacy\) or above"),
        ({"rate": 0.0}, "rate is 0.0; it must be above 0 and at most 1"),
        ({"rate": 1.1}, "rate is 1.1; it must be above 0 and at most 1"),
        ({"delta": 0.0}, "delta is 0.0; it must be above 0 and below 1, such as 1e-5"),
        ({"delta": 1.0}, "delta is 1.0; it must be above 0"),
    ],
)
def test_settings_that_promise_nothing_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(PRIVACY, **changes)
    assert replace(PRIVACY, rate=1.0, noise=0.0).rate == 1


@pytest.mark.parametrize(
    ("n", "rate", "sentence"),
    [
        (0, 0.5, "n is 0; there must be an example to draw"),
        (5, 1.1, "rate is 1.1; it is a probability, from 0 to 1"),
        (5, -0.1, "rate is -0.1; it is a probability"),
    ],
)
def test_samples_that_cannot_be_drawn_are_refused(n, rate, sentence):
    with pytest.raises(ValueError, match=sentence):
        poisson_sample(n, rate)


def test_the_noise_is_what_the_generator_draws_weight_by_weight():
    gradients = {"w": torch.ones(2, 3), "b": torch.zeros(4)}
    found = add_noise(gradients, 0.5, torch.Generator().manual_seed(2))
    generator = torch.Generator().manual_seed(2)
    for name, gradient in gradients.items():
        drawn = torch.randn(gradient.shape, generator=generator)
        torch.testing.assert_close(found[name], gradient + 0.5 * drawn, rtol=0, atol=1e-7)


def test_a_rate_of_nothing_draws_nobody_however_low_the_dice_fall(monkeypatch):
    monkeypatch.setattr(torch, "rand", lambda n, generator: torch.zeros(n))
    assert poisson_sample(3, 0.0).tolist() == []
    assert poisson_sample(3, 0.1).tolist() == [0, 1, 2]
