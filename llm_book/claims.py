"""What a chapter claims and measures: shown as it comes, kept for one table at its end.

A claim stands beside the band it must lie in and stops the notebook outside it. A measurement (a
time, a memory) is shown and never enforced. What differs between machines stands between ⟨ and ⟩,
and only that is masked when the stored notebook is compared with a fresh run.
"""

import html
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from llm_book.i18n import t


class ClaimError(AssertionError):
    """A number left its band, or two results that must agree do not."""


@dataclass(frozen=True)
class Claim:
    """One line of the table: a name, what was found, what was asked of it."""

    name: str
    value: str
    demand: str


_made: dict[str, Claim] = {}  # in the order first claimed; the last of a name wins


def claim(
    name: str, value: Any, within: tuple[float, float], unit: str = "", digits: int = 3
) -> None:
    """Print ``value`` beside its band and keep it; an end of the band may be infinite.

    ``digits`` counts significant digits. Raises ``ClaimError`` where the value is outside
    ``within`` or not a number, ``ValueError`` for a band that holds nothing.
    """
    low, high, value = *within, _number(value)
    if not low <= high:
        raise ValueError(f"the band {low:g} … {high:g} of {name!r} is empty; give (low, high)")
    shown, demand = _masked(name, value, unit, digits), _band(low, high)
    if not low <= value <= high:  # written so that NaN fails too
        _made.pop(name, None)  # an earlier run's success must not stay in the table
        raise ClaimError(f"{name} is {written(value, digits)}{_spaced(unit)}; it {demand}")
    _keep(Claim(name, shown, demand))
    print(f"{name}: {shown} ({demand})")


def measured(name: str, value: Any, unit: str = "", digits: int = 3) -> None:
    """Print a time, a memory or an exponent of this machine and keep it; any value will do."""
    shown = _masked(name, _number(value), unit, digits)
    _keep(Claim(name, shown, t("shown, not enforced")))
    print(f"{name}: {shown}")


def agree(name: str, ours: Any, theirs: Any, within: float = 1e-5) -> None:
    """Print that two results (numbers, arrays, tensors, lists) are equal to ``within``.

    The bound is the largest absolute difference. Raises ``ClaimError`` where the shapes differ or
    the difference is larger.
    """
    _refuse_marks(name)
    a, b = _array(ours), _array(theirs)
    if a.shape != b.shape:
        raise ClaimError(f"{name}: shapes {a.shape} and {b.shape} differ; they must be the same")
    gap = float(np.abs(a - b).max(initial=0.0))
    if not gap <= within:
        raise ClaimError(f"{name}: the two differ by {gap:.3g}; at most {within:g} is allowed")
    demand = f"{t('equal to')} {within:g}"
    _keep(Claim(name, t("yes"), demand))
    print(f"{name}: {demand}: {t('yes')}")


def table() -> "ClaimTable":
    """Everything claimed and measured so far in this notebook."""
    return ClaimTable(tuple(_made.values()))


def reset() -> None:
    """Forget what was claimed: a notebook begins afresh."""
    _made.clear()


@dataclass(frozen=True)
class ClaimTable:
    """The claims as text, Markdown or an accessible HTML table, whichever the page can show."""

    claims: tuple[Claim, ...]

    def _rows(self) -> list[tuple[str, str, str]]:
        head = (t("what"), t("value"), t("what we asked of it"))
        return [head, *((c.name, c.value, c.demand) for c in self.claims)]

    def __repr__(self) -> str:
        rows = self._rows()
        # A masked value has another length on another machine, so nothing is padded.
        return "\n".join(" | ".join(row) for row in rows)

    def _repr_markdown_(self) -> str:
        head, *rows = [" | ".join(cell.replace("|", "\\|") for cell in r) for r in self._rows()]
        return "\n".join(f"| {line} |" for line in [head, "--- | --- | ---", *rows])

    def _repr_html_(self) -> str:
        head, *rows = [[html.escape(cell) for cell in row] for row in self._rows()]
        top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
        body = "".join(
            f'<tr><th scope="row">{name}</th><td>{value}</td><td>{demand}</td></tr>\n'
            for name, value, demand in rows
        )
        caption = html.escape(t("What this notebook claimed and measured"))
        return (
            f'<table class="claims">\n<caption>{caption}</caption>\n'
            f"<thead><tr>{top}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"
        )


def written(value: float, digits: int = 3) -> str:
    """``value`` to ``digits`` significant digits: 0.912, 1.93, 25,000, 1.2e-07."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    size = math.floor(math.log10(abs(value)))
    if not -4 <= size < 9:
        return f"{value:.{digits - 1}e}"
    return f"{value:,.{max(0, digits - 1 - size)}f}"


def _masked(name: str, value: float, unit: str, digits: int) -> str:
    _refuse_marks(name, unit)
    return f"⟨{written(value, digits)}⟩{_spaced(unit)}"


def _spaced(unit: str) -> str:
    return f" {unit}" if unit else ""


def _band(low: float, high: float) -> str:
    if math.isinf(low):
        return f"{t('must be at most')} {high:g}"
    if math.isinf(high):
        return f"{t('must be at least')} {low:g}"
    return f"{t('must lie in')} {low:g} … {high:g}"


def _refuse_marks(*words: str) -> None:
    for word in words:
        if "⟨" in word or "⟩" in word:
            raise ValueError(f"{word!r} holds ⟨ or ⟩; only the value may stand between them")


def _keep(made: Claim) -> None:
    _made[made.name] = made


def _number(value: Any) -> float:
    """One number, out of whatever holds it."""
    return float(value.detach() if hasattr(value, "detach") else value)


def _array(value: Any) -> np.ndarray:
    """Numbers as float64, wherever they live; a tensor need not be on the CPU."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().double().numpy()
    return np.asarray(value, dtype=np.float64)
