"""Which inputs an answer rests on: gradient times input, and integrated gradients."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from llm_book.interpret.taps import record, replace
from llm_book.shapes import Ids

Scalar = Callable[[Tensor], Tensor]  # inputs [batch, ...] → one number a row [batch]


def gradient_times_input(
    function: Scalar, inputs: Float[Tensor, "batch ..."]
) -> Float[Tensor, "batch ..."]:
    """Each input number times the slope of the answer by it: what it adds, were all linear.

    ``function`` gives one number a row. Raises ``ValueError`` where it does not.
    """
    return inputs.detach() * _gradient(function, inputs)


def integrated_gradients(
    function: Scalar,
    inputs: Float[Tensor, "batch ..."],
    baseline: Float[Tensor, "..."] | None = None,
    steps: int = 64,
) -> Float[Tensor, "batch ..."]:
    """What each input number adds to the answer on the straight way from a baseline to it.

    The slope is averaged over ``steps`` midpoints of the way and multiplied by its length
    (equation eq-integrated-gradients); the attributions of a row add up to the difference of the
    answers, the more exactly the more steps, and exactly for a linear function. ``baseline``
    broadcasts to ``inputs`` and is 0 without one. Source: Sundararajan et al. (2017), equation 3.
    Raises ``ValueError`` for fewer than 1 step, a baseline that does not fit, NaN, and a function
    that does not give one number a row.
    """
    if steps < 1:
        raise ValueError(
            f"{steps} steps are no way from the baseline to the inputs; take 1 or more"
        )
    start = torch.zeros_like(inputs) if baseline is None else _fitting(baseline, inputs)
    if not (inputs.isfinite().all() and start.isfinite().all()):
        raise ValueError("inputs or baseline hold NaN or infinity; expected finite numbers")
    way = (inputs - start).detach()
    slope = torch.zeros_like(way)
    for step in range(steps):
        slope += _gradient(function, start + way * ((step + 0.5) / steps))
    return way * slope / steps


def token_attributions(
    model: nn.Module,
    ids: Ids,
    targets: Int64[Tensor, "..."],
    embedding: str = "embedding",
    baseline: Float[Tensor, "..."] | None = None,
    steps: int = 64,
) -> Float[Tensor, "batch time"]:
    """How much each token adds to the logit of ``targets`` at the last position.

    Integrated gradients on the vectors that pass out of the part named ``embedding``, summed over
    their width; ``baseline`` [width] or [batch, time, width] is 0 without one. The model is run
    in the mode it is in. Raises ``ValueError`` as ``integrated_gradients`` does and for targets
    that are not one a row, ``KeyError`` where there is no such part.
    """
    if targets.shape != ids.shape[:1]:
        raise ValueError(
            f"targets of shape {tuple(targets.shape)} do not fit ids of shape {tuple(ids.shape)}; "
            "give one id a row"
        )
    with torch.no_grad(), record(model, embedding) as seen:
        model(ids)

    def answer(vectors: Tensor) -> Tensor:
        with replace(model, {embedding: lambda _: vectors}):
            return model(ids)[:, -1].gather(1, targets[:, None])[:, 0]

    return integrated_gradients(answer, seen[embedding], baseline, steps).sum(dim=-1)


def _gradient(function: Scalar, inputs: Tensor) -> Tensor:
    inputs = inputs.detach().requires_grad_()
    with torch.enable_grad():
        answer = function(inputs)
        if answer.shape != inputs.shape[:1]:
            raise ValueError(
                f"the function gave shape {tuple(answer.shape)} for {len(inputs)} rows; it must "
                "give one number a row"
            )
        return torch.autograd.grad(answer.sum(), inputs)[0]


def _fitting(baseline: Tensor, inputs: Tensor) -> Tensor:
    try:
        return baseline.detach().expand_as(inputs)
    except RuntimeError as error:
        raise ValueError(
            f"a baseline of shape {tuple(baseline.shape)} does not fit inputs of shape "
            f"{tuple(inputs.shape)}; it must broadcast to them"
        ) from error
