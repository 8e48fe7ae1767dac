"""Every loss is the field's, in value and gradient, and says what it cannot take."""

import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from llm_book.data.packing import pack_first_fit
from llm_book.models.encoder import Encoder, EncoderConfig
from llm_book.models.heads import MaskedLanguageModel
from llm_book.models.transformer import GPT, GPTConfig
from llm_book.shapes import IGNORE, Batch, PairBatch, TokenBatch
from llm_book.training.losses import (
    answers_only,
    class_loss,
    cross_entropy,
    full_precision,
    masked_token_loss,
    pair_loss,
    review_loss,
    token_log_probabilities,
    token_loss,
)

EXACT = {"rtol": 0, "atol": 1e-12}


class Table(nn.Module):
    """A model that remembers what it was called with and answers with a row a token."""

    def __init__(self, vocab: int = 7) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.randn(vocab, vocab, dtype=torch.float64))
        self.seen = None

    def forward(self, ids, *more, **named):
        self.seen = (more, named)
        return self.rows[ids]


def some(seed: int, shape=(3, 5), vocab: int = 7, ignored: float = 0.3):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(*shape, vocab, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, vocab, shape, generator=generator)
    targets[torch.rand(shape, generator=generator) < ignored] = IGNORE
    targets.view(-1)[0] = 2
    return logits.requires_grad_(), targets


@given(
    seed=st.integers(0, 10**6),
    shape=st.sampled_from([(4,), (3, 5), (2, 3, 2)]),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
)
@settings(max_examples=30, deadline=None)
def test_cross_entropy_is_torchs_in_value_and_gradient(seed, shape, smoothing):
    logits, targets = some(seed, shape)
    twin = logits.detach().clone().requires_grad_()
    ours = cross_entropy(logits, targets, label_smoothing=smoothing)
    theirs = F.cross_entropy(twin.flatten(0, -2), targets.flatten(), label_smoothing=smoothing)
    torch.testing.assert_close(ours, theirs, **EXACT)
    (3 * ours).backward()
    (3 * theirs).backward()
    torch.testing.assert_close(logits.grad, twin.grad, **EXACT)


def test_another_number_can_mean_ignored():
    logits, targets = some(1, ignored=0)
    ours = cross_entropy(logits, targets, ignore=2)
    theirs = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=2)
    torch.testing.assert_close(ours, theirs, **EXACT)


def test_an_ignored_position_gets_no_gradient_whatever_stands_there():
    logits, targets = some(2)
    with torch.no_grad():
        logits[targets == IGNORE] = float("inf")
    cross_entropy(logits, targets, label_smoothing=0.1, z_weight=0.1).backward()
    kept = logits.grad[targets != IGNORE]
    assert kept.isfinite().all()
    assert kept.abs().sum() > 0


def test_no_target_at_all_costs_nothing_and_teaches_nothing():
    logits, targets = some(3)
    loss = cross_entropy(logits, torch.full_like(targets, IGNORE))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


def test_the_z_loss_is_the_square_of_the_log_of_the_denominator():
    logits, targets = some(4)
    twin = logits.detach().clone().requires_grad_()
    ours = cross_entropy(logits, targets, label_smoothing=0.2, z_weight=0.01)
    plain = F.cross_entropy(twin.flatten(0, 1), targets.flatten(), label_smoothing=0.2)
    denominators = twin.logsumexp(-1)[targets != IGNORE]
    theirs = plain + 0.01 * denominators.square().mean()
    torch.testing.assert_close(ours, theirs, **EXACT)
    ours.backward()
    theirs.backward()
    torch.testing.assert_close(logits.grad, twin.grad, **EXACT)


def test_logits_of_ten_thousand_do_not_overflow():
    logits = torch.tensor([[1e4, -1e4, 0.0]])
    assert cross_entropy(logits, torch.tensor([1])).item() == pytest.approx(2e4)
    assert cross_entropy(logits, torch.tensor([0])).item() == 0


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"targets": torch.zeros(3, 4).long()}, ValueError, r"targets of shape \(3, 4\) do not"),
        ({"targets": torch.zeros(3, 5, 7).long()}, ValueError, r"give one target a position: \(3"),
        ({"targets": torch.full((3, 5), 7)}, IndexError, "targets from 7 to 7 came for a vocab"),
        ({"targets": torch.full((3, 5), -1)}, IndexError, "they go from 0 to 6, and -100 is"),
        ({"label_smoothing": 1.1}, ValueError, "label_smoothing is 1.1; it is a share"),
        ({"label_smoothing": -0.1}, ValueError, "label_smoothing is -0.1; it is a share"),
        ({"z_weight": -1.0}, ValueError, r"z_weight is -1.0; it must be 0 \(none\) or above"),
        ({"z_weight": float("nan")}, ValueError, "z_weight is nan"),
    ],
)
def test_what_cross_entropy_cannot_take_is_refused(changes, error, sentence):
    logits, targets = some(5)
    with pytest.raises(error, match=sentence):
        cross_entropy(**({"logits": logits, "targets": targets} | changes))


