"""BERT as ``transformers`` stores it, alone or under one of four heads."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from llm_book.models.encoder import Encoder, EncoderConfig
from llm_book.models.heads import MaskedLanguageModel, SequenceClassifier, TokenClassifier
from llm_book.models.layouts_entries import (
    ACTIVATIONS,
    THEIR_ACTIVATIONS,
    Entry,
    linear,
    refuse_other,
    refuse_settings,
    renamed,
)

HEADS = {
    "BertModel": Encoder,
    "BertForMaskedLM": MaskedLanguageModel,
    "BertForSequenceClassification": SequenceClassifier,
    "BertForTokenClassification": TokenClassifier,
    "BertForQuestionAnswering": TokenClassifier,
}


def bert_config(settings: Mapping[str, Any], **changes: Any) -> EncoderConfig:
    """Our configuration for the ``config.json`` of a BERT; ``changes`` go before it."""
    refuse_settings(
        settings,
        position_embedding_type="absolute",
        is_decoder=False,
        add_cross_attention=False,
        tie_word_embeddings=True,
    )
    read = {
        "vocab_size": settings["vocab_size"],
        "context_length": settings["max_position_embeddings"],
        "width": settings["hidden_size"],
        "n_layers": settings["num_hidden_layers"],
        "n_heads": settings["num_attention_heads"],
        "inner_width": settings["intermediate_size"],
        "n_token_types": settings.get("type_vocab_size", 2),
        "norm_epsilon": settings.get("layer_norm_eps", 1e-12),
        "act": renamed(ACTIVATIONS, settings.get("hidden_act", "gelu")),
        "dropout": settings.get("hidden_dropout_prob", 0.1),
    }
    return EncoderConfig.bert(**(read | changes))


def bert_model(settings: Mapping[str, Any], **changes: Any) -> nn.Module:
    """A new model of the kind that ``config.json`` names as its architecture."""
    name = named_architecture(settings)
    if name not in HEADS:
        raise ValueError(f"config.json names {name!r}; only {', '.join(HEADS)} can be read")
    encoder = Encoder(bert_config(settings, **changes))
    if name == "BertModel":
        return encoder
    if name == "BertForMaskedLM":
        return MaskedLanguageModel(encoder)
    labels = settings.get("id2label")
    n_labels = len(labels) if labels else 2
    if name == "BertForSequenceClassification":
        return SequenceClassifier(encoder, n_labels, dropout=encoder.config.dropout)
    return TokenClassifier(encoder, n_labels, dropout=encoder.config.dropout)


def named_architecture(settings: Mapping[str, Any]) -> str:
    """The class that ``config.json`` names first; the masked language model where it names none."""
    name, *_ = settings.get("architectures") or ["BertForMaskedLM"]
    return name


def bert_settings(model: nn.Module) -> dict[str, Any]:
    """The ``config.json`` of our ``model``; ValueError where a BERT cannot be like that."""
    config = encoder_of(model).config
    refuse_other(
        config,
        "BERT",
        positions="learned",
        norm="layer",
        norm_place="post",
        gated=False,
        n_experts=0,
        bias=True,
        embedding_norm=True,
        scaled_embedding=False,
        kv_heads=config.n_heads,
        width_of_head=config.width // config.n_heads,
    )
    if config.n_token_types == 0:
        raise ValueError("BERT has token types; build the encoder with n_token_types=2")
    settings = {
        "architectures": [architecture(model)],
        "model_type": "bert",
        "vocab_size": config.vocab_size,
        "max_position_embeddings": config.context_length,
        "hidden_size": config.width,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "intermediate_size": config.width_inside,
        "type_vocab_size": config.n_token_types,
        "layer_norm_eps": config.norm_epsilon,
        "hidden_act": THEIR_ACTIVATIONS[config.act],
        "hidden_dropout_prob": config.dropout,
        "attention_probs_dropout_prob": config.dropout,
        "tie_word_embeddings": True,
    }
    if isinstance(model, SequenceClassifier | TokenClassifier):
        labels = {f"LABEL_{i}": i for i in range(model.head.out_features)}
        settings |= {"id2label": {str(i): v for v, i in labels.items()}, "label2id": labels}
    return settings


def architecture(model: nn.Module) -> str:
    """The ``transformers`` class that is our ``model``."""
    name = next(name for name, kind in HEADS.items() if isinstance(model, kind))
    if isinstance(model, SequenceClassifier) and model.pool_kind != "first":
        raise ValueError(
            f"BERT classifies by its first token, this model pools {model.pool_kind!r}: "
            "it cannot be written in that layout"
        )
    return name


def encoder_of(model: nn.Module) -> Encoder:
    """The encoder under a head, or the encoder itself."""
    encoder = model if isinstance(model, Encoder) else model.encoder
    assert isinstance(encoder, Encoder)
    return encoder


def bert_entries(model: nn.Module, name: str) -> list[Entry]:
    """Every weight of the ``transformers`` class ``name``, theirs and ours."""
    alone = name == "BertModel"
    encoder = encoder_entries(encoder_of(model).config, "" if alone else "bert.")
    if alone:
        return encoder
    under_head = [
        Entry(entry.theirs, tuple(f"encoder.{ours}" for ours in entry.ours)) for entry in encoder
    ]
    if name == "BertForMaskedLM":
        return [
            *under_head,
            *linear("cls.predictions.transform.dense", "dense"),
            *linear("cls.predictions.transform.LayerNorm", "norm"),
            Entry("cls.predictions.bias", ("head.bias",)),
        ]
    if name == "BertForSequenceClassification":
        pooler = linear("bert.pooler.dense", "pooler.dense")
        return [*under_head, *pooler, *linear("classifier", "head")]
    their_head = "qa_outputs" if name == "BertForQuestionAnswering" else "classifier"
    return [*under_head, *linear(their_head, "head")]


def encoder_entries(config: EncoderConfig, prefix: str) -> list[Entry]:
    """Every weight of BERT's encoder, theirs and ours."""
    entries = [
        Entry(f"{prefix}embeddings.word_embeddings.weight", ("embedding.weight",)),
        Entry(f"{prefix}embeddings.position_embeddings.weight", ("positions.table.weight",)),
        Entry(f"{prefix}embeddings.token_type_embeddings.weight", ("token_types.weight",)),
        *linear(f"{prefix}embeddings.LayerNorm", "embedding_norm"),
    ]
    pairs = {
        "attention.self.query": "attention.query",
        "attention.self.key": "attention.key",
        "attention.self.value": "attention.value",
        "attention.output.dense": "attention.output",
        "attention.output.LayerNorm": "attention_norm",
        "intermediate.dense": "feed_forward.up",
        "output.dense": "feed_forward.down",
        "output.LayerNorm": "feed_forward_norm",
    }
    for i in range(config.n_layers):
        for theirs, ours in pairs.items():
            entries += linear(f"{prefix}encoder.layer.{i}.{theirs}", f"blocks.{i}.{ours}")
    return entries


def bert_names(weights: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The weights under today's names, without those that the class ``name`` has no use for.

    Old files say gamma and beta for a norm's weight and bias, carry the positions' numbers, the
    head's copy of the embedding and of its bias, and parts of heads that were not asked for.
    """
    unused = ["embeddings.position_ids", "cls.seq_relationship", "cls.predictions.decoder"]
    if name != "BertForSequenceClassification":
        unused.append("pooler.dense")
    if name != "BertForMaskedLM":
        unused.append("cls.predictions")
    kept = {}
    for their_name, tensor in weights.items():
        if not any(part in their_name for part in unused):
            new = their_name.replace(".gamma", ".weight").replace(".beta", ".bias")
            kept[new.removeprefix("bert.") if name == "BertModel" else new] = tensor
    return kept
