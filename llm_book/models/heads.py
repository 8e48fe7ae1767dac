"""Heads: what turns an encoder's states into the logits of a task."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from llm_book.models.embedding import text_keys
from llm_book.models.encoder import Encoder
from llm_book.models.recurrent import at_last_token
from llm_book.models.transformer import GPT
from llm_book.shapes import Ids, Lengths, Logits, States, text_mask


def first_state(states: States, lengths: Lengths) -> Float[Tensor, "batch width"]:
    """The state of each text's first token, BERT's [CLS]."""
    return states[:, 0]


def mean_state(states: States, lengths: Lengths) -> Float[Tensor, "batch width"]:
    """The average state of each text, pads not counted."""
    mask = text_mask(lengths, states.shape[1])[..., None]
    return (states * mask).sum(dim=1) / lengths[:, None]


POOLS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "first": first_state,
    "mean": mean_state,
    "last": at_last_token,
}


def all_of(ids: Ids) -> Lengths:
    """The lengths of texts that have no pads."""
    return torch.full((len(ids),), ids.shape[1], device=ids.device)


class Pooler(nn.Module):
    """A layer with tanh between a text's pooled state and its classifier, as in BERT."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)

    def forward(self, state: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """The state made ready to be classified, each number in ±1."""
        return torch.tanh(self.dense(state))


class MaskedLanguageModel(nn.Module):
    """An encoder that says which token stood at each position (Devlin et al. 2019).

    The head is a layer, the encoder's activation and a norm, then the embedding table read the
    other way round, with a bias a token.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        config = encoder.config
        self.encoder = encoder
        self.dense = nn.Linear(config.width, config.width)
        self.act = config.make_activation()
        self.norm = config.make_norm()
        self.head = nn.Linear(config.width, config.vocab_size)
        self.head.weight = encoder.embedding.weight
        nn.init.normal_(self.dense.weight, std=config.initial_scale)
        nn.init.zeros_(self.dense.bias)
        nn.init.zeros_(self.head.bias)

    def forward(
        self, ids: Ids, lengths: Lengths | None = None, token_types: Ids | None = None
    ) -> Logits:
        """Logits [batch, time, vocab] of the token that belongs at each position."""
        states = self.encoder(ids, lengths, token_types)
        return self.head(self.norm(self.act(self.dense(states))))


class SequenceClassifier(nn.Module):
    """One of ``n_labels`` labels a text, from its pooled states.

    ``pool`` is "first" (through a ``Pooler``, as BERT does), "mean" or "last".
    """

    def __init__(
        self, encoder: Encoder, n_labels: int, pool: str = "first", dropout: float = 0.0
    ) -> None:
        super().__init__()
        if pool not in POOLS:
            raise ValueError(f"pool {pool!r} is unknown; choose one of {', '.join(POOLS)}")
        self.encoder, self.pool_kind = encoder, pool
        width = encoder.config.width
        self.pooler = Pooler(width) if pool == "first" else nn.Identity()
        self.drop = nn.Dropout(dropout)
        self.head = label_head(width, n_labels)

    def forward(
        self, ids: Ids, lengths: Lengths | None = None, token_types: Ids | None = None
    ) -> Float[Tensor, "batch label"]:
        """Logits [batch, label] of each text."""
        states = self.encoder(ids, lengths, token_types)
        pooled = POOLS[self.pool_kind](states, all_of(ids) if lengths is None else lengths)
        return self.head(self.drop(self.pooler(pooled)))


class TokenClassifier(nn.Module):
    """One of ``n_labels`` labels a token; with two labels, where an answer starts and ends.

    For span extraction (Devlin et al. 2019, section 4.2) label 0's logits over the text say where
    the answer starts, label 1's where it ends: ``logits.unbind(dim=-1)``.
    """

    def __init__(self, encoder: Encoder, n_labels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = encoder
        self.drop = nn.Dropout(dropout)
        self.head = label_head(encoder.config.width, n_labels)

    def forward(
        self, ids: Ids, lengths: Lengths | None = None, token_types: Ids | None = None
    ) -> Float[Tensor, "batch time label"]:
        """Logits [batch, time, label]; those of pads mean nothing."""
        return self.head(self.drop(self.encoder(ids, lengths, token_types)))


class LastTokenClassifier(nn.Module):
    """One of ``n_labels`` labels a text, from the last token's state in a GPT, which saw all."""

    def __init__(self, gpt: GPT, n_labels: int) -> None:
        super().__init__()
        self.gpt = gpt
        self.head = label_head(gpt.config.width, n_labels, bias=False)

    def forward(self, ids: Ids, lengths: Lengths | None = None) -> Float[Tensor, "batch label"]:
        """Logits [batch, label] of each text."""
        text_keys(lengths, *ids.shape)  # a GPT needs no mask for pads, but lengths must fit
        states = self.gpt.norm(self.gpt.states(ids))
        return self.head(at_last_token(states, all_of(ids) if lengths is None else lengths))


def label_head(width: int, n_labels: int, bias: bool = True) -> nn.Linear:
    """A linear map from a state to ``n_labels`` logits, started as BERT's are."""
    if n_labels < 1:
        raise ValueError(f"n_labels is {n_labels}; a classifier needs at least 1")
    head = nn.Linear(width, n_labels, bias)
    nn.init.normal_(head.weight, std=0.02)
    if bias:
        nn.init.zeros_(head.bias)
    return head
