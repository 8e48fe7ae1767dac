"""A two-way GRU over padded texts: our loop and our dense walk beside PyTorch's packed form.

One process, one thread, the same weights and texts, pair by pair; medians of forward and backward.
Run: python benchmarks/recurrent.py
"""

import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from llm_book.models.recurrent import RecurrentStack, copy_from_torch

PAIRS = 5


def packed(module: nn.GRU, inputs: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """The field's usual way with pads."""
    rnn = nn.utils.rnn
    pack = rnn.pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    return rnn.pad_packed_sequence(module(pack)[0], batch_first=True)[0]


def seconds(run: Callable[[], torch.Tensor]) -> float:
    """One forward and backward pass."""
    started = time.perf_counter()
    run().sum().backward()
    return time.perf_counter() - started


def main() -> None:
    """Print one line a batch size."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"PyTorch {torch.__version__}; 50 -> 128 numbers, both ways, 250 steps, one thread")
    for batch in (64, 256):
        inputs, lengths = torch.randn(batch, 250, 50), torch.randint(50, 251, (batch,))
        lengths[0] = 250
        peer = nn.GRU(50, 128, bidirectional=True, batch_first=True)
        ours, dense = (
            RecurrentStack("gru", 50, 128, bidirectional=True, engine=engine)
            for engine in ("ours", "torch")
        )
        copy_from_torch(ours, peer)
        copy_from_torch(dense, peer)
        runs = {
            "packed": lambda: packed(peer, inputs, lengths),  # noqa: B023  (run inside the loop)
            "dense": lambda: dense(inputs, lengths),  # noqa: B023
            "ours": lambda: ours(inputs, lengths),  # noqa: B023
        }
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(PAIRS):
            for name, run in runs.items():
                times[name].append(seconds(run))
        median = {name: statistics.median(values) for name, values in times.items()}
        print(
            f"batch {batch:3d}: torch packed {median['packed']:.2f} s, torch dense by our walk "
            f"{median['dense']:.2f} s ({median['packed'] / median['dense']:.1f}x faster), our loop "
            f"{median['ours']:.2f} s ({median['ours'] / median['dense']:.1f}x the kernels' time)"
        )


if __name__ == "__main__":
    main()
