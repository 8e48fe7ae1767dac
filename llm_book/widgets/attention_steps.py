"""One head's attention, step by step: QKᵀ, ÷√d, mask, softmax, ·V."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from llm_book.widgets.records import finite

MOST_TOKENS = 10


@dataclass(frozen=True, eq=False)
class AttentionSteps:
    """Queries [query, width], keys [key, width] and values [key, value width] of one head.

    ``mask`` [query, key] is True where a query may look; None lets it look everywhere. ``layer``
    and ``head`` say whose they are, counted from 0 as in the weights. Raises ``ValueError`` where
    shapes do not fit, a number is not finite, or a query may look nowhere.
    """

    query: Any
    key: Any
    value: Any
    mask: Any = None
    layer: int = 0
    head: int = 0

    def __post_init__(self) -> None:
        for name in ("query", "key", "value"):
            object.__setattr__(self, name, _matrix(getattr(self, name), name))
        if self.query.shape[1] != self.key.shape[1] or len(self.key) != len(self.value):
            raise ValueError(
                f"queries {self.query.shape}, keys {self.key.shape} and values "
                f"{self.value.shape} do not fit; expected [query, width], [key, width], "
                "[key, value width]"
            )
        if max(len(self.query), len(self.key)) > MOST_TOKENS:
            raise ValueError(
                f"the steps of {max(len(self.query), len(self.key))} tokens cannot be read; give "
                f"at most {MOST_TOKENS}"
            )
        if self.mask is not None:
            object.__setattr__(self, "mask", _checked_mask(self.mask, self.scores().shape))

    def scores(self) -> np.ndarray:
        """QKᵀ, [query, key]."""
        return self.query @ self.key.T

    def scaled(self) -> np.ndarray:
        """QKᵀ/√d."""
        return self.scores() / np.sqrt(self.query.shape[1])

    def masked(self) -> np.ndarray:
        """QKᵀ/√d, −∞ where a query may not look."""
        return self.scaled() if self.mask is None else np.where(self.mask, self.scaled(), -np.inf)

    def weights(self) -> np.ndarray:
        """The softmax of each row."""
        rows = self.masked()
        parts = np.exp(rows - rows.max(axis=1, keepdims=True))
        return parts / parts.sum(axis=1, keepdims=True)

    def output(self) -> np.ndarray:
        """The values averaged by the weights, [query, value width]."""
        return self.weights() @ self.value

    def document(self) -> dict[str, Any]:
        """The matrices as the page reads them, row after row."""
        return {
            "query": _plain(self.query),
            "key": _plain(self.key),
            "value": _plain(self.value),
            "mask": None if self.mask is None else self.mask.astype(int).ravel().tolist(),
            "width": self.query.shape[1],
            "out": self.value.shape[1],
        }


def check_steps(steps: AttentionSteps, weights: np.ndarray, within: float) -> None:
    """Raises ``ValueError`` where steps do not lead to ``weights`` [layer, head, query, key]."""
    layers, heads = weights.shape[:2]
    if not (0 <= steps.layer < layers and 0 <= steps.head < heads):
        raise ValueError(
            f"the steps are those of layer {steps.layer}, head {steps.head}; there are {layers} "
            f"layers of {heads} heads, counted from 0"
        )
    shown, found = weights[steps.layer, steps.head], steps.weights()
    if shown.shape != found.shape:
        raise ValueError(
            f"the steps are {found.shape[0]} × {found.shape[1]} and the maps {shown.shape[0]} × "
            f"{shown.shape[1]}; give queries, keys and values of the same tokens"
        )
    gap = float(np.abs(shown - found).max())
    if gap > within:
        raise ValueError(
            f"the steps lead to weights that differ by {gap:.3g} from those of layer "
            f"{steps.layer}, head {steps.head}; give that head's query, key, value and mask"
        )


def _matrix(values: Any, name: str) -> np.ndarray:
    found = finite(values, name)
    if found.ndim != 2 or not found.size:
        raise ValueError(f"{name} of shape {found.shape} came; give one head's, [token, width]")
    return found


def _checked_mask(mask: Any, shape: tuple[int, ...]) -> np.ndarray:
    found = np.asarray(mask.detach().cpu() if hasattr(mask, "detach") else mask)
    if found.dtype != np.bool_ or found.shape != shape:
        raise ValueError(
            f"a mask of {found.dtype} {found.shape} came; expected booleans {shape}, True where a "
            "query may look"
        )
    if not found.any(axis=1).all():
        raise ValueError("the mask lets a query look nowhere; leave it at least one key")
    return found


def _plain(matrix: np.ndarray) -> list[float]:
    return [float(f"{value:.9g}") for value in matrix.ravel()]
