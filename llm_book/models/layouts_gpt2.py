"""GPT-2 as ``transformers`` stores it: maps transposed, query, key and value in one of them."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from llm_book.models.layouts_entries import (
    ACTIVATIONS,
    THEIR_ACTIVATIONS,
    Entry,
    linear,
    refuse_other,
    refuse_settings,
    renamed,
)
from llm_book.models.transformer import GPTConfig


def gpt2_config(settings: Mapping[str, Any], **changes: Any) -> GPTConfig:
    """Our configuration for the ``config.json`` of a GPT-2; ``changes`` go before it."""
    refuse_settings(
        settings,
        scale_attn_weights=True,
        scale_attn_by_inverse_layer_idx=False,
        add_cross_attention=False,
    )
    read = {
        "vocab_size": settings["vocab_size"],
        "context_length": settings["n_positions"],
        "width": settings["n_embd"],
        "n_layers": settings["n_layer"],
        "n_heads": settings["n_head"],
        "inner_width": settings.get("n_inner"),
        "norm_epsilon": settings.get("layer_norm_epsilon", 1e-5),
        "act": renamed(ACTIVATIONS, settings.get("activation_function", "gelu_new")),
        "tied": settings.get("tie_word_embeddings", True),
        "dropout": settings.get("resid_pdrop", 0.1),
    }
    return GPTConfig.gpt2(**(read | changes))


def gpt2_settings(config: GPTConfig) -> dict[str, Any]:
    """The ``config.json`` of our ``config``; ValueError where a GPT-2 cannot be like that."""
    refuse_other(
        config,
        "GPT-2",
        positions="learned",
        norm="layer",
        norm_place="pre",
        gated=False,
        n_experts=0,
        bias=True,
        kv_heads=config.n_heads,
        width_of_head=config.width // config.n_heads,
    )
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": config.vocab_size,
        "n_positions": config.context_length,
        "n_embd": config.width,
        "n_layer": config.n_layers,
        "n_head": config.n_heads,
        "n_inner": config.inner_width,
        "layer_norm_epsilon": config.norm_epsilon,
        "activation_function": THEIR_ACTIVATIONS[config.act],
        "tie_word_embeddings": config.tied,
        "resid_pdrop": config.dropout,
        "embd_pdrop": config.dropout,
        "attn_pdrop": config.dropout,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def gpt2_entries(config: GPTConfig) -> list[Entry]:
    """Every weight of a GPT-2, theirs and ours."""
    entries = [
        Entry("transformer.wte.weight", ("embedding.weight",)),
        Entry("transformer.wpe.weight", ("positions.table.weight",)),
        *linear("transformer.ln_f", "norm"),
    ]
    if not config.tied:
        entries.append(Entry("lm_head.weight", ("head.weight",)))
    for i in range(config.n_layers):
        theirs, ours = f"transformer.h.{i}", f"blocks.{i}"
        together = [f"{ours}.attention.{part}" for part in ("query", "key", "value")]
        entries += [
            *linear(f"{theirs}.ln_1", f"{ours}.attention_norm"),
            *linear(f"{theirs}.attn.c_attn", *together, transposed=True),
            *linear(f"{theirs}.attn.c_proj", f"{ours}.attention.output", transposed=True),
            *linear(f"{theirs}.ln_2", f"{ours}.feed_forward_norm"),
            *linear(f"{theirs}.mlp.c_fc", f"{ours}.feed_forward.up", transposed=True),
            *linear(f"{theirs}.mlp.c_proj", f"{ours}.feed_forward.down", transposed=True),
        ]
    return entries


def gpt2_names(weights: Mapping[str, Tensor], tied: bool) -> dict[str, Tensor]:
    """The weights under the names of ``GPT2LMHeadModel``, without masks that old files carry."""
    headless = not any(name.startswith("transformer.") for name in weights)
    kept = {}
    for name, tensor in weights.items():
        mask = name.endswith((".attn.bias", ".attn.masked_bias"))
        if mask or (name == "lm_head.weight" and tied):
            continue
        kept[f"transformer.{name}" if headless and name != "lm_head.weight" else name] = tensor
    return kept
