"""Greedy text by our GPT with its cache beside ``transformers.generate`` with the same weights.

Run: python benchmarks/generation.py
"""

import statistics
import warnings

import torch
from harness import Row, main, paired, seconds, versions
from transformers import GPT2Config, GPT2LMHeadModel

from llm_book.generation.sampling import GREEDY, generate
from llm_book.models.layouts import from_transformers


def rows(quick: bool = False) -> list[Row]:
    """Tokens a second, batch 1; then what the cache gains, over the number of tokens."""
    if quick:
        return beside_transformers(32, 2, 512, 16)
    return beside_transformers(128, 4, 2048, 256) + beside_transformers(256, 6, 8192, 256)


def beside_transformers(width: int, layers: int, vocab_size: int, count: int) -> list[Row]:
    """Both engines on one shape, and the gain of the cache."""
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=vocab_size, n_positions=512, n_embd=width, n_layer=layers, n_head=width // 32
    )
    peer = GPT2LMHeadModel(config).eval()
    peer.generation_config.eos_token_id = None
    peer.generation_config.pad_token_id = 0
    found = []
    ids = torch.randint(vocab_size, (1, 32))

    def theirs() -> torch.Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mask = torch.ones_like(ids)
            return peer.generate(ids, attention_mask=mask, max_new_tokens=count, do_sample=False)

    for engine in ("ours", "torch"):
        model = from_transformers(peer.config.to_dict(), peer.state_dict(), engine=engine).eval()
        answer = generate(model, ids, count, GREEDY).ids
        assert torch.equal(answer, theirs()), "not the same tokens: nothing to compare"
        pairs = paired(lambda: generate(model, ids, count, GREEDY), theirs)  # noqa: B023
        how = "hand-written operations" if engine == "ours" else "PyTorch's fused kernels"
        found.append(
            pairs.row(
                f"cached greedy generation, {how}, width {width}, {layers} layers, {count} tokens",
                ">= 2" if engine == "torch" else "",
                "transformers.generate",
                packages=("transformers",),
                work=count,
                unit="tokens/s",
                note=f"same tokens; vocabulary {vocab_size}, context 512, prompt 32, batch 1",
            )
        )
    found.append(_gain(model, ids, count, width))
    return found


def _gain(model: torch.nn.Module, ids: torch.Tensor, count: int, width: int) -> Row:
    """Seconds without the cache over seconds with it, at several lengths."""
    points = []
    for new in sorted({count // 16, count // 4, count // 2, count}):
        times = {
            cached: statistics.median(
                seconds(lambda: generate(model, ids, new, GREEDY, cached=cached))  # noqa: B023
                for _ in range(3)
            )
            for cached in (True, False)
        }
        points.append((new, times[False] / times[True]))
    return Row(
        name=f"gain by the cache at {count} new tokens, width {width}",
        ours=points[-1][1],
        peer=None,
        unit="times as fast",
        ratio=None,
        aim="",
        peer_name="",
        pairs=3,
        note="; ".join(f"{new} tokens: {gain:.2f}" for new, gain in points),
        versions=versions(),
    )


if __name__ == "__main__":
    main(rows)
