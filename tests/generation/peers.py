"""transformers' models with random weights, and ours with the same weights."""

import warnings

import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

from llm_book.models.layouts import from_transformers

logging.set_verbosity_error()
VOCAB = 60
KINDS = ("gpt2", "llama", "llama grouped")


def peer(kind, context_length=64, vocab_size=VOCAB, seed=0):
    """One of the field's own, in float64: rounding then decides no token."""
    torch.manual_seed(seed)
    if kind == "gpt2":
        config = GPT2Config(
            vocab_size=vocab_size,
            n_positions=context_length,
            n_embd=32,
            n_layer=2,
            n_head=4,
            initializer_range=0.3,
        )
        model = GPT2LMHeadModel(config)
    else:
        config = LlamaConfig(
            vocab_size=vocab_size,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2 if "grouped" in kind else 4,
            max_position_embeddings=context_length,
            initializer_range=0.3,
        )
        model = LlamaForCausalLM(config)
    model = model.double().eval()
    # It shall end by nothing but what a test says.
    model.generation_config.eos_token_id = model.generation_config.bos_token_id = None
    model.generation_config.pad_token_id = 0
    return model


def both(kind, **changes):
    """Theirs and ours."""
    theirs = peer(kind, **changes)
    return theirs, from_transformers(theirs.config.to_dict(), theirs.state_dict()).eval()


def theirs_generate(model, ids, lengths=None, **settings):
    """transformers' answer; for texts of different lengths with the pads it wants, on the left."""
    mask = torch.ones_like(ids)
    if lengths is not None:
        time = ids.shape[1]
        shift = (time - lengths)[:, None]
        places = torch.arange(time) - shift
        mask = (places >= 0).long()
        ids = ids.gather(1, places.clamp(min=0)) * mask
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.generate(
            ids, attention_mask=mask, return_dict_in_generate=True, output_scores=True, **settings
        )
