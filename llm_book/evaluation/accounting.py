"""What a decoder costs, counted from its sizes: parameters and floating-point operations.

One multiply-add is two operations. Only matrix products are counted: norms, activations, softmax
and positions grow with the states, not with the weights, and are a percent or less of the whole.
Sizes are a ``GPTConfig`` of ``llm_book.models.transformer``, or anything with its fields.
"""

from collections.abc import Mapping

from torch import nn

from llm_book.evaluation.decoder_sizes import DecoderSizes


def parameters_by_part(model: nn.Module, depth: int = 1) -> dict[str, int]:
    """Parameters of each submodule ``depth`` names deep; the parts add up to the whole.

    A weight that two parts share (a tied head) is counted where it stands first. Parameters that
    stand higher keep their own names. Raises ``ValueError`` for a depth below 1.
    """
    if depth < 1:
        raise ValueError(f"depth is {depth}; parts are named by 1 word or more")
    parts: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        part = ".".join(name.split(".")[:depth])
        parts[part] = parts.get(part, 0) + parameter.numel()
    return parts


def parameter_terms(sizes: DecoderSizes) -> dict[str, int]:
    """Parameters by part, counted from the sizes, each term over all layers."""
    layers, width, bias = sizes.n_layers, sizes.width, sizes.bias
    queries, keys = _query_and_key_width(sizes)
    a_norm = width * (2 if sizes.norm == "layer" and sizes.bias else 1)
    return {
        "embedding": sizes.vocab_size * width,
        "positions": sizes.context_length * width if sizes.positions == "learned" else 0,
        "query": layers * queries * (width + bias),
        "key": layers * keys * (width + bias),
        "value": layers * keys * (width + bias),
        "output": layers * width * (queries + bias),
        "router": layers * sizes.n_experts * width,
        "feed_forward": layers * max(sizes.n_experts, 1) * expert_parameters(sizes),
        "norms": a_norm * (2 * layers + (1 if sizes.norm_place == "pre" else 0)),
        "head": 0 if sizes.tied else sizes.vocab_size * width,
    }


def expert_parameters(sizes: DecoderSizes) -> int:
    """Parameters of one feed-forward part, or of one expert of a mixture, in one layer."""
    bias, inner = sizes.bias, sizes.width_inside
    up = inner * (sizes.width + bias)
    return (2 * up if sizes.gated else up) + sizes.width * (inner + bias)


def n_parameters(sizes: DecoderSizes) -> int:
    """All parameters, a tied head counted once."""
    return sum(parameter_terms(sizes).values())


def active_parameters(sizes: DecoderSizes) -> int:
    """Parameters that one token meets: of a mixture, only the experts it visits."""
    idle = sizes.n_experts - sizes.top_k if sizes.n_experts else 0
    return n_parameters(sizes) - sizes.n_layers * idle * expert_parameters(sizes)


def forward_flop(
    sizes: DecoderSizes, batch: int, time: int, causal_half: bool = False
) -> dict[str, int]:
    """Operations of the matrix products of one forward pass, term by term over all layers.

    A token meets ``time`` keys. Half of them lie ahead, and where a mask hides them they are
    multiplied all the same; with ``causal_half`` only the (time + 1) / 2 that may be looked at
    are counted, as by a kernel that skips the rest. Raises ``ValueError`` for a batch or time
    below 1.
    """
    if batch < 1 or time < 1:
        raise ValueError(f"a batch of {batch} texts of {time} tokens has no cost; give 1 or more")
    tokens, layers, width = batch * time, sizes.n_layers, sizes.width
    queries, keys = _query_and_key_width(sizes)
    pairs = batch * time * (time + 1) // 2 if causal_half else batch * time * time
    visited = (sizes.top_k if sizes.n_experts else 1) * (3 if sizes.gated else 2)
    return {
        "query": 2 * layers * tokens * width * queries,
        "key": 2 * layers * tokens * width * keys,
        "value": 2 * layers * tokens * width * keys,
        "scores": 2 * layers * pairs * queries,
        "mix": 2 * layers * pairs * queries,
        "output": 2 * layers * tokens * width * queries,
        "router": 2 * layers * tokens * width * sizes.n_experts,
        "feed_forward": 2 * layers * tokens * width * sizes.width_inside * visited,
        "head": 2 * tokens * width * sizes.vocab_size,
    }


def training_flop(
    sizes: DecoderSizes, batch: int, time: int, causal_half: bool = False
) -> dict[str, int]:
    """Operations of a training step: forward, and backward twice that, to inputs and to weights.

    Exact where every weight learns and nothing is computed twice to save memory.
    """
    return {name: 3 * flop for name, flop in forward_flop(sizes, batch, time, causal_half).items()}


def six_n_d(parameters: float, tokens: float) -> float:
    """C ≈ 6 N D: operations of training N parameters on D tokens (Kaplan et al. 2020, section 2.1).

    It leaves out the products between positions, so it is close where ``width`` is far above
    ``time`` / 6. For a mixture N are the active parameters; reading alone costs a third. Raises
    ``ValueError`` for counts below 0.
    """
    if not (parameters >= 0 and tokens >= 0):
        raise ValueError(f"{parameters} parameters and {tokens} tokens: neither may be negative")
    return 6 * parameters * tokens


def shares(terms: Mapping[str, int]) -> dict[str, float]:
    """Each term over their sum, 0 to 1. Raises ``ValueError`` where the sum is not above 0."""
    total = sum(terms.values())
    if total <= 0:
        raise ValueError("the terms sum to nothing, so nothing has a share; give a cost above 0")
    return {name: value / total for name, value in terms.items()}


def _query_and_key_width(sizes: DecoderSizes) -> tuple[int, int]:
    """Numbers in all queries, and in all keys, of one position in one layer."""
    return sizes.n_heads * sizes.width_of_head, sizes.kv_heads * sizes.width_of_head
