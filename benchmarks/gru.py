"""A hand-written GRU beside ``torch.nn.GRU``: forward and backward of a training step.

Run: python benchmarks/gru.py
"""

from collections.abc import Callable

import torch
from harness import Row, main, paired
from torch import Tensor, nn

from llm_book.models.recurrent import RecurrentStack, copy_from_torch


def packed(module: nn.GRU, inputs: Tensor, lengths: Tensor) -> Tensor:
    """The field's usual way with pads."""
    rnn = nn.utils.rnn
    pack = rnn.pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    return rnn.pad_packed_sequence(module(pack)[0], batch_first=True)[0]


def passes(module: nn.Module, run: Callable[[], Tensor]) -> Callable[[], None]:
    """Forward and backward, the gradients thrown away before."""

    def step() -> None:
        module.zero_grad(set_to_none=True)
        run().square().mean().backward()

    return step


def rows(quick: bool = False) -> list[Row]:
    """One way without pads, then two ways over texts of different lengths."""
    torch.manual_seed(0)
    time, batches = (20, (8,)) if quick else (250, (64, 256))
    found = []
    for batch in batches:
        inputs = torch.randn(batch, time, 50)
        peer = nn.GRU(50, 128, batch_first=True)
        ours = RecurrentStack("gru", 50, 128)
        copy_from_torch(ours, peer)
        torch.testing.assert_close(ours(inputs), peer(inputs)[0], rtol=0, atol=1e-5)
        pairs = paired(
            passes(ours, lambda: ours(inputs)),  # noqa: B023  (run inside the loop)
            passes(peer, lambda: peer(inputs)[0]),  # noqa: B023
        )
        size = f"50 -> 128, {time} steps, batch {batch}"
        found.append(pairs.row(f"GRU training pass, {size}", "<= 2", "torch.nn.GRU"))
    batch = batches[0]
    inputs, lengths = torch.randn(batch, time, 50), torch.randint(time // 5, time + 1, (batch,))
    lengths[0] = time
    peer = nn.GRU(50, 128, bidirectional=True, batch_first=True)
    ours = RecurrentStack("gru", 50, 128, bidirectional=True)
    copy_from_torch(ours, peer)
    torch.testing.assert_close(
        ours(inputs, lengths), packed(peer, inputs, lengths), rtol=0, atol=1e-5
    )
    pairs = paired(
        passes(ours, lambda: ours(inputs, lengths)),
        passes(peer, lambda: packed(peer, inputs, lengths)),
    )
    name = f"two-way GRU training pass over padded texts, 50 -> 128, {time} steps, batch {batch}"
    found.append(pairs.row(name, "<= 2", "torch.nn.GRU, packed"))
    return found


if __name__ == "__main__":
    main(rows)
