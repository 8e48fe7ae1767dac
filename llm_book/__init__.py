"""The book's shelves. What a chapter builds in small cells, the next cell imports from here.

========================  ================================  =====================================
shelf                     turns                             holds
========================  ================================  =====================================
``llm_book.text``         strings into ids and back         vocabulary, tokenizers, BPE
``llm_book.data``         a name into examples              generated world, real sets, batches
``llm_book.models``       ids into logits                   counts, word vectors, networks
``llm_book.training``     model and batches into steps      losses, optimisers, loop
``llm_book.generation``   logits into tokens                sampling, beam search, cache
``llm_book.evaluation``   outputs into numbers              metrics, intervals, accounting
``llm_book.interpret``    a model into what it does inside  taps, rollout, lens, head scores
``llm_book.results``      runs into records                 the ledger of recorded runs
``llm_book.widgets``      records into views                attention map, loss curve, …
``llm_book.recipes``      settings into a whole run         what the chapters' full preset calls
========================  ================================  =====================================

Under every shelf: ``shapes`` (what passes between them), ``runtime`` (device and precision, one
frozen value), ``session`` (how a chapter starts), ``claims`` (a number beside its reference
band). Above them: ``cli``, the command ``llm-book``. Shelves do not import one another; chapters
and recipes put them together.

Nothing happens at import: no seed, no device, no download, not even PyTorch.
"""

from __future__ import annotations

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """``__version__`` as the installed distribution tells it, read when somebody asks."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("llm-book")
    except PackageNotFoundError:
        return "0+unknown"
