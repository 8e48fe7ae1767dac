"""The averaged weights, and the moment to stop."""

import pytest
import torch
from torch import nn

from llm_book.training.averaging import WeightAverage
from llm_book.training.early_stopping import EarlyStopping


def test_the_average_follows_the_formula():
    model = nn.Linear(1, 1, bias=False)
    average = WeightAverage(model, decay=0.5)
    expected = model.weight.item()
    for n in range(1, 6):
        with torch.no_grad():
            model.weight.fill_(float(n))
        average.update(model)
        keep = min(0.5, (1 + n) / (10 + n))
        expected = keep * expected + (1 - keep) * n
    assert average.weights["weight"].item() == pytest.approx(expected, rel=1e-5)


def test_without_decay_the_average_is_the_model():
    model = nn.Linear(2, 2)
    average = WeightAverage(model, decay=0.0)
    with torch.no_grad():
        model.weight.fill_(3.0)
    average.update(model)
    assert torch.equal(average.weights["weight"], model.weight)


def test_a_model_gets_its_own_weights_back_even_after_an_error():
    model = nn.Linear(1, 1)
    average = WeightAverage(model, decay=0.9)
    own = model.weight.detach().clone() + 1
    with torch.no_grad():
        model.weight.copy_(own)
    with pytest.raises(RuntimeError, match="in the middle"), average.borrowed_by(model):
        assert not torch.equal(model.weight, own)
        raise RuntimeError("in the middle")
    assert torch.equal(model.weight, own)


def test_a_resumed_average_goes_on():
    model = nn.Linear(1, 1)
    average, again = WeightAverage(model, 0.9), WeightAverage(nn.Linear(1, 1), 0.9)
    average.update(model)
    again.resume(average.state())
    assert again.updates == 1
    assert torch.equal(again.weights["weight"], average.weights["weight"])


def test_a_decay_of_one_is_refused():
    with pytest.raises(ValueError, match=r"decay is 1\.0; it must be from 0"):
        WeightAverage(nn.Linear(1, 1), 1.0)
    with pytest.raises(ValueError, match=r"decay is -0\.5; it must be from 0"):
        WeightAverage(nn.Linear(1, 1), -0.5)


def test_patience_counts_evaluations_without_a_new_best():
    model, stopping = nn.Linear(1, 1), EarlyStopping(patience=2)
    seen = [stopping.see(i, loss, model) for i, loss in enumerate([0.9, 0.7, 0.8, 0.75])]
    assert seen == [True, True, False, False]
    assert stopping.stop
    assert stopping.best_index == 1


def test_the_best_weights_come_back():
    model, stopping = nn.Linear(1, 1), EarlyStopping()
    stopping.see(1, 0.5, model)
    best = model.weight.detach().clone()
    with torch.no_grad():
        model.weight.add_(5)
    stopping.see(2, 0.6, model)
    stopping.restore(model)
    assert torch.equal(model.weight, best)


def test_a_resumed_stopping_remembers_how_long_it_waited():
    model, stopping, again = nn.Linear(1, 1), EarlyStopping(), EarlyStopping()
    stopping.see(3, 0.5, model)
    stopping.see(4, 0.6, model)
    again.resume(stopping.state())
    assert (again.best_loss, again.best_index, again.waited) == (0.5, 3, 1)
    assert torch.equal(again.best_weights["weight"], stopping.best_weights["weight"])


def test_a_counter_is_taken_over_and_not_averaged():
    model = nn.BatchNorm1d(2)
    average = WeightAverage(model, decay=0.9)
    model.num_batches_tracked.fill_(7)
    average.update(model)
    assert average.weights["num_batches_tracked"].item() == 7


def test_a_stopping_that_has_seen_nothing_has_waited_for_nothing():
    fresh = EarlyStopping()
    assert (fresh.patience, fresh.best_loss) == (3, float("inf"))
    assert (fresh.best_index, fresh.waited) == (0, 0)
    assert "best_weights" not in repr(fresh)
    assert fresh.state()["best_loss"] == "inf"


def test_a_patience_of_one_is_the_least():
    stopping = EarlyStopping(patience=1)
    assert stopping.see(1, 0.5, nn.Linear(1, 1))
    assert not stopping.stop
    assert not stopping.see(2, 0.5, nn.Linear(1, 1))  # as good is not better
    assert stopping.stop
    with pytest.raises(ValueError, match="patience is 0; it must be at least 1"):
        EarlyStopping(patience=0)
