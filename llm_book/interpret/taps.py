"""Taps: see, or replace, what passes through a named part of a model, for as long as a ``with``.

A part is named as ``model.named_modules()`` names it: "blocks.0.attention.weights". Hooks are
gone when the block ends, whatever ended it.
"""

import difflib
from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

SIDES = ("output", "input")
Change = Callable[[Tensor], Tensor]


class Seen(UserDict[str, Tensor]):
    """Name of a part → the tensor that passed there last. Raises ``KeyError`` if none did."""

    def __missing__(self, name: str) -> Tensor:
        raise KeyError(
            f"nothing has passed through {name!r}; name it in record(), and run the model inside "
            "the with"
        )


@contextmanager
def record(
    model: nn.Module, *names: str, side: str = "output", detach: bool = True
) -> Iterator[Seen]:
    """Keep what passes through the parts: ``with record(model, "blocks.0") as seen: model(ids)``.

    ``side`` is "output" or "input" (the first argument). What is kept is cut from the graph;
    with ``detach=False`` gradients flow through it. Changes no number. Raises ``KeyError`` for a
    part that is not there, and when asked for one that the model did not run.
    """
    seen = Seen()

    def keep(name: str, tensor: Tensor) -> None:
        seen[name] = tensor.detach() if detach else tensor

    with _hooked(model, {name: keep for name in names}, side):
        yield seen


@contextmanager
def replace(
    model: nn.Module, changes: Mapping[str, Change], side: str = "output"
) -> Iterator[nn.Module]:
    """Let parts give something else: ``with replace(model, {name: change}): model(ids)``.

    ``change`` gets the tensor that passes and gives the one that goes on, of the same shape; a
    tensor recorded in another run makes it activation patching (Meng et al. 2022; Wang et al.
    2023): ``lambda _: clean[name]``. Raises ``KeyError`` for a part that is not there,
    ``ValueError`` where the shape changes, ``RuntimeError`` at the end where nothing ever passed
    and so nothing was replaced.
    """
    missed = set(changes)

    def change(name: str, tensor: Tensor) -> Tensor:
        missed.discard(name)
        changed = changes[name](tensor)
        if not isinstance(changed, Tensor) or changed.shape != tensor.shape:
            got = tuple(changed.shape) if isinstance(changed, Tensor) else type(changed).__name__
            raise ValueError(
                f"{got} cannot stand for what passes through {name!r}; expected a tensor of shape "
                f"{tuple(tensor.shape)}"
            )
        return changed

    with _hooked(model, {name: change for name in changes}, side):
        yield model
    if missed:
        raise RuntimeError(
            f"nothing passed through {sorted(missed)[0]!r}, so nothing was replaced; run the model "
            "inside the with, and see that this part is used"
        )


def patching_effect(
    run: Callable[[], Tensor], model: nn.Module, clean: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """What ``run`` gives when one part at a time is given what it had in a clean run.

    ``clean`` is what ``record`` kept. A part that carries what matters brings the clean answer
    back. Source: Meng et al. (2022), section 2.
    """
    answers = {}
    for name, tensor in clean.items():
        with torch.no_grad(), replace(model, {name: _always(tensor)}):
            answers[name] = run()
    return answers


def _always(tensor: Tensor) -> Change:
    return lambda _: tensor


@contextmanager
def _hooked(
    model: nn.Module, changes: Mapping[str, Callable[[str, Tensor], Tensor | None]], side: str
) -> Iterator[None]:
    if side not in SIDES:
        raise ValueError(f"side {side!r} is unknown; choose one of {', '.join(SIDES)}")
    parts = {name: named_part(model, name) for name in changes}
    with ExitStack() as stack:
        for name, part in parts.items():
            handle = _hook(part, name, changes[name], side)
            stack.callback(handle.remove)
        yield


def _hook(
    part: nn.Module, name: str, act: Callable[[str, Tensor], Tensor | None], side: str
) -> Any:
    if side == "output":
        return part.register_forward_hook(
            lambda _, inputs, output: act(name, _tensor(name, output))
        )

    def before(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        changed = act(name, _tensor(name, inputs[0] if inputs else None))
        return None if changed is None else (changed, *inputs[1:])

    return part.register_forward_pre_hook(before)


def _tensor(name: str, passing: Any) -> Tensor:
    if not isinstance(passing, Tensor):
        raise TypeError(
            f"{type(passing).__name__} passes through {name!r}, and a tap takes one tensor; tap a "
            "part inside it, or the other side"
        )
    return passing


def named_part(model: nn.Module, name: str) -> nn.Module:
    """The submodule of that name; "" is the model. Raises ``KeyError`` with the nearest names."""
    parts = dict(model.named_modules())
    if name not in parts:
        near = difflib.get_close_matches(name, parts, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(parts)[:80]}"
        raise KeyError(f"the model has no part {name!r}; {hint}")
    return parts[name]
