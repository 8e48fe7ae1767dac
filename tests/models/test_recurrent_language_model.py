"""A recurrent language model reads on from a state as if it had never stopped."""

import pytest
import torch
from torch import nn

from llm_book.generation.beam import BeamSearch, beam_search
from llm_book.generation.sampling import GREEDY, generate
from llm_book.generation.speculative import speculate
from llm_book.models.recurrent import CELLS, copy_from_torch
from llm_book.models.recurrent_language_model import RecurrentLM, RecurrentLMConfig, pieces
from llm_book.models.recurrent_state import StateCache

VOCAB = 13


def small(cell="gru", **changes):
    settings = {"embedding_width": 6, "width": 8, "layers": 2, "cell": cell} | changes
    return RecurrentLM(RecurrentLMConfig(VOCAB, **settings)).double()


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_the_logits_are_embedding_torchs_layers_and_head(kind):
    model = small(kind)
    theirs = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[kind](6, 8, 2, batch_first=True)
    theirs = theirs.double()
    copy_from_torch(model.recurrent, theirs)
    ids = torch.randint(VOCAB, (3, 7))
    states = theirs(model.embedding.weight[ids])[0]
    expected = states @ model.head.weight.T + model.head.bias
    torch.testing.assert_close(model(ids), expected, rtol=0, atol=1e-10)


ENGINES = [(kind, "ours") for kind in sorted(CELLS)] + [("lstm", "torch"), ("gru", "torch")]


@pytest.mark.parametrize(("kind", "engine"), ENGINES)
def test_reading_in_chunks_of_any_length_a_row_is_reading_at_once(kind, engine):
    model = small(kind, engine=engine)
    ids = torch.randint(VOCAB, (3, 9))
    expected = model(ids)
    cache, row = model.new_cache(3, 9), torch.arange(3)
    for time, by in (
        (3, [0, 3, 1]),
        (2, 2),
        (1, [1, 0, 1]),
        (4, [3, 4, 0]),
        (2, 0),
        (1, [0, 0, 1]),
    ):
        places = (cache.lengths[:, None] + torch.arange(time)).clamp(max=8)
        logits = model(ids[row[:, None], places], cache)
        taken = torch.tensor([by] * 3 if isinstance(by, int) else by)
        for i, n in enumerate(taken.tolist()):
            torch.testing.assert_close(
                logits[i, :n], expected[i, places[i, :n]], rtol=0, atol=1e-12
            )
        before = cache.lengths
        cache.advance(by if isinstance(by, int) else taken)
        assert torch.equal(cache.lengths, before + taken)
    assert cache.lengths.tolist() == [6, 9, 5]


def test_it_writes_the_same_with_its_memory_and_without():
    model = small()
    ids, lengths = torch.randint(VOCAB, (3, 5)), torch.tensor([3, 5, 1])
    answers = [
        generate(model, ids, 6, GREEDY, lengths=lengths, cached=cached).new
        for cached in (True, False)
    ]
    assert answers[0] == answers[1]
    found = [
        beam_search(model, ids, 5, BeamSearch(3), end=0, lengths=lengths, cached=cached)
        for cached in (True, False)
    ]
    assert torch.equal(found[0].ids, found[1].ids)
    torch.testing.assert_close(found[0].scores, found[1].scores, rtol=0, atol=1e-10)
    first = ids[:1, :3]
    assert speculate(model, small(), first, 6, GREEDY).new == answers[0][0]


def test_a_tied_head_is_the_table_and_an_untied_one_is_not():
    tied, untied = small(width=6, tied=True), small()
    assert tied.head.weight is tied.embedding.weight
    assert untied.head.weight.shape == (VOCAB, 8)
    assert tied.embedding.weight.std() < 0.8  # logits begin near one another
    model = RecurrentLM(RecurrentLMConfig(4000, width=64, tied=True))
    assert model.embedding.weight.std().item() == pytest.approx(1 / 8, rel=0.02)


def test_it_knows_one_text_by_heart():
    torch.manual_seed(0)
    model = small(width=24).float()
    ids = torch.randint(VOCAB, (2, 12))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(60):
        loss = nn.functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.35


