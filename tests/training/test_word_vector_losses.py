"""The losses of word vectors are their formulas, by value, by gradient and in expectation."""

import math
import re

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from llm_book.data.cooccurrence import cooccurrences
from llm_book.data.word_pairs import Gaps, Noise, WordPairs
from llm_book.models.glove import GloVe
from llm_book.models.word_vectors import CBOW, SkipGram
from llm_book.training.expected_skip_gram import expected_sgns_loss, sgns_optimum
from llm_book.training.word_vector_losses import (
    cbow_loss,
    cbow_negative_loss,
    glove_loss,
    glove_weights,
    negative_sampling_loss,
    sgns_loss,
    skip_gram_loss,
    weighted_squares,
)


def drawn(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def vectors(batch=4, k=3, width=5):
    return [
        part.requires_grad_()
        for part in (drawn(batch, width), drawn(batch, width, seed=1), drawn(batch, k, width))
    ]


def test_the_loss_is_binary_cross_entropy_over_pairs_and_negatives():
    centres, contexts, negatives = vectors()
    scores = torch.stack(
        [(centres * contexts).sum(1), *((centres * negatives[:, i]).sum(1) for i in range(3))], 1
    )
    labels = torch.tensor([1.0, 0, 0, 0], dtype=torch.float64).expand(4, 4)
    expected = binary_cross_entropy_with_logits(scores, labels, reduction="sum") / 4
    torch.testing.assert_close(sgns_loss(centres, contexts, negatives), expected)


def test_the_gradient_is_sigma_minus_label_times_the_other_vector():
    centres, contexts, negatives = vectors()
    sgns_loss(centres, contexts, negatives).backward()
    w, c, n = (part.detach() for part in (centres, contexts, negatives))
    seen = (torch.sigmoid((w * c).sum(1)) - 1)[:, None] / 4
    false = torch.sigmoid((n * w[:, None]).sum(2))[..., None] / 4
    by_hand = [seen * c + (false * n).sum(1), seen * w, false * w[:, None]]
    for part, gradient in zip((centres, contexts, negatives), by_hand, strict=True):
        torch.testing.assert_close(part.grad, gradient, rtol=0, atol=1e-12)
    assert torch.autograd.gradcheck(sgns_loss, vectors(2, 2, 3))


def test_no_score_is_too_large_for_the_loss():
    loss = negative_sampling_loss(torch.tensor([-2000.0]), torch.tensor([[2000.0, -2000.0]]))
    assert loss.item() == 4000


def test_cbow_is_skip_gram_from_the_mean_of_the_neighbours():
    around, mask = drawn(4, 6, 5), torch.rand(4, 6) < 0.5
    mask[:, 0] = True
    _, words, negatives = vectors()
    mean = torch.stack([row[which].mean(0) for row, which in zip(around, mask, strict=True)])
    torch.testing.assert_close(
        cbow_negative_loss(around, mask, words, negatives), sgns_loss(mean, words, negatives)
    )
    around = drawn(2, 3, 4).requires_grad_()
    parts = (around, mask[:2, :3], drawn(2, 4).requires_grad_(), drawn(2, 2, 4).requires_grad_())
    assert torch.autograd.gradcheck(cbow_negative_loss, parts)


def test_models_and_batches_give_the_pure_losses():
    skip, cbow = SkipGram(9, 5).double(), CBOW(9, 5).double()
    for model in (skip, cbow):
        model.contexts.weight.data.copy_(drawn(9, 5))
    centres, contexts = torch.tensor([1, 2, 8]), torch.tensor([4, 4, 0])
    negatives = torch.tensor([[0, 1], [2, 3], [5, 6]])
    pairs = WordPairs(centres, contexts, negatives)
    w, c = skip.centres.weight, skip.contexts.weight
    expected = sgns_loss(w[centres], c[contexts], c[negatives])
    torch.testing.assert_close(skip_gram_loss(skip, pairs), expected)
    around, mask = torch.tensor([[1, 2], [3, 0], [7, 7]]), torch.ones(3, 2).bool()
    mask[1, 1] = False
    gaps = Gaps(contexts, around, mask, negatives)
    w, c = cbow.centres.weight, cbow.contexts.weight
    expected = cbow_negative_loss(w[around], mask, c[contexts], c[negatives])
    torch.testing.assert_close(cbow_loss(cbow, gaps), expected)


def test_gloves_weight_rises_to_one_and_stays_there():
    x = torch.tensor([0.0, 1.0, 50.0, 100.0, 1e6])
    expected = [0, 0.01**0.75, 0.5**0.75, 1, 1]
    assert glove_weights(x).tolist() == pytest.approx(expected)
    assert glove_weights(x[1:2], x_max=0.5).tolist() == [1]
    assert glove_weights(x, x_max=10, power=0.5).tolist() == pytest.approx([0, 0.1**0.5, 1, 1, 1])


def test_gloves_loss_is_weighted_least_squares_of_logs():
    predicted, counts = drawn(5).requires_grad_(), drawn(5, seed=3).exp() * 80
    weights = [min(1.0, float(x) / 100) ** 0.75 for x in counts]
    terms = [
        f * (float(p) - math.log(float(x))) ** 2
        for f, p, x in zip(weights, predicted.detach(), counts, strict=True)
    ]
    loss = weighted_squares(predicted, counts)
    assert loss.item() == pytest.approx(sum(terms) / 5)
    loss.backward()
    by_hand = (
        2 / 5 * torch.tensor(weights, dtype=torch.float64) * (predicted.detach() - counts.log())
    )
    torch.testing.assert_close(predicted.grad, by_hand, rtol=1e-9, atol=1e-12)
    model = GloVe(4, 3, torch.Generator().manual_seed(0)).double()
    pairs = cooccurrences([[0, 1, 2, 3, 1]], 2, 4)
    expected = weighted_squares(model(pairs.centres, pairs.contexts), pairs.counts)
    torch.testing.assert_close(glove_loss(model, pairs), expected)


def small_world(words=30, seed=0):
    rng = np.random.default_rng(seed)
    texts = [rng.choice(words, 400, p=rng.dirichlet(np.ones(words))) for _ in range(6)]
    counts = cooccurrences(texts, 3, words, "flat").dense()
    return counts, Noise(counts.sum(0)).probabilities


def test_the_expected_loss_is_the_mean_over_drawn_negatives():
    counts, noise = small_world(6)
    scores = drawn(6, 6)
    rows, columns = counts.nonzero(as_tuple=True)
    times = counts[rows, columns].long()
    rows, columns = rows.repeat_interleave(times), columns.repeat_interleave(times)
    generator = torch.Generator().manual_seed(0)
    sampled = []
    for _ in range(60):
        negative = torch.multinomial(noise, len(rows) * 4, True, generator=generator).view(-1, 4)
        sampled.append(
            negative_sampling_loss(scores[rows, columns], scores[rows[:, None], negative]).item()
        )
    expected = expected_sgns_loss(scores, counts, noise, 4).item()
    spread = np.std(sampled) / math.sqrt(60)
    assert abs(np.mean(sampled) - expected) < 4 * spread
    assert spread < 0.005


@pytest.mark.parametrize("k", [1, 5])
def test_full_batch_descent_reaches_shifted_pointwise_mutual_information(k):
    counts, noise = small_world()
    optimum = sgns_optimum(counts, noise, k)
    p_pair, p_word = counts / counts.sum(), counts.sum(1) / counts.sum()
    by_hand = (p_pair / (p_word[:, None] * noise)).log() - math.log(k)
    torch.testing.assert_close(optimum, by_hand)
    words, contexts = ((0.3 * drawn(30, 30, seed=s)).requires_grad_() for s in (1, 2))
    optimizer = torch.optim.LBFGS([words, contexts], max_iter=600, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = expected_sgns_loss(words @ contexts.T, counts, noise, k)
        loss.backward()
        return loss

    optimizer.step(closure)
    often = counts >= 5
    error = ((words @ contexts.T).detach() - optimum)[often].abs()
    assert often.sum() > 200
    assert error.mean() < 0.02


def test_the_gradient_of_the_expected_loss_is_zero_at_the_optimum_and_not_beside_it():
    counts, noise = small_world(8)
    counts = counts + 1
    for shift, still in ((0.0, True), (0.1, False)):
        scores = (sgns_optimum(counts, noise, 3) + shift).requires_grad_()
        expected_sgns_loss(scores, counts, noise, 3).backward()
        assert (float(scores.grad.abs().max()) < 1e-12) is still


def test_pairs_never_seen_have_no_finite_optimum():
    counts = torch.tensor([[1.0, 0.0], [2.0, 1.0]])
    optimum = sgns_optimum(counts, torch.tensor([0.5, 0.5]), 1)
    assert optimum[0, 1] == -math.inf
    assert optimum.isfinite().sum() == 3


def test_counts_may_be_parts_of_one():
    counts, noise = torch.tensor([[0.3, 0.1], [0.1, 0.2]]), torch.tensor([0.5, 0.5])
    torch.testing.assert_close(sgns_optimum(counts, noise, 2), sgns_optimum(9 * counts, noise, 2))


ONE, PAIR = torch.ones(1), torch.ones(1, 2)
HALVES = torch.tensor([0.5, 0.5])


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: negative_sampling_loss(ONE[:0], PAIR[:0]), "no pairs came"),
        (lambda: glove_weights(ONE, 0), "x_max (0) and power (0.75) must be above 0"),
        (lambda: glove_weights(ONE, 10, -1), "x_max (10) and power (-1) must be above 0"),
        (lambda: glove_weights(ONE, 10, 0), "x_max (10) and power (0) must be above 0"),
        (lambda: weighted_squares(ONE, ONE - 1), "counts above 0 only"),
        (lambda: weighted_squares(ONE[:0], ONE[:0]), "counts above 0 only"),
        (lambda: weighted_squares(ONE, ONE * math.nan), "counts above 0 only"),
        (lambda: sgns_optimum(PAIR * 0, HALVES, 1), "the table of counts is empty or negative"),
        (lambda: sgns_optimum(-PAIR, HALVES, 1), "the table of counts is empty or negative"),
        (
            lambda: sgns_optimum(torch.tensor([[-0.5, 3.0]]), HALVES, 1),
            "the table of counts is empty or negative",
        ),
        (lambda: expected_sgns_loss(PAIR, PAIR, HALVES / 2, 1), "sums to 0.5000"),
        (lambda: expected_sgns_loss(PAIR, PAIR, torch.ones(1), 1), "noise over 1 contexts"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(build, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        build()
