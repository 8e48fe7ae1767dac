"""Whether a classifier that says 80 % is right 80 times in 100, and what a temperature mends."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from llm_book.claims import written
from llm_book.evaluation.calibration import (
    Reliability,
    brier_score,
    calibrated,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    top_class_reliability,
)
from llm_book.evaluation.intervals import wilson
from llm_book.i18n import phrase, t
from llm_book.widgets import charts
from llm_book.widgets.records import Table, compact, finite
from llm_book.widgets.render import View, view

MOST_BINS = 50
MOST_ROWS = 20
MOST_LOGITS = 250_000  # a million bytes in a page
GAP, DASHED = "#e2a884", 'stroke-dasharray="4 4"'
NEAR = 0.01  # logits in half precision give probabilities that are off by less


@dataclass(frozen=True, eq=False)
class CalibrationRecord:
    """Probabilities with what happened, in ``bins`` bins of equal width.

    ``probabilities`` are [n] of label 1 or [n, classes], ``labels`` [n] whole numbers. With
    ``logits``, of the same shape, the probabilities are theirs at a temperature of 1, and
    ``fitted`` is the temperature at which these labels are least surprising, where there is one.
    """

    kind: ClassVar[str] = "calibration"
    probabilities: np.ndarray
    labels: np.ndarray
    bins: int = 10
    logits: np.ndarray | None = None
    fitted: float | None = None

    @property
    def two(self) -> bool:
        """Whether one number an example is given; a confidence then begins at a half."""
        return self.probabilities.ndim == 1

    @property
    def confidence(self) -> np.ndarray:
        """The probability of the predicted class: [n]."""
        p = self.probabilities
        return np.maximum(p, 1 - p) if self.two else p.max(axis=1)

    @property
    def right(self) -> np.ndarray:
        """Whether the predicted class is the true one: [n]."""
        p = self.probabilities
        return (p >= 0.5) == (self.labels == 1) if self.two else p.argmax(axis=1) == self.labels

    @property
    def reliability(self) -> Reliability:
        """Confidence, accuracy and count of each bin."""
        binned = reliability if self.two else top_class_reliability
        return binned(self.probabilities, self.labels, self.bins)

    @property
    def brier(self) -> float:
        """The squared distance of the probabilities from what happened."""
        return brier_score(self.probabilities, self.labels)

    @property
    def surprise(self) -> float:
        """Mean negative log likelihood of the true labels in nats; infinite for an impossible one.

        From the logits where there are any: a sigmoid rounds what is nearly sure to 1.
        """
        if self.logits is not None:
            return negative_log_likelihood(self.logits, self.labels)
        p, rows = self.probabilities, np.arange(len(self.labels))
        of_true = np.where(self.labels == 1, p, 1 - p) if self.two else p[rows, self.labels]
        with np.errstate(divide="ignore"):
            return float(-np.log(of_true).mean())

    def document(self) -> dict[str, Any]:
        numbers = self.confidence if self.logits is None else self.logits
        surprise = self.surprise
        return {
            "n": len(self.labels),
            "classes": 0 if self.two else self.probabilities.shape[1],
            "bins": self.bins,
            "logits": self.logits is not None,
            "fitted": self.fitted,
            "brier": self.brier,
            "surprise": surprise if np.isfinite(surprise) else None,
            "width": compact(numbers).itemsize,
        }

    def blob(self) -> bytes:
        if self.logits is None:
            return compact(self.confidence).tobytes() + self.right.astype(np.uint8).tobytes()
        return compact(self.logits).tobytes() + self.labels.astype("<u2").tobytes()

    def sentence(self, lang: str) -> str:
        sure, right = (_tenths(100 * value.mean()) for value in (self.confidence, self.right))
        gap = float(sure) - float(right)  # of what is shown, so that a reader can do the sum
        said = phrase(
            _verdict(gap),
            lang,
            sure=sure,
            right=right,
            gap=_tenths(abs(gap)),
            error=written(_tidy(self.reliability.expected_calibration_error), 2),
            bins=self.bins,
        )
        if self.fitted is None:
            return said
        text = "These labels are least surprising at a temperature of {fitted}."
        return f"{said} {phrase(text, lang, fitted=written(self.fitted))}"

    def still(self, lang: str) -> str:
        return charts.document(420, 440, _diagram(self, lang), self.sentence(lang))

    def table(self, lang: str) -> Table:
        of = self.reliability
        rows = [
            (_between(self, place), *_row(of, place)) for place in np.flatnonzero(of.count).tolist()
        ]
        head = ("confidence", "examples", "mean confidence", "accuracy", "95 % interval")
        return Table(tuple(t(word, lang) for word in head), tuple(rows[-MOST_ROWS:]))


def calibration_record(
    probabilities: Any, labels: Any, bins: Any = 10, logits: Any = None
) -> CalibrationRecord:
    """The record of probabilities and labels; arguments and errors as for ``calibration``."""
    if not isinstance(bins, int) or not 2 <= bins <= MOST_BINS:
        raise ValueError(
            f"{bins!r} bins cannot be drawn; give a whole number from 2 to {MOST_BINS}"
        )
    if probabilities is None and logits is None:
        raise ValueError("neither probabilities nor logits came; give one of them")
    whole = _whole(labels)
    scores = None if logits is None else _scores(logits, whole)
    if scores is not None:
        likely = calibrated(scores, 1)
        _check_agreement(probabilities, likely)
    else:
        likely = finite(probabilities, "probabilities")
    binned = reliability if likely.ndim == 1 else top_class_reliability
    binned(likely, whole, bins)  # refuses what is no probability, and labels that are no class
    if likely.ndim == 1 and not np.isin(whole, (0, 1)).all():
        raise ValueError("labels of one probability each must be 0 and 1; give [n, classes]")
    return CalibrationRecord(likely, whole, bins, scores, _fitted(scores, whole))


def calibration(
    probabilities: Any,
    labels: Any,
    *,
    bins: Any = 10,
    logits: Any = None,
    title: str = "Confidence and accuracy",
    lang: str | None = None,
    trained: bool = True,
) -> View:
    """A reliability diagram with its bins to choose and, with logits, a temperature.

    ``probabilities`` [n] of label 1 with ``labels`` [n] of 0 and 1, or [n, classes] with labels of
    0 to classes − 1. ``logits`` of the same shape are what the probabilities were made from; then
    ``probabilities`` may be None. Raises ``ValueError`` for what is no distribution, labels that
    are no class, logits that give other probabilities, and more than 250,000 of them.
    """
    record = calibration_record(probabilities, labels, bins, logits)
    return view(record, title, lang, trained)


def _whole(labels: Any) -> np.ndarray:
    numbers = finite(labels, "labels")
    if numbers.ndim != 1 or not (numbers == np.round(numbers)).all():
        raise ValueError(
            f"labels of shape {numbers.shape} came; give the number of one class an example"
        )
    return numbers.astype(int)


def _scores(logits: Any, labels: np.ndarray) -> np.ndarray:
    scores = finite(logits, "logits")
    if scores.ndim not in (1, 2) or len(scores) != len(labels):
        raise ValueError(
            f"logits of shape {scores.shape} and {len(labels)} labels cannot be compared; give one "
            "number or one row of classes a label"
        )
    if scores.size > MOST_LOGITS:
        rows = MOST_LOGITS // (scores.size // len(scores))
        raise ValueError(
            f"{scores.size:,} logits are too many for a page (at most {MOST_LOGITS:,}); "
            f"give a sample, such as the first {rows:,} rows, or the probabilities alone"
        )
    return scores


def _check_agreement(probabilities: Any, ours: np.ndarray) -> None:
    if probabilities is None:
        return
    given = finite(probabilities, "probabilities")
    if given.shape != ours.shape or np.abs(given - ours).max(initial=0) > NEAR:
        raise ValueError(
            "the logits give other probabilities than those that came; give the logits before any "
            "temperature, in the same order, or None for the probabilities"
        )


def _fitted(scores: np.ndarray | None, labels: np.ndarray) -> float | None:
    if scores is None:
        return None
    try:
        return float(fit_temperature(scores, labels))
    except ValueError:  # every prediction is right, or the logits know nothing: none is best
        return None


def _verdict(gap: float) -> str:
    if _tenths(abs(gap)) == "0.0":
        return (
            "Mean confidence {sure} %, accuracy {right} %: as sure as it is right on average; "
            "expected calibration error {error} with {bins} bins."
        )
    if gap > 0:
        return (
            "Mean confidence {sure} %, accuracy {right} %: too sure by {gap} points; "
            "expected calibration error {error} with {bins} bins."
        )
    return (
        "Mean confidence {sure} %, accuracy {right} %: not sure enough by {gap} points; "
        "expected calibration error {error} with {bins} bins."
    )


def _tidy(value: float) -> float:
    """Without the last digits, which depend on the order of a sum: the page adds in another one."""
    return round(float(value), 9)


def _tenths(value: float) -> str:
    return f"{_tidy(value):.1f}"


def _between(of: CalibrationRecord, place: int) -> str:
    start = 0.5 if of.two else 0.0
    low, high = (start + (1 - start) * edge / of.bins for edge in (place, place + 1))
    return f"{written(low)} – {written(high)}"


def _row(of: Reliability, place: int) -> tuple[str, str, str, str]:
    count = int(of.count[place])
    share = float(of.accuracy[place])
    interval = wilson(round(share * count), count)
    return (
        f"{count:,}",
        written(float(of.confidence[place])),
        written(share),
        f"{written(interval.low)} – {written(interval.high)}",
    )


def _diagram(record: CalibrationRecord, lang: str) -> list[str]:
    """The diagonal, a dot a bin with its gap and interval, and below how many examples it holds."""
    start = 0.5 if record.two else 0.0
    x, y = charts.scale(start, 1, 56, 400), charts.scale(0, 1, 300, 20)
    parts = [charts.rect(56, 20, 344, 280, "none", f'stroke="{charts.LINE}"')]
    for tick in charts.ticks(0, 1):
        parts.append(charts.text(48, y(tick) + 4, f"{tick:g}", "end"))
    for tick in charts.ticks(start, 1):
        parts.append(charts.text(x(tick), 418, f"{tick:g}", "middle"))
    parts.append(charts.line(x(start), y(start), x(1), y(1), charts.MUTED, more=DASHED))
    of = record.reliability
    for place in np.flatnonzero(of.count).tolist():
        parts += _bin(of, place, x, y)
        side = 344 / record.bins
        high = 80 * of.count[place] / of.count.max()
        parts.append(charts.rect(56 + side * place, 400 - high, side - 1, high, charts.BLUE))
    parts.append(charts.text(228, 436, t("confidence", lang), "middle"))
    middle = 'transform="rotate(-90 14 160)"'
    return [*parts, charts.text(14, 160, t("accuracy", lang), "middle", more=middle)]


def _bin(of: Reliability, place: int, x: Any, y: Any) -> list[str]:
    sure, share, count = (float(v[place]) for v in (of.confidence, of.accuracy, of.count))
    interval = wilson(round(share * count), int(count))
    return [
        charts.rect(x(sure) - 4, min(y(share), y(sure)), 8, abs(y(share) - y(sure)), GAP),
        charts.line(x(sure), y(interval.low), x(sure), y(interval.high), charts.BLUE, 1.5),
        charts.circle(x(sure), y(share), 3 + 6 * (count / of.count.max()) ** 0.5, charts.BLUE),
    ]
