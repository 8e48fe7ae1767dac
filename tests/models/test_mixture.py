"""A mixture of experts is Mixtral's and Switch's, and its balance loss is what they train with."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from transformers import MixtralConfig
from transformers.models.mixtral.modeling_mixtral import (
    MixtralSparseMoeBlock,
    load_balancing_loss_func,
)
from transformers.models.switch_transformers.modeling_switch_transformers import (
    load_balancing_loss_func as switch_loss,
)

from llm_book.models.feed_forward import FeedForward, GatedFeedForward
from llm_book.models.mixture import MixtureOfExperts, balance_loss, router_probabilities
from llm_book.models.transformer import GPT, GPTConfig


@pytest.mark.parametrize("top_k", [2, 3])
def test_a_mixture_equals_mixtrals_in_outputs_and_gradients(top_k):
    config = MixtralConfig(
        hidden_size=6, intermediate_size=8, num_local_experts=4, num_experts_per_tok=top_k
    )
    theirs = MixtralSparseMoeBlock(config)
    ours = MixtureOfExperts(6, [GatedFeedForward(6, 8) for _ in range(4)], top_k)
    with torch.no_grad():
        theirs.gate.weight.copy_(ours.router.weight)
        for i, expert in enumerate(ours.experts):
            theirs.experts.gate_up_proj[i] = torch.cat([expert.gate.weight, expert.up.weight])
            theirs.experts.down_proj[i] = expert.down.weight
    x = torch.randn(2, 9, 6)
    mine = x.clone().requires_grad_()
    peer = x.clone().requires_grad_()
    answers = ours(mine), theirs(peer)
    torch.testing.assert_close(*answers, rtol=0, atol=1e-5)
    for answer in answers:
        answer.square().sum().backward()
    torch.testing.assert_close(mine.grad, peer.grad, rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.router.weight.grad, theirs.gate.weight.grad, rtol=0, atol=1e-5)
    for i, expert in enumerate(ours.experts):
        joined = torch.cat([expert.gate.weight.grad, expert.up.weight.grad])
        torch.testing.assert_close(joined, theirs.experts.gate_up_proj.grad[i], rtol=0, atol=1e-5)


def test_with_one_expert_a_token_its_answer_is_weighted_by_its_probability():
    experts = [FeedForward(3, 4) for _ in range(3)]
    mixture = MixtureOfExperts(3, experts).double()
    x = torch.randn(7, 3).double()
    probabilities = F.softmax(mixture.router(x), dim=-1)
    chosen = probabilities.argmax(-1)
    expected = torch.stack(
        [probabilities[i, c] * experts[c](x[i]) for i, c in enumerate(chosen.tolist())]
    )
    torch.testing.assert_close(mixture(x), expected, rtol=0, atol=1e-12)
    assert len(set(chosen.tolist())) > 1


def test_a_mixture_of_all_experts_is_their_average_weighted_by_the_router():
    experts = [FeedForward(3, 4) for _ in range(3)]
    mixture = MixtureOfExperts(3, experts, top_k=3).double()
    x = torch.randn(2, 5, 3).double()
    weights = F.softmax(mixture.router(x), dim=-1)
    expected = sum(weights[..., i, None] * expert(x) for i, expert in enumerate(experts))
    torch.testing.assert_close(mixture(x), expected, rtol=0, atol=1e-12)


def test_the_balance_loss_equals_those_of_switch_and_mixtral():
    logits = torch.randn(50, 4)
    probabilities = F.softmax(logits, dim=-1)
    chosen = probabilities.argmax(dim=-1)
    theirs = switch_loss(probabilities[None], chosen[None, :, None])
    torch.testing.assert_close(balance_loss(probabilities), theirs, rtol=0, atol=1e-6)
    for top_k in (1, 2, 3):
        theirs = load_balancing_loss_func((logits,), 4, top_k) / top_k  # they add up the choices
        torch.testing.assert_close(balance_loss(probabilities, top_k), theirs, rtol=0, atol=1e-6)


def test_the_balance_loss_is_one_where_even_and_the_number_of_experts_at_worst():
    even = torch.eye(4).repeat(3, 1).double()
    assert balance_loss(even).item() == pytest.approx(1.0)
    assert balance_loss(torch.eye(4)[[2, 2, 2]].double()).item() == pytest.approx(4.0)


def test_the_balance_loss_evens_out_a_router():
    gpt = GPT(
        GPTConfig.gpt2(
            vocab_size=9,
            context_length=12,
            width=8,
            n_layers=2,
            n_heads=2,
            n_experts=4,
            top_k=1,
            initial_scale=1.0,
        ),
        torch.Generator().manual_seed(0),
    )
    routers = [block.feed_forward.router.weight for block in gpt.blocks]
    optimizer = torch.optim.Adam(routers, lr=0.05)
    ids = torch.randint(9, (4, 12))
    losses = []
    for _ in range(40):
        with router_probabilities(gpt) as seen:
            gpt(ids)
        assert [tuple(probabilities.shape) for probabilities in seen] == [(48, 4)] * 2
        loss = sum(map(balance_loss, seen))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 2.2 < losses[0]  # evenly in both layers would be 2
    gpt(ids)
    assert len(seen) == 2  # nobody listens any more


def test_a_mixture_that_nobody_visits_in_part_still_answers():
    mixture = MixtureOfExperts(2, [nn.Linear(2, 2) for _ in range(5)])
    assert mixture(torch.randn(1, 2)).shape == (1, 2)


@pytest.mark.parametrize("top_k", [0, 3])
def test_nonsense_is_refused_in_one_sentence(top_k):
    with pytest.raises(ValueError, match=f"each token shall visit {top_k} of 2 experts"):
        MixtureOfExperts(2, [nn.Linear(2, 2), nn.Linear(2, 2)], top_k)
