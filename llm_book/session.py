"""How every chapter begins: seeds, device and figure style, told in one line."""

import logging
import os
import platform
import random
from dataclasses import dataclass

import numpy as np
import torch

from llm_book import claims
from llm_book.runtime import Runtime

PRESETS = ("small", "full")

# Okabe and Ito's eight colours, told apart by readers with any colour vision; black comes last.
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000",
)  # fmt: skip


@dataclass(frozen=True)
class Session:
    """What a chapter's cells share: which preset, where it runs, from which seed."""

    preset: str
    runtime: Runtime
    seed: int

    @property
    def full(self) -> bool:
        """Whether this run uses the real data."""
        return self.preset == "full"

    def generator(self, stream: int = 0) -> torch.Generator:
        """A fresh random stream on the CPU; another ``stream`` gives other numbers."""
        return torch.Generator().manual_seed(self.seed + 1_000_003 * stream)


def setup(preset: str = "small", seed: int = 0) -> Session:
    """Seed everything, choose where to run, set the figure style, and print one line.

    ``small`` runs on the CPU with one thread, so that every machine does the same; ``full`` takes
    the best device. ``LLM_BOOK_PRESET`` overrides ``preset``. Changes in place: the seeds of
    Python, NumPy and PyTorch, PyTorch's threads, Matplotlib's defaults, the table of claims.
    """
    preset = os.environ.get("LLM_BOOK_PRESET") or preset
    if preset not in PRESETS:
        raise ValueError(f"preset {preset!r} is unknown; choose one of {', '.join(PRESETS)}")
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    if preset == "small":
        torch.set_num_threads(1)
    runtime = Runtime.detect(device="cpu" if preset == "small" else "auto")
    claims.reset()
    set_figure_style()
    print(f"preset {preset} · seed {seed} · ⟨{machine(runtime)}⟩")
    return Session(preset, runtime, seed)


def machine(runtime: Runtime) -> str:
    """Device, precision and versions in a few words; nothing that names this computer."""
    threads = torch.get_num_threads()
    return (
        f"{runtime.device}, {runtime.dtype}, {threads} thread{'s' if threads > 1 else ''}, "
        f"Python {platform.python_version()}, PyTorch {torch.__version__}"
    )


def set_figure_style() -> None:
    """Matplotlib's defaults for the book: one size, one font, colours that all can tell apart."""
    import matplotlib  # here, not above: nothing but figures needs it
    from cycler import cycler

    # The first run on a machine lists its fonts, and would say so in the chapter's output.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    matplotlib.rcParams.update(
        {
            "axes.grid": True,
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "figure.constrained_layout.use": True,
            "figure.dpi": 110,
            "figure.figsize": (6.4, 3.6),
            "font.family": "DejaVu Sans",  # ships with Matplotlib: the same on every machine
            "font.size": 10,
            "grid.alpha": 0.3,
            "image.cmap": "viridis",
            "legend.frameon": False,
            "savefig.dpi": 110,
        }
    )
