"""Weights go to and from transformers' GPT-2, Llama and BERT without a number changed."""

import json
import os
import re

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F
from transformers import (
    AutoModelForCausalLM,
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
)

from llm_book.models.encoder import Encoder, EncoderConfig
from llm_book.models.heads import LastTokenClassifier, SequenceClassifier
from llm_book.models.layouts import (
    from_transformers,
    load_pretrained,
    load_weights,
    save_pretrained,
    to_transformers,
)
from llm_book.models.recurrent import GRUCell
from llm_book.models.transformer import GPT, GPTConfig

GPT2 = {"vocab_size": 19, "n_positions": 12, "n_embd": 16, "n_layer": 2, "n_head": 4}
GPT2 |= {"bos_token_id": None, "eos_token_id": None}
LLAMA = {
    "vocab_size": 19,
    "max_position_embeddings": 12,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "bos_token_id": None,
    "eos_token_id": None,
}
BERT = {
    "vocab_size": 19,
    "max_position_embeddings": 12,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
PEERS = {
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config(**GPT2)),
    "gpt2 untied, relu": lambda: GPT2LMHeadModel(
        GPT2Config(**GPT2, tie_word_embeddings=False, activation_function="relu", n_inner=20)
    ),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**LLAMA)),
    "llama grouped": lambda: LlamaForCausalLM(
        LlamaConfig(
            **LLAMA,
            num_key_value_heads=2,
            head_dim=6,
            attention_bias=True,
            mlp_bias=True,
            tie_word_embeddings=True,
            rope_parameters={"rope_type": "default", "rope_theta": 77.0},
            rms_norm_eps=0.01,
        )
    ),
    "bert": lambda: BertForMaskedLM(BertConfig(**BERT)),
    "bert bare": lambda: BertModel(
        BertConfig(**BERT, layer_norm_eps=0.01), add_pooling_layer=False
    ),
    "bert texts": lambda: BertForSequenceClassification(BertConfig(**BERT, num_labels=3)),
    "bert tokens": lambda: BertForTokenClassification(BertConfig(**BERT, num_labels=4)),
    "bert spans": lambda: BertForQuestionAnswering(BertConfig(**BERT)),
}
IDS = torch.randint(19, (3, 9), generator=torch.Generator().manual_seed(0))
LENGTHS = torch.tensor([9, 4, 1])
TEXT = torch.arange(9) < LENGTHS[:, None]


class ExactRMSNorm(nn.RMSNorm):
    """Llama's norm as transformers has it falls back to float32; this one stays where it is."""


class ExactRotary(nn.Module):
    """Llama's rotary angles, computed in float64 instead of float32."""

    def __init__(self, width, theta):
        super().__init__()
        self.rates = theta ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)

    def forward(self, x, position_ids):
        angles = position_ids[..., None] * torch.cat([self.rates, self.rates])
        return angles.cos(), angles.sin()


def exact(model):
    """``model`` in float64 throughout, Llama's two float32 islands included."""
    model = model.double()
    if isinstance(model, LlamaForCausalLM):
        config = model.config
        theta = config.rope_parameters["rope_theta"]
        model.model.rotary_emb = ExactRotary(config.head_dim, theta)
        for name, module in list(model.named_modules()):
            if type(module).__name__ == "LlamaRMSNorm":
                norm = ExactRMSNorm(len(module.weight), config.rms_norm_eps)
                norm.weight = module.weight
                parent, _, last = name.rpartition(".")
                setattr(model.get_submodule(parent), last, norm)
    return model


def a_peer(kind):
    """A model of transformers whose every weight is random, norms and biases too."""
    model = exact(PEERS[kind]()).eval()
    generator = torch.Generator().manual_seed(3)
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.4, generator=generator)
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.padding_idx = None  # theirs never learns the pad's row, ours learns all rows
    return model


def settings_of(model):
    return model.config.to_dict() | {"architectures": [type(model).__name__]}


def ours_from(peer, **changes):
    return from_transformers(settings_of(peer), peer.state_dict(), dropout=0.0, **changes).eval()


