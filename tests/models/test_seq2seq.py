"""The GRU that looks back: pads change nothing, its attention is the paper's, it learns to turn."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from llm_book.generation.answering import Answering
from llm_book.generation.beam import BeamSearch, beam_search
from llm_book.generation.sampling import GREEDY, generate
from llm_book.interpret.taps import record
from llm_book.models.seq2seq import AdditiveAttention, Seq2Seq, Seq2SeqConfig

SOURCE, TARGET = 11, 9


def small(**changes):
    settings = {"embedding_width": 5, "width": 6} | changes
    return Seq2Seq(Seq2SeqConfig(SOURCE, TARGET, **settings)).double()


def pairs(lengths, time=4):
    lengths = torch.tensor(lengths)
    source = torch.randint(SOURCE, (len(lengths), int(lengths.max())))
    return source, lengths, torch.randint(TARGET, (len(lengths), time))


def by_hand(model, source, length, inputs):
    """One pair, one word at a time, equation by equation; logits and the alignment."""
    width = model.config.width
    table = model.source_embedding.weight[source[:length]]
    forward, backward = (walk.cell for walk in model.encoder.walks[0])
    ahead, back, h = [], [], torch.zeros(1, width).double()
    for x in table:
        (h,) = forward(x[None], (h,))
        ahead.append(h[0])
    h = torch.zeros(1, width).double()
    for x in table.flip(0):
        (h,) = backward(x[None], (h,))
        back.insert(0, h[0])
    annotations = [torch.cat(both) for both in zip(ahead, back, strict=True)]
    s = torch.tanh(model.first.weight @ back[0] + model.first.bias)
    w, u, v = (getattr(model.attention, n).weight for n in ("query", "key", "score"))
    logits, alignment = [], []
    for y in model.target_embedding.weight[inputs]:
        energy = torch.stack([v[0] @ torch.tanh(w @ s + u @ h) for h in annotations])
        alpha = torch.exp(energy) / torch.exp(energy).sum()
        context = sum(a * h for a, h in zip(alpha, annotations, strict=True))
        (s,) = model.cell(torch.cat([y, context])[None], (s[None],))
        s = s[0]
        logits.append(model.head.weight @ torch.cat([s, context, y]) + model.head.bias)
        alignment.append(alpha)
    return torch.stack(logits), torch.stack(alignment)


@pytest.mark.parametrize("cell", ["gru", "gru-cho"])
def test_logits_and_gradients_are_those_of_the_equations_written_out(cell):
    model = small(cell=cell)
    source, lengths, inputs = pairs([5, 2, 3])
    with record(model, "alignment") as seen:
        answer = model(source, lengths, inputs)
    weights = list(model.parameters())
    grads = torch.autograd.grad(answer.square().sum(), weights)
    expected = []
    for row, length in enumerate(lengths.tolist()):
        logits, alignment = by_hand(model, source[row], length, inputs[row])
        expected.append(logits)
        found = seen["alignment"][row]
        torch.testing.assert_close(found[:, :length], alignment.detach(), rtol=0, atol=1e-12)
        assert not found[:, length:].any()
    expected = torch.stack(expected)
    torch.testing.assert_close(answer, expected, rtol=0, atol=1e-10)
    wanted = torch.autograd.grad(expected.square().sum(), weights)
    for mine, theirs in zip(grads, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-10)


@given(
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    more=st.integers(1, 3),
    layers=st.integers(1, 2),
)
def test_pads_change_nothing_on_either_side(lengths, more, layers):
    model = small(layers=layers)
    source, lengths, inputs = pairs(lengths)
    expected = model(source, lengths, inputs)
    padded = torch.cat([source, torch.randint(SOURCE, (len(source), more))], dim=1)
    longer = torch.cat([inputs, torch.randint(TARGET, (len(source), more))], dim=1)
    answer = model(padded, lengths, longer)[:, : inputs.shape[1]]
    torch.testing.assert_close(answer, expected, rtol=0, atol=1e-12)
    full = model(source[:, : int(lengths.min())], None, inputs)
    assert full.shape == expected.shape


def test_attention_rows_sum_to_one_and_pads_get_none():
    attention = AdditiveAttention(3, 4, 5)
    keys = attention.key(torch.randn(2, 6, 4))
    mask = torch.tensor([[[True] * 6], [[True, True, False, False, False, False]]])
    weights = attention(torch.randn(2, 3), keys, mask)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2))
    assert not weights[1, 2:].any()


def test_the_tap_on_the_weights_is_in_the_way_of_the_answer():
    model = small()
    source, lengths, inputs = pairs([4, 4])
    before = model(source, lengths, inputs)
    hook = model.attention.weights.register_forward_hook(lambda *_: torch.eye(4).double()[:2])
    after = model(source, lengths, inputs)
    hook.remove()
    assert not torch.allclose(before, after)


def test_encoding_once_and_decoding_in_pieces_is_one_run():
    model = small()
    source, lengths, inputs = pairs([5, 2, 3], time=7)
    expected = model(source, lengths, inputs)
    states = model.encode(source, lengths)
    cache = model.new_cache(3, 7)
    parts = []
    for piece in inputs.split([3, 1, 3], dim=1):
        parts.append(model.decode(piece, states, lengths, cache))
        cache.advance(piece.shape[1])
    torch.testing.assert_close(torch.cat(parts, dim=1), expected, rtol=0, atol=1e-12)
    cache = model.new_cache(3)
    model.decode(inputs[:, :4], states, lengths, cache)
    cache.advance(torch.tensor([1, 4, 2]))
    nexts = inputs.gather(1, cache.lengths[:, None])
    logits = model.decode(nexts, states, lengths, cache)[:, 0]
    torch.testing.assert_close(logits, expected[torch.arange(3), cache.lengths], rtol=0, atol=1e-12)


def test_it_answers_the_same_with_its_memory_and_without():
    model = small()
    source, lengths, _ = pairs([5, 2, 3])
    answering = Answering(model, source, lengths)
    start = torch.ones(3, 1).long()
    greedy = [generate(answering, start, 6, GREEDY, cached=c).new for c in (True, False)]
    assert greedy[0] == greedy[1]
    found = [
        beam_search(answering, start, 6, BeamSearch(4), end=2, cached=c) for c in (True, False)
    ]
    assert torch.equal(found[0].ids, found[1].ids)
    for row in range(3):
        alone = Answering(model, source[row : row + 1, : lengths[row]])
        one = beam_search(alone, start[:1], 6, BeamSearch(4), end=2)
        torch.testing.assert_close(one.scores[0], found[0].scores[row], rtol=0, atol=1e-10)


def test_dropout_is_off_while_a_source_is_read_for_an_answer():
    model = small(dropout=0.5, layers=2)
    source, lengths, _ = pairs([5, 2])
    answering = Answering(model, source, lengths)
    assert model.training
    logits = answering(torch.ones(2, 1).long())
    model.eval()
    assert torch.equal(logits, model(source, lengths, torch.ones(2, 1).long()))
    model.train()
    ids = torch.ones(2, 1).long()
    assert not torch.equal(model(source, lengths, ids), model(source, lengths, ids))


def test_it_learns_to_turn_short_texts():
    torch.manual_seed(0)
    model = Seq2Seq(Seq2SeqConfig(8, embedding_width=24, width=32))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    source = torch.randint(1, 8, (48, 5))
    targets = source.flip(1)
    inputs = torch.cat([torch.zeros(48, 1).long(), targets[:, :-1]], dim=1)
    lengths = torch.full((48,), 5)
    for _ in range(90):
        logits = model(source, lengths, inputs)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    answers = generate(Answering(model, source, lengths), inputs[:, :1], 5, GREEDY).new
    right = sum(list(a) == t for a, t in zip(answers, targets.tolist(), strict=True))
    assert right >= 46


def test_the_sizes_that_are_not_said_are_the_books():
    assert Seq2SeqConfig(9) == Seq2SeqConfig(9, None, 64, 64, 1, 0.0, "gru", "ours")
    assert Seq2Seq(Seq2SeqConfig(1)).head.out_features == 1


def test_one_vocabulary_serves_both_sides_unless_two_are_named():
    assert Seq2Seq(Seq2SeqConfig(7)).head.out_features == 7
    assert small().head.out_features == TARGET


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"vocab_size": 0}, "vocabularies of 0 and 0 entries came; each has at least 1"),
        ({"vocab_size": 3, "target_vocab_size": 0}, "vocabularies of 3 and 0 entries"),
        ({"vocab_size": 3, "cell": "lstm"}, "cell 'lstm' is unknown here; choose 'gru'"),
    ],
)
def test_settings_that_cannot_be_built_are_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        Seq2SeqConfig(**settings)


def test_what_cannot_be_read_is_refused():
    model = small()
    source, lengths, inputs = pairs([5, 2])
    with pytest.raises(IndexError, match="id 11 is outside a vocabulary of 11"):
        model(source.clamp(min=11), lengths, inputs)
    with pytest.raises(IndexError, match="id 9 is outside a vocabulary of 9"):
        model(source, lengths, inputs.clamp(min=9))
    with pytest.raises(ValueError, match=r"ids of shape \(5,\) are not \[batch, time\]"):
        model(source[0], lengths[:1], inputs)
    with pytest.raises(ValueError, match=r"ids of shape \(4,\) are not \[batch, time\]"):
        model(source, lengths, inputs[0])
    with pytest.raises(ValueError, match="lengths go from 2 to 6, but inputs hold from 1 to 5"):
        model(source, torch.tensor([6, 2]), inputs)
    with pytest.raises(ValueError, match="1 targets came with the states of 2 sources"):
        model(source, lengths, inputs[:1])
    with pytest.raises(ValueError, match="2 texts came to a cache of 3 rows"):
        model.decode(inputs, model.encode(source, lengths), lengths, model.new_cache(3))
    with pytest.raises(ValueError, match="lengths from 2 to 6 do not fit texts padded to 5"):
        model.decode(inputs, model.encode(source, lengths), torch.tensor([6, 2]))
