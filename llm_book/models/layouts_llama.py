"""Llama as ``transformers`` stores it: rotary pairs in halves, as ours; nothing is turned."""

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


def llama_config(settings: Mapping[str, Any], **changes: Any) -> GPTConfig:
    """Our configuration for the ``config.json`` of a Llama; ``changes`` go before it.

    Raises ValueError for stretched rotary positions and for biases in one half of a block only.
    """
    bias = settings.get("attention_bias", False)
    refuse_settings(settings, mlp_bias=bias)
    read = {
        "vocab_size": settings["vocab_size"],
        "context_length": settings["max_position_embeddings"],
        "width": settings["hidden_size"],
        "n_layers": settings["num_hidden_layers"],
        "n_heads": settings["num_attention_heads"],
        "n_kv_heads": settings.get("num_key_value_heads"),
        "head_width": settings.get("head_dim"),
        "inner_width": settings["intermediate_size"],
        "norm_epsilon": settings.get("rms_norm_eps", 1e-6),
        "act": renamed(ACTIVATIONS, settings.get("hidden_act", "silu")),
        "theta": rotary_theta(settings),
        "bias": bias,
        "tied": settings.get("tie_word_embeddings", False),
    }
    return GPTConfig.llama(**(read | changes))


def rotary_theta(settings: Mapping[str, Any]) -> float:
    """The base of the rotary frequencies, where new and where old files keep it."""
    rope = settings.get("rope_parameters") or settings.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        raise ValueError(
            f"config.json stretches rotary positions by {kind!r}; only 'default' can be read"
        )
    return float(rope.get("rope_theta", settings.get("rope_theta", 10000.0)))


def llama_settings(config: GPTConfig) -> dict[str, Any]:
    """The ``config.json`` of our ``config``; ValueError where a Llama cannot be like that."""
    refuse_other(
        config,
        "Llama",
        positions="rotary",
        pairing="halves",
        norm="rms",
        norm_place="pre",
        gated=True,
        n_experts=0,
    )
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab_size,
        "max_position_embeddings": config.context_length,
        "hidden_size": config.width,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.width_of_head,
        "intermediate_size": config.width_inside,
        "rms_norm_eps": config.norm_epsilon,
        "hidden_act": THEIR_ACTIVATIONS[config.act],
        "rope_theta": config.theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.theta},
        "attention_bias": config.bias,
        "mlp_bias": config.bias,
        "tie_word_embeddings": config.tied,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def llama_entries(config: GPTConfig) -> list[Entry]:
    """Every weight of a Llama, theirs and ours."""
    entries = [
        Entry("model.embed_tokens.weight", ("embedding.weight",)),
        *linear("model.norm", "norm", bias=False),
    ]
    if not config.tied:
        entries.append(Entry("lm_head.weight", ("head.weight",)))
    for i in range(config.n_layers):
        theirs, ours = f"model.layers.{i}", f"blocks.{i}"
        pairs = {
            "self_attn.q_proj": "attention.query",
            "self_attn.k_proj": "attention.key",
            "self_attn.v_proj": "attention.value",
            "self_attn.o_proj": "attention.output",
            "mlp.gate_proj": "feed_forward.gate",
            "mlp.up_proj": "feed_forward.up",
            "mlp.down_proj": "feed_forward.down",
        }
        for their_name, our_name in pairs.items():
            entries += linear(f"{theirs}.{their_name}", f"{ours}.{our_name}", bias=config.bias)
        entries += [
            *linear(f"{theirs}.input_layernorm", f"{ours}.attention_norm", bias=False),
            *linear(f"{theirs}.post_attention_layernorm", f"{ours}.feed_forward_norm", bias=False),
        ]
    return entries


def llama_names(weights: Mapping[str, Tensor], tied: bool) -> dict[str, Tensor]:
    """The weights without what can be computed: frequencies, and a head that is the embedding."""
    return {
        name: tensor
        for name, tensor in weights.items()
        if not name.endswith("rotary_emb.inv_freq") and not (tied and name == "lm_head.weight")
    }