def test_log_probabilities_of_tokens_are_those_of_the_softmax():
    logits, targets = some(6)
    found = token_log_probabilities(logits, targets)
    expected = logits.softmax(-1).log()
    for place in [(i, j) for i in range(3) for j in range(5)]:
        kept = targets[place] != IGNORE
        wanted = expected[place][targets[place]].item() if kept else 0.0
        assert found[place].item() == pytest.approx(wanted, abs=1e-12)
    with pytest.raises(IndexError, match="targets from 9 to 9"):
        token_log_probabilities(logits, torch.full((3, 5), 9))


def test_half_precision_is_raised_before_the_loss_and_nothing_else_is_touched():
    assert full_precision(torch.zeros(2).bfloat16()).dtype == torch.float32
    assert full_precision(torch.zeros(2).half()).dtype == torch.float32
    assert full_precision(torch.zeros(2)).dtype == torch.float32
    assert full_precision(torch.zeros(2).double()).dtype == torch.float64


def test_the_token_loss_is_the_cross_entropy_of_the_models_logits():
    model, (_, targets) = Table(), some(7)
    ids = torch.randint(0, 7, (3, 5))
    loss = partial(token_loss, label_smoothing=0.1, z_weight=0.2)
    ours = loss(model, TokenBatch(ids, targets))
    torch.testing.assert_close(
        ours, cross_entropy(model.rows[ids], targets, label_smoothing=0.1, z_weight=0.2), **EXACT
    )
    assert model.seen == ((), {})


def test_packed_texts_cost_what_they_cost_one_by_one():
    torch.manual_seed(0)
    shape = {"vocab_size": 20, "context_length": 12, "width": 8, "n_layers": 2, "n_heads": 2}
    model = GPT(GPTConfig.gpt2(**shape)).double()
    with torch.no_grad():
        model.positions.table.weight.normal_()
    texts = [[3, 4, 5], [6, 7], [8, 9, 10, 11], [12]]
    packed = pack_first_fit(texts, 8, end_id=1)
    assert (packed.documents.max(dim=1).values > packed.documents[:, 0]).all()  # several a row
    assert packed.weight == sum(map(len, texts))
    total = 0.0
    for text in texts:
        ids = torch.tensor([text])
        targets = torch.tensor([[*text[1:], 1]])
        total += token_loss(model, TokenBatch(ids, targets)) * len(text)
    together = token_loss(model, packed) * packed.weight
    torch.testing.assert_close(together, total, rtol=0, atol=1e-10)


def test_masked_tokens_are_learned_where_they_were_hidden_and_pads_are_not_read():
    torch.manual_seed(0)
    config = EncoderConfig.bert(
        vocab_size=20, context_length=8, width=8, n_layers=1, n_heads=2, dropout=0.0
    )
    model = MaskedLanguageModel(Encoder(config)).double().eval()
    ids = torch.randint(2, 20, (2, 6))
    targets = torch.full_like(ids, IGNORE)
    targets[0, 2], targets[1, 1] = 5, 6
    documents = torch.zeros_like(ids)
    documents[1, 3:] = -1
    one = masked_token_loss(model, TokenBatch(ids, targets, documents))
    ids[1, 3:] = 0
    assert one == masked_token_loss(model, TokenBatch(ids, targets, documents))
    lengths = torch.tensor([6, 3])
    expected = F.cross_entropy(model(ids, lengths).flatten(0, 1), targets.flatten())
    torch.testing.assert_close(one, expected, **EXACT)
    table = Table(20)
    masked_token_loss(table, TokenBatch(ids, targets), label_smoothing=0.1)
    assert table.seen == ((None,), {})


