"""What the prose says beside a recorded run was computed: it stands in the chapter's outputs."""

import re

from tests.chapters.notebooks import code_cells

NAME = re.compile(r'\brecorded\(\s*"([^"]+)"')
DECIMAL = re.compile(r"(?<![\w.,\\{-])\d+(?:,\d{3})*\.\d+")
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
HEADING = re.compile(r"^(?:\([\w-]+\)=\n)?#", re.MULTILINE)


def records_named(notebook) -> set[str]:
    """The records that a chapter reads by name."""
    return {name for cell in code_cells(notebook) for name in NAME.findall(cell.source)}


def unaccounted(notebook) -> list[str]:
    """Decimal numbers in the text after a record's cell that no output of the chapter prints.

    The text may round what an output prints.
    """
    printed = [_value(number) for cell in code_cells(notebook) for number in _numbers_of(cell)]
    return [
        number
        for place, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and "recorded(" in cell.source
        for number in DECIMAL.findall(_text_after(notebook, place))
        if _value(number) not in [round(one, _digits(number)) for one in printed]
    ]


def _value(number: str) -> float:
    return float(number.replace(",", ""))


def _digits(number: str) -> int:
    return len(number.partition(".")[2])


def _numbers_of(cell) -> list[str]:
    said = [one.get("text") or one.get("data", {}).get("text/plain", "") for one in cell.outputs]
    return NUMBER.findall("\n".join(said))


def _text_after(notebook, place: int) -> str:
    """What is said of a cell: the text behind it, up to the next heading."""
    text = (c.source for c in notebook.cells[place + 1 :] if c.cell_type == "markdown")
    return HEADING.split(next(text, ""), maxsplit=1)[0]
