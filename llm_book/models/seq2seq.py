"""A GRU that reads a text and a GRU that answers it, looking back at every step."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from llm_book.models.embedding import Embedding, check_ids, check_sources, text_keys
from llm_book.models.recurrent import CELLS, RecurrentStack, State, at_last_token
from llm_book.models.recurrent_state import StateCache
from llm_book.shapes import Lengths, Logits


@dataclass(frozen=True)
class Seq2SeqConfig:
    """Sizes of an encoder-decoder of GRUs.

    ``vocab_size`` is the source's vocabulary, ``target_vocab_size`` the target's (None: the same
    size); ``width`` numbers each way in the encoder, in the decoder's state and in the attention.
    ``cell`` is "gru" or "gru-cho", the paper's; ``engine`` is the encoder's. Raises ValueError
    for settings that cannot be built.
    """

    vocab_size: int
    target_vocab_size: int | None = None
    embedding_width: int = 64
    width: int = 64
    layers: int = 1
    dropout: float = 0.0
    cell: str = "gru"
    engine: str = "ours"

    def __post_init__(self) -> None:
        if min(self.vocab_size, self.target_vocab) < 1:
            raise ValueError(
                f"vocabularies of {self.vocab_size} and {self.target_vocab} entries came; each has "
                "at least 1"
            )
        if self.cell not in ("gru", "gru-cho"):
            raise ValueError(f"cell {self.cell!r} is unknown here; choose 'gru' or 'gru-cho'")

    @property
    def target_vocab(self) -> int:
        """Entries of the target's vocabulary."""
        return self.vocab_size if self.target_vocab_size is None else self.target_vocab_size


class AdditiveAttention(nn.Module):
    """How well each source position answers a query: v · tanh(W query + U key).

    The tap ``weights`` passes the shares [batch, key] of one step. Source: Bahdanau et al. (2015),
    appendix A.1.2.
    """

    def __init__(self, query_width: int, key_width: int, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_width, width, bias=False)
        self.key = nn.Linear(key_width, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)
        self.weights = nn.Identity()

    def forward(
        self,
        query: Float[Tensor, "batch query_width"],
        projected: Float[Tensor, "batch key width"],
        mask: Bool[Tensor, "batch 1 key"] | None = None,
    ) -> Float[Tensor, "batch key"]:
        """Each key's share, which sums to one over those ``mask`` allows.

        ``projected`` is ``key(keys)``, the same at every step and so computed once.
        """
        scores = self.score(torch.tanh(self.query(query)[:, None] + projected)).squeeze(-1)
        if mask is not None:
            scores = scores.masked_fill(~mask.squeeze(1), -torch.inf)
        return self.weights(scores.softmax(dim=-1))


class Seq2Seq(nn.Module):
    """Source ids and target ids → logits of the target token that follows each.

    The encoder reads both ways; the decoder's state begins as tanh of what the backward half has
    read at the first word. The tap ``alignment`` passes the whole map [batch, time, source time]
    once a ``decode``. Source: Bahdanau et al. (2015), with a linear readout of state, context and
    last word in place of their maxout.
    """

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        self.config = config
        narrow, width, wide = config.embedding_width, config.width, 2 * config.width
        self.source_embedding = Embedding(config.vocab_size, narrow)
        self.target_embedding = Embedding(config.target_vocab, narrow)
        self.encoder = RecurrentStack(
            config.cell, narrow, width, config.layers, True, config.engine, config.dropout
        )
        self.first = nn.Linear(width, width)
        self.attention = AdditiveAttention(width, wide, width)
        self.cell = CELLS[config.cell](narrow + wide, width)
        self.drop = nn.Dropout(config.dropout)
        self.head = nn.Linear(width + wide + narrow, config.target_vocab)
        self.alignment = nn.Identity()

    def forward(
        self,
        source: Int64[Tensor, "..."],
        source_lengths: Lengths | None,
        inputs: Int64[Tensor, "..."],
    ) -> Logits:
        """Logits [batch, time, vocab] of the token after each of ``inputs``, given the ``source``.

        Raises ValueError where ids are no [batch, time] or lengths do not fit, IndexError for ids
        outside a vocabulary.
        """
        return self.decode(inputs, self.encode(source, source_lengths), source_lengths)

    def encode(
        self, source: Int64[Tensor, "..."], source_lengths: Lengths | None = None
    ) -> Float[Tensor, "batch source_time states"]:
        """The encoder's states, forward half first; computed once and read by every ``decode``."""
        return self.encoder(self.drop(self.source_embedding(source)), source_lengths)

    def decode(
        self,
        inputs: Int64[Tensor, "..."],
        states: Float[Tensor, "batch source_time states"],
        source_lengths: Lengths | None = None,
        cache: StateCache | None = None,
    ) -> Logits:
        """Logits after each of ``inputs``, given the encoder's ``states``.

        With a ``cache``, inputs are what follows each row's tokens in it; the caller advances it.
        """
        check_ids(inputs)
        check_sources(len(inputs), len(states))
        mask = text_keys(source_lengths, *states.shape[:2])
        hidden = self._begin(states, cache)
        keys = self.attention.key(states)
        history, contexts, maps = [], [], []
        words = self.drop(self.target_embedding(inputs))
        for word in words.unbind(dim=1):
            hidden, context, weights = self.step(word, hidden, states, keys, mask)
            history.append(hidden)
            contexts.append(context)
            maps.append(weights)
        self.alignment(torch.stack(maps, dim=1))
        hiddens = torch.stack(history, dim=1)
        if cache is not None:
            cache.hold(inputs.shape[1], (hidden[None],), lambda n: _after(hiddens, n))
        read = torch.cat([hiddens, torch.stack(contexts, dim=1), words], dim=-1)
        return self.head(self.drop(read))

    def step(
        self,
        word: Float[Tensor, "batch embedding"],
        hidden: Float[Tensor, "batch width"],
        states: Float[Tensor, "batch source_time states"],
        keys: Float[Tensor, "batch source_time width"],
        mask: Bool[Tensor, "batch 1 source_time"] | None = None,
    ) -> tuple[
        Float[Tensor, "batch width"],
        Float[Tensor, "batch states"],
        Float[Tensor, "batch source_time"],
    ]:
        """The next state, what was looked at for it, and where: one word of the target.

        The look comes before the word is read, with the state before it (their Eqs. 4-6).
        """
        weights = self.attention(hidden, keys, mask)
        context = torch.einsum("bs,bsw->bw", weights, states)
        (hidden,) = self.cell(torch.cat([word, context], dim=-1), (hidden,))
        return hidden, context, weights

    def _begin(self, states: Tensor, cache: StateCache | None) -> Tensor:
        if cache is not None:
            cache.check(len(states))
            if cache.state is not None:
                return cache.state[0][0]
        return torch.tanh(self.first(states[:, 0, self.config.width :]))

    def new_cache(self, batch: int, capacity: int | None = None) -> StateCache:
        """An empty memory for ``batch`` targets; of any length, whatever ``capacity`` says."""
        return StateCache(batch, self.head.weight.device)


def _after(hiddens: Tensor, lengths: Lengths) -> State:
    return (at_last_token(hiddens, lengths)[None],)
