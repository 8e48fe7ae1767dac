"""Cross-entropy without the table of logits is cross-entropy, gradients included."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from llm_book.models.head_loss import head_cross_entropy, lean_token_loss
from llm_book.models.transformer import GPT, GPTConfig
from llm_book.shapes import IGNORE, TokenBatch, document_mask, document_positions


@given(
    seed=st.integers(0, 2**20),
    positions=st.integers(1, 9),
    rows=st.integers(1, 10),
    vocab=st.integers(1, 6),
    ignored=st.sampled_from([0.0, 0.5]),
    ignore=st.sampled_from([IGNORE, 0]),
)
@settings(max_examples=80, deadline=None)
def test_it_equals_cross_entropy_in_value_and_gradients(
    seed, positions, rows, vocab, ignored, ignore
):
    torch.manual_seed(seed)
    states = torch.randn(positions, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(vocab, 3, dtype=torch.float64, requires_grad=True)
    targets = torch.randint(vocab, (positions,))
    targets[torch.rand(positions) < ignored] = ignore
    if (targets == ignore).all():
        targets[0] = vocab - 1
    ours = head_cross_entropy(states, weight, targets, ignore, rows)
    theirs = F.cross_entropy(states @ weight.T, targets, ignore_index=ignore)
    if (targets == ignore).all():
        theirs = torch.zeros_like(theirs)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
    if theirs.requires_grad:
        mine = torch.autograd.grad(3 * ours, (states, weight))
        peers = torch.autograd.grad(3 * theirs, (states, weight))
        for a, b in zip(mine, peers, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def test_no_targets_cost_nothing():
    states = torch.randn(3, 2, requires_grad=True)
    loss = head_cross_entropy(states, torch.randn(4, 2), torch.full((3,), IGNORE))
    loss.backward()
    assert loss.item() == 0
    assert (states.grad == 0).all()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("tied", [False, True])
def test_it_trains_a_gpt_as_cross_entropy_on_its_logits_does(tied, packed):
    config = GPTConfig.gpt2(
        vocab_size=17,
        context_length=12,
        width=16,
        n_layers=2,
        n_heads=4,
        tied=tied,
        initial_scale=0.3,
    )
    gpt = GPT(config).double()
    documents = torch.arange(12).expand(3, 12) // 5 if packed else None
    batch = TokenBatch(torch.randint(17, (3, 12)), torch.randint(17, (3, 12)), documents)
    batch.targets[1, 4:] = IGNORE
    how = {}
    if packed:
        how = {"mask": document_mask(documents), "positions": document_positions(documents)}
    theirs = F.cross_entropy(gpt(batch.ids, **how).flatten(0, 1), batch.targets.flatten())
    weights = list(gpt.parameters())
    peers = torch.autograd.grad(theirs, weights)
    ours = lean_token_loss(gpt, batch)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
    for a, b in zip(torch.autograd.grad(ours, weights), peers, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def test_under_autocast_the_loss_is_computed_in_full_precision():
    states = torch.randn(5, 4).bfloat16().requires_grad_()
    weight = torch.randn(7, 4, requires_grad=True)
    targets = torch.randint(7, (5,))
    with torch.autocast("cpu", torch.bfloat16):
        loss = head_cross_entropy(states, weight, targets)
    expected = F.cross_entropy(states.float() @ weight.T, targets)
    torch.testing.assert_close(loss, expected, rtol=0, atol=1e-5)
    loss.backward()
    assert states.grad.dtype == torch.bfloat16
    assert weight.grad.dtype == torch.float32


def test_nonsense_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="3 states came with 2 targets; give one a position"):
        head_cross_entropy(torch.ones(3, 2), torch.ones(4, 2), torch.zeros(2).long())
    for wrong in (4, -1):
        with pytest.raises(IndexError, match=f"target {wrong} is outside a vocabulary of 4"):
            head_cross_entropy(torch.ones(1, 2), torch.ones(4, 2), torch.tensor([wrong]))
        targets = torch.tensor([IGNORE, 0, 1, wrong])
        with pytest.raises(IndexError, match=f"target {wrong} is outside a vocabulary of 4"):
            head_cross_entropy(torch.ones(4, 2), torch.ones(4, 2), targets)
    with pytest.raises(ValueError, match="rows is 0; a slice needs at least 1"):
        head_cross_entropy(torch.ones(1, 2), torch.ones(4, 2), torch.tensor([1]), rows=0)
