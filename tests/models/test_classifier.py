"""The classifier reads texts of any length and never reads a pad."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.data.batches import pad
from llm_book.models.classifier import ClassifierConfig, RecurrentClassifier, mean_and_max

TEXTS = st.lists(st.lists(st.integers(1, 19), max_size=9), min_size=1, max_size=5)


def classifier(**changes) -> RecurrentClassifier:
    torch.manual_seed(0)
    config = ClassifierConfig(vocab_size=20, embedding_width=6, width=5, **changes)
    return RecurrentClassifier(config).double().eval()


@given(texts=TEXTS, more=st.integers(1, 5), engine=st.sampled_from(["ours", "torch"]))
@settings(max_examples=60, deadline=None)
def test_adding_pads_to_a_batch_changes_no_logit(texts, more, engine):
    model, batch = classifier(engine=engine), pad(texts, [0] * len(texts))
    wider = torch.nn.functional.pad(batch.ids, (0, more))
    torch.testing.assert_close(
        model(wider, batch.lengths), model(batch.ids, batch.lengths), rtol=0, atol=1e-12
    )


@given(texts=TEXTS)
@settings(max_examples=40, deadline=None)
def test_a_text_gets_the_same_logit_alone_as_in_company(texts):
    model, batch = classifier(layers=2), pad(texts, [0] * len(texts))
    together = model(batch.ids, batch.lengths)
    for row, text in enumerate(texts):
        alone = pad([text], [0])
        torch.testing.assert_close(
            model(alone.ids, alone.lengths)[0], together[row], rtol=0, atol=1e-12
        )


def test_even_the_word_vector_of_the_pad_does_not_matter():
    model, batch = classifier(), pad([[3, 4], [5, 6, 7, 8]], [0, 1])
    before = model(batch.ids, batch.lengths)
    with torch.no_grad():
        model.embedding.weight[0] = 100.0
    assert torch.equal(model(batch.ids, batch.lengths), before)


def test_both_engines_give_the_same_logits():
    ours, theirs = classifier(engine="ours"), classifier(engine="torch")
    weights = ours.state_dict()
    renamed = {
        name.replace("cell.weight_ih", "weight_ih_l0")
        .replace("cell.weight_hh", "weight_hh_l0")
        .replace("cell.bias_ih", "bias_ih_l0")
        .replace("cell.bias_hh", "bias_hh_l0"): weight
        for name, weight in weights.items()
    }
    theirs.load_state_dict(renamed)
    batch = pad([[3, 4, 9], [5]], [0, 1])
    torch.testing.assert_close(
        ours(batch.ids, batch.lengths), theirs(batch.ids, batch.lengths), rtol=0, atol=1e-12
    )


def test_pooling_is_the_mean_and_the_largest_of_the_text_alone():
    states = torch.tensor([[[1.0, -4.0], [3.0, -2.0], [99.0, 99.0]]])
    pooled = mean_and_max(states, torch.tensor([[True, True, False]]))
    assert pooled.tolist() == [[2.0, -3.0, 3.0, -2.0]]


def test_it_learns_one_batch_by_heart():
    torch.manual_seed(1)
    model = RecurrentClassifier(ClassifierConfig(20, 8, 8, dropout=0.0))
    batch = pad([[3, 4], [4, 3], [5, 6, 7], [7, 6, 5]], [1, 0, 1, 0])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(60):
        logits = model(batch.ids, batch.lengths)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch.labels.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.01


def test_word_vectors_of_another_vocabulary_are_refused():
    with pytest.raises(ValueError, match=r"shape \(3, 6\) do not fit an embedding of shape"):
        RecurrentClassifier(ClassifierConfig(20, 6, 5), torch.zeros(3, 6))


def test_word_vectors_stand_in_the_embedding():
    vectors = torch.randn(20, 6)
    model = RecurrentClassifier(ClassifierConfig(20, 6, 5), vectors)
    assert torch.equal(model.embedding.weight, vectors)


def test_the_sizes_that_are_not_said_are_chapter_fives():
    assert ClassifierConfig(20) == ClassifierConfig(20, 64, 64, 1, 0.3, "gru", "ours")
    assert ClassifierConfig(20, dropout=0.0).dropout == 0


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="dropout is 1; it is a share"):
        ClassifierConfig(20, dropout=1)
    with pytest.raises(ValueError, match="layers is 0; a classifier needs at least 1"):
        ClassifierConfig(20, layers=0)
