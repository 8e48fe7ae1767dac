"""Texts written token by token: by any callable, with a cache or without, as transformers does."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare
from torch import nn

from llm_book.generation.cache import CacheReader, PlainReader, reader_of
from llm_book.generation.sampling import (
    GREEDY,
    Generated,
    Sampling,
    Stopping,
    generate,
    sample_tokens,
    stream_tokens,
)
from llm_book.shapes import IGNORE
from tests.generation.models import Toy, counted, padded
from tests.generation.peers import KINDS, VOCAB, both, theirs_generate

PROMPTS = st.lists(st.lists(st.integers(0, 10), min_size=1, max_size=6), min_size=1, max_size=4)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def texts_of(answer: Generated):
    return [row[:n].tolist() for row, n in zip(answer.ids, answer.lengths.tolist(), strict=True)]


def test_any_callable_goes_on():
    answer = generate(counted(7), torch.tensor([[3, 4], [1, 2]]), 4, GREEDY)
    assert answer.new == ((5, 6, 0, 1), (3, 4, 5, 6))
    assert texts_of(answer) == [[3, 4, 5, 6, 0, 1], [1, 2, 3, 4, 5, 6]]
    assert answer.reasons == ("length", "length")
    assert answer.texts == ("", "")


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_greedy_is_that_of_transformers_token_for_token(kind, cached):
    theirs, ours = both(kind)
    ids = torch.randint(VOCAB, (3, 7))
    expected = theirs_generate(theirs, ids, max_new_tokens=50, do_sample=False).sequences
    answer = generate(ours, ids, 50, GREEDY, cached=cached)
    assert torch.equal(answer.ids, expected)
    assert len(set(answer.ids[0].tolist())) > 5  # it says something


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_prompts_of_different_lengths_are_gone_on_from_as_transformers_does(kind, cached):
    theirs, ours = both(kind)
    ids, lengths = torch.randint(VOCAB, (4, 9)), torch.tensor([9, 1, 4, 6])
    expected = theirs_generate(theirs, ids, lengths, max_new_tokens=20, do_sample=False)
    answer = generate(ours, ids, 20, GREEDY, lengths=lengths, cached=cached)
    assert torch.equal(torch.tensor(answer.new), expected.sequences[:, 9:])
    assert torch.equal(answer.lengths, lengths + 20)


@pytest.mark.parametrize("kind", KINDS)
def test_the_end_token_ends_where_it_does_in_transformers(kind):
    theirs, ours = both(kind)
    ids = torch.randint(VOCAB, (5, 4))
    free = generate(ours, ids, 30, GREEDY).new
    end = free[0][7]
    expected = theirs_generate(
        theirs, ids, max_new_tokens=30, do_sample=False, eos_token_id=end
    ).sequences[:, 4:]
    answer = generate(ours, ids, 30, GREEDY, Stopping(end=end))
    for row, theirs_row, reason in zip(answer.new, expected.tolist(), answer.reasons, strict=True):
        cut = theirs_row.index(end) if end in theirs_row else len(theirs_row)
        assert list(row) == theirs_row[:cut]
        assert reason == ("end" if end in theirs_row else "length")
    assert answer.reasons[0] == "end"


def test_a_penalty_on_repetition_is_that_of_transformers():
    theirs, ours = both("gpt2")
    ids, lengths = torch.randint(VOCAB, (3, 5)), torch.tensor([5, 5, 5])
    expected = theirs_generate(
        theirs, ids, max_new_tokens=30, do_sample=False, repetition_penalty=1.8
    ).sequences
    for given_lengths in (None, lengths):
        answer = generate(
            ours, ids, 30, Sampling(temperature=0, repetition_penalty=1.8), lengths=given_lengths
        )
        assert torch.equal(answer.ids, expected)


@given(
    prompts=PROMPTS,
    count=st.integers(1, 9),
    temperature=st.sampled_from([0.0, 0.7, 1.3]),
    penalty=st.sampled_from([1.0, 1.4]),
    fill=st.integers(-200, 300),
)
def test_cached_is_uncached_whatever_stands_in_the_pads(prompts, count, temperature, penalty, fill):
    ids, lengths = padded(prompts, fill)
    clean, _ = padded(prompts)
    model = Toy().double()
    sampling = Sampling(temperature, repetition_penalty=penalty)
    cached = generate(model, ids, count, sampling, generator=seeded(), lengths=lengths)
    plain = generate(
        model, clean, count, sampling, generator=seeded(), lengths=lengths, cached=False
    )
    assert cached.new == plain.new
    assert torch.equal(cached.ids, plain.ids)


@given(prompts=PROMPTS, count=st.integers(1, 8))
def test_a_row_in_a_batch_is_what_it_is_alone(prompts, count):
    ids, lengths = padded(prompts)
    model = Toy().double()
    together = generate(model, ids, count, GREEDY, lengths=lengths)
    for row, prompt in enumerate(prompts):
        alone = generate(model, torch.tensor([prompt]), count, GREEDY)
        assert together.new[row] == alone.new[0]
        assert texts_of(together)[row] == prompt + list(alone.new[0])


@given(prompts=PROMPTS, first=st.integers(1, 5), second=st.integers(1, 5))
def test_what_was_written_can_be_gone_on_from(prompts, first, second):
    ids, lengths = padded(prompts)
    model = Toy().double()
    whole = generate(model, ids, first + second, GREEDY, lengths=lengths)
    begun = generate(model, ids, first, GREEDY, lengths=lengths)
    rest = generate(model, begun.ids, second, GREEDY, lengths=begun.lengths)
    assert torch.equal(rest.ids, whole.ids)
    assert torch.equal(rest.lengths, whole.lengths)


def test_a_cached_step_reads_the_newest_token_only():
    model = Toy()
    generate(model, torch.zeros(2, 5).long(), 4, GREEDY)
    assert model.read == [(2, 5), (2, 1), (2, 1), (2, 1)]
    model.read.clear()
    generate(model, torch.zeros(2, 5).long(), 3, GREEDY, cached=False)
    assert model.read == [(2, 5), (2, 6), (2, 7)]


def test_a_reader_uses_the_cache_unless_told_otherwise():
    assert isinstance(reader_of(Toy(), 1, 4), CacheReader)
    assert isinstance(reader_of(Toy(), 1, 4, cached=False), PlainReader)
    assert isinstance(reader_of(counted(), 1, 4), PlainReader)


def test_nothing_is_read_after_the_last_row_has_ended():
    model = Toy()
    first = generate(model, torch.tensor([[1], [1]]), 1, GREEDY).new[0][0]
    model.read.clear()
    answer = generate(model, torch.tensor([[1], [1]]), 9, GREEDY, Stopping(end=first))
    assert model.read == [(2, 1)]
    assert answer.new == ((), ())
    assert answer.reasons == ("end", "end")
    assert answer.ids.tolist() == [[1], [1]]


def test_the_same_generator_gives_the_same_text_and_another_another():
    model, ids = Toy(), torch.tensor([[1, 2, 3]])
    texts = [generate(model, ids, 20, generator=seeded(seed)).new for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]


def test_without_a_generator_pytorchs_own_decides():
    model, ids = Toy(), torch.tensor([[1, 2, 3]])
    texts = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        texts.append(generate(model, ids, 20).new)
    assert texts[0] == texts[1] != texts[2]


def test_greedy_takes_nothing_from_the_generator():
    generator = seeded()
    before = generator.get_state()
    generate(Toy(), torch.tensor([[1]]), 5, GREEDY, generator=generator)
    assert torch.equal(generator.get_state(), before)


def test_tokens_are_drawn_with_their_probabilities():
    logits = torch.tensor([0.1, 0.5, 0.0, 0.4]).log()
    drawn = sample_tokens(logits.expand(4000, 4), seeded())
    counts = torch.bincount(drawn, minlength=4)
    assert counts[2] == 0
    found = chisquare(counts[[0, 1, 3]].numpy(), [400, 2000, 1600])
    assert found.pvalue > 0.001


def test_one_token_is_drawn_a_row_whatever_the_leading_axes():
    logits = torch.full((2, 3, 5), -torch.inf)
    wanted = torch.tensor([[0, 1, 2], [4, 3, 2]])
    logits.scatter_(-1, wanted[..., None], 0.0)
    assert torch.equal(sample_tokens(logits, seeded()), wanted)
    assert sample_tokens(logits[0, 1]).item() == 1


def test_sampling_draws_from_what_the_filters_leave():
    model = Toy()
    ids = torch.zeros(200, 1, dtype=torch.int64)
    logits = model(ids)[0, -1]
    best = set(logits.topk(3).indices.tolist())
    new = generate(model, ids, 1, Sampling(temperature=2.0, top_k=3), generator=seeded()).new
    assert {row[0] for row in new} == best


def test_the_stream_gives_the_tokens_of_the_text_and_ignore_after_its_end():
    model = Toy()
    ids, lengths = padded([[1, 2, 3], [4], [9, 8]])
    free = generate(model, ids, 12, GREEDY, lengths=lengths).new
    stopping = Stopping(end=free[0][4])
    whole = generate(model, ids, 12, GREEDY, stopping, lengths=lengths)
    steps = list(stream_tokens(model, ids, 12, GREEDY, stopping, lengths=lengths))
    columns = torch.stack(steps, dim=1)
    for row, new in enumerate(whole.new):
        shown = columns[row].tolist()
        assert shown[: len(new)] == list(new)
        assert set(shown[len(new) :]) <= {IGNORE}
    assert len(steps) == max(len(new) + (len(new) < 12) for new in whole.new)


def test_the_stream_writes_while_it_is_read():
    model = Toy()
    stream = stream_tokens(model, torch.tensor([[1]]), 5, GREEDY)
    assert model.read == []
    next(stream)
    assert len(model.read) == 1
    next(stream)
    assert model.read == [(1, 1), (1, 1)]  # by its cache


def test_gradients_stay_on_in_the_loop_that_reads_the_stream():
    for _ in stream_tokens(Toy(), torch.tensor([[1]]), 2, GREEDY):
        assert torch.is_grad_enabled()
    assert not generate(Toy(), torch.tensor([[1]]), 2, GREEDY).ids.requires_grad


def test_dropout_is_off_while_a_model_reads_and_then_as_it_was():
    class Dropping(nn.Module):
        def __init__(self):
            super().__init__()
            self.outer, self.frozen = nn.Dropout(0.5), nn.Dropout(0.5).eval()

        def forward(self, ids):
            assert not self.outer.training
            return self.outer(counted(7)(ids))

    model = Dropping()
    model.frozen.eval()
    assert generate(model, torch.tensor([[0]]), 6, GREEDY).new == ((1, 2, 3, 4, 5, 6),)
    assert model.training and model.outer.training and not model.frozen.training
    model.eval()
    generate(model, torch.tensor([[0]]), 1, GREEDY)
    assert not model.training


def slid(model, prompt, count, context):
    """The plainest way: show the last tokens, take the best, go on."""
    text = list(prompt)
    for _ in range(count):
        logits = model(torch.tensor([text[-context:]]))
        text.append(int(logits[0, -1].argmax()))
    return tuple(text[len(prompt) :])


@pytest.mark.parametrize("cached", [True, False])
@given(prompts=PROMPTS, count=st.integers(1, 9), context=st.integers(1, 8))
def test_a_sliding_context_forgets_the_oldest_tokens(cached, prompts, count, context):
    ids, lengths = padded(prompts)
    model = Toy(context_length=context).double()
    answer = generate(model, ids, count, GREEDY, lengths=lengths, slide=True, cached=cached)
    assert answer.new == tuple(slid(model, prompt, count, context) for prompt in prompts)


def test_prompts_of_one_length_slide_too():
    model = Toy(context_length=4).double()
    ids = torch.randint(11, (3, 6))
    answer = generate(model, ids, 5, GREEDY, slide=True)
    assert answer.new == tuple(slid(model, row.tolist(), 5, 4) for row in ids)


@pytest.mark.parametrize("kind", KINDS)
def test_our_gpt_slides_past_its_context(kind):
    _, ours = both(kind, context_length=12)
    ids = torch.randint(VOCAB, (2, 10))
    answer = generate(ours, ids, 8, GREEDY, slide=True)
    assert answer.new == tuple(slid(ours, row.tolist(), 8, 12) for row in ids)


def test_a_shorter_context_than_the_models_can_be_asked_for():
    model = Toy(context_length=50).double()
    ids = torch.randint(11, (1, 6))
    answer = generate(model, ids, 5, GREEDY, slide=True, context_length=3)
    assert answer.new == (slid(model, ids[0].tolist(), 5, 3),)
    for context in (1, 50):
        answer = generate(model, ids, 5, GREEDY, slide=True, context_length=context)
        assert answer.new == (slid(model, ids[0].tolist(), 5, context),)


def test_a_context_that_is_just_filled_is_not_exceeded():
    model = Toy(context_length=9)
    ids = torch.zeros(1, 4).long()
    assert len(generate(model, ids, 6, GREEDY).new[0]) == 6
    with pytest.raises(ValueError, match="4 tokens and 7 new ones do not fit in a context of 9"):
        generate(model, ids, 7, GREEDY)


def test_the_context_may_be_said_by_the_model_itself():
    model = counted(7)
    model.context_length = 3
    with pytest.raises(ValueError, match="do not fit in a context of 3"):
        generate(model, torch.tensor([[0, 1]]), 3, GREEDY)


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"ids": torch.zeros(5).long()}, ValueError, r"shape \(5,\) came; a batch of prompts is"),
        ({"ids": torch.zeros(1, 0).long()}, ValueError, "hold no token to go on from; begin with"),
        ({"ids": torch.zeros(0, 3).long()}, ValueError, "hold no token to go on from"),
        ({"max_new_tokens": 0}, ValueError, "max_new_tokens is 0; ask for at least 1"),
        ({"lengths": torch.tensor([2])}, ValueError, r"lengths of shape \(1,\) came with 2 texts"),
        ({"lengths": torch.tensor([0, 3])}, ValueError, "lengths go from 0 to 3, but ids hold"),
        ({"lengths": torch.tensor([4, 3])}, ValueError, "lengths go from 3 to 4, but ids hold"),
        ({"max_new_tokens": 30}, ValueError, "3 tokens and 30 new ones do not fit in a context"),
        ({"context_length": 0}, ValueError, "context_length is 0; it must be from 1"),
        ({"context_length": 21}, ValueError, "context_length is 21; .* look at, 20"),
    ],
)
@pytest.mark.parametrize("writes", [generate, stream_tokens])
def test_what_cannot_be_written_is_refused_at_the_call(writes, arguments, error, sentence):
    settings = {"ids": torch.zeros(2, 3).long(), "max_new_tokens": 4} | arguments
    with pytest.raises(error, match=sentence):
        writes(Toy(context_length=20), **settings)


def test_a_context_of_a_model_without_limit_must_be_one():
    with pytest.raises(ValueError, match=r"context_length is -2; .* here without limit"):
        generate(counted(), torch.tensor([[0]]), 1, context_length=-2)


@pytest.mark.parametrize(
    "model", [lambda ids: torch.zeros(len(ids), 5), lambda ids: torch.zeros(len(ids), 1, 5)]
)
def test_a_model_that_gives_no_logits_for_each_token_is_refused(model):
    with pytest.raises(ValueError, match=r"the model gave logits of shape .* wants .batch, time"):
        generate(model, torch.zeros(2, 3).long(), 2)


def test_logits_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="the largest logit of a row is nan"):
        generate(lambda ids: torch.full((*ids.shape, 4), torch.nan), torch.tensor([[0]]), 2)
    with pytest.raises(ValueError, match="the largest logit of a row is nan"):
        sample_tokens(torch.tensor([0.0, torch.nan]))