def answers(kind, ours, peer):
    """Logits of both on texts, padded where the model is told of pads."""
    if not kind.startswith("bert"):
        return ours(IDS), peer(IDS).logits
    theirs = peer(IDS, attention_mask=TEXT.long())
    mine = ours(IDS, LENGTHS)
    if kind == "bert spans":
        return mine[TEXT], torch.stack([theirs.start_logits, theirs.end_logits], -1)[TEXT]
    if kind == "bert bare":
        return mine[TEXT], theirs.last_hidden_state[TEXT]
    if kind == "bert texts":
        return mine, theirs.logits
    return mine[TEXT], theirs.logits[TEXT]


@pytest.mark.parametrize("engine", ["ours", "torch"])
@pytest.mark.parametrize("kind", PEERS)
def test_it_equals_transformers_in_outputs_and_the_gradient_of_every_weight(kind, engine):
    peer = a_peer(kind)
    ours = ours_from(peer, engine=engine)
    mine, theirs = answers(kind, ours, peer)
    torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-10)
    weigh = torch.linspace(-1, 1, mine.numel()).double().reshape(mine.shape)
    for answer in (mine, theirs):
        (answer * weigh).mean().backward()
    for weight in ours.parameters():
        weight.data = torch.zeros_like(weight) if weight.grad is None else weight.grad
    _, gradients = to_transformers(ours)  # gradients under the names of transformers
    for name, weight in peer.named_parameters():
        grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
        name = name.replace("qa_outputs", "classifier")
        torch.testing.assert_close(gradients.pop(name), grad, rtol=0, atol=1e-10)
    assert not gradients


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_transformers_own_arithmetic_in_float32_is_within_its_rounding(kind):
    peer = PEERS[kind]().eval()
    ours = ours_from(peer, engine="torch")
    assert ours.head.weight.dtype == torch.float32
    torch.testing.assert_close(*answers(kind, ours, peer), rtol=0, atol=1e-5)


def test_a_second_text_in_bert_is_told_by_its_token_type():
    peer = a_peer("bert")
    types = torch.arange(9).expand(3, 9) // 5
    theirs = peer(IDS, attention_mask=TEXT.long(), token_type_ids=types).logits
    mine = ours_from(peer)(IDS, LENGTHS, types)
    torch.testing.assert_close(mine[TEXT], theirs[TEXT], rtol=0, atol=1e-10)


