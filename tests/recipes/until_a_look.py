"""A script for ``torchrun``: a tiny GPT trains until a look at it, then every process leaves.

Arguments: where runs are written, and after which step to leave (0: at the end).
"""

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from llm_book.recipes import shakespeare_gpt
from llm_book.recipes.job import Job
from llm_book.runtime import Runtime
from llm_book.training.distributed import joined

TINY = replace(
    shakespeare_gpt.PRESETS["small"],
    n_characters=3000,
    width=16,
    n_layers=1,
    n_heads=2,
    context_length=16,
    batch_size=6,
    dropout=0.0,
    steps=12,
    evaluate_every=2,
)


def until(step: int, runs: Path, runtime: Runtime) -> None:
    """Train, from the last checkpoint where there is one, until the look after ``step``."""

    def say(sentence: str) -> None:
        if step and sentence.startswith(f"step {step:5d}"):
            raise KeyboardInterrupt

    shakespeare_gpt.run(
        TINY, Job("shakespeare_gpt", "small", 0, runs, runtime, resume=True, say=say)
    )


if __name__ == "__main__":
    with joined(Runtime(), timeout=100.0) as runtime, suppress(KeyboardInterrupt):
        until(int(sys.argv[2]), Path(sys.argv[1]), runtime)
