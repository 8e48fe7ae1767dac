"""Weights in a few bits: whole numbers and one scale for each run of them."""

from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float, Int8, UInt8
from torch import Tensor, nn
from torch.nn.functional import linear

from llm_book.models.lora import ends_with, linear_maps, replace

BITS = range(2, 9)


def quantise(
    weight: Float[Tensor, "*rows width"], bits: int
) -> tuple[Int8[Tensor, "*rows width"], Float[Tensor, "*rows 1"]]:
    """Whole numbers and each row's step, so that number times step is nearly the weight.

    The largest weight of a row gets the largest number, 2^(bits − 1) − 1, so no weight is off by
    more than half a step (equation eq-challenges-step). A row of zeros has the step 1. Raises
    ValueError for fewer than 2 bits or more than 8, and for weights that are no numbers.
    """
    check_bits(bits)
    if not weight.isfinite().all():
        raise ValueError("a weight is infinite or not a number; nothing can be rounded to it")
    largest = 2 ** (bits - 1) - 1
    step = weight.abs().amax(dim=-1, keepdim=True) / largest
    step = torch.where(step > 0, step, torch.ones_like(step))
    return (weight / step).round().to(torch.int8), step


def restored(
    numbers: Int8[Tensor, "*rows width"], step: Float[Tensor, "*rows 1"]
) -> Float[Tensor, "*rows width"]:
    """The weights that the whole numbers stand for."""
    return numbers * step


def packed(numbers: Int8[Tensor, "*rows width"]) -> UInt8[Tensor, "*rows half"]:
    """Two numbers of four bits in each byte: the first of a pair in the low half.

    Raises ValueError for an odd width, and for numbers outside −8 … 7.
    """
    if numbers.shape[-1] % 2:
        raise ValueError(f"{numbers.shape[-1]} numbers a row do not pair off; give an even width")
    if numbers.numel() and not -8 <= int(numbers.min()) <= int(numbers.max()) <= 7:
        raise ValueError("a number does not fit in 4 bits; those go from -8 to 7")
    nibbles = (numbers + 8).to(torch.uint8)
    return nibbles[..., 0::2] + 16 * nibbles[..., 1::2]


def unpacked(pairs: UInt8[Tensor, "*rows half"]) -> Int8[Tensor, "*rows width"]:
    """The numbers that ``packed`` put two in a byte."""
    nibbles = torch.stack([pairs % 16, pairs // 16], dim=-1).flatten(-2)
    return nibbles.to(torch.int8) - 8


class QuantisedLinear(nn.Module):
    """W x + b with W kept in whole numbers and restored when it is used; nothing can be learned.

    ``group`` weights of a row share a step; None: a whole row. With 4 bits or fewer two numbers
    share a byte. Raises ValueError where groups do not share out a row, and as ``quantise`` does.
    """

    numbers: Tensor
    step: Tensor
    bias: Tensor | None

    def __init__(self, base: nn.Linear, bits: int, group: int | None = None) -> None:
        super().__init__()
        group = base.in_features if group is None else group
        if group < 1 or base.in_features % group:
            raise ValueError(
                f"groups of {group} do not share out rows of {base.in_features} weights; choose a "
                "divisor"
            )
        rows = base.weight.detach().unflatten(1, (-1, group))
        numbers, step = quantise(rows, bits)
        self.in_features, self.out_features, self.bits = base.in_features, base.out_features, bits
        self.in_pairs = bits <= 4 and group % 2 == 0
        self.register_buffer("numbers", packed(numbers) if self.in_pairs else numbers)
        self.register_buffer("step", step)
        self.register_buffer("bias", None if base.bias is None else base.bias.detach().clone())

    def weight(self) -> Float[Tensor, "out width"]:
        """The weights as they are used."""
        numbers = unpacked(self.numbers) if self.in_pairs else self.numbers
        return restored(numbers, self.step).flatten(1)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch out"]:
        """What the map gives with rounded weights."""
        return linear(x, self.weight(), self.bias)


def quantise_maps(
    model: nn.Module, bits: int, names: Sequence[str] | None = None, group: int | None = None
) -> list[str]:
    """Put a ``QuantisedLinear`` in the place of linear maps, in place; gives their full names.

    ``names`` are last names or ends of full ones, as for ``add_lora``; None takes all maps, of
    which one that shares its weights with another part then keeps its own. Raises ValueError for
    a name that no linear map has.
    """
    check_bits(bits)
    every = linear_maps(model)
    for name in names or ():
        if not any(ends_with(full, name) for full in every):
            raise ValueError(
                f"no linear map is called {name!r}; this model has "
                f"{', '.join(sorted({full.rpartition('.')[2] for full in every}))}"
            )
    chosen = [n for n in every if names is None or any(ends_with(n, name) for name in names)]
    for name in chosen:
        base = cast(nn.Linear, model.get_submodule(name))
        replace(model, name, QuantisedLinear(base, bits, group))
    return chosen


def check_bits(bits: int) -> None:
    """Refuse a number of bits that holds no sign and size, or does not fit a byte."""
    if bits not in BITS:
        raise ValueError(f"{bits} bits came; choose from {BITS[0]} to {BITS[-1]}")
