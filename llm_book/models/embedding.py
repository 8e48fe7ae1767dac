"""The table that turns ids into vectors, with a plain word for ids it has no row for."""

from jaxtyping import Bool
from torch import Tensor, nn

from llm_book.models.attention import can_be_asked
from llm_book.shapes import Lengths, States, text_mask


class Embedding(nn.Embedding):
    """``torch.nn.Embedding`` whose refusals say what to do.

    Raises ValueError for anything but whole numbers [batch, time] with at least one position;
    IndexError for ids outside the vocabulary (on a CPU; a GPU stops by itself).
    """

    def forward(self, ids: Tensor) -> States:
        """The row of each id: [batch, time, width]."""
        check_ids(ids)
        try:
            return super().forward(ids)
        except IndexError as error:
            wrong = next(i for i in ids.flatten() if not 0 <= i < self.num_embeddings)
            raise IndexError(
                f"id {wrong} is outside a vocabulary of {self.num_embeddings}; encode the text "
                "with the tokenizer the model was built for"
            ) from error


class TokenTypes(nn.Embedding):
    """A vector for each kind of token; IndexError for a kind that the encoder has not (CPU)."""

    def forward(self, types: Tensor) -> States:
        """The row of each type: [batch, time, width]."""
        try:
            return super().forward(types)
        except IndexError as error:
            raise IndexError(
                f"token type {int(types.max())} is outside the {self.num_embeddings} types of "
                "this encoder; types count from 0"
            ) from error


def check_ids(ids: Tensor) -> None:
    """Refuse ids that are not whole numbers [batch, time] with at least one position."""
    if ids.is_floating_point():
        raise ValueError(f"ids of {ids.dtype} are no ids; give whole numbers: ids.long()")
    if ids.ndim != 2:
        raise ValueError(
            f"ids of shape {tuple(ids.shape)} are not [batch, time]; one text alone is ids[None]"
        )
    if ids.shape[1] == 0:
        raise ValueError("the text is empty; a model needs at least one id to read")


def check_context(time: int, context_length: int) -> None:
    """Refuse more tokens than the model reads at once."""
    if time > context_length:
        raise ValueError(
            f"{time} tokens do not fit in a context of {context_length}; keep the last "
            f"{context_length}: ids[:, -{context_length}:]"
        )


def check_sources(targets: int, sources: int) -> None:
    """Refuse targets that are not one a source."""
    if targets != sources:
        raise ValueError(
            f"{targets} targets came with the states of {sources} sources; "
            "give each target its source"
        )


def text_keys(
    lengths: Lengths | None, batch: int, time: int
) -> Bool[Tensor, "batch 1 time"] | None:
    """True where a key is text and may be attended to; None where no lengths are given.

    Raises ValueError for lengths that do not belong to ``batch`` texts padded to ``time`` (their
    values are looked at on a CPU only).
    """
    if lengths is None:
        return None
    if len(lengths) != batch:
        raise ValueError(f"{len(lengths)} lengths came with {batch} texts; give one a text")
    if can_be_asked(lengths) and not 1 <= lengths.min() <= lengths.max() <= time:
        raise ValueError(
            f"lengths from {int(lengths.min())} to {int(lengths.max())} do not fit texts padded "
            f"to {time}; a length counts a text's own tokens, at least 1"
        )
    return text_mask(lengths, time)[:, None]