def test_reviews_classes_and_pairs_are_read_with_their_lengths():
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 7, (4, 3), generator=generator)
    lengths, labels = torch.tensor([3, 2, 1, 3]), torch.tensor([0, 1, 1, 0])
    rows = torch.randn(4, 7, generator=generator, dtype=torch.float64)

    def classifier(ids, got):
        assert torch.equal(got, lengths)
        return rows

    ours = class_loss(classifier, Batch(ids, lengths, labels), label_smoothing=0.1)
    torch.testing.assert_close(ours, F.cross_entropy(rows, labels, label_smoothing=0.1), **EXACT)
    one = review_loss(lambda ids, lengths: rows[:, 0], Batch(ids, lengths, labels))
    expected = F.binary_cross_entropy_with_logits(rows[:, 0], labels.double())
    torch.testing.assert_close(one, expected, **EXACT)

    said = torch.randn(4, 2, 7, generator=generator, dtype=torch.float64)
    inputs, targets = ids[:, :2], torch.tensor([[1, 2], [3, IGNORE], [4, 5], [6, IGNORE]])

    def translator(source, got, read):
        assert torch.equal(source, ids) and torch.equal(got, lengths) and torch.equal(read, inputs)
        return said

    ours = pair_loss(translator, PairBatch(ids, lengths, inputs, targets), label_smoothing=0.1)
    expected = F.cross_entropy(said.flatten(0, 1), targets.flatten(), label_smoothing=0.1)
    torch.testing.assert_close(ours, expected, **EXACT)


def test_of_a_prompt_only_the_last_token_has_a_target():
    targets = torch.tensor([[11, 12, 13, 14], [21, 22, 23, 24], [31, 32, 33, IGNORE]])
    found = answers_only(targets, torch.tensor([3, 1, 4]))
    assert found.tolist() == [
        [IGNORE, IGNORE, 13, 14],
        [21, 22, 23, 24],
        [IGNORE, IGNORE, IGNORE, IGNORE],
    ]
    assert targets[0, 0] == 11


@pytest.mark.parametrize(
    ("lengths", "sentence"),
    [
        ([1, 2], "2 prompt lengths do not fit 3 rows"),
        (
            [0, 1, 1],
            r"prompt lengths \[0, 1, 1\] do not fit texts of 4 tokens; each must be from 1",
        ),
        ([1, 1, 5], r"prompt lengths \[1, 1, 5\] do not fit texts of 4 tokens"),
    ],
)
def test_prompts_that_do_not_fit_are_refused(lengths, sentence):
    with pytest.raises(ValueError, match=sentence):
        answers_only(torch.zeros(3, 4).long(), torch.tensor(lengths))


def test_a_model_that_knows_nothing_is_surprised_by_the_log_of_the_vocabulary():
    logits = torch.zeros(2, 3, 50)
    loss = cross_entropy(logits, torch.randint(0, 50, (2, 3)))
    assert loss.item() == pytest.approx(math.log(50))


def test_a_single_target_costs_its_whole_surprise():
    logits, targets = some(8)
    targets = torch.full_like(targets, IGNORE)
    targets[1, 2] = 4
    expected = -logits.detach().log_softmax(-1)[1, 2, 4]
    torch.testing.assert_close(cross_entropy(logits, targets).detach(), expected, **EXACT)


def test_a_vocabulary_of_one_has_ignored_targets_too():
    logits = torch.randn(3, 1)
    targets = torch.tensor([0, IGNORE, 0])
    assert cross_entropy(logits, targets).item() == 0
    assert token_log_probabilities(logits, targets).tolist() == [0, 0, 0]


IDS, LENGTHS = torch.tensor([[1, 2], [3, 4], [5, 6]]), torch.tensor([2, 1, 2])
WORDS = torch.tensor([[3, IGNORE], [1, 2], [0, 5]])
LOSSES = [
    (class_loss, Batch(IDS, LENGTHS, torch.tensor([0, 3, 1])), (3, 7)),
    (token_loss, TokenBatch(IDS, WORDS), (3, 2, 7)),
    (masked_token_loss, TokenBatch(IDS, WORDS), (3, 2, 7)),
    (pair_loss, PairBatch(IDS, LENGTHS, IDS, WORDS), (3, 2, 7)),
]


@pytest.mark.parametrize(("loss", "batch", "shape"), LOSSES)
def test_every_loss_is_taken_in_full_precision_and_plain_unless_asked(loss, batch, shape):
    coarse = torch.randn(shape, generator=torch.Generator().manual_seed(0)).bfloat16()
    found = loss(lambda *ids: coarse, batch)
    targets = batch.labels if isinstance(batch, Batch) else batch.targets
    expected = F.cross_entropy(coarse.float().flatten(0, -2), targets.flatten())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)


def test_the_review_loss_is_taken_in_full_precision_too():
    coarse = torch.tensor([3.0, -2.0, 7.0]).bfloat16()
    found = review_loss(lambda *ids: coarse, Batch(IDS, LENGTHS, torch.tensor([0, 1, 1])))
    expected = F.binary_cross_entropy_with_logits(coarse.float(), torch.tensor([0.0, 1.0, 1.0]))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
