"""What noise buys: the privacy spent by noisy steps on random samples, counted in Rényi's measure.

One step adds noise of ``noise`` · C to a sum of gradients no longer than C each, over a sample that
takes every example with probability ``rate``. Its cost at order α adds up over steps, and the sum
turns into an (ε, δ) guarantee; the best α of many is taken.
"""

import math
from collections.abc import Sequence

import numpy as np

ORDERS = (*(1 + tenth / 10 for tenth in range(1, 100)), *map(float, range(12, 64)))
LEAST, MOST = 0.05, 1e6  # the noise that is looked for
SIGHT = 40.0  # standard deviations after which a bell is nothing
FINENESS = 5  # steps of the grid to the smaller of σ² and σ


def renyi_divergence(noise: float, rate: float, order: float) -> float:
    """Rényi divergence of ``order`` α, in nats, that one noisy step on a random sample costs.

    log E[((1 − q) + q·exp((2z − 1) / 2σ²))^α] / (α − 1) for z from a normal distribution of
    deviation σ, ``noise``: how far the mean of a mixture, in which an example of length 1 was
    drawn with probability q, ``rate``, stands from one without it. The integral is a plain sum
    over a fine grid, for a smooth integrand that vanishes at both ends exact to rounding, at whole
    orders and between. Source: Mironov, Talwar and Zhang (2019), section 3.3. Raises
    ``ValueError`` for noise not above 0, a rate outside 0 to 1, an order not above 1.
    """
    _check(noise, rate)
    if not order > 1:
        raise ValueError(f"order is {order}; Rényi's measure needs one above 1")
    # The integrand has a bell at 0 and one at α; poles lie πσ² from the axis, so steps are finer.
    step = min(noise * noise, noise) / FINENESS
    first, last = -SIGHT * noise, order + SIGHT * noise
    z = np.arange(first, last, step)
    bell = -(z**2) / (2 * noise**2) - math.log(noise * math.sqrt(2 * math.pi))
    with np.errstate(divide="ignore"):
        drawn = np.logaddexp(np.log1p(-rate), np.log(rate) + (2 * z - 1) / (2 * noise**2))
    exponents = bell + order * drawn
    top = exponents.max()
    return float(top + math.log(np.exp(exponents - top).sum() * step)) / (order - 1)


def epsilon(
    noise: float, rate: float, steps: int, delta: float, orders: Sequence[float] = ORDERS
) -> float:
    """The ε of the (ε, δ) guarantee that ``steps`` noisy steps on random samples give.

    Neighbouring data sets differ by one example, there or not. Equals the Rényi accountant of
    ``opacus`` on the same orders. Source: Balle et al. (2020), Theorem 21, for the way from
    Rényi's measure to ε. Raises ``ValueError`` for noise not above 0, a rate outside 0 to 1,
    steps below 0, δ outside 0 to 1.
    """
    if steps < 0:
        raise ValueError(f"steps is {steps}; it must be 0 or above")
    _check(noise, rate)
    _check_delta(delta)
    if not steps or not rate:
        return 0.0
    found = []
    for order in orders:
        spent = steps * renyi_divergence(noise, rate, order)
        found.append(
            spent + math.log1p(-1 / order) - (math.log(delta) + math.log(order)) / (order - 1)
        )
    return max(0.0, min(found))


def noise_for(target: float, rate: float, steps: int, delta: float) -> float:
    """The least noise, to one part in a million, whose ``epsilon`` is not above ``target``.

    Never below a twentieth, which is next to none. Raises ``ValueError`` for a target not above 0
    or so small that no noise below a million reaches it, and as ``epsilon`` does.
    """
    if not target > 0:
        raise ValueError(f"target is {target}; an ε above 0 can be reached, with enough noise")
    low, high = LEAST, MOST
    if epsilon(high, rate, steps, delta) > target:
        raise ValueError(f"no noise below {MOST:,.0f} reaches ε = {target}; ask for a larger one")
    if epsilon(low, rate, steps, delta) <= target:
        return low
    while high / low > 1 + 1e-6:
        middle = math.sqrt(low * high)
        if epsilon(middle, rate, steps, delta) > target:
            low = middle
        else:
            high = middle
    return high


def _check(noise: float, rate: float) -> None:
    if not noise > 0:
        raise ValueError(f"noise is {noise}; without any, nothing is private: give one above 0")
    if not 0 <= rate <= 1:
        raise ValueError(f"rate is {rate}; it is a probability, from 0 to 1")


def _check_delta(delta: float) -> None:
    if not 0 < delta < 1:
        raise ValueError(f"delta is {delta}; it must be above 0 and below 1, such as 1e-5")