def test_pieces_are_the_text_and_gradients_stay_in_their_piece():
    model = small()
    ids = torch.randint(VOCAB, (2, 10))
    found = list(pieces(model, ids, 4))
    assert [(place.start, place.stop) for place, _ in found] == [(0, 4), (4, 8), (8, 10)]
    logits = torch.cat([logits for _, logits in found], dim=1)
    torch.testing.assert_close(logits, model(ids), rtol=0, atol=1e-12)
    # What the second piece's loss teaches is what it would teach with a constant state before it.
    begin = model.recurrent.run(model.embedding(ids[:, :4]))[1]
    begin = tuple(part.detach() for part in begin)
    states = model.recurrent.run(model.embedding(ids[:, 4:8]), state=begin)[0]
    wanted = torch.autograd.grad(model.head(states).square().sum(), list(model.parameters()))
    mine = torch.autograd.grad(found[1][1].square().sum(), list(model.parameters()))
    for a, b in zip(mine, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def test_dropout_stands_before_between_and_after_the_layers():
    model = small(dropout=0.5)
    assert (model.drop.p, model.recurrent.drop.p) == (0.5, 0.5)
    ids = torch.randint(VOCAB, (1, 5))
    assert not torch.equal(model(ids), model(ids))
    torch.manual_seed(3)
    vectors = nn.functional.dropout(model.embedding(ids), 0.5)
    expected = model.head(nn.functional.dropout(model.recurrent(vectors), 0.5))
    torch.manual_seed(3)
    assert torch.equal(model(ids), expected)


def test_the_sizes_that_are_not_said_are_the_books():
    expected = RecurrentLMConfig(9, 64, 64, 1, "gru", 0.0, False, "ours")
    assert RecurrentLMConfig(9) == expected
    assert RecurrentLM(RecurrentLMConfig(1))(torch.zeros(1, 2).long()).shape == (1, 2, 1)


def test_pieces_may_be_single_tokens():
    model, ids = small(), torch.randint(VOCAB, (2, 3))
    logits = torch.cat([logits for _, logits in pieces(model, ids, 1)], dim=1)
    torch.testing.assert_close(logits, model(ids), rtol=0, atol=1e-12)


def test_what_cannot_be_built_or_read_is_refused():
    with pytest.raises(ValueError, match=r"a tied head needs embedding_width \(6\) and width \(8"):
        small(tied=True)
    with pytest.raises(ValueError, match="vocab_size is 0; a vocabulary has at least 1 entry"):
        RecurrentLMConfig(0)
    with pytest.raises(ValueError, match="cell 'gur' is unknown"):
        small("gur")
    model = small()
    with pytest.raises(IndexError, match="id 13 is outside a vocabulary of 13"):
        model(torch.tensor([[0, 13]]))
    with pytest.raises(ValueError, match=r"ids of shape \(2,\) are not \[batch, time\]"):
        model(torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="2 texts came to a cache of 3 rows; make one row a text"):
        model(torch.zeros(2, 1).long(), model.new_cache(3))
    with pytest.raises(ValueError, match="steps is 0; a piece has at least 1 token"):
        pieces(model, torch.zeros(2, 3).long(), 0)


def test_a_cache_counts_no_more_than_was_read():
    model = small()
    cache = model.new_cache(2)
    with pytest.raises(ValueError, match=r"1 tokens shall count as read, but .* has just read 0"):
        cache.advance(1)
    model(torch.zeros(2, 3).long(), cache)
    with pytest.raises(ValueError, match=r"4 tokens shall count as read, but .* has just read 3"):
        cache.advance(torch.tensor([1, 4]))
    cache.advance(0)
    assert cache.lengths.tolist() == [0, 0] and cache.state is None
    with pytest.raises(ValueError, match="a cache for 0 texts holds nothing"):
        StateCache(0)


def test_rows_of_a_cache_are_chosen_with_their_states():
    model = small("lstm")
    ids = torch.randint(VOCAB, (3, 4))
    cache = model.new_cache(3)
    cache.select(torch.tensor([2, 1, 0]))
    model(ids, cache)
    cache.advance(torch.tensor([4, 2, 3]))
    before = cache.state
    cache.select(torch.tensor([2, 0, 0]))
    assert cache.lengths.tolist() == [3, 4, 4]
    for part, old in zip(cache.state, before, strict=True):
        assert torch.equal(part, old[:, [2, 0, 0]])
    cache.detach()
    assert not any(part.requires_grad for part in cache.state)
