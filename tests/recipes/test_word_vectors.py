"""Put together, the shelves learn which words are alike."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from llm_book.data.cooccurrence import cooccurrences
from llm_book.data.word_pairs import Noise, keep_probabilities
from llm_book.evaluation.similarity import VectorTable
from llm_book.models.glove import GloVe
from llm_book.models.word_vectors import CBOW, SkipGram
from llm_book.recipes.word_vectors import (
    Config,
    Corpus,
    cbow_batches,
    skip_gram_batches,
    steady_blocks,
    train_glove,
    train_on_pairs,
    train_skip_gram,
)

# Words 0 … 9 in two families that never meet; 10 … 11 stand in both.
FAMILIES = 2
CONFIG = Config(
    width=12, window=2, epochs=4, threshold=1.0, learning_rate=0.05, piece=700, shared=16
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def texts(n=300, seed=0):
    rng = np.random.default_rng(seed)
    return [
        [int(w) for w in rng.choice([*range(5 * family, 5 * family + 5), 10, 11], 8)]
        for family in rng.integers(0, FAMILIES, n)
    ]


def families_apart(vectors):
    table = VectorTable([str(i) for i in range(12)], vectors.numpy())
    same = [table.similarity(str(i), str(j)) for i in range(5) for j in range(i)]
    other = [table.similarity(str(i), str(j + 5)) for i in range(5) for j in range(5)]
    return np.mean(same) - np.mean(other)


def test_fast_skip_gram_learns_who_stands_together():
    corpus, model = Corpus(texts(), 12), SkipGram(12, 12, generator())
    before = families_apart(model.vectors)
    steps = list(train_skip_gram(model, corpus, CONFIG, generator(1)))
    assert families_apart(model.vectors) > 0.5 > before + 0.3
    assert steps[-1].words == steps[-1].of == len(corpus) * 4 == 300 * 8 * 4
    assert [step.words for step in steps[:4]] == [700, 1400, 2100, 2400]
    rates = [step.learning_rate for step in steps]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] < 0.05
    assert rates[-1] == pytest.approx(0.05 * (1 - steps[-1].words / steps[-1].of), abs=0.004)
    assert rates[-1] >= CONFIG.final_learning_rate


def test_a_step_holds_fewer_blocks_where_words_are_frequent():
    few = Corpus([list(range(10)) * 10], 10)
    config = Config(threshold=1.0, window=4, negatives=3, block=10, blocks=50, learning_rate=0.1)
    # Every word is a tenth of the text and of the noise: 5 · (1 + 3) / 10 pairs a word read.
    assert steady_blocks(few, config, Noise(few.counts)) == 2
    assert steady_blocks(few, replace(config, learning_rate=0.04), Noise(few.counts)) == 5
    assert steady_blocks(few, replace(config, learning_rate=9.0), Noise(few.counts)) == 1
    assert steady_blocks(few, replace(config, learning_rate=1e-4), Noise(few.counts)) == 50
    assert steady_blocks(few, config, Noise([1] + [0] * 9)) == 1  # 5 · (0.1 + 3) pairs
    uneven = Corpus([[0] * 60 + [1, 2, 3, 4] * 10], 5)
    # As a centre: 5 · 4 · 0.6 pairs. Thinned out to 0.3 and 0.175 each, 5 · 4 · 0.3.
    wide = replace(config, learning_rate=0.01)
    assert steady_blocks(uneven, wide, Noise(uneven.counts, 0.0)) == 3
    keep = keep_probabilities(uneven.counts, 0.05)
    kept = uneven.counts * keep
    most = float(kept.max() / kept.sum())
    thinned = replace(wide, threshold=0.05)
    expected = int(4 / (0.01 * 5 * 10 * 4 * most))
    assert steady_blocks(uneven, thinned, Noise(uneven.counts, 0.0)) == expected > 3


def test_the_same_seed_gives_the_same_vectors_and_another_gives_others():
    def learned(seed):
        model = SkipGram(12, 12, generator())
        for _ in train_skip_gram(model, Corpus(texts(60), 12), CONFIG, generator(seed)):
            pass
        return model.vectors

    assert torch.equal(learned(1), learned(1))
    assert not torch.equal(learned(1), learned(2))


@pytest.mark.parametrize(("kind", "batches"), [(SkipGram, skip_gram_batches), (CBOW, cbow_batches)])
def test_the_plain_way_learns_the_same_families(kind, batches):
    corpus, model = Corpus(texts(), 12), kind(12, 12, generator())
    losses = list(train_on_pairs(model, batches(corpus, CONFIG, generator(), 256), 0.2))
    assert families_apart(model.vectors) > 0.5
    assert np.mean(losses[-20:]) < 0.9 * losses[0]
    assert losses[0] == pytest.approx(6 * np.log(2), abs=1e-3)  # all scores are still 0


def test_glove_learns_them_too():
    model = GloVe(12, 6, generator()).double()
    pairs = cooccurrences(texts(), 3, 12)
    losses = list(train_glove(model, pairs, 60, generator(), batch=16))
    assert len(losses) == 60
    assert losses[-1] < 0.05 * losses[0]
    assert families_apart(model.vectors) > 0.15


def test_plain_batches_hold_every_pair_of_each_epoch_and_its_negatives():
    corpus = Corpus([[0, 1], [2, 3]], 4)
    config = Config(window=1, epochs=3, threshold=10.0, negatives=2)
    batches = list(skip_gram_batches(corpus, config, generator(), 3))
    pairs = [
        pair
        for batch in batches
        for pair in zip(batch.centres.tolist(), batch.contexts.tolist(), strict=True)
    ]
    assert Counter(pairs) == dict.fromkeys([(0, 1), (1, 0), (2, 3), (3, 2)], 3)
    assert all(batch.negatives.shape == (batch.size, 2) for batch in batches)
    gaps = list(cbow_batches(corpus, config, generator(), 3))
    words = Counter(word for batch in gaps for word in batch.words.tolist())
    assert words == dict.fromkeys(range(4), 3)
    assert all(batch.negatives.shape == (batch.size, 2) for batch in gaps)
    for batch in gaps:
        assert torch.equal((batch.neighbours * batch.mask).sum(1), batch.words ^ 1)


def test_pieces_are_the_text_thinned_out_anew_each_epoch():
    corpus = Corpus([[0] * 900, [1] * 100], 2)
    assert corpus.counts.tolist() == [900, 100]
    assert len(corpus) == 1000
    config = Config(epochs=2, piece=600, threshold=0.01)
    pieces = list(corpus.pieces(config, generator()))
    assert [piece.read for piece in pieces] == [0, 600, 1000, 1600]
    assert [piece.words for piece in pieces] == [600, 400, 600, 400]
    keep = keep_probabilities([900, 100], 0.01)
    kept = torch.cat([piece.ids for piece in pieces])
    for word, n in ((0, 1800), (1, 200)):
        share = (kept == word).sum().item() / n
        assert share == pytest.approx(keep[word].item(), abs=0.06)
    assert len(pieces[0].ids) != len(pieces[2].ids)
    assert set(pieces[1].documents.tolist()) == {0, 1}
    assert torch.equal(pieces[1].documents, pieces[1].ids)


def test_a_piece_of_which_nothing_is_left_is_passed_over():
    corpus = Corpus([[0] * 50], 1)
    config = Config(threshold=1e-9, epochs=3, piece=5)
    model = SkipGram(1, 4, generator())
    assert list(train_skip_gram(model, corpus, config, generator())) == []
    assert list(train_on_pairs(model, skip_gram_batches(corpus, config, generator()))) == []


def test_words_alone_give_no_pairs_and_so_no_steps():
    corpus, model = Corpus([[0], [1], [0]], 2), SkipGram(2, 4, generator())
    config = Config(threshold=10.0, epochs=1)
    assert list(train_on_pairs(model, skip_gram_batches(corpus, config, generator()))) == []


def test_the_presets_are_word2vecs_own():
    config = Config()
    assert (config.width, config.window, config.negatives, config.epochs) == (100, 5, 5, 5)
    assert (config.threshold, config.learning_rate) == (1e-3, 0.025)
    assert (config.final_learning_rate, config.noise_power) == (1e-4, 0.75)
    assert Noise([1, 16]).probabilities[1] == pytest.approx(8 / 9)


@pytest.mark.parametrize(
    ("build", "error", "sentence"),
    [
        (lambda: Config(width=0), ValueError, "width is 0; it must be above 0"),
        (lambda: Config(learning_rate=-1.0), ValueError, "learning_rate is -1.0"),
        (lambda: Config(shared=0), ValueError, "shared is 0"),
        (lambda: Corpus([[]], 3), ValueError, "no words came"),
        (lambda: Corpus([], 3), ValueError, "no words came"),
        (
            lambda: Corpus([[0, 3]], 3),
            IndexError,
            "ids from 0 to 3 came, the vocabulary has 0 to 2",
        ),
        (lambda: Corpus([[-1]], 3), IndexError, "ids from -1 to -1 came"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(build, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        build()
    assert Config(noise_power=0.0).noise_power == 0
