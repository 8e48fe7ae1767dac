"""One line a weight: what another library calls it, and which of ours stand in it, how turned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Entry:
    """Their weight ``theirs`` is our weights ``ours`` one below the other, perhaps transposed."""

    theirs: str
    ours: tuple[str, ...]
    transposed: bool = False


def read_weights(model: nn.Module, entries: Sequence[Entry], weights: Mapping[str, Tensor]) -> None:
    """Fill ``model`` in place with another library's weights.

    Raises ValueError for names that are missing or unexpected and for shapes that do not fit;
    the model is then left as it was.
    """
    wanted, given = {entry.theirs for entry in entries}, set(weights)
    refuse_names(wanted - given, given - wanted)
    parameters = dict(model.named_parameters())
    for name, tensor in write_weights(model, entries).items():
        if weights[name].shape != tensor.shape:
            raise ValueError(
                f"the weight {name!r} has shape {tuple(weights[name].shape)}, the model needs "
                f"{tuple(tensor.shape)}; is config.json that of these weights?"
            )
    with torch.no_grad():
        for entry in entries:
            theirs = weights[entry.theirs]
            theirs = theirs.T if entry.transposed else theirs
            for name in entry.ours:
                rows = len(parameters[name])
                parameters[name].copy_(theirs[:rows])
                theirs = theirs[rows:]


def write_weights(model: nn.Module, entries: Sequence[Entry]) -> dict[str, Tensor]:
    """The weights of ``model`` under the other library's names and in its shapes, as copies."""
    parameters = dict(model.named_parameters())
    weights = {}
    for entry in entries:
        joined = torch.cat([parameters[name].detach() for name in entry.ours])
        weights[entry.theirs] = (joined.T if entry.transposed else joined).contiguous()
    return weights


def refuse_names(missing: set[str], unexpected: set[str]) -> None:
    """Refuse weights that lack names or have names the model knows nothing of."""
    for names, complaint in ((missing, "lack"), (unexpected, "have, beyond the model,")):
        if names:
            raise ValueError(
                f"the weights {complaint} {len(names)} names, the first {min(names)!r}; "
                "is config.json that of these weights?"
            )


def refuse_other(config: Any, library_model: str, **needed: Any) -> None:
    """Refuse a configuration that the other library's model cannot express."""
    for name, value in needed.items():
        if getattr(config, name) != value:
            raise ValueError(
                f"{library_model} has {name}={value!r}, this model has "
                f"{getattr(config, name)!r}: it cannot be written in that layout"
            )


def refuse_settings(settings: Mapping[str, Any], **needed: Any) -> None:
    """Refuse a config.json that asks for what our models do not do."""
    for name, value in needed.items():
        if settings.get(name, value) != value:
            raise ValueError(
                f"config.json says {name}={settings[name]!r}; only {value!r} can be read"
            )


def linear(theirs: str, *ours: str, bias: bool = True, transposed: bool = False) -> list[Entry]:
    """The entries of a linear map or norm: its weight, and its bias if it has one."""
    entries = [Entry(f"{theirs}.weight", tuple(f"{name}.weight" for name in ours), transposed)]
    if bias:
        entries.append(Entry(f"{theirs}.bias", tuple(f"{name}.bias" for name in ours)))
    return entries


def renamed(theirs: Mapping[str, str], name: str) -> str:
    """Our word for their ``name``; ValueError where we have none."""
    if name not in theirs:
        raise ValueError(
            f"config.json names the activation {name!r}; only {', '.join(theirs)} can be read"
        )
    return theirs[name]


ACTIVATIONS = {
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu": "gelu",
    "silu": "silu",
    "swish": "silu",
    "relu": "relu",
}
THEIR_ACTIVATIONS = {"gelu_tanh": "gelu_new", "gelu": "gelu", "silu": "silu", "relu": "relu"}
