"""The learning rate as a function of the step: nothing to store, nothing to restore."""

import math
from collections.abc import Callable


def warmup_cosine(
    step: int, steps: int, peak: float, warmup_steps: int = 0, final: float = 0.0
) -> float:
    """A line up to ``peak``, then half a cosine down to ``final`` (equation eq-warmup-cosine).

    Steps count from 0; step ``steps - 1`` is the last. Raises ``ValueError`` for a warm-up that
    leaves no steps. Source: Loshchilov and Hutter (2017).
    """
    if not 0 <= warmup_steps < steps:
        raise ValueError(f"warmup_steps ({warmup_steps}) must be less than steps ({steps})")
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    progress = (step - warmup_steps) / (steps - warmup_steps)
    return final + (peak - final) * 0.5 * (1 + math.cos(math.pi * progress))


def constant(step: int, peak: float, warmup_steps: int = 0) -> float:
    """A line up to ``peak``, which then stays. Steps count from 0.

    Raises ``ValueError`` for a warm-up below 0.
    """
    if warmup_steps < 0:
        raise ValueError(f"warmup_steps is {warmup_steps}; it must be 0 (none) or above")
    return peak * min(1.0, (step + 1) / max(1, warmup_steps))


def warmup_stable_decay(
    step: int,
    steps: int,
    peak: float,
    warmup_steps: int,
    decay_steps: int,
    final: float = 0.0,
    shape: str = "line",
) -> float:
    """A line up to ``peak``, a plateau, and in the last ``decay_steps`` the way to ``final``.

    ``shape`` of the way down: "line" or "root" (1 − √progress). Steps count from 0; step
    ``steps - 1`` is the last, one before ``final``. The plateau may be prolonged later, which a
    cosine may not. Raises ``ValueError`` where warm-up and decay do not fit in ``steps``. Source:
    Hu et al. (2024), section 4; Hägele et al. (2024).
    """
    if warmup_steps < 0 or decay_steps < 1 or warmup_steps + decay_steps > steps:
        raise ValueError(
            f"warmup_steps ({warmup_steps}) and decay_steps ({decay_steps}, at least 1) must fit "
            f"in steps ({steps})"
        )
    if shape not in DECAYS:
        raise ValueError(f"shape {shape!r} is unknown; choose one of {', '.join(DECAYS)}")
    if step < steps - decay_steps:
        return constant(step, peak, warmup_steps)
    progress = (step - (steps - decay_steps)) / decay_steps
    return peak - (peak - final) * DECAYS[shape](progress)


DECAYS: dict[str, Callable[[float], float]] = {"line": float, "root": math.sqrt}


def noam(step: int, width: int, warmup_steps: int, scale: float = 1.0) -> float:
    """The Transformer's rate: a line up, then down with the root of the step.

    ``scale`` / √``width`` · min(n^−½, n · ``warmup_steps``^−1½) for the n-th step. Steps count
    from 0, as everywhere here: the first is n = 1. Raises ``ValueError`` for a width or warm-up
    below 1. Source: Vaswani et al. (2017), equation 3.
    """
    if width < 1 or warmup_steps < 1:
        raise ValueError(f"width ({width}) and warmup_steps ({warmup_steps}) must be at least 1")
    n = step + 1
    return scale * width**-0.5 * min(n**-0.5, n * warmup_steps**-1.5)
