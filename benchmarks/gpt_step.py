"""One training step of a GPT (loss, gradients, AdamW) beside the same model in two libraries.

Same weights, same batch, same optimiser (PyTorch's fused AdamW), dropout 0; the three losses are
equal before anything is timed, and equal again after the timed steps. The peers are GPT-2 in
transformers, as it comes, and nano-gpt, the leanest GPT found on the package index: nanoGPT's model
(one product for query, key and value, PyTorch's fused attention and cross-entropy).
Ours is the engine "torch" with the loss that never holds the whole table of logits.

nano-gpt is used where it is installed and otherwise fetched into a throwaway folder, without the
packages it names: its model needs none but PyTorch and transformers.

Run: python benchmarks/gpt_step.py
"""

import atexit
import importlib
import shutil
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable
from typing import Any

import torch
from harness import Pairs, Row, main, paired
from torch import Tensor, nn

from llm_book.models.head_loss import lean_token_loss
from llm_book.models.layouts import from_transformers
from llm_book.shapes import IGNORE, TokenBatch

NANO_GPT = "0.1.0"
SIZES = {"vocab_size": 8192, "n_positions": 128, "n_embd": 256, "n_layer": 6, "n_head": 8}
TINY = {"vocab_size": 256, "n_positions": 16, "n_embd": 32, "n_layer": 2, "n_head": 4}
BATCH = 8
AIM = "<= 0.95"


def peer_gpt2(sizes: dict[str, int]) -> nn.Module:
    """GPT-2 of transformers with random weights, no dropout, its own choice of attention."""
    from transformers import GPT2Config, GPT2LMHeadModel

    off = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    config = GPT2Config(**sizes, **off, bos_token_id=None, eos_token_id=None)
    return GPT2LMHeadModel(config)


def nano_gpt() -> types.ModuleType:
    """nano-gpt's module with the model; fetched at ``NANO_GPT`` where it is not installed."""
    try:
        importlib.import_module("nano_gpt")
    except ImportError:
        folder = tempfile.mkdtemp(prefix="nano-gpt-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*command, "--target", folder, f"nano-gpt=={NANO_GPT}"], check=True)
        sys.path.append(folder)
    # Its settings name this package's types for its data sets; the model has no use for them.
    stand_in: Any = types.ModuleType("datasets")
    stand_in.Dataset = stand_in.IterableDataset = object
    sys.modules.setdefault("datasets", stand_in)
    return importlib.import_module("nano_gpt.model")


def peer_nano_gpt(sizes: dict[str, int], weights: dict[str, Tensor]) -> nn.Module:
    """nano-gpt's model with the weights of transformers' GPT-2."""
    module = nano_gpt()
    config = module.GPTConfig(
        block_size=sizes["n_positions"],
        vocab_size=sizes["vocab_size"],
        n_layer=sizes["n_layer"],
        n_head=sizes["n_head"],
        n_embd=sizes["n_embd"],
    )
    model = module.GPT(config, None)
    turned = tuple(module.PRETRAINED_TRANSPOSED_WEIGHTS)
    own = {name: w.T if name.endswith(turned) else w for name, w in weights.items()}
    masks = {name for name in model.state_dict() if name.endswith(".attn.bias")}
    missing, unexpected = model.load_state_dict(own, strict=False)
    assert set(missing) == masks
    assert not unexpected
    return model


def stepper(model: nn.Module, loss: Callable[[nn.Module], Tensor]) -> Callable[[], float]:
    """A function that takes one step and gives the loss before it."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step() -> float:
        value = loss(model)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()
        return value.item()

    return step


def compared(ours: Callable[[], float], peer: Callable[[], float], times: int) -> Pairs:
    """Both sides timed, their losses equal before and after."""
    assert abs(ours() - peer()) < 1e-4
    pairs = paired(ours, peer, pairs=times)
    assert abs(ours() - peer()) < 1e-3
    return pairs


def rows(quick: bool = False) -> list[Row]:
    """One row a peer: seconds a step, and the peak memory of a step."""
    torch.manual_seed(0)
    sizes = TINY if quick else SIZES
    gpt2 = peer_gpt2(sizes)
    weights = {name: w.clone() for name, w in gpt2.state_dict().items()}
    ids = torch.randint(sizes["vocab_size"], (BATCH, sizes["n_positions"]))
    targets = torch.cat([ids[:, 1:], torch.full((BATCH, 1), IGNORE)], dim=1)
    batch = TokenBatch(ids, targets)
    settings = gpt2.config.to_dict()  # type: ignore[operator, union-attr]

    def ours() -> Callable[[], float]:
        model = from_transformers(settings, weights, engine="torch").train()
        return stepper(model, lambda model: lean_token_loss(model, batch))  # type: ignore[arg-type]

    peers: dict[str, tuple[nn.Module, Callable[[Any], Tensor], list[str], str]] = {
        "transformers": (gpt2, lambda m: m(ids, labels=ids).loss, ["transformers"], ""),
        "nano-gpt": (
            peer_nano_gpt(sizes, weights),
            lambda m: m(ids, targets)[1],
            [],
            f"nano-gpt {NANO_GPT}: nanoGPT's model, the leanest found on the package index",
        ),
    }
    found = []
    for name, (model, loss, packages, note) in peers.items():
        pairs = compared(ours(), stepper(model.train(), loss), 5 if quick else 7)
        title = "GPT training step, {n_layer} layers of {n_embd}, vocabulary {vocab_size}"
        shown = title.format(**sizes)
        found.append(pairs.row(shown, AIM, name, packages=packages, note=note))
    return found


if __name__ == "__main__":
    main(rows)
