"""Models with dates and sizes, each cell disclosed, estimated or unknown, each with its source."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from llm_book.bibliography import entries
from llm_book.widgets.records import shown

CELLS = ("date", "kind", "parameters", "active", "tokens", "weights")
STATUSES = ("disclosed", "estimated", "unknown")
KINDS = (
    "word vectors", "recurrent", "encoder", "encoder–decoder", "decoder", "mixture of experts",
    "instruction-tuned", "reasoning",
)  # fmt: skip
WEIGHTS = ("open", "closed")
UNITS = ("tokens", "words")
LINKS = {
    "arxiv": (re.compile(r"\d{4}\.\d{4,5}"), "https://arxiv.org/abs/{}"),
    "doi": (re.compile(r"10\.\d{4,9}/\S+"), "https://doi.org/{}"),
    "url": (re.compile(r"https://[^\s\"'<>]+"), "{}"),
}
DATE = re.compile(r"(19|20)\d\d-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?")


@dataclass(frozen=True)
class Source:
    """Where a cell was read: a paper, a model card, an announcement."""

    title: str
    authors: str
    year: int
    link: str

    def said(self) -> str:
        """As a reader sees it."""
        return f"{self.authors} ({self.year}), {self.title}"


@dataclass(frozen=True)
class Cell:
    """One fact. ``value`` and ``source`` are None where it is unknown.

    Disclosed is what the makers said, estimated what somebody else did.
    """

    value: Any = None
    status: str = "unknown"
    source: Source | None = None
    unit: str = ""


@dataclass(frozen=True)
class DatedModel:
    """A model on the timeline; ``landmark`` says that its name is written first.

    The date is the month in which the named source appeared. ``parameters`` counts all, ``active``
    those that one token uses; ``tokens`` is the size of the training data as its source counts it;
    ``weights`` are open where the source offers them for download, on whatever terms.
    """

    name: str
    date: Cell
    kind: Cell = Cell()
    parameters: Cell = Cell()
    active: Cell = Cell()
    tokens: Cell = Cell()
    weights: Cell = Cell()
    landmark: bool = False

    def cells(self) -> dict[str, Cell]:
        """Every cell by its name."""
        return {name: getattr(self, name) for name in CELLS}


@cache
def carried_models() -> tuple[DatedModel, ...]:
    """The models that came with the package."""
    return read_models(_carried()["models"])


def read_models(models: Any) -> tuple[DatedModel, ...]:
    """Models from plain dictionaries, in the order of their dates.

    A cell is ``{"value": …, "status": "disclosed", "source": …}``, or is left out where nothing is
    known; a source is a key of the bibliography, or a dictionary with title, authors, year and one
    of arxiv, doi, url. Raises ``ValueError`` for anything else.
    """
    if isinstance(models, Mapping | str) or not len(models):
        raise ValueError("no models came; give a list with one dictionary a model")
    found = [_model(one) for one in models]
    names = [model.name for model in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{twice[0]!r} stands twice among the models; give each another name")
    return tuple(sorted(found, key=lambda model: model.date.value))


@cache
def sources() -> dict[str, Source]:
    """Every source that a cell may name: the bibliography, and those of the models."""
    others = {key: _source(key, one) for key, one in _carried()["sources"].items()}
    return _bibliography() | others


def _carried() -> dict[str, Any]:
    return json.loads(_asset("timeline.json"))


def _asset(name: str) -> str:
    return (resources.files("llm_book") / "assets" / name).read_text(encoding="utf-8")


def _bibliography() -> dict[str, Source]:
    found = {}
    for key, work in entries().items():
        first, *others = work.families
        found[key] = Source(work.title, first + " et al." * bool(others), work.year, work.address)
    return found


def _model(one: Any) -> DatedModel:
    if not isinstance(one, Mapping) or not isinstance(one.get("name"), str) or not one["name"]:
        raise ValueError(f"{one!r} is no model; give a dictionary with name, date and cells")
    name = shown(one["name"])
    if unknown := [key for key in one if key not in (*CELLS, "name", "landmark")]:
        raise ValueError(f"{name} has a cell {unknown[0]!r}; take {', '.join(CELLS)}")
    cells = {key: _cell(f"{key} of {name}", key, one.get(key)) for key in CELLS}
    if cells["date"].value is None:
        raise ValueError(f"the date of {name} is unknown, so it has no place; leave the model out")
    return DatedModel(name, landmark=bool(one.get("landmark")), **cells)


def _cell(what: str, key: str, one: Any) -> Cell:
    if one is None:
        return Cell()
    if not isinstance(one, Mapping) or one.get("status") not in STATUSES:
        raise ValueError(f"the {what} has no status; say {', '.join(STATUSES)}")
    known = one["status"] != "unknown"
    if known != ("value" in one) or known != ("source" in one):
        raise ValueError(
            f"the {what} is {one['status']}; give a value and a source where it is known, and "
            "neither where it is unknown"
        )
    if not known:
        return Cell()
    unit = one.get("unit", "")
    if unit not in ("", *UNITS):
        raise ValueError(f"the {what} is counted in {unit!r}; say {' or '.join(UNITS)}")
    return Cell(_value(what, key, one["value"]), one["status"], _cited(what, one["source"]), unit)


def _value(what: str, key: str, value: Any) -> Any:
    if key == "date" and not (isinstance(value, str) and DATE.fullmatch(value)):
        raise ValueError(f"the {what} is {value!r}; write year and month, 2020-05")
    if key == "weights" and value not in WEIGHTS:
        raise ValueError(f"the {what} are {value!r}; say {' or '.join(WEIGHTS)}")
    if key == "kind":
        return shown(value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if key in ("parameters", "active", "tokens") and not (number and 1 <= value < 1e18):
        raise ValueError(f"the number of {what} is {value!r}; give a count, 175_000_000_000")
    return value


def _cited(what: str, source: Any) -> Source:
    if isinstance(source, str):
        if source not in sources():
            raise ValueError(
                f"the {what} names the source {source!r}, which the bibliography lacks; give a "
                "dictionary with title, authors, year and a link"
            )
        return sources()[source]
    return _source(what, source)


def _source(what: str, one: Any) -> Source:
    links = [key for key in LINKS if isinstance(one, Mapping) and key in one]
    if len(links) != 1 or not all(key in one for key in ("title", "authors", "year")):
        raise ValueError(
            f"the source of {what} is {one!r}; give title, authors, year and one of "
            f"{', '.join(LINKS)}"
        )
    form, pattern = LINKS[links[0]]
    if not form.fullmatch(str(one[links[0]])):
        raise ValueError(f"the {links[0]} of the source of {what} is malformed: {one[links[0]]!r}")
    if not isinstance(one["year"], int) or not 1900 <= one["year"] <= 2100:
        raise ValueError(f"the year of the source of {what} is {one['year']!r}; write 2020")
    title, authors = shown(one["title"], 200), shown(one["authors"], 80)
    return Source(title, authors, one["year"], pattern.format(one[links[0]]))
