"""Every secret that might have been planted: its cost to a model, and what luck alone exposes."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor


@torch.no_grad()
def secret_losses(
    model: Callable[[Tensor], Tensor],
    prefix: Int64[Tensor, " prefix"],
    symbols: Int64[Tensor, " symbols"],
    length: int,
    batch_size: int = 256,
) -> np.ndarray:
    """What each secret of ``length`` symbols costs after the prefix, in nats: [symbols ** length].

    In the order of counting: with ten digits for symbols the secret 0042 stands at place 42. Equals
    ``continuation_losses`` on all of them for a tenth of the work, because secrets that differ in
    their last symbol alone are read once. ``model`` is a callable from ids to logits, used in the
    mode it is in. Raises ``ValueError`` for an empty prefix, no symbols and a length below 1.
    """
    if len(prefix) == 0 or len(symbols) == 0 or length < 1:
        raise ValueError(
            f"a prefix of {len(prefix)}, {len(symbols)} symbols and secrets of {length} leave "
            "nothing to rank; each must be at least 1"
        )
    places = itertools.product(range(len(symbols)), repeat=length - 1)
    shape = (len(symbols) ** (length - 1), length - 1)
    begun = torch.tensor(list(places), dtype=torch.int64).reshape(shape)
    found = []
    for rows in begun.to(symbols.device).split(batch_size):
        ids = torch.cat([prefix.expand(len(rows), -1), symbols[rows]], dim=1)
        logits = model(ids)[:, -length:].double()
        costs = -logits.log_softmax(dim=-1)[:, :, symbols]  # [rows, length, symbols]
        before = costs[:, :-1].gather(2, rows[..., None]).sum(dim=(1, 2))
        found.append(before[:, None] + costs[:, -1])
    return torch.cat(found).flatten().numpy(force=True)


def exposure_by_chance(n: int) -> float:
    """Mean exposure, in bits, of a secret whose rank among ``n`` is drawn evenly.

    log₂ n − log₂(n!) / n, which grows towards 1 / ln 2 ≈ 1.44; the standard deviation of one such
    exposure tends to the same. Raises ``ValueError`` for n below 1.
    """
    if n < 1:
        raise ValueError(f"n is {n}; a secret is one of at least 1")
    return math.log2(n) - math.lgamma(n + 1) / math.log(2) / n
