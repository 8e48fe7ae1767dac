"""What a loss curve says, by rules: each a small function of numbers, each slower than its noise.

A rule gives the English of its sentence and the values in it, or nothing. ``static/loss_curve.js``
has the same rules under the same names; the tests hold the two to one another. A difference counts
where it is larger than three standard errors of what the neighbours scatter by.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from llm_book.claims import written

Said = tuple[str, dict[str, str]]
Numbers = Sequence[float]

FEWEST = 8  # points that can have a trend
CERTAIN = 3.0  # standard errors
BEHIND = 10  # points before a spike that it is compared with


@dataclass(frozen=True)
class Curve:
    """The numbers that the rules read: a mean and a highest loss at each of some steps."""

    step: Numbers
    loss: Numbers
    high: Numbers
    points: int = 0  # before neighbours were averaged


def scatter(values: Numbers) -> float:
    """The standard deviation of noise on a curve, from neighbours' differences: a trend is none."""
    if len(values) < 2:
        return 0.0
    gaps = [abs(b - a) for a, b in pairwise(values)]
    return median(gaps) / (0.6745 * math.sqrt(2))


def bend(values: Numbers) -> float:
    """The same from second differences: for few points on a steep curve."""
    if len(values) < 4:
        return 0.0
    triples = zip(values, values[1:], values[2:], strict=False)
    return median([abs(a - 2 * b + c) for a, b, c in triples]) / (0.6745 * math.sqrt(6))


def tail(n: int) -> int:
    """How many of ``n`` points count as the end; twice as many are looked at for a trend."""
    return max(3, math.floor(0.15 * n))


def first_level(values: Numbers) -> float:
    """Where a curve begins: its first points, few because it falls fastest there."""
    return median(values[: math.ceil(len(values) / 50)])


def last_level(values: Numbers) -> float:
    """Where a curve ends."""
    return median(values[-math.ceil(len(values) / 10) :])


def level_error(values: Numbers) -> float:
    """The standard error of ``last_level``; that of a median is a quarter larger than a mean's."""
    return 1.25 * scatter(values) / math.sqrt(math.ceil(len(values) / 10))


def falls(before: Numbers, after: Numbers, noise: float) -> bool:
    """Whether the mean of ``after`` is lower than that of ``before``, beyond doubt."""
    error = noise * math.sqrt(1 / len(before) + 1 / len(after))
    return mean(before) - mean(after) > CERTAIN * error


def mean(values: Numbers) -> float:
    """The arithmetic mean, added up from the left."""
    return sum(values) / len(values)


