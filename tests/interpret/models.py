"""Small models that the tests look into."""

import torch

from llm_book.models.transformer import GPT, GPTConfig

SIZES = {"vocab_size": 23, "context_length": 24, "width": 16, "n_layers": 3, "n_heads": 4}


def gpt(kind: str = "gpt2", seed: int = 0, **changes: object) -> GPT:
    """A GPT in float64 with weights large enough that everything matters."""
    build = {"gpt2": GPTConfig.gpt2, "llama": GPTConfig.llama}[kind]
    config = build(**(SIZES | {"initial_scale": 0.4} | changes))
    generator = torch.Generator().manual_seed(seed)
    model = GPT(config, generator).double().eval()
    with torch.no_grad():  # norms and biases do not start at their neutral values
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return model
