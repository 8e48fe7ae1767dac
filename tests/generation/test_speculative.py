"""What is written with proposals is what the large model writes alone."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from llm_book.generation.sampling import GREEDY, Sampling, Stopping, generate
from llm_book.generation.speculative import Speculated, acceptance, correction, speculate
from tests.generation.models import Toy, counted
from tests.generation.peers import KINDS, VOCAB, both


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@given(
    prompt=st.lists(st.integers(0, 10), min_size=1, max_size=5),
    count=st.integers(1, 12),
    ahead=st.integers(1, 6),
    seed=st.integers(0, 20),
    cached=st.booleans(),
)
def test_greedy_is_greedy_whoever_proposes(prompt, count, ahead, seed, cached):
    model, ids = Toy().double(), torch.tensor([prompt])
    expected = generate(model, ids, count, GREEDY).new[0]
    # Like the model, and yet another: some proposals are kept, some are not.
    draft = Toy().double()
    draft.table.data += 0.5 * Toy(seed=seed).double().table.data
    found = speculate(model, draft, ids, count, GREEDY, ahead=ahead, cached=cached)
    assert found.new == expected
    assert 0 <= found.accepted <= found.proposed
    assert found.accepted + found.looks == count


@pytest.mark.parametrize("kind", KINDS)
def test_our_gpt_writes_the_same_with_a_smaller_one_ahead(kind):
    _, ours = both(kind)
    _, draft = both(kind, seed=1)
    ids = torch.randint(VOCAB, (1, 5))
    expected = generate(ours, ids, 30, GREEDY).new[0]
    assert speculate(ours, draft, ids, 30, GREEDY).new == expected
    own = speculate(ours, ours, ids, 30, GREEDY)
    assert own.new == expected
    assert own.accepted_share == 1
    assert own.looks == 6  # four proposals and one of its own a turn


def bigrams(seed):
    """Three tokens; what comes next depends on the last one and on how many there were."""
    table = torch.randn(3, 3, generator=seeded(seed))
    return lambda ids: table[ids] + 0.3 * table[ids].cumsum(1)


def chances(model, prompt, count, sampling):
    """The probability of every text of ``count`` tokens."""
    table = {}
    for text in itertools.product(range(3), repeat=count):
        chance = 1.0
        for place, token in enumerate(text):
            read = torch.tensor([*prompt, *text[:place]])
            logits = sampling.filter(model(read[None])[0, -1], read)
            chance *= logits.softmax(-1)[token].item()
        table[text] = chance
    return table


@pytest.mark.parametrize(
    ("sampling", "ahead"),
    [
        (Sampling(), 1),
        (Sampling(1.4, top_p=0.9, repetition_penalty=1.5), 2),
        (Sampling(0.7, top_k=2), 4),
    ],
)
def test_texts_come_with_the_probability_they_have_for_the_model_alone(sampling, ahead):
    model, draft, prompt = bigrams(0), bigrams(3), [1, 2]
    generator, n = seeded(), 400
    expected = chances(model, prompt, 3, sampling)
    counts = dict.fromkeys(expected, 0)
    ids = torch.tensor([prompt])
    kept = made = 0
    for _ in range(n):
        found = speculate(model, draft, ids, 3, sampling, ahead=ahead, generator=generator)
        counts[found.new] += 1
        kept, made = kept + found.accepted, made + found.proposed
    assert 0 < kept < made
    assert all(counts[text] == 0 for text, chance in expected.items() if chance == 0)
    often = [text for text, chance in expected.items() if n * chance >= 5]
    seen = [counts[text] for text in often]
    wanted = [n * expected[text] for text in often]
    if n - sum(wanted) > 1e-6:
        seen, wanted = [*seen, n - sum(seen)], [*wanted, n - sum(wanted)]
    assert chisquare(seen, wanted, sum_check=False).pvalue > 0.001


def test_a_refused_token_is_replaced_from_what_the_draft_says_too_rarely():
    wanted, proposed = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.7, 0.1])
    assert acceptance(wanted, proposed, 0) == 1
    assert acceptance(wanted, proposed, 1) == pytest.approx(3 / 7)
    expected = torch.tensor([0.75, 0.0, 0.25])
    torch.testing.assert_close(correction(wanted, proposed).softmax(-1), expected)


def test_the_share_that_is_kept_is_the_overlap_of_the_two_distributions():
    p, q = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.2, 0.6])
    generator = seeded()
    kept = made = 0
    for _ in range(600):
        found = speculate(
            lambda ids: p.log().expand(*ids.shape, 3),
            lambda ids: q.log().expand(*ids.shape, 3),
            torch.tensor([[0]]),
            2,
            ahead=1,
            generator=generator,
        )
        kept, made = kept + found.accepted, made + found.proposed
    overlap = float(torch.minimum(p, q).sum())  # Leviathan et al., corollary 3.6
    assert kept / made == pytest.approx(overlap, abs=4 * (overlap * (1 - overlap) / made) ** 0.5)


def test_the_large_model_is_asked_once_a_turn_and_reads_what_is_new():
    model, draft = Toy(), Toy()
    found = speculate(model, draft, torch.tensor([[1, 2, 3]]), 10, GREEDY, ahead=4)
    assert model.read == [(1, 2), (1, 5), (1, 5)]
    assert (found.looks, found.proposed, found.accepted) == (2, 8, 8)
    # The draft has read all but its last proposal, and then the large model's own token too.
    assert draft.read == [(1, 2), *[(1, n) for n in (1, 2, 3, 4, 2, 3, 4, 5)]]
    model.read.clear()
    assert speculate(model, draft, torch.tensor([[1]]), 1, GREEDY).proposed == 0
    assert model.read == [(1, 1)]


def test_chance_comes_from_the_generator():
    model, draft, ids = Toy(), Toy(seed=1), torch.tensor([[1, 2]])
    texts = [speculate(model, draft, ids, 20, generator=seeded(s)).new for s in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]
    torch.manual_seed(0)
    first = speculate(model, draft, ids, 20).new
    torch.manual_seed(0)
    assert speculate(model, draft, ids, 20).new == first


@pytest.mark.parametrize("ahead", [1, 3, 5])
def test_a_text_ends_at_its_stop_and_nothing_after_it_is_kept(ahead):
    ids = torch.tensor([[0]])
    found = speculate(counted(9), counted(9), ids, 8, GREEDY, Stopping(end=4), ahead=ahead)
    assert (found.new, found.reason) == ((1, 2, 3), "end")
    stopping = Stopping(strings="34", decode=lambda ids: "".join(map(str, ids)))
    found = speculate(counted(9), counted(9), ids, 8, GREEDY, stopping, ahead=ahead)
    assert (found.new, found.text, found.reason) == ((1, 2), "12", "string")


def test_no_proposal_is_no_share():
    assert Speculated((), "", "length", 0, 0, 1).accepted_share == 0
    assert Speculated((), "", "length", 1, 1, 1).accepted_share == 1
    assert Speculated((), "", "length", 8, 2, 1).accepted_share == 0.25


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"ids": torch.zeros(2, 3).long()}, r"2 prompts came; speculation writes one text: ids"),
        ({"ids": torch.zeros(3).long()}, "a batch of prompts is"),
        ({"ahead": 0}, "ahead is 0; propose at least 1 token a turn"),
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"max_new_tokens": 14}, "3 tokens and 14 new ones do not fit in a context of 15"),
        ({"draft": counted(12)}, "the draft's vocabulary has 12 tokens and the model's 11"),
        ({"draft": Toy(context_length=6)}, "do not fit in a context of 6"),
    ],
)
def test_what_cannot_be_speculated_on_is_refused(arguments, sentence):
    given = {"model": Toy(context_length=15), "draft": Toy(), "ids": torch.zeros(1, 3).long()}
    with pytest.raises(ValueError, match=sentence):
        speculate(**{**given, "max_new_tokens": 9, **arguments})


def test_a_context_that_is_just_filled_is_not_exceeded():
    model = Toy(context_length=15)
    assert len(speculate(model, Toy(), torch.zeros(1, 3).long(), 13, GREEDY).new) == 13
