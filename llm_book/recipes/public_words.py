"""Reviews as bags of words that private reviews had no part in choosing.

A vocabulary counted in private texts would tell of them before any noise is added; so the words and
their weights come from public reviews, and each bag has length 1.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy import sparse
from torch import Tensor

from llm_book.shapes import Labels, Review
from llm_book.text.tokenizers import WordTokenizer


@dataclass(frozen=True)
class BagBatch:
    """Bags of words and what their authors thought: ``bags`` [batch, words], ``labels`` [batch]."""

    bags: Float[Tensor, "batch words"]
    labels: Labels

    @property
    def size(self) -> int:
        """Bags in the batch."""
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Bags:
    """Reviews as rows of length 1 (0 for one without a known word): ``rows`` [reviews, words].

    ``n_tokens`` counts the words of all reviews, known or not.
    """

    rows: sparse.csr_matrix
    labels: np.ndarray
    n_tokens: int

    def __len__(self) -> int:
        return len(self.labels)

    def chosen(self, places: np.ndarray) -> "Bags":
        """Some of the reviews, repeats allowed; of the words, a share as large."""
        n_tokens = round(self.n_tokens * len(places) / len(self))
        return Bags(self.rows[places], self.labels[places], n_tokens)

    def batch(self) -> BagBatch:
        """All of them as tensors."""
        return BagBatch(
            torch.from_numpy(self.rows.toarray().astype(np.float32)),
            torch.from_numpy(self.labels),
        )


@dataclass(frozen=True, eq=False)
class PublicWords:
    """The words that stand in most public reviews, each weighted by how few they are.

    ``weights`` [words] are log((1 + reviews) / (1 + reviews that hold the word)).
    """

    places: dict[str, int]
    weights: np.ndarray

    @classmethod
    def of(cls, reviews: Sequence[Review], n_words: int) -> "PublicWords":
        """The ``n_words`` most widespread words; of equally widespread ones the first in order.

        Raises ValueError for no reviews.
        """
        if not reviews:
            raise ValueError("there are no public reviews to count words in; give at least one")
        tokenizer = WordTokenizer()
        held = Counter(word for r in reviews for word in set(tokenizer.tokenize(r.text)))
        words = sorted(held, key=lambda word: (-held[word], word))[:n_words]
        shares = np.array([(1 + len(reviews)) / (1 + held[word]) for word in words])
        return cls({word: i for i, word in enumerate(words)}, np.log(shares))

    def bags(self, reviews: Sequence[Review]) -> Bags:
        """Which of the words each review holds, weighted, scaled to length 1."""
        tokenizer, columns, ends, n_tokens = WordTokenizer(), [], [0], 0
        for review in reviews:
            tokens = tokenizer.tokenize(review.text)
            columns += sorted(self.places[word] for word in set(tokens) if word in self.places)
            ends.append(len(columns))
            n_tokens += len(tokens)
        shape = (len(reviews), len(self.weights))
        rows = sparse.csr_matrix((self.weights[columns], columns, ends), shape=shape)
        lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        scaled = sparse.diags(1 / np.where(lengths > 0, lengths, 1)) @ rows
        return Bags(scaled.tocsr(), np.array([r.label for r in reviews]), n_tokens)
