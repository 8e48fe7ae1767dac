"""A search finds the texts that transformers finds, and with enough beams the best of all."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_book.generation.answering import Answering
from llm_book.generation.beam import BeamSearch, beam_search
from llm_book.generation.sampling import GREEDY, generate
from tests.generation.models import Toy, counted, padded
from tests.generation.peers import KINDS, VOCAB, both, theirs_generate

EARLY = {"estimate": False, "full": True, "certain": "never"}
ENDS = {"none": None, "one": 7, "several": list(range(3, 60, 6))}


def assert_same_as_transformers(kind, beams, count, rule, penalty, end, lengths=None, cached=True):
    theirs, ours = both(kind)
    ids = torch.randint(VOCAB, (3, 6))
    settings = {} if end is None else {"eos_token_id": end}
    expected = theirs_generate(
        theirs,
        ids,
        lengths,
        max_new_tokens=count,
        do_sample=False,
        num_beams=beams,
        num_return_sequences=beams,
        length_penalty=penalty,
        early_stopping=EARLY[rule],
        **settings,
    )
    found = beam_search(
        ours,
        ids,
        count,
        BeamSearch(beams, penalty, stop=rule),
        end=end,
        lengths=lengths,
        cached=cached,
    )
    scores = expected.sequences_scores.reshape(3, beams)
    torch.testing.assert_close(found.scores.float(), scores, rtol=0, atol=1e-4)
    rows = expected.sequences[:, 6:].reshape(3, beams, -1)
    ends = {end} if isinstance(end, int) else set(end or ())
    for row, place in itertools.product(range(3), range(beams)):
        text = rows[row, place].tolist()
        stop = next((i for i, token in enumerate(text) if token in ends), len(text))
        n = int(found.lengths[row, place])
        assert found.ids[row, place, :n].tolist() == text[:stop]
        assert not found.ids[row, place, n:].any()
        assert bool(found.ended[row, place]) == (stop < len(text))
    return found


@pytest.mark.parametrize("rule", EARLY)
@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("kind", KINDS)
def test_tokens_and_scores_are_those_of_transformers(kind, ends, rule):
    found = assert_same_as_transformers(kind, 4, 12, rule, 1.0, ENDS[ends])
    assert found.ended.any() or ends != "several"


@pytest.mark.parametrize("penalty", [-1.0, 0.0, 0.6, 2.5])
@pytest.mark.parametrize("rule", EARLY)
def test_so_they_are_with_any_length_penalty(rule, penalty):
    assert_same_as_transformers("gpt2", 5, 15, rule, penalty, list(range(12)))


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("beams", [2, 3, 7])
def test_so_they_are_for_prompts_of_different_lengths(beams, cached):
    lengths = torch.tensor([6, 2, 4])
    assert_same_as_transformers(
        "llama grouped", beams, 9, "estimate", 1.0, [5, 9, 30], lengths, cached
    )


@pytest.mark.parametrize("count", [1, 2])
def test_short_searches_are_those_of_transformers_too(count):
    assert_same_as_transformers("gpt2", 3, count, "estimate", 1.0, [1, 2, 3, 4, 5])


def all_texts(model, prompt, count, end, search, vocab_size=4):
    """Every text there is, best first: (score, ids, ended)."""
    found = []

    def grow(ids, total):
        if len(ids) == count:
            found.append((search.score(total, len(ids)), ids, False))
            return
        logits = model(torch.tensor([[*prompt, *ids]]))[0, -1].log_softmax(-1).tolist()
        for token in range(vocab_size):
            if token == end:
                score = search.score(total + logits[token], len(ids) + 1)
                found.append((score, ids, True))
            else:
                grow((*ids, token), total + logits[token])

    grow((), 0.0)
    return sorted(found, key=lambda text: -text[0])


@pytest.mark.parametrize("norm", ["length", "gnmt"])
@given(
    prompt=st.lists(st.integers(0, 3), min_size=1, max_size=4),
    count=st.integers(1, 4),
    end=st.none() | st.integers(0, 3),
    penalty=st.sampled_from([-0.7, 0.0, 0.8, 1.0, 1.9]),
    seed=st.integers(0, 50),
)
def test_with_enough_beams_it_finds_the_best_of_all_texts(norm, prompt, count, end, penalty, seed):
    model = Toy(4, seed=seed).double()
    search = BeamSearch(260, penalty, norm, "certain")
    found = beam_search(model, torch.tensor([prompt]), count, search, end=end)
    expected = all_texts(model, prompt, count, end, search)
    for place, (score, ids, ended) in enumerate(expected):
        assert found.scores[0, place].item() == pytest.approx(score, abs=1e-9)
        assert found.ids[0, place, : found.lengths[0, place]].tolist() == list(ids)
        assert bool(found.ended[0, place]) == ended
    assert (found.scores[0, len(expected) :] == -torch.inf).all()
    assert not found.lengths[0, len(expected) :].any()


@given(
    prompts=st.lists(st.lists(st.integers(0, 10), min_size=1, max_size=5), min_size=1, max_size=3),
    beams=st.integers(1, 4),
    count=st.integers(1, 6),
)
def test_a_prompt_in_a_batch_finds_what_it_finds_alone(prompts, beams, count):
    model, search = Toy().double(), BeamSearch(beams)
    ids, lengths = padded(prompts, fill=10)
    together = beam_search(model, ids, count, search, end=2, lengths=lengths)
    for row, prompt in enumerate(prompts):
        alone = beam_search(model, torch.tensor([prompt]), count, search, end=2)
        torch.testing.assert_close(together.scores[row], alone.scores[0], rtol=0, atol=1e-12)
        assert torch.equal(together.lengths[row], alone.lengths[0])
        width = alone.ids.shape[-1]
        assert torch.equal(together.ids[row, :, :width], alone.ids[0])


@given(seed=st.integers(0, 30), count=st.integers(1, 6), beams=st.integers(1, 4))
def test_cached_is_uncached_and_one_beam_is_greedy(seed, count, beams):
    model = Toy(seed=seed).double()
    ids = torch.tensor([[3, 1], [0, 9]])
    search = BeamSearch(beams)
    cached = beam_search(model, ids, count, search, end=4)
    plain = beam_search(model, ids, count, search, end=4, cached=False)
    assert torch.equal(cached.ids, plain.ids)
    torch.testing.assert_close(cached.scores, plain.scores, rtol=0, atol=1e-12)
    greedy = generate(model, ids, count, GREEDY).new
    narrow = beam_search(model, ids, count, BeamSearch(1))
    assert narrow.ids[:, 0].tolist() == [list(row) for row in greedy]


def test_a_score_is_the_sum_of_log_probabilities_over_a_power_of_the_length():
    model = Toy().double()
    found = beam_search(model, torch.tensor([[5]]), 6, BeamSearch(3, 0.7), end=2)
    gnmt = beam_search(model, torch.tensor([[5]]), 6, BeamSearch(3, 0.7, "gnmt"), end=2)
    for beams, norm in ((found, lambda n: n**0.7), (gnmt, lambda n: ((5 + n) / 6) ** 0.7)):
        for place in range(3):
            n, ended = int(beams.lengths[0, place]), bool(beams.ended[0, place])
            text = [5, *beams.ids[0, place, :n].tolist(), *([2] if ended else [])]
            logits = model(torch.tensor([text]))[0].log_softmax(-1)
            total = sum(logits[i, token].item() for i, token in enumerate(text[1:]))
            score = total / norm(len(text) - 1)
            assert beams.scores[0, place].item() == pytest.approx(score, abs=1e-9)


def test_only_a_search_that_would_be_certain_looks_at_the_longest_text():
    for penalty in (0.5, 1.0, 2.0):
        assert BeamSearch(2, penalty, stop="certain").bound(-6.0, 2, 9) == -6.0 / 9**penalty
        assert BeamSearch(2, penalty).bound(-6.0, 2, 9) == -6.0 / 2**penalty
    for penalty in (-0.5, 0.0):
        assert BeamSearch(2, penalty, stop="certain").bound(-6.0, 2, 9) == -6.0 / 2**penalty
    assert BeamSearch() == BeamSearch(4, 1.0, "length", "estimate")


def test_scores_come_best_first():
    found = beam_search(Toy(), torch.tensor([[5], [1]]), 6, BeamSearch(4), end=2)
    assert (found.scores.diff(dim=-1) <= 0).all()


def test_a_search_that_is_over_reads_no_more():
    model = Toy()
    first = model(torch.tensor([[5]]))[0, -1].argsort(descending=True)[:2].tolist()
    model.read.clear()
    found = beam_search(model, torch.tensor([[5]]), 8, BeamSearch(2, stop="full"), end=first)
    assert model.read == [(2, 1)]
    assert found.ended.all() and not found.lengths.any()
    assert found.ids.shape == (1, 2, 0)


def test_where_every_text_has_ended_the_search_ends_with_fewer():
    read = []

    def only_end(ids):
        read.append(ids.shape)
        logits = torch.full((*ids.shape, 3), -torch.inf)
        logits[..., 1] = 0.0
        return logits

    found = beam_search(only_end, torch.tensor([[0]]), 5, BeamSearch(3), end=1)
    assert found.scores.tolist() == [[0.0, -math.inf, -math.inf]]
    assert found.ended.tolist() == [[True, False, False]]
    assert len(read) == 1


class Answers:
    """Says its source from the back, whatever has been said; states are the source itself."""

    def encode(self, source, source_lengths=None):
        self.encoded_lengths = source_lengths
        return source

    def decode(self, inputs, states, source_lengths=None, cache=None):
        assert (source_lengths is None) == (self.encoded_lengths is None)
        assert source_lengths is None or source_lengths.tolist() == states[:, 0].tolist()
        turned = states.flip(1)[:, : inputs.shape[1]]
        return torch.nn.functional.one_hot(turned, 9).float() * 5

    def __init__(self):
        self.config = type("Config", (), {"context_length": 7})

    training = False


def test_an_encoder_decoder_is_searched_with_its_source_repeated_for_each_beam():
    sources = torch.tensor([[1, 2, 3], [4, 5, 6]])
    model = Answering(Answers(), sources)
    start = torch.zeros(2, 1).long()
    found = beam_search(model, start, 3, BeamSearch(3), cached=False)
    assert found.ids[:, 0].tolist() == [[3, 2, 1], [6, 5, 4]]
    assert generate(model, start, 3, GREEDY, cached=False).new == ((3, 2, 1), (6, 5, 4))
    with pytest.raises(ValueError, match="3 targets came for 2 sources; give each source the same"):
        model(torch.zeros(3, 1).long())
    with pytest.raises(ValueError, match="do not fit in a context of 7"):
        beam_search(model, start, 8, cached=False)


@pytest.mark.parametrize("beams", [1, 2, 3])
def test_the_lengths_of_the_sources_are_repeated_with_them(beams):
    sources = torch.tensor([[1, 2, 3], [2, 5, 6]])
    model = Answering(Answers(), sources, sources[:, 0])
    found = beam_search(model, torch.zeros(2, 1).long(), 3, BeamSearch(beams), cached=False)
    assert found.ids[:, 0].tolist() == [[3, 2, 1], [6, 5, 2]]


def test_a_context_that_is_just_filled_is_not_exceeded():
    model = Toy(context_length=9)
    ids = torch.zeros(1, 4).long()
    assert beam_search(model, ids, 6).lengths.tolist() == [[6, 6, 6, 6]]
    with pytest.raises(ValueError, match="4 tokens and 7 new ones do not fit in a context of 9"):
        beam_search(model, ids, 7)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"beams": 0}, "beams is 0; a search needs at least 1"),
        ({"norm": "mean"}, "norm 'mean' is unknown; choose one of length, gnmt"),
        ({"stop": "never"}, "stop 'never' is unknown; choose one of estimate, full, certain"),
        ({"length_penalty": math.nan}, "length_penalty is nan; it must be a finite number"),
        ({"length_penalty": math.inf}, "length_penalty is inf"),
        ({"length_penalty": -math.inf}, "length_penalty is -inf"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        BeamSearch(**settings)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"ids": torch.zeros(3).long()}, "a batch of prompts is"),
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"lengths": torch.tensor([9])}, "lengths go from 9 to 9"),
        ({"end": -4}, r"end tokens \(-4,\) came"),
        ({"model": lambda ids: torch.full((*ids.shape, 5), torch.nan)}, "logits are nan"),
        ({"model": lambda ids: torch.zeros(len(ids), 5)}, "wants .batch, time, vocab"),
    ],
)
def test_what_cannot_be_searched_is_refused(arguments, sentence):
    given = {"model": counted(), "ids": torch.zeros(1, 3).long(), "max_new_tokens": 3} | arguments
    with pytest.raises(ValueError, match=sentence):
        beam_search(**given)
