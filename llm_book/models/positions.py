"""Where a token stands: five ways to tell a model that, by itself, sees a bag of tokens."""

import math
from collections.abc import Callable

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor, nn

Places = Int64[Tensor, "#batch time"]  # one row may stand for all
Slots = Int64[Tensor, "#batch slots"]
PAIRINGS = ("halves", "interleaved")


def frequencies(
    width: int, theta: float, device: torch.device | str | None, dtype: torch.dtype
) -> Float[Tensor, " pair"]:
    """θ^(−2i/width) for each pair of numbers i: radians a position, 1 first, then ever slower.

    Raises ValueError for a width that is not even or a theta that is not above 0.
    """
    if width < 2 or width % 2:
        raise ValueError(f"a width of {width} has no pairs to turn; it must be even")
    if not theta > 0:
        raise ValueError(f"theta is {theta}; it must be above 0")
    powers = torch.arange(0, width, 2, device=device, dtype=dtype) / width
    return theta**-powers


def sinusoidal(
    positions: Int64[Tensor, "*batch time"],
    width: int,
    theta: float = 10000.0,
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "*batch time width"]:
    """A vector for each position: sine at even, cosine at odd places, of slowing frequencies.

    Source: Vaswani et al. (2017), section 3.5.
    """
    angles = positions[..., None] * frequencies(width, theta, positions.device, dtype)
    return rearrange([angles.sin(), angles.cos()], "two ... pair -> ... (pair two)")


def rotary_angles(
    positions: Int64[Tensor, "*batch time"],
    width: int,
    theta: float = 10000.0,
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "*batch time pair"]:
    """By how many radians each pair of numbers of a vector of ``width`` is turned."""
    return positions[..., None] * frequencies(width, theta, positions.device, dtype)


def rotary(
    x: Float[Tensor, "*batch time width"],
    positions: Int64[Tensor, "..."],
    theta: float = 10000.0,
    pairing: str = "halves",
) -> Float[Tensor, "*batch time width"]:
    """Queries or keys turned by their positions: a score then depends on distance alone.

    ``pairing="halves"`` turns number i with number i + width/2 (Llama, GPT-NeoX);
    ``"interleaved"`` turns number 2i with 2i + 1 (the paper). ``positions`` broadcast to
    [*batch, time]. Raises ValueError for an odd width or an unknown pairing.
    Source: Su et al. (2021), Eq. 34.
    """
    check_pairing(pairing)
    precise = torch.promote_types(x.dtype, torch.float32)
    angles = rotary_angles(positions, x.shape[-1], theta, precise)
    return rotated(x, angles.cos(), angles.sin(), pairing)


def rotated(
    x: Float[Tensor, "*batch time width"],
    cos: Float[Tensor, "..."],
    sin: Float[Tensor, "..."],
    pairing: str,
) -> Float[Tensor, "*batch time width"]:
    """Each pair of numbers (a, b) of ``x`` as (a cos − b sin, a sin + b cos)."""
    split = "two pair" if pairing == "halves" else "pair two"
    a, b = rearrange(x, f"... ({split}) -> two ... pair", two=2)
    turned = [a * cos - b * sin, a * sin + b * cos]
    return rearrange(turned, f"two ... pair -> ... ({split})").to(x.dtype)


def check_pairing(pairing: str) -> None:
    """Refuse a pairing that is neither "halves" nor "interleaved"."""
    if pairing not in PAIRINGS:
        raise ValueError(f"pairing {pairing!r} is unknown; choose one of {', '.join(PAIRINGS)}")


def alibi_slopes(n_heads: int) -> Float[Tensor, " head"]:
    """How steeply each head's scores fall with distance: 2^(−8/n), 2^(−16/n), … for n heads.

    Where n is no power of two, the slopes of the power below come first, then every other slope
    of the power above. Source: Press et al. (2022) and their published code.
    """
    if n_heads < 1:
        raise ValueError(f"n_heads is {n_heads}; attention needs at least 1")
    below = 2 ** int(math.log2(n_heads))
    slopes = _geometric(below) + _geometric(2 * below)[::2]
    return torch.tensor(slopes[:n_heads])


def _geometric(n: int) -> list[float]:
    return [2 ** (-8 * (i + 1) / n) for i in range(n)]


def alibi_bias(
    n_heads: int,
    query_positions: Int64[Tensor, "*#batch query"],
    key_positions: Int64[Tensor, "*#batch key"],
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "*rows head query key"]:
    """What ALiBi adds to the scores: −slope · distance, so that near keys count more.

    Distances count in both directions; a causal model never sees the keys ahead.
    """
    distance = (query_positions[..., :, None] - key_positions[..., None, :]).abs()
    slopes = alibi_slopes(n_heads).to(distance.device, dtype)
    return -slopes[:, None, None] * distance[..., None, :, :]


class Positions(nn.Module):
    """One scheme of positions for a whole model.

    ``kind`` is "learned" (a vector a position, up to ``context_length``), "sinusoidal", "rotary",
    "alibi" or "none". The first two are added to the embeddings (``add``), rotary turns
    queries and keys (``turn``), ALiBi is added to the scores (``bias``).
    Raises ValueError for an unknown kind.
    """

    KINDS = ("learned", "sinusoidal", "rotary", "alibi", "none")

    def __init__(
        self,
        kind: str,
        context_length: int,
        width: int,
        n_heads: int,
        head_width: int,
        theta: float = 10000.0,
        pairing: str = "halves",
    ) -> None:
        super().__init__()
        if kind not in self.KINDS:
            raise ValueError(f"positions {kind!r} are unknown; choose one of {self.KINDS}")
        check_pairing(pairing)
        self.kind, self.width, self.n_heads, self.head_width = kind, width, n_heads, head_width
        self.theta, self.pairing = theta, pairing
        if kind == "learned":
            self.table = nn.Embedding(context_length, width)

    def add(
        self, states: Float[Tensor, "batch time width"], positions: Places
    ) -> Float[Tensor, "batch time width"]:
        """The states with the vectors of their positions added, where the scheme has such."""
        if self.kind == "learned":
            try:
                return states + self.table(positions)
            except IndexError as error:
                raise IndexError(
                    f"positions up to {int(positions.max())} do not stand in a table of "
                    f"{self.table.num_embeddings}; positions count from 0"
                ) from error
        if self.kind == "sinusoidal":
            precise = torch.promote_types(states.dtype, torch.float32)
            vectors = sinusoidal(positions, self.width, self.theta, precise)
            return states + vectors.to(states.dtype)
        return states

    def turn(
        self, positions: Places, like: Float[Tensor, "..."]
    ) -> Callable[[Tensor], Tensor] | None:
        """What turns queries and keys [batch, head, time, width] of these positions, or None."""
        if self.kind != "rotary":
            return None
        precise = torch.promote_types(like.dtype, torch.float32)
        angles = rotary_angles(positions, self.head_width, self.theta, precise)[:, None]
        cos, sin = angles.cos(), angles.sin()
        return lambda x: rotated(x, cos, sin, self.pairing)

    def bias(
        self, positions: Places, key_positions: Slots, like: Float[Tensor, "..."]
    ) -> Float[Tensor, "rows head query key"] | None:
        """What is added to the scores of these queries and keys, or None."""
        if self.kind != "alibi":
            return None
        return alibi_bias(self.n_heads, positions, key_positions, like.dtype)
