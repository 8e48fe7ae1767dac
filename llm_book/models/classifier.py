"""Text classifiers: ids → vectors → states → one pooled vector → one logit."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from llm_book.models.encoder import Encoder, EncoderConfig
from llm_book.models.heads import SequenceClassifier
from llm_book.models.recurrent import RecurrentStack
from llm_book.shapes import Ids, Lengths, Mask, States, text_mask


@dataclass(frozen=True)
class ClassifierConfig:
    """Sizes of a recurrent classifier.

    ``vocab_size`` rows of ``embedding_width`` numbers; ``layers`` two-way layers of ``width``
    numbers each way; ``dropout`` is the share of numbers set to zero while training.
    ``cell`` is "rnn", "lstm" or "gru"; ``engine`` is "ours" or "torch" (same numbers, faster).
    """

    vocab_size: int
    embedding_width: int = 64
    width: int = 64
    layers: int = 1
    dropout: float = 0.3
    cell: str = "gru"
    engine: str = "ours"

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; it is a share, from 0 up to but not 1")
        if self.layers < 1:
            raise ValueError(f"layers is {self.layers}; a classifier needs at least 1")


class RecurrentClassifier(nn.Module):
    """Reads a text in both directions and says how positive it is, as one logit a text.

    Pads change no logit: they are neither read nor pooled. Source for pooling over all states
    instead of taking the last: Lai et al. (2015).
    """

    def __init__(
        self,
        config: ClassifierConfig,
        vectors: Float[Tensor, "vocab embedding"] | None = None,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.vocab_size, config.embedding_width, padding_idx=0)
        if vectors is not None:
            self._start_from(vectors)
        self.drop = nn.Dropout(config.dropout)
        self.recurrent = RecurrentStack(
            config.cell,
            config.embedding_width,
            config.width,
            config.layers,
            bidirectional=True,
            engine=config.engine,
        )
        self.head = nn.Linear(2 * self.recurrent.width, 1)

    def _start_from(self, vectors: Tensor) -> None:
        wanted = tuple(self.embedding.weight.shape)
        if tuple(vectors.shape) != wanted:
            raise ValueError(
                f"word vectors of shape {tuple(vectors.shape)} do not fit an embedding of shape "
                f"{wanted}; build them from the same vocabulary"
            )
        with torch.no_grad():
            self.embedding.weight.copy_(vectors)

    def forward(self, ids: Ids, lengths: Lengths) -> Float[Tensor, " batch"]:
        """One logit a text; its sigmoid is the probability of label 1."""
        states = self.recurrent(self.drop(self.embedding(ids)), lengths)
        pooled = mean_and_max(states, text_mask(lengths, ids.shape[1]))
        return self.head(self.drop(pooled)).squeeze(-1)


def mean_and_max(states: States, mask: Mask) -> Float[Tensor, "batch pooled"]:
    """Average and largest value of every state coordinate over the text (equation eq-mean-max)."""
    mask = mask[..., None]
    mean = (states * mask).sum(dim=1) / mask.sum(dim=1)
    largest = states.masked_fill(~mask, -torch.inf).amax(dim=1)
    return torch.cat([mean, largest], dim=-1)


class TransformerClassifier(nn.Module):
    """Reads a text with an encoder and says how positive it is, as one logit a text.

    ``pool`` is "first", "mean" or "last"; pads change no logit. It takes the place of a
    ``RecurrentClassifier`` wherever one is trained or measured.
    """

    def __init__(self, config: EncoderConfig, pool: str = "mean") -> None:
        super().__init__()
        self.classifier = SequenceClassifier(Encoder(config), 1, pool, config.dropout)

    def forward(self, ids: Ids, lengths: Lengths) -> Float[Tensor, " batch"]:
        """One logit a text; its sigmoid is the probability of label 1."""
        return self.classifier(ids, lengths).squeeze(-1)
