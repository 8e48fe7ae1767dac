"""Weights from and to the layouts of ``transformers``: GPT-2, Llama and BERT, in safetensors.

``transformers`` itself is not needed. What ``save_pretrained`` writes, its ``from_pretrained``
reads, and what it writes, ``load_pretrained`` reads.
"""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from llm_book.models import layouts_bert as bert
from llm_book.models import layouts_gpt2 as gpt2
from llm_book.models import layouts_llama as llama
from llm_book.models.layouts_entries import read_weights, write_weights
from llm_book.models.transformer import GPT


def from_transformers(
    settings: Mapping[str, Any], weights: Mapping[str, Tensor], **changes: Any
) -> nn.Module:
    """Our model with the weights of a ``transformers`` model, in their precision.

    ``settings`` is what its config.json says (``model.config.to_dict()``), ``weights`` its state
    dict; ``changes`` alter our configuration (``engine="torch"``, ``dropout=0.0``). Gives a
    ``GPT`` for GPT-2 and Llama, an ``Encoder``, with its head if it has one, for BERT. Raises
    ValueError for models of other kinds and weights that do not fit.
    """
    try:
        return _filled(settings, weights, changes)
    except KeyError as error:
        raise ValueError(f"config.json lacks {error}; is it that of a whole model?") from error


def _filled(
    settings: Mapping[str, Any], weights: Mapping[str, Tensor], changes: Mapping[str, Any]
) -> nn.Module:
    kind = settings.get("model_type")
    if kind == "gpt2":
        config = gpt2.gpt2_config(settings, **changes)
        weights, entries = gpt2.gpt2_names(weights, config.tied), gpt2.gpt2_entries(config)
        model: nn.Module = GPT(config)
    elif kind == "llama":
        config = llama.llama_config(settings, **changes)
        weights, entries = llama.llama_names(weights, config.tied), llama.llama_entries(config)
        model = GPT(config)
    elif kind == "bert":
        model = bert.bert_model(settings, **changes)
        name = bert.named_architecture(settings)
        weights = bert.bert_names(weights, name)
        entries = bert.bert_entries(model, name)
    else:
        raise ValueError(f"a model of type {kind!r} cannot be read; only gpt2, llama and bert can")
    if not weights:
        raise ValueError("there are no weights; give the state dict of a model")
    model.to(next(iter(weights.values())).dtype)
    read_weights(model, entries, weights)
    return model


def to_transformers(model: nn.Module) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The config.json and the state dict of the ``transformers`` model that is our ``model``.

    A tied head is left out, as ``transformers`` leaves it out of its files. Raises ValueError for
    a model that neither GPT-2, Llama nor BERT can express.
    """
    if isinstance(model, GPT):
        if model.config.positions == "rotary":
            settings, entries = (
                llama.llama_settings(model.config),
                llama.llama_entries(model.config),
            )
        else:
            settings, entries = gpt2.gpt2_settings(model.config), gpt2.gpt2_entries(model.config)
    elif isinstance(model, tuple(bert.HEADS.values())):
        settings = bert.bert_settings(model)
        entries = bert.bert_entries(model, bert.architecture(model))
    else:
        raise ValueError(
            f"a {type(model).__name__} has no layout in transformers; "
            "a GPT, an Encoder or an encoder with its head has"
        )
    weights = write_weights(model, entries)
    dtype = str(next(iter(weights.values())).dtype).removeprefix("torch.")
    return settings | {"dtype": dtype}, weights


def load_pretrained(folder: Path | str, **changes: Any) -> nn.Module:
    """Our model from a folder with config.json and model.safetensors (or its shards).

    ``changes`` alter our configuration. Raises ValueError where the folder holds no such files.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise ValueError(f"there is no config.json in {folder}; give the folder of a saved model")
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return from_transformers(settings, load_weights(folder), **changes)


def load_weights(folder: Path | str) -> dict[str, Tensor]:
    """All weights of a folder by their names in it: one model.safetensors, or its shards."""
    folder = Path(folder)
    index = folder / "model.safetensors.index.json"
    files = ["model.safetensors"]
    if index.is_file():
        shards = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        files = sorted(set(shards))
    for file in files:
        if not (folder / file).is_file():
            raise ValueError(f"there is no {file} in {folder}; weights are read from safetensors")
    try:
        return {name: tensor for file in files for name, tensor in load_file(folder / file).items()}
    except SafetensorError as error:
        raise ValueError(f"{' or '.join(files)} is damaged ({error}); fetch it again") from error


def save_pretrained(model: nn.Module, folder: Path | str) -> None:
    """Write config.json and model.safetensors, each whole or not at all, into ``folder``.

    The folder is made where there is none. Raises ValueError for a model without such a layout.
    """
    settings, weights = to_transformers(model)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"format": "pt"}  # from_pretrained refuses files that do not say so
    write_whole(folder / "model.safetensors", lambda path: save_file(weights, path, metadata))
    text = json.dumps(settings, indent=2) + "\n"
    write_whole(
        folder / "config.json", lambda path: path.write_text(text, encoding="utf-8", newline="\n")
    )


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Let ``write`` fill a file beside ``path``, then put it in its place in one move."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as aside:
        new = Path(aside) / path.name
        write(new)
        with new.open("rb+") as file:
            os.fsync(file)
        os.replace(new, path)
