"""True against predicted classes: which is taken for which, and what another threshold would do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from llm_book.claims import written
from llm_book.evaluation.classification import ConfusionTable, confusion_table
from llm_book.i18n import phrase, t
from llm_book.widgets import charts
from llm_book.widgets.records import Table, compact, finite, labels, shown
from llm_book.widgets.render import View, view

MOST_CLASSES = 300
EXAMPLES = 10  # of one cell
MOST_EXAMPLES = 5000  # of all cells together
LONGEST_TEXT = 200
NAMED = 12  # with more classes the picture has no names
ROWS = 18
RIGHT, WRONG = ((253, 253, 251), (142, 184, 212)), ((253, 253, 251), (226, 168, 132))

Cell = tuple[int, int]


@dataclass(frozen=True)
class Example:
    """One example of a cell: its place in the lists, its probability and its text, if given."""

    place: int
    probability: float | None
    text: str | None


@dataclass(frozen=True, eq=False)
class ConfusionRecord:
    """How often each class was predicted as each, with a few examples of every cell.

    ``counted`` counts under the names that are shown. With probabilities of the second of two
    classes, ``scores`` [n] are these in falling order, ``positive`` [n] says which examples truly
    are of that class, ``threshold`` is the least score that was predicted as it, and the examples
    of a cell are the surest that any threshold may put there.
    """

    kind: ClassVar[str] = "confusion"
    counted: ConfusionTable
    examples: dict[Cell, tuple[Example, ...]]
    threshold: float | None = None
    scores: np.ndarray | None = None
    positive: np.ndarray | None = None

    def document(self) -> dict[str, Any]:
        scores = () if self.scores is None else self.scores
        return {
            "classes": list(self.counted.classes),
            "counts": self.counted.counts.ravel().tolist(),
            "examples": {
                f"{row},{column}": [[one.place, one.probability, one.text] for one in found]
                for (row, column), found in self.examples.items()
            },
            "threshold": self.threshold,
            "n": len(scores),
            "width": compact(scores).itemsize,
        }

    def blob(self) -> bytes:
        if self.scores is None or self.positive is None:
            return b""
        return compact(self.scores).tobytes() + self.positive.astype(np.uint8).tobytes()

    def sentence(self, lang: str) -> str:
        table = self.counted
        said = phrase(
            "{right} of {all} predictions are right, {share} %.",
            lang,
            right=f"{table.correct:,}",
            all=f"{table.n:,}",
            share=written(100 * table.accuracy),
        )
        if len(table.classes) == 2:
            return f"{said} {self._of_the_second(lang)}"
        said += " " + phrase(
            "The mean F1 of the classes is {f1}.", lang, f1=written(table.macro.f1)
        )
        pairs = self.confused()
        return f"{said} {self._worst(pairs[0], lang)}" if pairs else said

    def _of_the_second(self, lang: str) -> str:
        table = self.counted
        values = {
            "name": table.classes[1],
            "precision": written(table.precision[1]),
            "recall": written(table.recall[1]),
            "f1": written(table.f1[1]),
        }
        if self.threshold is None:
            text = "“{name}” has precision {precision}, recall {recall} and F1 {f1}."
            return phrase(text, lang, **values)
        return phrase(
            "With a threshold of {threshold}, “{name}” has precision {precision}, "
            "recall {recall} and F1 {f1}.",
            lang,
            threshold=written(self.threshold),
            **values,
        )

    def _worst(self, cell: Cell, lang: str) -> str:
        row, column = cell
        return phrase(
            "The most frequent confusion is “{true}” taken for “{predicted}”: {count} of {all}.",
            lang,
            true=self.counted.classes[row],
            predicted=self.counted.classes[column],
            count=f"{self.counted.counts[row, column]:,}",
            all=f"{self.counted.support[row]:,}",
        )

    def confused(self) -> list[Cell]:
        """The cells beside the diagonal that hold an example, the fullest first."""
        errors = self.counted.counts * (1 - np.eye(len(self.counted.classes), dtype=int))
        order = np.argsort(-errors, axis=None, kind="stable")[: np.count_nonzero(errors)]
        rows, columns = np.unravel_index(order, errors.shape)
        return list(zip(rows.tolist(), columns.tolist(), strict=True))

    def still(self, lang: str) -> str:
        size = len(self.counted.classes)
        named = size <= NAMED
        side = max(2.0, min(52.0, 520 / size))
        left, top = (130.0, 44.0) if named else (24.0, 24.0)
        parts = [charts.text(8, 16, t("true ↓, predicted →", lang), fill=charts.MUTED)]
        if named:
            parts += _names(self.counted.classes, left, top, side)
        parts += _squares(self.counted, left, top, side, named)
        width = max(left + size * side + 24, 320)
        return charts.document(width, top + size * side + 12, parts, self.sentence(lang))

    def table(self, lang: str) -> Table:
        of = self.counted
        rows = [
            (
                of.classes[i],
                *(written(float(s[i])) for s in (of.precision, of.recall, of.f1)),
                f"{of.support[i]:,}",
            )
            for i in self._in_table()
        ]
        for name, mean in (("mean of the classes", of.macro), ("weighted mean", of.weighted)):
            numbers = (written(s) for s in (mean.precision, mean.recall, mean.f1))
            rows.append((t(name, lang), *numbers, f"{of.n:,}"))
        head = ("class", "precision", "recall", "F1", "examples")
        return Table(tuple(t(word, lang) for word in head), tuple(rows))

    def _in_table(self) -> list[int]:
        """All classes, or where there are many those of least F1."""
        f1 = self.counted.f1
        return sorted(np.argsort(f1, kind="stable")[:ROWS].tolist())


def confusion_record(
    labels: Any,
    predicted: Any,
    classes: Any = None,
    probabilities: Any = None,
    texts: Any = None,
) -> ConfusionRecord:
    """The record of true and predicted classes; arguments and errors as for ``confusion``."""
    table = _counted(labels, predicted, classes)
    place = {name: row for row, name in enumerate(table.classes)}
    true, said = (
        np.array([place[name] for name in _plain(side).tolist()]) for side in (labels, predicted)
    )
    if len(table.classes) > MOST_CLASSES:
        raise ValueError(
            f"{len(table.classes)} classes are more than a matrix can show ({MOST_CLASSES}); "
            "put rare ones together"
        )
    names = _names_of(table, classes)
    sure = None if probabilities is None else _sureness(probabilities, said, len(names))
    words = _texts(texts, len(true))
    named = ConfusionTable(names, table.counts)
    if sure is None or len(names) != 2:
        return ConfusionRecord(named, _examples(true, said, sure, words, len(names)))
    order = np.argsort(-sure, kind="stable")
    return ConfusionRecord(
        named,
        _ends(true, sure, order, words),
        _threshold(sure, said, names),
        sure[order],
        true[order] == 1,
    )


def confusion(
    labels: Any,
    predicted: Any,
    classes: Any = None,
    *,
    probabilities: Any = None,
    texts: Any = None,
    title: str = "True and predicted classes",
    lang: str | None = None,
    trained: bool = True,
) -> View:
    """True against predicted classes, with the examples of every cell.

    ``labels`` and ``predicted`` [n] hold whole numbers or words. ``classes`` are their values in
    the order to show, or the names of the classes 0, 1, 2, …. ``probabilities`` [n, classes], for
    two classes also [n] of the second, for more also [n] of the predicted one, sort the examples;
    with two classes they give a threshold to move. ``texts`` [n] are shown for a chosen cell.
    Raises ``ValueError`` for lists of unequal length, a class that is none of ``classes``, and
    predictions of two classes that no threshold gives.
    """
    record = confusion_record(labels, predicted, classes, probabilities, texts)
    return view(record, title, lang, trained)


def _counted(labels: Any, predicted: Any, classes: Any) -> ConfusionTable:
    true, said = _plain(labels), _plain(predicted)
    if classes is None:
        return confusion_table(true, said)
    if isinstance(classes, str) or not hasattr(classes, "__len__"):
        raise ValueError(f"classes are {classes!r}; give a list with one name a class")
    names = list(_plain(classes))
    numbered = true.dtype.kind in "iub" and all(isinstance(name, str) for name in names)
    return confusion_table(true, said, list(range(len(names))) if numbered else names)


def _plain(values: Any) -> np.ndarray:
    """An array, wherever the numbers live."""
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def _names_of(table: ConfusionTable, classes: Any) -> tuple[str, ...]:
    given = table.classes if classes is None else _plain(classes).tolist()
    return labels([str(name) for name in given], "classes")


def _texts(texts: Any, n: int) -> list[Any] | None:
    if texts is None:
        return None
    if isinstance(texts, str):
        raise ValueError("texts came as one string; give a list with one text an example")
    words = list(texts)
    if len(words) != n:
        raise ValueError(f"{len(words)} texts came for {n} labels; give one text a label")
    return words


def _sureness(probabilities: Any, said: np.ndarray, size: int) -> np.ndarray:
    """The probability of the second of two classes, of several that of the predicted one: [n]."""
    numbers = finite(probabilities, "probabilities")
    if numbers.shape not in ((len(said),), (len(said), size)):
        raise ValueError(
            f"probabilities have shape {numbers.shape}; for {len(said)} examples of {size} classes "
            f"give {(len(said), size)}, or one number each"
        )
    if numbers.min() < 0 or numbers.max() > 1:
        raise ValueError("a probability lies outside 0 and 1; put logits through a softmax first")
    if numbers.ndim == 1:
        return numbers
    return numbers[:, 1] if size == 2 else numbers[np.arange(len(said)), said]


def _threshold(scores: np.ndarray, said: np.ndarray, names: Sequence[str]) -> float:
    """The least score that is predicted as the second class: 0.5 where that is true."""
    below = scores[said == 0].max(initial=-np.inf)
    above = scores[said == 1].min(initial=np.inf)
    if not below < above:
        raise ValueError(
            f"no threshold gives these predictions: “{names[0]}” was predicted at a probability of "
            f"{below:g} and “{names[1]}” at {above:g}; give the probabilities of “{names[1]}”"
        )
    if below < 0.5 <= above:
        return 0.5
    return float(above if above <= 1 else np.nextafter(below, 2))


def _examples(
    true: np.ndarray, said: np.ndarray, sure: np.ndarray | None, words: Any, size: int
) -> dict[Cell, tuple[Example, ...]]:
    """The surest examples of each cell; without probabilities the first ones."""
    order = np.arange(len(true)) if sure is None else np.argsort(-sure, kind="stable")
    found: dict[Cell, list[int]] = {}
    for place in order.tolist():
        cell = found.setdefault((int(true[place]), int(said[place])), [])
        if len(cell) < EXAMPLES:
            cell.append(place)
    most = EXAMPLES
    while sum(min(most, len(places)) for places in found.values()) > MOST_EXAMPLES and most > 1:
        most -= 1
    return {
        cell: tuple(_example(place, sure, words) for place in places[:most])
        for cell, places in sorted(found.items())
    }


def _ends(
    true: np.ndarray, scores: np.ndarray, order: np.ndarray, words: Any
) -> dict[Cell, tuple[Example, ...]]:
    """Of each true class the least and the most probable: the surest of a cell at any threshold."""
    found = {}
    for row in (0, 1):
        falling = order[true[order] == row]
        for column, places in ((0, falling[::-1]), (1, falling)):
            found[row, column] = tuple(
                _example(i, scores, words) for i in places[:EXAMPLES].tolist()
            )
    return found


def _example(place: int, scores: np.ndarray | None, words: list[Any] | None) -> Example:
    score = None if scores is None else float(scores[place])
    return Example(place, score, None if words is None else shown(words[place], LONGEST_TEXT))


def _names(names: Sequence[str], left: float, top: float, side: float) -> list[str]:
    parts = []
    for i, name in enumerate(names):
        middle = (i + 0.5) * side
        parts.append(charts.text(left - 8, top + middle + 4, _cut(name, 15), "end"))
        parts.append(charts.text(left + middle, top - 8, _cut(name, int(side / 7)), "middle"))
    return parts


def _cut(name: str, longest: int) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _squares(
    table: ConfusionTable, left: float, top: float, side: float, numbers: bool
) -> list[str]:
    """The filled cells, darker the larger the share of their row."""
    parts = []
    whole = np.maximum(table.support, 1)
    for row, column in zip(*np.nonzero(table.counts), strict=True):
        x, y = left + column * side, top + row * side
        share = (table.counts[row, column] / whole[row]) ** 0.5
        fill = charts.colour(share, RIGHT if row == column else WRONG)
        parts.append(charts.rect(x, y, side - 1, side - 1, fill))
        if numbers:
            count = f"{table.counts[row, column]:,}"
            parts.append(charts.text(x + side / 2, y + side / 2 + 4, count, "middle"))
    edge = f'stroke="{charts.MUTED}"'
    end = len(table.classes) * side
    return [*parts, charts.rect(left, top, end, end, "none", edge)]
