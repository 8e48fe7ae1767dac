"""The learning rate as a function of the step: nothing to store, nothing to restore."""

import math


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
