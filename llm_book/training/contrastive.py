"""Pairs that belong together shall score above pairs that do not."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def contrastive_loss(
    scores: Float[Tensor, "image text"], match: Bool[Tensor, "..."]
) -> Float[Tensor, ""]:
    """Cross-entropy in nats against all that match, from both sides (eq-trends-contrastive).

    ``scores`` says how well each image and each text of a batch go together; ``match`` is true
    where they do. What matches shares the target evenly, so with one match a row and a column it
    is the loss of Radford et al. (2021). ``match`` [image, text]. Raises ``ValueError`` for
    shapes that differ, and where an image or a text matches nothing.
    """
    if scores.shape != match.shape:
        raise ValueError(
            f"scores of shape {tuple(scores.shape)} do not fit matches of shape "
            f"{tuple(match.shape)}; give one truth a score"
        )
    if not (match.any(dim=0).all() and match.any(dim=1).all()):
        raise ValueError("an image or a text matches nothing in the batch; leave it out")
    return (_one_way(scores, match) + _one_way(scores.T, match.T)) / 2


def _one_way(scores: Tensor, match: Tensor) -> Tensor:
    target = match.to(scores.dtype)
    target = target / target.sum(dim=1, keepdim=True)
    return -(target * torch.log_softmax(scores, dim=1)).sum(dim=1).mean()
