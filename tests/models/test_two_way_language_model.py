"""Two language models in one: each has read its side of a position and nothing of the other."""

import pytest
import torch

from llm_book.models.classifier import ClassifierConfig, RecurrentClassifier
from llm_book.models.two_way_language_model import TwoWayLM, TwoWayLMConfig, neighbours


def a_model(engine="ours"):
    torch.manual_seed(0)
    return TwoWayLM(TwoWayLMConfig(12, embedding_width=5, width=6, engine=engine)).eval()


def test_the_way_onwards_reads_the_text_and_the_way_back_reads_it_reversed():
    model = a_model("torch")
    text = torch.tensor([[3, 7, 2, 9]])
    guesses = model(text, torch.tensor([4]))
    onwards, back = model.recurrent.walks[0]
    for way, (gru, head, read) in enumerate(
        ((onwards, model.after, text), (back, model.before, torch.tensor([[9, 2, 7, 3]])))
    ):
        by_hand = head(gru(model.embedding(read))[0])
        by_hand = by_hand.flip(1) if way else by_hand
        torch.testing.assert_close(guesses[:, :, way], by_hand)


def test_a_guess_has_not_seen_the_word_it_is_to_guess():
    model, lengths = a_model(), torch.tensor([5])
    text, other = torch.tensor([[3, 7, 2, 9, 4]]), torch.tensor([[3, 7, 8, 9, 4]])
    first, second = model(text, lengths), model(other, lengths)
    same = (first == second).all(dim=-1)[0]
    assert same[:, 0].tolist() == [True, True, False, False, False]
    assert same[:, 1].tolist() == [False, False, False, True, True]


def test_pads_change_no_guess():
    model = a_model()
    text = torch.tensor([[3, 7, 2]])
    alone = model(text, torch.tensor([3]))
    beside = model(torch.tensor([[3, 7, 2, 0, 0], [1, 2, 3, 4, 5]]), torch.tensor([3, 5]))
    torch.testing.assert_close(beside[:1, :3], alone)


def test_neighbours_are_the_next_words_and_then_the_previous_ones():
    ids = torch.tensor([[3, 7, 2], [5, 6, 0]])
    guesses = torch.arange(12.0).view(2, 3, 2, 1)  # row, position, way
    found, targets = neighbours(guesses, ids, torch.tensor([3, 2]))
    assert targets.tolist() == [7, 2, 6, 3, 7, 5]
    assert found.flatten().tolist() == [0, 2, 6, 3, 5, 9]


def test_logits_compare_a_guess_with_every_words_vector():
    model = a_model()
    guess = torch.randn(4, 5)
    with torch.no_grad():
        model.bias[:] = torch.arange(12.0)
    expected = guess @ model.embedding.weight.T + torch.arange(12.0)
    torch.testing.assert_close(model.logits(guess), expected)


@pytest.mark.parametrize("engine", ["ours", "torch"])
def test_a_classifier_of_its_sizes_takes_its_words_and_its_recurrent_weights(engine):
    model = a_model(engine)
    classifier = RecurrentClassifier(ClassifierConfig(12, 5, 6, engine=engine))
    for part in ("embedding", "recurrent"):
        ours, theirs = getattr(model, part).state_dict(), getattr(classifier, part).state_dict()
        assert {n: w.shape for n, w in ours.items()} == {n: w.shape for n, w in theirs.items()}


@pytest.mark.parametrize(
    ("change", "said"),
    [({"vocab_size": 0}, "at least 1 entry"), ({"dropout": 1.0}, "it is a share")],
)
def test_sizes_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        TwoWayLMConfig(**({"vocab_size": 5} | change))
