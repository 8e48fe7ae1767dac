"""What accounting must know of a decoder: a ``GPTConfig``, or anything with the same fields."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class DecoderSizes(Protocol):
    """The sizes of a decoder of GPT's or Llama's shape, from which all its costs follow."""

    @property
    def width(self) -> int:
        """Numbers in a hidden state."""

    @property
    def n_layers(self) -> int:
        """Blocks."""

    @property
    def n_heads(self) -> int:
        """Queries a position, in each block."""

    @property
    def kv_heads(self) -> int:
        """Pairs of keys and values a position, in each block."""

    @property
    def width_of_head(self) -> int:
        """Numbers in a query, a key or a value."""

    @property
    def width_inside(self) -> int:
        """Numbers in the middle of a feed-forward part."""

    @property
    def vocab_size(self) -> int:
        """Entries of the vocabulary."""

    @property
    def context_length(self) -> int:
        """Positions it can read."""

    @property
    def positions(self) -> str:
        """The scheme of positions; "learned" has a table of parameters."""

    @property
    def norm(self) -> str:
        """ "layer" or "rms", which has no bias."""

    @property
    def norm_place(self) -> str:
        """ "pre", with a norm more after the last block, or "post"."""

    @property
    def gated(self) -> bool:
        """Whether a feed-forward part has a third matrix (SwiGLU)."""

    @property
    def bias(self) -> bool:
        """Whether linear maps (the head apart) and layer norms have biases."""

    @property
    def tied(self) -> bool:
        """Whether the head is the embedding."""

    @property
    def n_experts(self) -> int:
        """Feed-forward parts a block chooses from; 0 where there is one and no choice."""

    @property
    def top_k(self) -> int:
        """Experts that each token visits."""
