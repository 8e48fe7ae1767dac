"""Our word vectors agree with gensim's about as well as two runs of gensim with each other."""

import pytest
import torch

from llm_book.data.world import analogy_corpus, planted_analogies
from llm_book.evaluation.similarity import VectorTable, neighbour_overlap
from llm_book.models.word_vectors import SkipGram
from llm_book.recipes.word_vectors import Config, Corpus, train_skip_gram

gensim = pytest.importorskip("gensim.models")


def theirs(sentences: list[list[str]], seed: int) -> VectorTable:
    model = gensim.Word2Vec(
        sentences,
        vector_size=32,
        window=5,
        min_count=1,
        sg=1,
        negative=5,
        sample=1e-3,
        epochs=30,
        alpha=0.05,
        seed=seed,
        workers=1,
    )
    return VectorTable(model.wv.index_to_key, model.wv.vectors)


def ours(sentences: list[list[str]], seed: int) -> VectorTable:
    words = sorted({word for sentence in sentences for word in sentence})
    id_of = {word: i for i, word in enumerate(words)}
    generator = torch.Generator().manual_seed(seed)
    model = SkipGram(len(words), 32, generator)
    corpus = Corpus([[id_of[word] for word in sentence] for sentence in sentences], len(words))
    config = Config(width=32, epochs=4, learning_rate=0.1)
    for _ in train_skip_gram(model, corpus, config, generator):
        pass
    return VectorTable(words, model.vectors.numpy())


def test_neighbours_are_gensims_as_far_as_gensims_are_its_own():
    sentences = [sentence.split() for sentence in analogy_corpus(6000)]
    asked = sorted({word for group in planted_analogies().values() for q in group for word in q})
    first, second = theirs(sentences, 1), theirs(sentences, 2)
    among_gensim = neighbour_overlap(first, second, asked, n=5)
    with_ours = neighbour_overlap(ours(sentences, 1), first, asked, n=5)
    assert among_gensim > 0.4, "gensim's own runs disagree: the corpus is too small to compare"
    assert with_ours > among_gensim - 0.15
