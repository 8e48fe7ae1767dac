"""Two language models in one network: one guesses the next word, one, from the end, the previous.

Both read through the same word vectors, and a guess is compared with those vectors, so that one
table is learned. Embedding and recurrent weights have the names of ``RecurrentClassifier``'s.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from llm_book.models.recurrent import RecurrentStack
from llm_book.shapes import Ids, Lengths, text_mask


@dataclass(frozen=True)
class TwoWayLMConfig:
    """Sizes of a two-way language model: one layer of ``width`` numbers each way.

    Of more layers the second would see, through the other direction, the very word it is to guess.
    Raises ValueError for a vocabulary without a word and a dropout that is no share.
    """

    vocab_size: int
    embedding_width: int = 64
    width: int = 64
    dropout: float = 0.0
    cell: str = "gru"
    engine: str = "ours"

    def __post_init__(self) -> None:
        if self.vocab_size < 1:
            raise ValueError(f"vocab_size is {self.vocab_size}; a vocabulary has at least 1 entry")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; it is a share, from 0 up to but not 1")


class TwoWayLM(nn.Module):
    """ids → for each position a guess at the word after it, and one at the word before it.

    Source: Peters et al. (2018), section 3.1, for two directions that share their words; Press and
    Wolf (2017) for the table that serves as input and output.
    """

    def __init__(self, config: TwoWayLMConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.embedding_width, padding_idx=0)
        self.drop = nn.Dropout(config.dropout)
        self.recurrent = RecurrentStack(
            config.cell,
            config.embedding_width,
            config.width,
            bidirectional=True,
            engine=config.engine,
        )
        self.after = nn.Linear(config.width, config.embedding_width)
        self.before = nn.Linear(config.width, config.embedding_width)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, ids: Ids, lengths: Lengths) -> Float[Tensor, "batch time ways embedding"]:
        """Guesses as word vectors: way 0 at what follows a position, way 1 at what precedes it.

        Way 0 has read the text up to the position, way 1 from its end down to it.
        """
        states = self.drop(self.recurrent(self.drop(self.embedding(ids)), lengths))
        onwards, back = states.chunk(2, dim=-1)
        return torch.stack([self.after(onwards), self.before(back)], dim=2)

    def logits(self, guesses: Float[Tensor, "*n embedding"]) -> Float[Tensor, "*n vocab"]:
        """One logit for each word of the vocabulary."""
        return nn.functional.linear(guesses, self.embedding.weight, self.bias)


def neighbours(
    guesses: Float[Tensor, "batch time ways embedding"], ids: Ids, lengths: Lengths
) -> tuple[Float[Tensor, "n embedding"], Int64[Tensor, " n"]]:
    """Every guess that has a word to be right about, and that word; pads are left out.

    First those at the next word, of all rows, then those at the previous one. A text of k words
    has k - 1 of each: its ends are not guessed.
    """
    time = ids.shape[1]
    places = torch.arange(ids.numel(), device=ids.device).view_as(ids)
    second = places[:, 1:][text_mask(lengths, time)[:, 1:]]  # of each pair of neighbours
    first = second - 1
    flat = guesses.flatten(0, 2)  # picked by number, which is faster backwards than by a mask
    return (
        flat.index_select(0, torch.cat([2 * first, 2 * second + 1])),
        ids.flatten()[torch.cat([second, first])],
    )
