"""A recurrent language model: ids → vectors → recurrent states → logits of the next token."""

from collections.abc import Iterator
from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor, nn

from llm_book.models.embedding import Embedding
from llm_book.models.recurrent import RecurrentStack, State
from llm_book.models.recurrent_state import StateCache
from llm_book.shapes import Ids, Lengths, Logits


@dataclass(frozen=True)
class RecurrentLMConfig:
    """Sizes of a recurrent language model.

    ``cell`` is "rnn", "lstm", "gru" or "gru-cho"; ``tied`` makes the embedding table the head,
    for which ``embedding_width`` must be ``width``; ``dropout`` stands after the embedding,
    between layers and before the head. Raises ValueError for sizes that do not fit.
    """

    vocab_size: int
    embedding_width: int = 64
    width: int = 64
    layers: int = 1
    cell: str = "gru"
    dropout: float = 0.0
    tied: bool = False
    engine: str = "ours"

    def __post_init__(self) -> None:
        if self.vocab_size < 1:
            raise ValueError(f"vocab_size is {self.vocab_size}; a vocabulary has at least 1 entry")
        if self.tied and self.embedding_width != self.width:
            raise ValueError(
                f"a tied head needs embedding_width ({self.embedding_width}) and width "
                f"({self.width}) to be the same"
            )


class RecurrentLM(nn.Module):
    """ids → logits of the token that follows each; the past is in a state of fixed size.

    Source: Mikolov et al. (2010) for the network, Press and Wolf (2017) for the tied head.
    """

    def __init__(self, config: RecurrentLMConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config.vocab_size, config.embedding_width)
        self.drop = nn.Dropout(config.dropout)
        self.recurrent = RecurrentStack(
            config.cell,
            config.embedding_width,
            config.width,
            config.layers,
            engine=config.engine,
            dropout=config.dropout,
        )
        self.head = nn.Linear(config.width, config.vocab_size)
        if config.tied:
            nn.init.normal_(self.embedding.weight, std=config.width**-0.5)
            self.head.weight = self.embedding.weight

    def forward(self, ids: Int64[Tensor, "..."], cache: StateCache | None = None) -> Logits:
        """Logits [batch, time, vocab] of the token after each of ``ids`` [batch, time].

        Pads on the right change nothing before them. With a ``cache``, ids are read as what
        follows each row's text; the caller then advances it. Raises ValueError for ids that are
        no [batch, time] or not one row a row of the cache, IndexError for ids outside the
        vocabulary.
        """
        vectors = self.drop(self.embedding(ids))
        states = self.recurrent(vectors) if cache is None else self._read_on(vectors, cache)
        return self.head(self.drop(states))

    def _read_on(
        self, vectors: Float[Tensor, "batch time width"], cache: StateCache
    ) -> Float[Tensor, "batch time hidden"]:
        cache.check(len(vectors))
        start = cache.state

        def after(lengths: Lengths) -> State:
            return self.recurrent.run(vectors, lengths, start)[1]

        states, end = self.recurrent.run(vectors, state=start)
        cache.hold(vectors.shape[1], end, after)
        return states

    def new_cache(self, batch: int, capacity: int | None = None) -> StateCache:
        """An empty memory for ``batch`` texts; of any length, whatever ``capacity`` says."""
        return StateCache(batch, self.embedding.weight.device)


def pieces(model: RecurrentLM, ids: Ids, steps: int) -> Iterator[tuple[slice, Logits]]:
    """Logits of a long text, ``steps`` tokens at a time, the state carried on but not its graph.

    Truncated backpropagation through time: a gradient step on each piece,
    ``for place, logits in pieces(model, ids, 35)``, ``ids[:, place]`` being what was read. Source:
    Williams and Peng (1990). Raises ValueError for fewer than 1 step.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; a piece has at least 1 token")
    return _pieces(model, ids, steps)


def _pieces(model: RecurrentLM, ids: Ids, steps: int) -> Iterator[tuple[slice, Logits]]:
    cache = model.new_cache(len(ids))
    for begin in range(0, ids.shape[1], steps):
        place = slice(begin, min(begin + steps, ids.shape[1]))
        logits = model(ids[:, place], cache)
        cache.advance(place.stop - begin)
        cache.detach()
        yield place, logits
