"""A model and texts → one probability a text, in the order the texts came."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from llm_book.runtime import Runtime
from llm_book.shapes import Batch


@torch.no_grad()
def probabilities(
    model: nn.Module, batches: Iterable[tuple[list[int], Batch]], runtime: Runtime | None = None
) -> np.ndarray:
    """P(label 1) for every text: [n] in float64.

    ``batches`` gives (rows, batch): where each text of the batch stands in the answer.
    The model is put into evaluation mode, in place.
    """
    runtime = runtime or Runtime()
    model.eval()
    rows: list[int] = []
    logits: list[torch.Tensor] = []
    for which, batch in batches:
        batch = batch.to(runtime.device)
        with runtime.autocast():
            logits.append(model(batch.ids, batch.lengths).to("cpu", torch.float64))
        rows += which
    answer = np.empty(len(rows))
    answer[rows] = torch.sigmoid(torch.cat(logits))
    return answer


def cross_entropy(probability: ArrayLike, labels: ArrayLike) -> float:
    """Mean surprise at the true labels in nats; probabilities are kept 1e-12 away from 0 and 1."""
    p = np.clip(np.asarray(probability, float), 1e-12, 1 - 1e-12)
    labels = np.asarray(labels)
    return float(-np.where(labels == 1, np.log(p), np.log1p(-p)).mean())
