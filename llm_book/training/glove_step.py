"""GloVe at the speed of a few rows: the gradient by hand, AdaGrad on the words of a batch alone.

The loss is ``weighted_squares``, summed and not its mean. Autograd with ``AdaGrad`` moves whole
tables at every step, of which a batch touches a few rows; here the others are left alone, and the
numbers are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

Vectors = Float[Tensor, "pairs width"]
PerPair = Float[Tensor, " pairs"]
Ids = Int64[Tensor, " pairs"]
Table = Float[Tensor, "vocab _"]


def glove_gradients(
    centres: Vectors, contexts: Vectors, biases: PerPair, logs: PerPair, weights: PerPair
) -> tuple[Vectors, Vectors, Float[Tensor, "pairs 1"]]:
    """The gradient of Σ weight · (centre · context + bias − log)² by both vectors and by the bias.

    ``biases`` are the sums of both words' biases: each of the two has the third gradient.
    """
    apart = (centres * contexts).sum(1) + biases - logs
    by_bias = (2 * weights * apart)[:, None]
    return by_bias * contexts, by_bias * centres, by_bias


def rows_adagrad_step(
    table: Table,
    squares: Table,
    ids: Ids,
    gradients: Float[Tensor, "pairs columns"],
    rate: float,
    eps: float = 1e-10,
) -> None:
    """A step of AdaGrad on the rows ``ids`` of a table, in place; gradients of one row add up.

    ``squares`` is the sum of squared gradients so far, of the table's shape, and is moved too.
    Equals ``AdaGrad`` on the whole table. Source: Duchi, Hazan and Singer (2011).
    """
    rows, place = ids.unique(return_inverse=True)
    summed = gradients.new_zeros(len(rows), gradients.shape[1]).index_add_(0, place, gradients)
    square = squares.index_select(0, rows).addcmul_(summed, summed)
    squares.index_copy_(0, rows, square)
    table.index_add_(0, rows, summed.div_(square.sqrt_().add_(eps)), alpha=-rate)


def glove_step(
    tables: Sequence[Table],
    squares: Sequence[Table],
    centres: Ids,
    contexts: Ids,
    logs: PerPair,
    weights: PerPair,
    rate: float,
) -> float:
    """One step on the tables of centres and contexts, in place; gives the summed loss before it.

    A row of a table is a word's vector and, last, its bias. ``squares`` are AdaGrad's sums.
    """
    words, others = (
        table.index_select(0, ids) for table, ids in zip(tables, (centres, contexts), strict=True)
    )
    biases = words[:, -1] + others[:, -1]
    *by_vectors, by_bias = glove_gradients(words[:, :-1], others[:, :-1], biases, logs, weights)
    for side, ids in enumerate((centres, contexts)):
        gradients = torch.cat([by_vectors[side], by_bias], 1)
        rows_adagrad_step(tables[side], squares[side], ids, gradients, rate)
    return float((by_bias[:, 0].square() / (4 * weights)).sum())
