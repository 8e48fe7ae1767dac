"""Some rows of a batch, whatever kind of batch it is."""

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from torch import Tensor

B = TypeVar("B")


def take_rows(batch: B, rows: slice | Tensor) -> B:
    """The batch that holds only ``rows`` (a slice, or their numbers) of ``batch``.

    Every tensor of a batch has a row for each of its examples, and so have the batches within it.
    """
    changes: dict[str, Any] = {}
    for field in fields(batch):  # type: ignore[arg-type]
        value = getattr(batch, field.name)
        if isinstance(value, Tensor):
            changes[field.name] = value[rows]
        elif is_dataclass(value):
            changes[field.name] = take_rows(value, rows)
    return replace(batch, **changes)  # type: ignore[type-var]
