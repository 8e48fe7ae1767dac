"""The numbered formulas of chapter 7 against the functions they name."""

import numpy as np
import torch

from llm_book.models.transformer import GPTConfig
from tests.chapters.equations import Equation
from tests.equations.test_equations import close


def sizes(rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Vocabulary, context, width and layers, drawn."""
    heads = int(rng.integers(1, 6))
    return (*(int(n) for n in rng.integers(3, 90, 2)), 4 * heads, int(rng.integers(1, 9)))


def check_parameters(n_parameters) -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        entries, context, width, layers = sizes(rng)
        shape = GPTConfig.gpt2(
            vocab_size=entries, context_length=context, width=width, n_layers=layers, n_heads=4
        )
        blocks = layers * (12 * width**2 + 13 * width)
        close(n_parameters(shape), (entries + context) * width + blocks + 2 * width, 0)


def check_vocabulary(vocabulary_behind) -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        entries, context, width, layers = sizes(rng)
        blocks = layers * (12 * width**2 + 13 * width)
        parameters = (entries + context) * width + blocks + 2 * width
        close(vocabulary_behind(parameters, layers, width, context), entries)
    close(vocabulary_behind(124_439_808, 12, 768), 50257)


def check_mean_of_shards(mean_of_shards) -> None:
    rng = np.random.default_rng(2)
    shards = [[rng.normal(size=(2, 3)), rng.normal(size=4)] for _ in range(5)]
    means = mean_of_shards([[torch.tensor(g) for g in shard] for shard in shards])
    for number, mean in enumerate(means):
        close(mean, np.mean([shard[number] for shard in shards], axis=0))


EQUATIONS = {
    "eq-tools-parameters": Equation(
        "llm_book.evaluation.accounting.n_parameters", check_parameters
    ),
    "eq-tools-vocabulary": Equation("07_tools:vocabulary_behind", check_vocabulary),
    "eq-tools-shards": Equation("07_tools:mean_of_shards", check_mean_of_shards),
}
