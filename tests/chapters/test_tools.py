"""What chapter 7 says of frameworks holds under every backend that is installed here."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile
from transformers import BertConfig, BertModel

from llm_book.evaluation.accounting import n_parameters
from llm_book.models.transformer import GPT, GPTConfig
from llm_book.widgets.reading_steps import STEPS
from tests.chapters.equations import Equation, partner
from tests.chapters.notebooks import FOLDER, ROOT, code_cells, markdown_cells, note, read

CHAPTER = FOLDER / "07_tools.ipynb"
SIZES = {"vocab_size": 40, "context_length": 12, "width": 24, "n_layers": 2, "n_heads": 3}
BACKENDS = {"torch": "PyTorch", "tensorflow": "TensorFlow", "jax": "JAX"}

# What runs in a fresh process: Keras chooses its backend when it is first imported.
PROGRAM = """
import sys

import keras
import numpy as np

from llm_book.models.transformer import GPTConfig

assert keras.backend.backend() == sys.argv[1]
kept = np.load(sys.argv[2])
config = GPTConfig.gpt2(dropout=0.0, initial_scale=0.3, **{sizes})
{cells}
weights = {{name: kept[name] for name in kept.files if name not in ("ids", "logits")}}
model = filled(keras_gpt(config), weights, config)
print("GAP", abs(keras.ops.convert_to_numpy(model(kept["ids"])) - kept["logits"]).max())
"""


def cells_of(part: str) -> list[str]:
    """The chapter's code cells that say they belong to a part."""
    chapter = read(CHAPTER)
    return [cell.source for cell in code_cells(chapter) if note(cell, "part") == part]


def of_chapter(name: str):
    """A function that the chapter defines, surrounded by its imports and definitions."""
    return partner(Equation(f"07_tools:{name}", print))


def gap_under(backend: str, folder, cells: str) -> float:
    """The largest difference between our logits and those of the chapter's Keras model."""
    config = GPTConfig.gpt2(dropout=0.0, initial_scale=0.3, **SIZES)
    gpt = GPT(config, torch.Generator().manual_seed(0)).eval()
    ids = torch.arange(36).reshape(3, 12)
    with torch.no_grad():
        kept = {"ids": ids.numpy(), "logits": gpt(ids).numpy()}
    kept |= {name: weight.detach().numpy() for name, weight in gpt.named_parameters()}
    np.savez(folder / "weights.npz", **kept)
    done = subprocess.run(
        [sys.executable, "-", backend, str(folder / "weights.npz")],
        input=PROGRAM.format(sizes=SIZES, cells=cells),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        env=os.environ
        | {"KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr
    return float(re.search(r"GAP (\S+)", done.stdout)[1])


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_keras_model_gives_our_logits_under_every_backend(backend, tmp_path):
    if not find_spec(backend):
        pytest.skip(f"{BACKENDS[backend]} is not installed here: Keras cannot compute with it")
    cells = cells_of("keras")
    assert len(cells) == 2
    assert gap_under(backend, tmp_path, "\n".join(cells)) < 1e-5


def test_a_forgotten_transpose_would_be_seen(tmp_path):
    cells = "\n".join(cells_of("keras"))
    broken = cells.replace("into += [weight.reshape(heads", "into += [weight.T.reshape(heads")
    assert broken != cells
    assert gap_under("torch", tmp_path, broken) > 1e-3


def test_the_chapters_table_names_every_work_that_the_path_leads_to():
    (table,) = (c.source for c in markdown_cells(read(CHAPTER)) if "| best for |" in c.source)
    for step in STEPS:
        if step.licence:
            (row,) = (line for line in table.splitlines() if f"]({step.address})" in line)
            assert step.licence in row, step.name["en"]


def test_a_gpt2_has_as_many_weights_as_the_chapter_counts():
    vocabulary_behind = of_chapter("vocabulary_behind")
    for layers, width in ((12, 768), (24, 1024), (36, 1280), (48, 1600)):
        config = GPTConfig.gpt2(n_layers=layers, width=width, n_heads=width // 64)
        with torch.device("meta"):
            built = sum(weight.numel() for weight in GPT(config).parameters())
        assert built == n_parameters(config)
        assert vocabulary_behind(built, layers, width) == 50257


def test_bert_has_as_many_weights_as_the_exercise_says():
    for layers, width, count in ((12, 768, 109_482_240), (24, 1024, 335_141_888)):
        config = BertConfig(
            num_hidden_layers=layers,
            hidden_size=width,
            num_attention_heads=width // 64,
            intermediate_size=4 * width,
        )
        with torch.device("meta"):
            assert sum(weight.numel() for weight in BertModel(config).parameters()) == count


@pytest.mark.parametrize(("layers", "bias"), [(1, True), (2, True), (3, False)])
def test_a_step_makes_the_calls_that_the_chapter_reads_aloud(layers, bias):
    config = GPTConfig.gpt2(**(SIZES | {"n_layers": layers, "bias": bias}), engine="torch")
    model, ids = GPT(config), torch.arange(36).reshape(3, 12)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        model(ids).logsumexp(-1).sum().backward()
    calls = [event.name for event in profiler.events()]
    maps = 4 * layers  # query, key and value are one product
    assert calls.count("aten::addmm") == (maps if bias else 0)
    assert calls.count("aten::mm") == (1 if bias else maps + 1) + 2 * (maps + 1)
