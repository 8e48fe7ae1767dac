"""Exercises that answer back: a reader's function beside ours, on the same inputs."""

import copy
import random
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch

from llm_book.i18n import t


def check_same(
    yours: Callable[..., Any], ours: Callable[..., Any], *inputs: Any, within: float = 1e-5
) -> None:
    """Print in one sentence whether two functions give the same on every input.

    Each input is one call; a tuple is several arguments. Whole numbers on both sides have to be
    equal; others are the same when they differ by at most ``within`` (absolute, or relative for
    large ones). Each call gets its own copy of the
    input and the same random numbers. An answer left empty (``...`` or nothing returned) is "not
    answered yet", never an error, so that the notebook runs to its end.
    """
    if not inputs:
        raise ValueError("no inputs came; give at least one: check_same(yours, ours, 3, 5)")
    for number, given in enumerate(inputs, start=1):
        arguments = given if isinstance(given, tuple) else (given,)
        expected = _call(ours, arguments)
        where = f"{t('different on input')} {number}, {_shown(arguments)}"
        try:
            got = _call(yours, arguments)
        except NotImplementedError:
            got = None
        except Exception as error:  # whatever a beginner's function raises is an answer
            print(f"{where}: yours raised {type(error).__name__}: {error}")
            return
        if got is ... or (got is None and expected is not None):
            print(t("not answered yet"))
            return
        if why := difference(got, expected, within):
            print(f"{where}: {why}")
            return
    print(f"{t('same as ours')} ({len(inputs)} input{'s' if len(inputs) > 1 else ''})")


def difference(yours: Any, ours: Any, within: float = 1e-5) -> str:
    """Where two values differ, in words; an empty string where they do not.

    Numbers, NumPy arrays and tensors compare by value, lists and tuples item by item, dictionaries
    and dataclasses entry by entry, everything else by ``==``.
    """
    if _numeric(ours):
        return _numbers_differ(yours, ours, within)
    if is_dataclass(ours) and type(yours) is type(ours):
        names = [field.name for field in fields(ours)]
        yours, ours = ({n: getattr(v, n) for n in names} for v in (yours, ours))
    if isinstance(ours, dict):
        return _entries_differ(yours, ours, within)
    if isinstance(ours, (list, tuple)):
        return _items_differ(yours, ours, within)
    return "" if yours == ours else f"yours gave {_brief(yours)}, ours {_brief(ours)}"


def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call on a copy of the arguments with fixed random numbers; the reader's own stay as is."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            random.seed(0)
            np.random.seed(0)
            return function(*copy.deepcopy(_detached(arguments)))
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def _detached(value: Any) -> Any:
    """Tensors without their history, which could not be copied."""
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(_detached(item) for item in value)
    return value


def _numeric(value: Any) -> bool:
    return isinstance(value, (int, float, complex, np.ndarray, np.generic, torch.Tensor))


def _numbers_differ(yours: Any, ours: Any, within: float) -> str:
    if not _numeric(yours):
        return f"yours gave {_brief(yours)}, ours {_brief(ours)}"
    a, b = _array(yours), _array(ours)
    if a.shape != b.shape:
        return f"yours has shape {a.shape}, ours {b.shape}"
    counts = a.dtype.kind == b.dtype.kind == "i"
    same = a == b if counts else np.isclose(a, b, rtol=within, atol=within, equal_nan=True)
    if np.all(same):
        return ""
    if not a.shape:
        return f"yours gave {_brief(a.item())}, ours {_brief(b.item())}"
    apart = np.where(same, 0, np.nan_to_num(np.abs(a - b), nan=np.inf))
    place = [int(i) for i in np.unravel_index(apart.argmax(), a.shape)]
    return f"the largest difference is {apart.max():.3g}, at {place}"


def _array(value: Any) -> np.ndarray:
    """Whole numbers as they are, any others at the highest precision, on the CPU."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = (value.double() if value.is_floating_point() else value).numpy()
    value = np.asarray(value)
    if value.dtype.kind in "biu":
        return value.astype(np.int64)
    return value if value.dtype.kind == "c" else value.astype(np.float64)


def _items_differ(yours: Any, ours: list[Any] | tuple[Any, ...], within: float) -> str:
    if not isinstance(yours, (list, tuple)):
        return f"yours gave {_brief(yours)}, ours {_brief(ours)}"
    if len(yours) != len(ours):
        return f"yours has {len(yours)} items, ours {len(ours)}"
    for index, (a, b) in enumerate(zip(yours, ours, strict=True)):
        if why := difference(a, b, within):
            return f"item {index}: {why}"
    return ""


def _entries_differ(yours: Any, ours: dict[Any, Any], within: float) -> str:
    if not isinstance(yours, dict):
        return f"yours gave {_brief(yours)}, ours {_brief(ours)}"
    if yours.keys() != ours.keys():
        return f"yours has the entries {_brief(list(yours))}, ours {_brief(list(ours))}"
    for name in ours:
        if why := difference(yours[name], ours[name], within):
            return f"{name}: {why}"
    return ""


def _shown(arguments: tuple[Any, ...]) -> str:
    return "(" + ", ".join(_brief(argument) for argument in arguments) + ")"


def _brief(value: Any) -> str:
    """A value in at most 60 characters; of an array only its shape."""
    if isinstance(value, (np.ndarray, torch.Tensor)):
        return f"an array of shape {tuple(value.shape)}"
    text = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