def test_a_gpt_that_classifies_by_its_last_token_equals_gpt_2s():
    config = GPT2Config(**(GPT2 | {"pad_token_id": 0}), num_labels=3)
    peer = GPT2ForSequenceClassification(config).double().eval()
    gpt = GPT(GPTConfig.gpt2(vocab_size=19, context_length=12, width=16, n_layers=2, n_heads=4))
    ours = LastTokenClassifier(gpt, 3)
    lm = GPT2LMHeadModel(GPT2Config(**GPT2)).double()
    lm.transformer.load_state_dict(peer.transformer.state_dict())
    ours.gpt = ours_from(lm)
    ours.head.weight = peer.score.weight
    ids = IDS.clamp(min=1).where(TEXT, 0)
    torch.testing.assert_close(ours(ids, LENGTHS), peer(ids).logits, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", PEERS)
def test_there_and_back_every_bit_is_the_same(kind, dtype):
    peer = a_peer(kind).to(dtype)
    ours = ours_from(peer)
    settings, weights = to_transformers(ours)
    again = from_transformers(settings, weights)
    assert type(again) is type(ours)
    for name, weight in ours.state_dict().items():
        assert weight.dtype == dtype
        assert torch.equal(weight, again.state_dict()[name])
    for name, weight in peer.named_parameters():
        assert torch.equal(weight, weights[name.replace("qa_outputs", "classifier")])
    assert settings["dtype"] == str(dtype).removeprefix("torch.")


CLASSES = {
    "bert": BertForMaskedLM,
    "bert bare": BertModel,
    "bert texts": BertForSequenceClassification,
    "bert tokens": BertForTokenClassification,
}


@pytest.mark.parametrize("kind", [kind for kind in PEERS if kind != "bert spans"])
def test_from_pretrained_reads_the_folder_we_wrote(kind, tmp_path):
    peer = a_peer(kind).float()
    save_pretrained(ours_from(peer), tmp_path / "a" / "model")
    assert sorted(os.listdir(tmp_path / "a" / "model")) == ["config.json", "model.safetensors"]
    kwargs = {"add_pooling_layer": False} if kind == "bert bare" else {}
    read, report = CLASSES.get(kind, AutoModelForCausalLM).from_pretrained(
        tmp_path / "a" / "model", output_loading_info=True, **kwargs
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert read.dtype == torch.float32
    for name, weight in peer.state_dict().items():
        assert torch.equal(read.state_dict()[name], weight), name
    plain = PEERS[kind]().eval().float()
    plain.load_state_dict(peer.state_dict())
    one, other = read.eval()(IDS), plain(IDS)
    first = "last_hidden_state" if kind == "bert bare" else "logits"
    torch.testing.assert_close(getattr(one, first), getattr(other, first), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", PEERS)
def test_we_read_the_folder_that_save_pretrained_wrote(kind, tmp_path):
    peer = PEERS[kind]().eval()
    peer.save_pretrained(tmp_path)
    ours = load_pretrained(tmp_path, engine="torch").eval()
    mine, theirs = answers(kind, ours, peer)
    torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-4)


def test_we_read_a_folder_in_shards(tmp_path):
    peer = a_peer("llama").float()
    peer.save_pretrained(tmp_path, max_shard_size="4KB")
    assert (tmp_path / "model.safetensors.index.json").is_file()
    assert not (tmp_path / "model.safetensors").exists()
    ours = load_pretrained(tmp_path)
    assert torch.equal(ours.head.weight, peer.lm_head.weight)


def test_damaged_shards_are_each_named_once_and_in_order(tmp_path):
    names = [f"model-{i}.safetensors" for i in (3, 1, 5, 2, 4)]
    for name in names:
        (tmp_path / name).write_bytes(b"half a file")
    index = {"weight_map": {f"{i}.{name}": name for i in range(2) for name in names}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    sentence = " or ".join(sorted(names)) + " is damaged"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        load_weights(str(tmp_path))


def test_the_older_names_of_files_are_understood():
    gpt2 = a_peer("gpt2")
    bare = {f"{n}": w for n, w in gpt2.transformer.state_dict().items()}
    masks = {
        f"h.{i}.attn.{name}": torch.ones(1) for i in (0, 1) for name in ("bias", "masked_bias")
    }
    ours = from_transformers(settings_of(gpt2), bare | masks, dropout=0.0)
    torch.testing.assert_close(ours.eval()(IDS), gpt2(IDS).logits, rtol=0, atol=1e-10)

    llama = a_peer("llama")
    old = settings_of(llama) | {"rope_parameters": None, "rope_theta": 10000.0}
    extra = {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(2)}
    ours = from_transformers(old, llama.state_dict() | extra)
    torch.testing.assert_close(ours(IDS), llama(IDS).logits, rtol=0, atol=1e-10)
    assert from_transformers(old | {"rope_theta": 5.0}, llama.state_dict()).config.theta == 5.0
    theta = from_transformers(old | {"rope_theta": 5}, llama.state_dict()).config.theta
    assert isinstance(theta, float)

    full = BertForPreTraining(BertConfig(**BERT)).eval()
    weights = {
        n.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): w
        for n, w in full.state_dict().items()
    }
    weights["bert.embeddings.position_ids"] = torch.arange(12)[None]
    settings = full.config.to_dict() | {"architectures": ["BertForMaskedLM"]}
    ours = from_transformers(settings, weights).eval()
    theirs = full(IDS).prediction_logits
    torch.testing.assert_close(ours(IDS), theirs, rtol=0, atol=1e-5)
    encoder = from_transformers(settings | {"architectures": ["BertModel"]}, weights).eval()
    theirs = full.bert(IDS).last_hidden_state
    torch.testing.assert_close(encoder(IDS), theirs, rtol=0, atol=1e-5)


def test_what_is_read_is_a_copy():
    peer = a_peer("gpt2")
    ours = ours_from(peer)
    _, weights = to_transformers(ours)
    assert not any(weight.requires_grad for weight in weights.values())
    with torch.no_grad():
        peer.transformer.wte.weight.zero_()
        assert ours.embedding.weight.abs().sum() > 0
        ours.embedding.weight.zero_()
    assert weights["transformer.wte.weight"].abs().sum() > 0


def test_changes_go_before_what_config_json_says():
    peer = PEERS["gpt2"]()
    model = from_transformers(settings_of(peer), peer.state_dict())
    assert (model.config.dropout, model.config.engine) == (0.1, "ours")
    model = from_transformers(settings_of(peer), peer.state_dict(), engine="torch", dropout=0.3)
    assert (model.config.dropout, model.config.engine) == (0.3, "torch")


def test_a_half_written_model_never_takes_the_place_of_a_whole_one(tmp_path, monkeypatch):
    model = ours_from(a_peer("gpt2"))
    save_pretrained(model, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def breaks(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr("llm_book.models.layouts.save_file", breaks)
    with torch.no_grad():
        model.embedding.weight.zero_()
    with pytest.raises(OSError, match="no space left"):
        save_pretrained(model, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_saving_again_replaces_what_was_there(tmp_path):
    model = ours_from(a_peer("llama"))
    save_pretrained(model, tmp_path)
    with torch.no_grad():
        model.head.weight.fill_(3)
    save_pretrained(model, str(tmp_path))
    assert (load_pretrained(str(tmp_path)).head.weight == 3).all()
    text = (tmp_path / "config.json").read_bytes()
    assert b"\r" not in text
    assert text.endswith(b"}\n")
    assert text.startswith(b'{\n  "architectures"')


def test_a_file_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    steps = []
    for step in ("fsync", "replace"):
        done = getattr(os, step)
        monkeypatch.setattr(os, step, lambda *a, s=step, d=done: steps.append(s) or d(*a))
    save_pretrained(ours_from(a_peer("gpt2")), tmp_path)
    assert steps == ["fsync", "replace", "fsync", "replace"]


def test_labels_are_numbered_as_transformers_numbers_them():
    for kind, n_labels in (("bert texts", 3), ("bert tokens", 4)):
        settings, _ = to_transformers(ours_from(a_peer(kind)))
        names = [f"LABEL_{i}" for i in range(n_labels)]
        assert settings["id2label"] == {str(i): name for i, name in enumerate(names)}
        assert settings["label2id"] == {name: i for i, name in enumerate(names)}


def test_the_first_architecture_named_is_read():
    peer = a_peer("bert bare")
    settings = peer.config.to_dict() | {"architectures": ["BertModel", "BertForMaskedLM"]}
    assert type(from_transformers(settings, peer.state_dict())) is Encoder


SMALL = {"vocab_size": 5, "context_length": 4, "width": 4, "n_layers": 1, "n_heads": 2}


def altered(kind, settings=None, without=None, **extra):
    peer = PEERS[kind]()
    weights = {n: w for n, w in peer.state_dict().items() if n != without}
    return from_transformers(settings_of(peer) | (settings or {}), weights | extra)


@pytest.mark.parametrize(
    ("sentence", "ask"),
    [
        (
            "the weights lack 1 names, the first 'transformer.ln_f.bias'",
            lambda: altered("gpt2", without="transformer.ln_f.bias"),
        ),
        (
            "the weights have, beyond the model, 1 names, the first 'model.extra'",
            lambda: altered("llama", **{"model.extra": torch.ones(1)}),
        ),
        (
            r"the weight 'model.norm.weight' has shape \(3,\), the model needs \(16,\)",
            lambda: altered("llama", **{"model.norm.weight": torch.ones(3)}),
        ),
        ("the weights lack 12 names", lambda: altered("gpt2", {"n_layer": 3})),
        (
            "a model of type 't5' cannot be read",
            lambda: from_transformers({"model_type": "t5"}, {}),
        ),
        ("a model of type None cannot be read", lambda: from_transformers({}, {})),
        ("there are no weights", lambda: from_transformers(settings_of(PEERS["gpt2"]()), {})),
        (
            "names the activation 'quick_gelu'",
            lambda: altered("gpt2", {"activation_function": "quick_gelu"}),
        ),
        (
            "config.json says scale_attn_by_inverse_layer_idx=True; only False can be read",
            lambda: altered("gpt2", {"scale_attn_by_inverse_layer_idx": True}),
        ),
        (
            "config.json says scale_attn_weights=False; only True",
            lambda: altered("gpt2", {"scale_attn_weights": False}),
        ),
        (
            "config.json says add_cross_attention=True",
            lambda: altered("gpt2", {"add_cross_attention": True}),
        ),
        (
            "config.json says mlp_bias=True; only False",
            lambda: altered("llama", {"mlp_bias": True}),
        ),
        (
            "config.json stretches rotary positions by 'llama3'",
            lambda: altered("llama", {"rope_parameters": {"rope_type": "llama3"}}),
        ),
        (
            "config.json stretches rotary positions by 'linear'",
            lambda: altered("llama", {"rope_parameters": None, "rope_scaling": {"type": "linear"}}),
        ),
        (
            "config.json says position_embedding_type='relative_key'",
            lambda: altered("bert", {"position_embedding_type": "relative_key"}),
        ),
        ("config.json says is_decoder=True", lambda: altered("bert", {"is_decoder": True})),
        (
            "config.json says add_cross_attention=True",
            lambda: altered("bert", {"add_cross_attention": True}),
        ),
        (
            "config.json says tie_word_embeddings=False",
            lambda: altered("bert", {"tie_word_embeddings": False}),
        ),
        (
            "config.json names 'BertForMultipleChoice'; only BertModel, BertForMaskedLM",
            lambda: altered("bert", {"architectures": ["BertForMultipleChoice"]}),
        ),
        (
            "config.json lacks 'n_embd'",
            lambda: from_transformers(
                {"model_type": "gpt2"} | {k: v for k, v in GPT2.items() if k != "n_embd"},
                {"a": torch.ones(1)},
            ),
        ),
        ("a GRUCell has no layout in transformers", lambda: to_transformers(GRUCell(1, 1))),
        (
            "GPT-2 has norm='layer', this model has 'rms'",
            lambda: to_transformers(GPT(GPTConfig.gpt2(**SMALL, norm="rms"))),
        ),
        (
            "GPT-2 has positions='learned', this model has 'alibi'",
            lambda: to_transformers(GPT(GPTConfig.gpt2(**SMALL, positions="alibi"))),
        ),
        (
            "GPT-2 has norm_place='pre', this model has 'post'",
            lambda: to_transformers(GPT(GPTConfig.gpt2(**SMALL, norm_place="post"))),
        ),
        (
            "GPT-2 has gated=False, this model has True",
            lambda: to_transformers(GPT(GPTConfig.gpt2(**SMALL, gated=True))),
        ),
        (
            "GPT-2 has n_experts=0, this model has 2",
            lambda: to_transformers(GPT(GPTConfig.gpt2(**SMALL, n_experts=2))),
        ),
        (
            "GPT-2 has bias=True, this model has False",
            lambda: to_transformers(GPT(GPTConfig.gpt2(**SMALL, bias=False))),
        ),
        (
            "GPT-2 has kv_heads=2, this model has 1",
            lambda: to_transformers(GPT(GPTConfig.gpt2(**SMALL, n_kv_heads=1))),
        ),
        (
            "GPT-2 has width_of_head=2, this model has 4",
            lambda: to_transformers(GPT(GPTConfig.gpt2(**SMALL, head_width=4))),
        ),
        (
            "Llama has pairing='halves', this model has 'interleaved'",
            lambda: to_transformers(GPT(GPTConfig.llama(**SMALL, pairing="interleaved"))),
        ),
        (
            "Llama has norm='rms', this model has 'layer'",
            lambda: to_transformers(GPT(GPTConfig.llama(**SMALL, norm="layer"))),
        ),
        (
            "Llama has norm_place='pre', this model has 'post'",
            lambda: to_transformers(GPT(GPTConfig.llama(**SMALL, norm_place="post"))),
        ),
        (
            "Llama has gated=True, this model has False",
            lambda: to_transformers(GPT(GPTConfig.llama(**SMALL, gated=False))),
        ),
        (
            "Llama has n_experts=0, this model has 2",
            lambda: to_transformers(GPT(GPTConfig.llama(**SMALL, n_experts=2))),
        ),
        (
            "BERT has token types; build the encoder with n_token_types=2",
            lambda: to_transformers(Encoder(EncoderConfig.bert(**SMALL, n_token_types=0))),
        ),
        (
            "BERT classifies by its first token, this model pools 'mean'",
            lambda: to_transformers(
                SequenceClassifier(Encoder(EncoderConfig.bert(**SMALL)), 2, pool="mean")
            ),
        ),
        *(
            (
                f"BERT has {name}=",
                lambda change=change: to_transformers(
                    Encoder(EncoderConfig.bert(**SMALL, **change))
                ),
            )
            for name, change in [
                ("positions", {"positions": "none"}),
                ("norm", {"norm": "rms"}),
                ("norm_place", {"norm_place": "pre"}),
                ("gated", {"gated": True}),
                ("n_experts", {"n_experts": 2}),
                ("bias", {"bias": False}),
                ("embedding_norm", {"embedding_norm": False}),
                ("scaled_embedding", {"scaled_embedding": True}),
                ("kv_heads", {"n_kv_heads": 1}),
                ("width_of_head", {"head_width": 4}),
            ]
        ),
    ],
)
def test_what_cannot_be_read_or_written_is_refused_in_one_sentence(sentence, ask):
    with pytest.raises(ValueError, match=sentence):
        ask()


def test_a_refused_file_leaves_nothing_half_filled(tmp_path):
    with pytest.raises(ValueError, match=r"there is no config\.json in"):
        load_pretrained(tmp_path)
    peer = PEERS["gpt2"]()
    (tmp_path / "config.json").write_text(json.dumps(settings_of(peer)), encoding="utf-8")
    with pytest.raises(ValueError, match=r"there is no model.safetensors in .*; weights are read"):
        load_pretrained(tmp_path)
    index = {"weight_map": {"a": "model-00001-of-00001.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(ValueError, match="there is no model-00001-of-00001"):
        load_pretrained(tmp_path)


def test_a_damaged_file_is_refused(tmp_path):
    save_pretrained(ours_from(a_peer("gpt2")), tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 40)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged"):
        load_pretrained(tmp_path)


def test_the_file_says_that_it_comes_from_pytorch(tmp_path):
    save_pretrained(ours_from(a_peer("gpt2")), tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    assert "lm_head.weight" not in weights  # tied: transformers leaves it out too
    save_file(weights, tmp_path / "model.safetensors")  # without saying so
    load_pretrained(tmp_path)


def test_defaults_of_config_json_are_those_of_transformers():
    minimal = GPT2 | {"model_type": "gpt2"}
    peer = PEERS["gpt2"]()
    assert from_transformers(minimal, peer.state_dict()).config == ours_gpt_config(peer)
    minimal = {k: v for k, v in LLAMA.items() if not k.endswith("token_id")} | {
        "model_type": "llama"
    }
    peer = PEERS["llama"]()
    model = from_transformers(minimal, peer.state_dict())
    full = from_transformers(settings_of(peer), peer.state_dict())
    assert (model.config.theta, model.config.norm_epsilon) == (10000.0, 1e-6)
    assert (model.config.kv_heads, model.config.width_of_head, model.config.bias) == (4, 4, False)
    assert (model.config.tied, model.config.act) == (False, "silu")
    torch.testing.assert_close(model(IDS), full(IDS))
    peer = PEERS["bert"]()
    minimal = BERT | {"model_type": "bert"}
    model, full = (from_transformers(s, peer.state_dict()) for s in (minimal, settings_of(peer)))
    assert model.encoder.config == full.encoder.config
    assert model.encoder.config.dropout == 0.1
    assert type(model) is type(full)
    texts = PEERS["bert texts"]()
    minimal |= {"architectures": ["BertForSequenceClassification"]}
    kept = {n: w for n, w in texts.state_dict().items() if not n.startswith("classifier")}
    kept |= {"classifier.weight": torch.ones(2, 16), "classifier.bias": torch.ones(2)}
    assert from_transformers(minimal, kept).head.out_features == 2


def ours_gpt_config(peer):
    return from_transformers(settings_of(peer), peer.state_dict()).config


def test_predictions_learned_here_are_made_there():
    gpt = GPT(GPTConfig.gpt2(vocab_size=19, context_length=12, width=16, n_layers=1, n_heads=2))
    optimizer = torch.optim.AdamW(gpt.parameters(), lr=1e-2)
    for _ in range(60):
        loss = F.cross_entropy(gpt(IDS)[:, :-1].flatten(0, 1), IDS[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    settings, weights = to_transformers(gpt)
    peer = GPT2LMHeadModel(GPT2Config(**settings)).eval()
    missing, unexpected = peer.load_state_dict(weights, strict=False)
    assert missing == ["lm_head.weight"]
    assert not unexpected
    torch.testing.assert_close(peer(IDS).logits, gpt(IDS), rtol=0, atol=1e-4)
