"""Heads on an encoder answer per text or per token, and pads change no answer."""

import pytest
import torch
from torch.nn import functional as F

from llm_book.models.encoder import Encoder, EncoderConfig
from llm_book.models.heads import (
    LastTokenClassifier,
    MaskedLanguageModel,
    Pooler,
    SequenceClassifier,
    TokenClassifier,
    label_head,
    mean_state,
)
from llm_book.models.transformer import GPT, GPTConfig

SIZES = {"vocab_size": 17, "context_length": 12, "width": 16, "n_layers": 2, "n_heads": 4}


def an_encoder():
    return Encoder(EncoderConfig.bert(**SIZES, initial_scale=0.3))


def a_gpt():
    return GPT(GPTConfig.gpt2(**SIZES, initial_scale=0.3))


HEADS = {
    "first": lambda: SequenceClassifier(an_encoder(), 3),
    "mean": lambda: SequenceClassifier(an_encoder(), 3, pool="mean"),
    "last": lambda: SequenceClassifier(an_encoder(), 3, pool="last"),
    "gpt": lambda: LastTokenClassifier(a_gpt(), 3),
    "token": lambda: TokenClassifier(an_encoder(), 3),
    "masked": lambda: MaskedLanguageModel(an_encoder()),
}


@pytest.mark.parametrize("kind", HEADS)
def test_pads_change_no_answer(kind):
    model = HEADS[kind]().double().eval()
    ids, lengths = torch.randint(17, (3, 9)), torch.tensor([9, 4, 1])
    logits = model(ids, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = model(ids[row : row + 1, :length])
        answer = logits[row : row + 1]
        answer = answer[:, :length] if kind in ("token", "masked") else answer
        torch.testing.assert_close(answer, alone, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", ["first", "mean", "last", "gpt"])
def test_a_classifier_learns_one_batch_by_heart(kind):
    torch.manual_seed(0)
    model = HEADS[kind]()
    ids, labels = torch.randint(17, (6, 9)), torch.tensor([0, 1, 2, 2, 1, 0])
    lengths = torch.tensor([9, 4, 3, 7, 5, 2])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        loss = F.cross_entropy(model(ids, lengths), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_spans_are_learned_as_two_labels_a_token():
    torch.manual_seed(0)
    model = TokenClassifier(an_encoder(), 2)
    ids, starts, ends = (
        torch.randint(17, (4, 9)),
        torch.tensor([1, 2, 5, 0]),
        torch.tensor([3, 2, 8, 1]),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(80):
        start, end = model(ids).unbind(dim=-1)
        loss = F.cross_entropy(start, starts) + F.cross_entropy(end, ends)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert start.argmax(-1).tolist() == starts.tolist()
    assert end.argmax(-1).tolist() == ends.tolist()


def test_each_pool_reads_the_states_it_names():
    encoder = an_encoder().eval()
    ids, lengths = torch.randint(17, (2, 5)), torch.tensor([5, 3])
    states = encoder(ids, lengths)
    for pool, expected in {
        "first": states[:, 0],
        "mean": torch.stack([states[0].mean(0), states[1, :3].mean(0)]),
        "last": torch.stack([states[0, 4], states[1, 2]]),
    }.items():
        model = SequenceClassifier(encoder, 3, pool=pool).eval()
        if pool == "first":
            expected = torch.tanh(model.pooler.dense(expected))
        torch.testing.assert_close(model(ids, lengths), model.head(expected), rtol=0, atol=1e-5)


def test_the_mean_of_padded_states_is_that_of_the_text():
    states = torch.tensor([[[1.0], [3.0], [99.0]], [[2.0], [4.0], [6.0]]])
    assert mean_state(states, torch.tensor([2, 3])).tolist() == [[2.0], [4.0]]


def test_a_pooler_squeezes_a_state():
    pooler = Pooler(3)
    state = 100 * torch.randn(4, 3)
    torch.testing.assert_close(pooler(state), torch.tanh(pooler.dense(state)))


def test_heads_start_as_berts_do():
    head = label_head(200, 50)
    assert head.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert (head.bias == 0).all()
    assert label_head(2, 1, bias=False).bias is None
    assert LastTokenClassifier(a_gpt(), 2).head.bias is None
    model = MaskedLanguageModel(an_encoder())
    assert model.head.weight is model.encoder.embedding.weight
    assert (model.head.bias == 0).all()
    assert (model.dense.bias == 0).all()
    assert model.dense.weight.std().item() == pytest.approx(0.3, rel=0.2)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SequenceClassifier(an_encoder(), 2, dropout=0.5),
        lambda: TokenClassifier(an_encoder(), 2, dropout=0.5),
    ],
)
def test_states_are_dropped_before_the_head_while_training_alone(make):
    model = make()
    ids = torch.randint(17, (1, 5))
    model.train()
    assert not torch.equal(model(ids), model(ids))
    model.eval()
    assert torch.equal(model(ids), model(ids))


def test_nonsense_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="pool 'max' is unknown; choose one of first, mean, last"):
        SequenceClassifier(an_encoder(), 2, pool="max")
    with pytest.raises(ValueError, match="n_labels is 0; a classifier needs at least 1"):
        TokenClassifier(an_encoder(), 0)
    with pytest.raises(ValueError, match="lengths from 0 to 3 do not fit"):
        LastTokenClassifier(a_gpt(), 2)(torch.zeros(2, 3).long(), torch.tensor([0, 3]))