def trend(values: Numbers) -> str:
    """How a curve of at least ``FEWEST`` points ends: "falling", "rising", "flat" or "unclear".

    A change of less than a hundredth of all that was ever changed counts as none. Flat is a curve
    that for certain changes by less than a tenth of its fall; a line would change by more.
    """
    m = tail(len(values))
    error = scatter(values[-max(2 * m, len(values) // 2) :]) * math.sqrt(2 / m)
    change = mean(values[-m:]) - mean(values[-2 * m : -m])
    if abs(change) > max(CERTAIN * error, 0.01 * (max(values) - min(values))):
        return "falling" if change < 0 else "rising"
    most = 0.1 * abs(first_level(values) - last_level(values))
    return "flat" if abs(change) + CERTAIN * error <= most else "unclear"


def has_fallen(values: Numbers) -> bool:
    """Whether the end is lower than the start, beyond doubt."""
    m = tail(len(values))
    return falls(values[:m], values[-m:], scatter(values))


def flat_since(values: Numbers) -> int:
    """The place from which on a curve that ends flat stays at the level of its end."""
    m = tail(len(values))
    end, width = mean(values[-2 * m :]), max(3, m // 3)
    noise = CERTAIN * scatter(values) / math.sqrt(width)
    near = end + max(noise, 0.03 * (first_level(values) - end))
    place = len(values) - m
    while place > 0 and mean(values[place - 1 : place - 1 + width]) <= near:
        place -= 1
    return place


def diverges(values: Numbers) -> bool:
    """Whether the end is far above the start."""
    start, end = first_level(values), last_level(values)
    return end > start + 0.5 * abs(start) and end - start > CERTAIN * scatter(values)


def spike(curve: Curve) -> tuple[int, int] | None:
    """The place of the highest peak and the place where the loss is back, 0 where it is not.

    A peak stands eight times the scatter, and a fifth of the loss, above the points before it.
    """
    high, n = curve.high, len(curve.high)
    if n < 2 * BEHIND:
        return None
    noise = scatter(high)
    heights = [high[i] - median(high[i - BEHIND : i]) for i in range(BEHIND, n)]
    peak = BEHIND + heights.index(max(heights))
    level = median(curve.loss[peak - BEHIND : peak])
    if heights[peak - BEHIND] <= max(8 * noise, 0.2 * abs(level)):
        return None
    calm = level + CERTAIN * scatter(curve.loss)
    back = (i for i in range(peak + 1, n) if curve.loss[i] <= calm)
    return peak, next(back, 0)


def read_steps(curve: Curve, uniform: float, ended: str) -> Said | None:
    """How the training loss went. ``uniform`` 0 stands for an unknown vocabulary."""
    n = len(curve.loss)
    if n == 0:
        return None if ended == "diverged" else ("No step has been logged.", {})
    first, last = {"step": count(curve.step[0])}, {"last": count(curve.step[-1])}
    if n == 1 and curve.points <= 1:
        said = "The loss is {loss} at step {step}; one step is no curve."
        return said, first | {"loss": written(curve.loss[0])}
    ends = {"start": written(first_level(curve.loss)), "end": written(last_level(curve.loss))}
    if n < FEWEST:
        said = (
            "The loss is {start} at step {step} and {end} at step {last}: "
            "too few steps to read a trend."
        )
        return said, first | last | ends
    return _read_long(curve, uniform, ends)


def _read_long(curve: Curve, uniform: float, ends: dict[str, str]) -> Said:
    loss = curve.loss
    if diverges(loss):
        return "The loss rises from {start} to {end}, far above its start: training diverges.", ends
    if has_fallen(loss):
        return _read_fallen(curve, ends)
    if falls(loss[-tail(len(loss)) :], loss[: tail(len(loss))], scatter(loss)):
        return "The loss rose from {start} to {end}.", ends
    level = median(loss)
    near = CERTAIN * scatter(loss) / math.sqrt(len(loss)) + 0.02 * uniform
    if uniform and abs(level - uniform) <= near:
        said = (
            "The loss stays near {level}, what a uniform guess gives: "
            "the model has not learned yet."
        )
        return said, {"level": written(level)}
    return "The loss stays near {level} from the first step to the last.", {"level": written(level)}


def _read_fallen(curve: Curve, ends: dict[str, str]) -> Said:
    way = trend(curve.loss)
    if way == "falling":
        return "The loss fell from {start} to {end} and is still falling at the end.", ends
    if way == "unclear":
        said = "The loss fell from {start} to {end}; its scatter hides whether it still falls."
        return said, ends
    if way == "flat":
        place = flat_since(curve.loss)
        said = "The loss fell from {start} to {end}; it has been flat since about step {step}."
        return said, ends | {"step": count(curve.step[place])}
    lowest = min(curve.loss)
    where = {"low": written(lowest), "step": count(curve.step[list(curve.loss).index(lowest)])}
    said = "The loss fell from {start} to {low} near step {step} and has risen to {end} since."
    return said, ends | where


def read_missing(missing: int, first: int, points: int, ended: str) -> Said | None:
    """What is no number, and whether training ended with it."""
    at = {"step": count(first)}
    if ended == "diverged":
        said = "At step {step} the loss or its gradient is no longer a number: training diverged."
        return said, at
    if missing:
        said = "The loss is not a number at {count} of {all} steps, first at step {step}."
        return said, at | {"count": count(missing), "all": count(points)}
    return None


def read_spike(curve: Curve) -> Said | None:
    """The highest peak, where one stands out."""
    if len(curve.loss) < 2 * BEHIND or diverges(curve.loss):
        return None
    found = spike(curve)
    if found is None:
        return None
    peak, back = found
    values = {"peak": written(curve.high[peak]), "step": count(curve.step[peak])}
    if back:
        said = "A spike reaches {peak} near step {step}; the loss is back by step {back}."
        return said, values | {"back": count(curve.step[back])}
    return "A spike reaches {peak} near step {step}; the loss has not come back since.", values


def read_noise(curve: Curve) -> Said | None:
    """How far to trust a single point, where that is little."""
    if len(curve.loss) < 2 * BEHIND or not has_fallen(curve.loss):
        return None
    noise, fall = scatter(curve.loss), first_level(curve.loss) - last_level(curve.loss)
    if noise <= 0.5 * fall:
        return None
    said = "Neighbouring points scatter by {noise}, so a single one says little."
    return said, {"noise": written(noise, 2)}


def read_validation(points: Sequence[tuple[int, float]], curve: Curve) -> Said | None:
    """Where validation was best, and whether overfitting begins there."""
    if not points:
        return None
    steps, losses = zip(*points, strict=True)
    best = losses.index(min(losses))
    values = {"best": written(losses[best]), "step": count(steps[best])}
    if len(losses) == 1:
        return "Validation is {best} at step {step}; one point is no trend.", values
    if best == len(losses) - 1:
        return "Validation is best, {best}, at its last point, step {step}.", values
    if not has_risen(losses, best):
        said = "Validation was best, {best}, at step {step}; its last point is {last}."
        return said, values | {"last": written(losses[-1])}
    if kept_falling(steps[best], curve):
        said = (
            "Validation was best, {best}, at step {step} and has risen since: "
            "overfitting begins there."
        )
        return said, values
    return "Validation was best, {best}, at step {step} and has risen since.", values


def has_risen(losses: Numbers, best: int) -> bool:
    """Whether what comes after the best point is higher than chance would have it."""
    around, later = losses[max(0, best - 1) : best + 2], losses[best + 1 :][-3:]
    if len(losses) < 4 or len(later) < 2:
        return False
    rise = mean(later) - losses[best]
    return falls(later, around, bend(losses)) and rise > 0.01 * abs(losses[best])


def kept_falling(step: float, curve: Curve) -> bool:
    """Whether the training loss is lower at its end than around ``step``."""
    place = next((i for i, one in enumerate(curve.step) if one >= step), len(curve.step))
    width = max(1, (len(curve.step) - place) // 2)
    around, end = curve.loss[max(0, place - width) : place + 1], curve.loss[-width:]
    return bool(around) and place < len(curve.step) and mean(end) < mean(around)


def read_end(ended: str, step: int, total: int, resumed: Numbers) -> list[Said]:
    """How the run ended, and where it was taken up again."""
    said: list[Said] = []
    if resumed:
        steps = ", ".join(count(one) for one in resumed)
        said.append(("The run was resumed after step {steps}.", {"steps": steps}))
    values = {"step": count(step), "total": count(total)}
    sentences = {
        "stopped": "The run was stopped at step {step}.",
        "early stop": "Early stopping ended the run at step {step}.",
        "short": "The run ended at step {step} of {total}.",
    }
    if ended in sentences:
        said.append((sentences[ended], values))
    return said


def read_recorded(step: float, name: str, steps: Numbers, losses: Numbers) -> Said | None:
    """What the recorded run's loss was at the step that this one has reached."""
    places = [i for i, one in enumerate(steps) if one <= step]
    if not places or step > steps[-1] * 1.02:
        return None
    values = {"name": name, "loss": written(losses[places[-1]]), "step": count(step)}
    return "At step {step} the recorded run {name} stood at {loss}.", values


def compare(names: Sequence[str], curves: Sequence[Curve]) -> Said | None:
    """Which of several runs ends lowest, and whether that is more than their scatter."""
    known = [(last_level(c.loss), i) for i, c in enumerate(curves) if c.loss]
    if len(known) < 2:
        return None
    (low, best), (next_, second) = sorted(known)[:2]
    two = [curves[i].loss for i in (best, second)]
    error = math.hypot(*(level_error(loss) for loss in two))
    values = {"count": count(len(known)), "name": names[best], "second": names[second]}
    values |= {"low": written(low), "next": written(next_)}
    if next_ - low > CERTAIN * error and min(map(len, two)) >= FEWEST:
        return "Of {count} runs {name} ends lowest, at {low}; next is {second}, at {next}.", values
    said = (
        "Of {count} runs {name} and {second} end lowest, at {low} and {next}: "
        "too close to tell apart."
    )
    return said, values


def count(value: Any) -> str:
    """A step or a number of things: 1,500."""
    return f"{int(value):,}"
