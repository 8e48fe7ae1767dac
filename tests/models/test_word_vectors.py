"""Skip-gram, CBOW and GloVe score words by dot products and refuse those without a vector."""

import re

import pytest
import torch

from llm_book.models.glove import GloVe
from llm_book.models.word_vectors import CBOW, SkipGram


def randomised(model):
    model = model.double()
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(generator=torch.Generator().manual_seed(weight.numel()))
    return model


def test_skip_gram_scores_a_pair_by_its_dot_product():
    model = randomised(SkipGram(7, 3))
    centres, candidates = torch.tensor([2, 5]), torch.tensor([[0, 6, 2], [5, 5, 1]])
    scores = model(centres, candidates)
    for row in range(2):
        for column in range(3):
            w = model.centres.weight[centres[row]]
            c = model.contexts.weight[candidates[row, column]]
            assert scores[row, column].item() == pytest.approx((w @ c).item())


def test_cbow_scores_a_word_against_the_mean_of_its_neighbours():
    model = randomised(CBOW(7, 3))
    around = torch.tensor([[1, 2, 3, 0], [4, 0, 0, 0]])
    mask = torch.tensor([[True, True, True, False], [True, False, False, False]])
    candidates = torch.tensor([[5, 6], [0, 1]])
    scores = model(around, mask, candidates)
    first = model.centres.weight[[1, 2, 3]].mean(0) @ model.contexts.weight[[5, 6]].T
    second = model.centres.weight[4] @ model.contexts.weight[[0, 1]].T
    torch.testing.assert_close(scores, torch.stack([first, second]), rtol=0, atol=1e-12)


def test_what_stands_in_a_masked_slot_changes_nothing():
    model = randomised(CBOW(7, 3))
    mask = torch.tensor([[True, False]])
    one = model(torch.tensor([[3, 0]]), mask, torch.tensor([[1]]))
    other = model(torch.tensor([[3, 6]]), mask, torch.tensor([[1]]))
    assert torch.equal(one, other)


def test_glove_adds_both_biases_to_the_product():
    model = randomised(GloVe(5, 4))
    a, b = torch.tensor([0, 3]), torch.tensor([4, 4])
    expected = (model.centres.weight[a] * model.contexts.weight[b]).sum(1)
    expected = expected + model.centre_biases.weight[a, 0] + model.context_biases.weight[b, 0]
    torch.testing.assert_close(model(a, b), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(model.vectors, model.centres.weight + model.contexts.weight)
    assert not model.vectors.requires_grad


@pytest.mark.parametrize("kind", [SkipGram, CBOW])
def test_the_first_table_starts_small_and_the_second_at_zero(kind):
    model = kind(400, 50, torch.Generator().manual_seed(0))
    assert 0.0099 < float(model.vectors.max()) <= 0.01
    assert -0.01 <= float(model.vectors.min()) < -0.0099
    assert not model.contexts.weight.any()
    assert all(weight.requires_grad for weight in model.parameters())
    same = kind(400, 50, torch.Generator().manual_seed(0))
    assert torch.equal(same.vectors, model.vectors)
    assert not model.vectors.requires_grad


def test_all_of_glove_starts_small():
    model = GloVe(400, 50, torch.Generator().manual_seed(0))
    for weight in model.parameters():
        assert 0.0095 < weight.abs().max().item() <= 0.01
        assert weight.min().item() < -0.009 < 0.009 < weight.max().item()
        assert weight.requires_grad


@pytest.mark.parametrize("kind", [SkipGram, CBOW, GloVe])
def test_one_word_of_one_number_is_a_table(kind):
    assert kind(1, 1).vectors.shape == (1, 1)


def test_no_pairs_have_no_scores():
    none = torch.zeros(0).long()
    assert SkipGram(3, 2)(none, torch.zeros(0, 4).long()).shape == (0, 4)
    assert GloVe(3, 2)(none, none).shape == (0,)


ONE = torch.tensor([0])


@pytest.mark.parametrize(
    ("build", "error", "sentence"),
    [
        (lambda: SkipGram(0, 3), ValueError, "0 vectors of width 3 cannot be built"),
        (lambda: CBOW(3, 0), ValueError, "3 vectors of width 0 cannot be built"),
        (lambda: GloVe(3, 0), ValueError, "3 vectors of width 0 cannot be built"),
        (lambda: GloVe(0, 3), ValueError, "0 vectors of width 3 cannot be built"),
        (lambda: SkipGram(3, 2)(ONE + 3, ONE[None]), IndexError, "ids from 3 to 3 came"),
        (lambda: SkipGram(3, 2)(ONE, ONE[None] - 1), IndexError, "ids from -1 to -1 came"),
        (
            lambda: CBOW(3, 2)(ONE[None] + 3, ONE[None] == 0, ONE[None]),
            IndexError,
            "vectors for 0 to 2",
        ),
        (
            lambda: CBOW(3, 2)(ONE[None], ONE[None] == 0, ONE[None] + 3),
            IndexError,
            "ids from 3 to 3 came",
        ),
        (
            lambda: CBOW(3, 2)(ONE[None], ONE[None] == 1, ONE[None]),
            ValueError,
            "a row has no neighbours",
        ),
        (
            lambda: CBOW(3, 2)(
                torch.zeros(2, 2).long(),
                torch.tensor([[True, True], [False, False]]),
                ONE[None, [0, 0]].T,
            ),
            ValueError,
            "a row has no neighbours",
        ),
        (lambda: GloVe(3, 2)(ONE + 3, ONE), IndexError, "ids from 3 to 3 came"),
        (lambda: GloVe(3, 2)(ONE, ONE - 1), IndexError, "ids from -1 to -1 came"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(build, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        build()
