"""Every optimiser takes the very steps of its namesake in torch.optim."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from llm_book.models.transformer import GPT, GPTConfig
from llm_book.training.checkpoint import read_state, write_state
from llm_book.training.optim import SGD, AdaGrad, Adam, AdamW, HandWritten, decay_groups

PAIRS = {
    "plain": (SGD, torch.optim.SGD, {"lr": 0.02}),
    "decayed": (SGD, torch.optim.SGD, {"lr": 0.02, "weight_decay": 0.2}),
    "momentum": (SGD, torch.optim.SGD, {"lr": 0.01, "momentum": 0.8, "weight_decay": 0.1}),
    "nesterov": (SGD, torch.optim.SGD, {"lr": 0.01, "momentum": 0.8, "nesterov": True}),
    "adagrad": (AdaGrad, torch.optim.Adagrad, {"lr": 0.2, "weight_decay": 0.1, "eps": 1e-3}),
    "adam": (Adam, torch.optim.Adam, {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3}),
    "adam decayed": (Adam, torch.optim.Adam, {"lr": 0.05, "weight_decay": 0.3}),
    "adamw": (AdamW, torch.optim.AdamW, {"lr": 0.05, "weight_decay": 0.3, "betas": (0.7, 0.9)}),
}


def model_of(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2), nn.Linear(2, 2)).double()


def loss_of(model: nn.Sequential, step: int) -> torch.Tensor:
    """A loss that a step may not reach all weights with: the last layer is used every other."""
    generator = torch.Generator().manual_seed(step)
    x = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    out = model[:3](x)
    return (model[3](out) if step % 2 else out).square().sum()


def stepped(model, optimizer, steps: range) -> None:
    for step in steps:
        optimizer.zero_grad(set_to_none=True)
        loss_of(model, step).backward()
        optimizer.step()


def assert_same(a: nn.Module, b: nn.Module) -> None:
    for ours, theirs in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", PAIRS)
def test_forty_steps_are_torchs(name):
    ours_of, theirs_of, settings_ = PAIRS[name]
    ours, theirs = model_of(0), model_of(0)
    before = ours[0].weight.detach().clone()
    stepped(ours, ours_of(ours.parameters(), **settings_), range(40))
    stepped(theirs, theirs_of(theirs.parameters(), **settings_), range(40))
    assert_same(ours, theirs)
    assert (ours[0].weight - before).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("ours_of", "theirs_of"),
    [
        (SGD, torch.optim.SGD),
        (AdaGrad, torch.optim.Adagrad),
        (Adam, torch.optim.Adam),
        (AdamW, torch.optim.AdamW),
    ],
)
def test_settings_nobody_chose_are_torchs_too(ours_of, theirs_of):
    ours, theirs = model_of(1), model_of(1)
    optimizer = ours_of(ours.parameters())
    stepped(ours, optimizer, range(10))
    stepped(theirs, theirs_of(theirs.parameters()), range(10))
    assert_same(ours, theirs)


def test_adagrad_may_begin_with_a_sum():
    ours, theirs = model_of(2), model_of(2)
    stepped(ours, AdaGrad(ours.parameters(), lr=0.1, initial_square=0.4), range(5))
    peer = torch.optim.Adagrad(theirs.parameters(), lr=0.1, initial_accumulator_value=0.4)
    stepped(theirs, peer, range(5))
    assert_same(ours, theirs)


@pytest.mark.parametrize("name", PAIRS)
def test_groups_have_settings_of_their_own_and_a_schedule_may_change_them(name):
    ours_of, theirs_of, settings_ = PAIRS[name]
    models = model_of(3), model_of(3)
    optimizers = [
        make(
            [
                {"params": model[0].parameters(), "lr": 0.01, "weight_decay": 0.0},
                {"params": [*model[2].parameters(), *model[3].parameters()]},
            ],
            **settings_,
        )
        for model, make in zip(models, (ours_of, theirs_of), strict=True)
    ]
    for step in range(12):
        for model, optimizer in zip(models, optimizers, strict=True):
            optimizer.param_groups[1]["lr"] = 0.02 / (step + 1)
            stepped(model, optimizer, range(step, step + 1))
    assert_same(*models)


@pytest.mark.parametrize("name", PAIRS)
@given(cut=st.integers(0, 12))
@settings(max_examples=5, deadline=None)
def test_a_state_written_and_read_goes_on_bit_for_bit(name, cut, tmp_path_factory):
    make, _, settings_ = PAIRS[name]
    whole = model_of(4)
    stepped(whole, make(whole.parameters(), **settings_), range(12))
    first = model_of(4)
    optimizer = make(first.parameters(), **settings_)
    stepped(first, optimizer, range(cut))
    folder = tmp_path_factory.mktemp("state") / "one"
    write_state(folder, {"model": first.state_dict(), "optimizer": optimizer.state_dict()})
    kept = read_state(folder)
    again = model_of(5)
    again.load_state_dict(kept["model"])
    optimizer = make(again.parameters(), lr=9.0)
    optimizer.load_state_dict(kept["optimizer"])
    stepped(again, optimizer, range(cut, 12))
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_closure_computes_the_loss_with_gradients_and_is_given_back():
    model = model_of(6)
    optimizer = SGD(model.parameters(), lr=0.01)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(model, 1)
        loss.backward()
        return loss

    first = optimizer.step(closure)
    assert first.requires_grad
    assert optimizer.step(closure) < first
    assert optimizer.step() is None


def test_a_weight_without_a_gradient_stays_and_nothing_is_remembered_of_it():
    model = model_of(7)
    before = copy.deepcopy(model[3].state_dict())
    optimizer = AdamW(model.parameters(), lr=0.1, weight_decay=0.5)
    stepped(model, optimizer, range(0, 1))
    assert torch.equal(model[3].weight, before["weight"])
    assert model[3].weight not in optimizer.state
    assert set(optimizer.state[model[0].weight]) == {"steps", "mean", "square"}


def test_a_gradient_is_read_and_not_written():
    for make, _, settings_ in PAIRS.values():
        model = model_of(8)
        loss_of(model, 1).backward()
        before = [p.grad.clone() for p in model.parameters()]
        optimizer = make(model.parameters(), **settings_)
        optimizer.step()
        optimizer.step()
        assert all(torch.equal(p.grad, b) for p, b in zip(model.parameters(), before, strict=True))


@pytest.mark.parametrize(
    ("make", "settings_", "sentence"),
    [
        (SGD, {"lr": -0.1}, "lr is -0.1; it must be 0 or above"),
        (SGD, {"lr": float("nan")}, "lr is nan; it must be 0 or above"),
        (SGD, {"momentum": -0.1}, "momentum is -0.1; it must be from 0 up to but not 1"),
        (SGD, {"momentum": 1.0}, "momentum is 1.0; it must be from 0 up to but not 1"),
        (SGD, {"nesterov": True}, "nesterov needs a velocity; give a momentum above 0"),
        (AdaGrad, {"eps": -1.0}, "eps is -1.0; it must be 0 or above"),
        (AdaGrad, {"initial_square": -1.0}, "initial_square is -1.0; it must be 0 or above"),
        (Adam, {"betas": (1.0, 0.9)}, "beta1 is 1.0; it must be from 0 up to but not 1"),
        (Adam, {"betas": (0.9, -0.1)}, "beta2 is -0.1; it must be from 0 up to but not 1"),
        (AdamW, {"weight_decay": -0.1}, "weight_decay is -0.1; it must be 0 or above"),
    ],
)
def test_settings_without_sense_are_refused(make, settings_, sentence):
    with pytest.raises(ValueError, match=sentence):
        make(model_of(0).parameters(), **settings_)
    with pytest.raises(ValueError, match=sentence):
        make([{"params": model_of(0).parameters(), **settings_}])


@pytest.mark.parametrize("make", [SGD, AdaGrad, Adam, AdamW])
def test_a_rate_of_zero_is_a_setting_and_moves_nothing(make):
    weight = nn.Parameter(torch.tensor([3.0, -2.0]))
    weight.grad = torch.tensor([0.5, 4.0])
    make([weight], lr=0.0, weight_decay=0.0).step()
    assert weight.tolist() == [3.0, -2.0]


def test_without_memory_and_epsilon_adam_steps_by_the_sign():
    weight = nn.Parameter(torch.tensor([3.0, -2.0]))
    weight.grad = torch.tensor([0.5, -4.0])
    Adam([weight], lr=0.25, betas=(0.0, 0.0), eps=0.0).step()
    assert weight.tolist() == [2.75, -1.75]


def test_a_sparse_gradient_is_refused():
    table = nn.Embedding(4, 2, sparse=True)
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(ValueError, match="a gradient is sparse; make the embedding sparse=False"):
        SGD(table.parameters()).step()


def test_what_moves_no_weight_says_so():
    weight = nn.Parameter(torch.zeros(1))
    weight.grad = torch.ones(1)
    with pytest.raises(NotImplementedError):
        HandWritten([weight], lr=0.1).step()


def test_matrices_decay_and_biases_and_gains_do_not():
    model = GPT(GPTConfig.gpt2(vocab_size=9, context_length=4, width=4, n_layers=2, n_heads=2))
    model.blocks[0].attention.query.weight.requires_grad_(False)
    groups = decay_groups(model, 0.1)
    names = {id(p): name for name, p in model.named_parameters()}
    decayed, spared = ({names[id(p)] for p in group["params"]} for group in groups)
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0]
    assert all(name.endswith("bias") or "norm" in name for name in spared)
    assert not any(name.endswith("bias") or "norm" in name for name in decayed)
    left_out = {"blocks.0.attention.query.weight"}
    assert decayed | spared == set(names.values()) - left_out
    assert sum(len(group["params"]) for group in groups) == len(names) - 1  # tied ones once
    AdamW(groups, lr=0.1)


def test_a_model_of_matrices_alone_has_one_group():
    assert len(decay_groups(nn.Linear(2, 2, bias=False), 0.0)) == 1
    assert decay_groups(nn.LayerNorm(2), 0.1)[0]["weight_decay"] == 0
    with pytest.raises(ValueError, match=r"weight_decay is -1.0; it must be 0 or above"):
        decay_groups(nn.Linear(2, 2), -1.0)
