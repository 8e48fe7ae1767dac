"""How much likelier a planted secret is than secrets that were never seen: exposure."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import ArrayLike
from torch import Tensor

from llm_book.evaluation.intervals import wilson
from llm_book.evaluation.language_modelling import token_losses


@dataclass(frozen=True)
class Exposure:
    """Exposure in bits with the ends of its 95 % interval; both ends equal it where it is exact."""

    bits: float
    low: float
    high: float


def exposure(canary_loss: float, candidate_losses: ArrayLike) -> Exposure:
    """log₂ of the number of candidates less log₂ of the canary's rank among them: exact.

    ``candidate_losses`` [n] hold what every possible secret costs the model, the canary's own
    included. 0 bits: nothing is likelier to be said less; log₂ n: the canary is the likeliest.
    Of equals the canary ranks last, so that it is never overstated. Source: Carlini et al. (2019),
    definition 3. Raises ``ValueError`` for a NaN and where the canary is not among the candidates.
    """
    losses = _losses(canary_loss, candidate_losses)
    if canary_loss not in losses:
        raise ValueError(
            f"the canary's loss {canary_loss} is not among those of the {losses.size} candidates; "
            "give the losses of all, its own included, or use sampled_exposure"
        )
    rank = np.count_nonzero(losses <= canary_loss)
    bits = math.log2(losses.size / rank)
    return Exposure(bits, bits, bits)


def sampled_exposure(canary_loss: float, sample_losses: ArrayLike) -> Exposure:
    """−log₂ of the share of candidates that cost no more, estimated from a uniform sample.

    ``sample_losses`` [n] are those of candidates drawn at random. The interval is Wilson's for
    the share; where no draw costs so little the exposure is infinite as far as the sample tells,
    and ``low`` is what is known of it. Source: Carlini et al. (2019), section 4.3. Raises
    ``ValueError`` for a NaN and an empty sample.
    """
    losses = _losses(canary_loss, sample_losses)
    as_cheap = int((losses <= canary_loss).sum())
    share = wilson(as_cheap, losses.size)
    if not as_cheap:
        return Exposure(math.inf, -math.log2(share.high), math.inf)
    return Exposure(*(-math.log2(s) for s in (share.estimate, share.high, share.low)))


def extrapolated_exposure(
    canary_loss: float, sample_losses: ArrayLike, draws: int = 0, seed: int = 0
) -> Exposure:
    """−log₂ of the same share under a skew-normal distribution fitted to a uniform sample.

    It reaches beyond the sample, as far as its shape can be trusted: the fit is by maximum
    likelihood, the tail integrated on a logarithmic scale. With ``draws`` the interval is a
    percentile bootstrap over that many refits (slow), without it both ends equal the estimate.
    Source: Carlini et al. (2019), section 4.3. Raises ``ValueError`` for a NaN, for fewer than 20
    losses and for losses that are all equal.
    """
    losses = _losses(canary_loss, sample_losses)
    if losses.size < 20 or np.ptp(losses) == 0:
        raise ValueError(
            f"a distribution cannot be fitted to {losses.size} losses with a spread of "
            f"{np.ptp(losses):g}; give at least 20 that differ"
        )
    bits = _tail_bits(canary_loss, losses)
    if not draws:
        return Exposure(bits, bits, bits)
    rng = np.random.default_rng(seed)
    others = [_tail_bits(canary_loss, rng.choice(losses, losses.size)) for _ in range(draws)]
    low, high = np.quantile(others, [0.025, 0.975])
    return Exposure(bits, float(low), float(high))


@torch.no_grad()
def continuation_losses(
    model: Callable[[Tensor], Tensor],
    prefix: Int64[Tensor, " prefix"],
    candidates: Int64[Tensor, "n time"],
    batch_size: int = 256,
) -> np.ndarray:
    """What each candidate costs after the prefix, in nats, the prefix itself not counted: [n].

    ``model`` is any callable from ids [batch, time] to logits; a module is used in the mode it is
    in. Raises ``ValueError`` for an empty prefix, no candidates, and a batch without a row.
    """
    if len(prefix) == 0 or candidates.numel() == 0 or batch_size < 1:
        raise ValueError(
            f"{candidates.shape[0]} candidates of {candidates.shape[1]} tokens after a prefix of "
            f"{len(prefix)}, {batch_size} at a time, have no losses; each must be at least 1"
        )
    losses = []
    for rows in candidates.split(batch_size):
        ids = torch.cat([prefix.expand(len(rows), -1), rows], dim=1)
        each = token_losses(model(ids[:, :-1]).double(), ids[:, 1:])
        losses.append(each[:, len(prefix) - 1 :].sum(dim=1))
    return torch.cat(losses).numpy(force=True)


def _losses(canary_loss: float, losses: ArrayLike) -> np.ndarray:
    losses = np.asarray(losses, float)
    if losses.ndim != 1 or losses.size == 0 or np.isnan(losses).any() or math.isnan(canary_loss):
        raise ValueError(
            f"losses of shape {losses.shape} cannot rank a canary of loss {canary_loss}; give one "
            "number a candidate, at least one, none NaN"
        )
    return losses


def _tail_bits(canary_loss: float, losses: np.ndarray) -> float:
    """−log₂ of the fitted distribution's mass at or below the canary."""
    from scipy.integrate import quad
    from scipy.stats import skewnorm

    skew, place, scale = skewnorm.fit(losses)
    end = (canary_loss - place) / scale
    if (mass := skewnorm.cdf(end, skew)) > 1e-6:
        return -math.log2(mass)
    # Deep in the tail the mass is too small for a difference: sum the density, scaled by its end.
    top = _log_density(end, skew)
    mass = quad(lambda back: math.exp(_log_density(end - back, skew) - top), 0, np.inf)[0]
    return -(top + math.log(mass)) / math.log(2)


def _log_density(z: float, skew: float) -> float:
    from scipy.special import log_ndtr

    return float(math.log(2) - z * z / 2 - math.log(2 * math.pi) / 2 + log_ndtr(skew * z))
