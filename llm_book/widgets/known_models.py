"""Models whose sizes were published, and devices with what their data sheets promise at most."""

from dataclasses import dataclass
from functools import cache

from llm_book.models.transformer import GPTConfig


@dataclass(frozen=True)
class KnownModel:
    """A model as it was published: sizes, tokens read in training, parameters, compute.

    What was not disclosed is None; ``reference`` is a key of the bibliography or a number at arXiv.
    """

    name: str
    sizes: GPTConfig
    tokens: float | None = None
    parameters: float | None = None
    flop: float | None = None
    source: str = ""
    reference: str = ""


@dataclass(frozen=True)
class Device:
    """What one device can do: FLOP/s at 16 and at 32 bits, bytes of memory, watts at full power.

    A name of "" is a device that the reader describes.
    """

    name: str
    half: float
    full: float
    memory: float
    watts: float = 0.0


# Dense products on tensor cores at 16 bits (bfloat16, before it float16), plain float32 beside it,
# as the vendor's data sheets give them for the SXM boards and for the T4.
DEVICES = (
    Device("H100", 989e12, 67e12, 80e9, 700),
    Device("A100", 312e12, 19.5e12, 80e9, 400),
    Device("V100", 125e12, 15.7e12, 32e9, 300),
    Device("T4", 65e12, 8.1e12, 16e9, 70),
)


@cache
def known_models() -> tuple[KnownModel, ...]:
    """From a tiny one, where 6ND fails, to one of the largest whose sizes are known."""
    return (*_small(), *_gpt(), *_llama())


def _small() -> tuple[KnownModel, ...]:
    tiny = {"vocab_size": 5000, "context_length": 512, "width": 64, "n_layers": 2, "n_heads": 2}
    characters = {"vocab_size": 65, "context_length": 256, "width": 128, "n_layers": 4}
    return (
        KnownModel("tiny GPT", GPTConfig.gpt2(**tiny), 10e6),
        KnownModel("GPT of characters", GPTConfig.gpt2(**characters, n_heads=4), 10e6),
    )


def _gpt() -> tuple[KnownModel, ...]:
    gpt3 = GPTConfig.gpt2(width=12288, n_layers=96, n_heads=96, context_length=2048)
    chinchilla = {"vocab_size": 32000, "context_length": 2048, "width": 8192, "n_layers": 80}
    no_terms = {"n_heads": 64, "norm": "rms", "positions": "none", "bias": False}
    return (
        KnownModel(
            "GPT-2 124M", GPTConfig.gpt2(), 300e9, 124_439_808,
            source="Radford et al. (2019), counted in the weights (the paper says 117 M); "
            "tokens not disclosed: 300 B are those of nanoGPT",
            reference="radford2019language",
        ),
        KnownModel(
            "GPT-3 175B", gpt3, 300e9, 174.6e9, 3.14e23,
            "Brown et al. (2020), table D.1", "brown2020language",
        ),
        KnownModel(
            "Chinchilla 70B", GPTConfig.gpt2(**chinchilla, **no_terms), 1.4e12, 70e9, 5.76e23,
            "Hoffmann et al. (2022), arXiv:2203.15556; weights of its relative positions "
            "are not in the count",
            "arXiv:2203.15556",
        ),
    )  # fmt: skip


def _llama() -> tuple[KnownModel, ...]:
    grouped = {"n_kv_heads": 8, "inner_width": 14336}
    large = {"width": 16384, "n_layers": 126, "n_heads": 128, "n_kv_heads": 8}
    new = {"vocab_size": 128256, "context_length": 8192}
    return (
        KnownModel(
            "Llama 2 7B", GPTConfig.llama(context_length=4096), 2.0e12, 6_738_415_616,
            source="Touvron et al. (2023), arXiv:2307.09288; parameters counted in the weights",
            reference="arXiv:2307.09288",
        ),
        KnownModel(
            "Mixtral 8x7B",
            GPTConfig.llama(**grouped, context_length=32768, n_experts=8, top_k=2),
            None, 46_702_792_704,
            source="Jiang et al. (2024), counted in the weights; tokens not disclosed: "
            "20 a parameter stand here",
            reference="jiang2024mixtral",
        ),
        KnownModel(
            "Llama 3 8B", GPTConfig.llama(**grouped, **new), 15e12, 8_030_261_248,
            source="Grattafiori et al. (2024), arXiv:2407.21783; parameters counted in the weights",
            reference="arXiv:2407.21783",
        ),
        KnownModel(
            "Llama 3 405B", GPTConfig.llama(**large, **new, inner_width=53248),
            15.6e12, 405e9, 3.8e25,
            "Grattafiori et al. (2024), arXiv:2407.21783", "arXiv:2407.21783",
        ),
    )  # fmt: skip
