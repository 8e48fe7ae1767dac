"""A sparse autoencoder finds the directions that its states were made of."""

import pytest
import torch

from llm_book.models.sparse_autoencoder import SparseAutoencoder


def test_directions_have_length_one_and_codes_are_not_negative():
    model = SparseAutoencoder(4, 9, torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.directions.mul_(3)
    assert torch.allclose(model.unit_directions().norm(dim=1), torch.ones(9))
    states = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(1))
    codes = model.encode(states)
    assert codes.shape == (2, 5, 9)
    assert (codes >= 0).all()
    assert torch.allclose(model(states), codes @ model.unit_directions() + model.centre)


def test_the_directions_of_sparse_sums_are_found():
    generator = torch.Generator().manual_seed(0)
    truth = torch.eye(6)
    on = torch.rand(2000, 6, generator=generator) < 0.1
    states = (torch.rand(2000, 6, generator=generator) * on) @ truth
    model = SparseAutoencoder(6, 6, generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(400):
        codes = model.encode(states)
        loss = (model.decode(codes) - states).square().sum(1).mean() + 0.1 * codes.sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    likeness = truth @ model.unit_directions().T
    assert likeness.max(dim=1).values.mean() > 0.95


def test_sizes_below_one_are_refused():
    with pytest.raises(ValueError, match="0 features of 3 numbers are none"):
        SparseAutoencoder(3, 0)
