"""Attention: every query takes a weighted average of values, by how well their keys fit it.

One convention everywhere: masks are boolean and True means "may attend".
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from llm_book.shapes import States

Turn = Callable[[Tensor], Tensor]  # queries or keys → the same, turned by their positions
Past = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # new keys, values → all so far


def causal_mask(
    query_time: int, key_time: int, device: torch.device | str | None = None
) -> Bool[Tensor, "query key"]:
    """True where a query may look: at its own position and before, never ahead.

    The queries are the last of the keys' positions, as they are when a text is read on from a
    cache: the last query sees every key. Raises ValueError for more queries than keys.
    """
    if query_time > key_time:
        raise ValueError(
            f"{query_time} queries cannot be the last of {key_time} keys; give each query a key"
        )
    mask = torch.ones(query_time, key_time, dtype=torch.bool, device=device)
    return mask.tril(key_time - query_time)


def attention_weights(
    query: Float[Tensor, "*#batch query width"],
    key: Float[Tensor, "*#batch key key_width"],
    mask: Tensor | None = None,
    bias: Tensor | None = None,
) -> Float[Tensor, "*weights query key"]:
    """How much each query takes from each key, softmax(QKᵀ/√d + bias); every row sums to one.

    ``mask`` (boolean, True = may attend) and ``bias`` (added to the scores) broadcast to
    [*batch, query, key]; what is masked weighs exactly 0. Raises ValueError where widths differ,
    the mask does not fit or a row is masked whole (asked on a CPU only: a GPU would have to wait,
    and says it with NaN), TypeError for a mask that is not boolean.
    Source: Vaswani et al. (2017), Eq. 1.
    """
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(
            f"queries of width {query.shape[-1]} cannot be compared with keys of width "
            f"{key.shape[-1]}; project both to the same width"
        )
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if bias is not None:
        scores = scores + bias
    if mask is not None:
        check_fit(mask, scores.shape)
        check_rows(mask)
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(dim=-1)


def attend(
    query: Float[Tensor, "*#batch query width"],
    key: Float[Tensor, "*#batch key key_width"],
    value: Float[Tensor, "*#batch values value_width"],
    mask: Tensor | None = None,
    bias: Tensor | None = None,
) -> Float[Tensor, "*mixed query value_width"]:
    """softmax(QKᵀ/√d + bias) V: for each query the average of the values, weighted by fit.

    Mask, bias and refusals are those of ``attention_weights``; raises ValueError too where keys
    and values are not equally many. Source: Vaswani et al. (2017), Eq. 1.
    """
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(
            f"{key.shape[-2]} keys came with {value.shape[-2]} values; each key needs its value"
        )
    return attention_weights(query, key, mask, bias) @ value


def check_fit(mask: Tensor, wanted: Sequence[int]) -> None:
    """Refuse a mask that is not boolean or does not broadcast to scores of the ``wanted`` shape."""
    if mask.dtype != torch.bool:
        raise TypeError(
            f"a mask of {mask.dtype} is ambiguous; give a boolean one, True = may attend: mask > 0"
        )
    sizes = zip(reversed(mask.shape), reversed(wanted), strict=False)
    if mask.ndim > len(wanted) or any(given not in (1, size) for given, size in sizes):
        raise ValueError(
            f"a mask of shape {tuple(mask.shape)} does not fit scores of shape {tuple(wanted)}; "
            "its last two axes are query and key"
        )


def check_rows(mask: Tensor) -> None:
    """Refuse a mask that leaves a query nothing to attend to."""
    if can_be_asked(mask) and not mask.any(dim=-1).all():
        raise ValueError(
            "a row of the mask is False throughout: its query may attend to nothing; "
            "let it see at least one key, for instance itself"
        )


def can_be_asked(tensor: Tensor) -> bool:
    """Whether values can be read at no cost: on a CPU, not while compiling or under vmap."""
    return not (
        tensor.device.type != "cpu"
        or torch.compiler.is_compiling()
        or torch._C._functorch.is_batchedtensor(tensor)
    )


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each on its own projection of the states.

    ``n_heads`` heads of ``head_width`` numbers (by default they share out ``width``) read with
    ``n_kv_heads`` pairs of keys and values, each shared by a group of neighbouring heads (by
    default one a head). In cross-attention keys and values are read from states of
    ``context_width``. ``engine="torch"`` lets PyTorch's fused kernel do the same sum without
    storing the weights; where something looks at the tap ``weights`` they are stored after all.

    Sources: Vaswani et al. (2017); shared keys and values: Ainslie et al. (2023).
    """

    def __init__(
        self,
        width: int,
        n_heads: int,
        n_kv_heads: int | None = None,
        head_width: int | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        context_width: int | None = None,
        engine: str = "ours",
    ) -> None:
        super().__init__()
        n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
        check_heads(width, n_heads, n_kv_heads, head_width)
        if engine not in ("ours", "torch"):
            raise ValueError(f"engine {engine!r} is unknown; choose 'ours' or 'torch'")
        head_width = width // n_heads if head_width is None else head_width
        self.width, self.context_width = width, width if context_width is None else context_width
        self.n_heads, self.n_kv_heads, self.engine = n_heads, n_kv_heads, engine
        self.query = nn.Linear(width, n_heads * head_width, bias)
        self.key = nn.Linear(self.context_width, n_kv_heads * head_width, bias)
        self.value = nn.Linear(self.context_width, n_kv_heads * head_width, bias)
        self.output = nn.Linear(n_heads * head_width, width, bias)
        self.weights = nn.Identity()  # a tap: the weights [batch, head, query, key] pass through
        self.drop = nn.Dropout(dropout)

    def forward(
        self,
        inputs: States,
        context: Float[Tensor, "batch key_time context_width"] | None = None,
        mask: Tensor | None = None,
        causal: bool = False,
        bias: Tensor | None = None,
        turn: Turn | None = None,
        past: Past | None = None,
    ) -> States:
        """What each position of ``inputs`` gathers from ``context``, by default from ``inputs``.

        ``mask`` is [query, key], [batch, query, key] or [batch, head, query, key], each axis
        possibly 1; ``causal`` forbids looking ahead besides; ``bias`` is added to the scores;
        ``turn`` rotates queries and keys; ``past`` puts keys and values behind those before them.
        """
        self._check_widths(inputs, context)
        query, key, value = self._project(inputs, context)
        if turn is not None:
            query, key = turn(query), turn(key)
        if past is not None:
            key, value = past(key, value)
        if mask is not None and mask.ndim == 3:
            mask = rearrange(mask, "batch query key -> batch 1 query key")
        if self.engine == "torch" and not self._looked_at():
            dropout = self.drop.p if self.training else 0.0
            mixed = self.mix_fused(query, key, value, mask, causal, bias, dropout)
        else:
            mixed = self._mix(query, key, value, mask, causal, bias)
        return self.output(rearrange(mixed, "batch head time width -> batch time (head width)"))

    def _check_widths(self, inputs: Tensor, context: Tensor | None) -> None:
        read_from = inputs if context is None else context
        if inputs.shape[-1] != self.width or read_from.shape[-1] != self.context_width:
            raise ValueError(
                f"states of width {inputs.shape[-1]} reading from states of width "
                f"{read_from.shape[-1]} do not fit an attention of width {self.width} that reads "
                f"from width {self.context_width}"
            )

    def _project(self, inputs: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        parts: list[Any] = [self.query, self.key, self.value]
        if context is None and self._worth_joining(inputs, parts):
            projected = joined_linear(inputs, parts)
        else:
            read_from = inputs if context is None else context
            projected = self.query(inputs), self.key(read_from), self.value(read_from)
        query, key, value = projected
        split = "batch time (head width) -> batch head time width"
        return (
            rearrange(query, split, head=self.n_heads),
            rearrange(key, split, head=self.n_kv_heads),
            rearrange(value, split, head=self.n_kv_heads),
        )

    def _worth_joining(self, inputs: Tensor, parts: list[nn.Module]) -> bool:
        """Joining copies the weights: it pays where there are more positions than rows to copy."""
        plain = all(type(part) is nn.Linear for part in parts)  # LoRA's linears are not
        return self.engine == "torch" and plain and inputs.shape[:2].numel() >= self.width

    def _looked_at(self) -> bool:
        return type(self.weights) is not nn.Identity or bool(self.weights._forward_hooks)

    def _mix(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        causal: bool,
        bias: Tensor | None,
    ) -> Tensor:
        group = self.n_heads // self.n_kv_heads
        key, value = (
            repeat(x, "b head t w -> b (head group) t w", group=group) for x in (key, value)
        )
        mask = never_ahead(mask, query, key) if causal else mask
        weights = self.weights(attention_weights(query, key, mask, bias))
        return self.drop(weights) @ value

    def mix_fused(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        causal: bool,
        bias: Tensor | None,
        dropout: float = 0.0,
    ) -> Tensor:
        """What the heads gather [batch, head, query, head_width], by PyTorch's fused kernel."""
        square = query.shape[2] == key.shape[2] and mask is None and bias is None
        if causal and not square:
            mask = never_ahead(mask, query, key)
        if mask is not None:
            check_fit(mask, (*query.shape[:3], key.shape[2]))
            check_rows(mask)
        return F.scaled_dot_product_attention(
            query,
            key,
            value,
            joined_mask(mask, bias, query.dtype),
            dropout_p=dropout,
            is_causal=causal and square,
            enable_gqa=self.n_kv_heads < self.n_heads,
        )


def never_ahead(mask: Tensor | None, query: Tensor, key: Tensor) -> Tensor | None:
    """The mask, less what lies ahead of each query; a single query has nothing ahead."""
    query_time, key_time = query.shape[-2], key.shape[-2]
    if query_time == 1:
        return mask
    ahead = causal_mask(query_time, key_time, query.device)
    if mask is None:
        return ahead
    check_fit(mask, (*query.shape[:-1], key_time))
    return mask & ahead


def joined_linear(inputs: Tensor, parts: list[nn.Linear]) -> tuple[Tensor, ...]:
    """What each linear map gives, by one product with their weights one below the other."""
    weight = torch.cat([part.weight for part in parts])
    biases: list[Tensor] = [part.bias for part in parts if part.bias is not None]
    bias = torch.cat(biases) if biases else None
    rows = [part.out_features for part in parts]
    return F.linear(inputs, weight, bias).split(rows, dim=-1)


def joined_mask(mask: Tensor | None, bias: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """One tensor for PyTorch's kernel: the mask, the bias, or the bias with −∞ where masked."""
    if bias is None:
        return mask
    bias = bias.to(dtype)
    return bias if mask is None else bias.masked_fill(~mask, -torch.inf)


def check_heads(width: int, n_heads: int, n_kv_heads: int, head_width: int | None) -> None:
    """Refuse heads that cannot share out the width or the keys."""
    if min(width, n_heads, n_kv_heads) < 1 or (head_width is not None and head_width < 1):
        raise ValueError(
            f"width {width}, n_heads {n_heads}, n_kv_heads {n_kv_heads}, head_width {head_width}: "
            "each must be at least 1"
        )
    if head_width is None and width % n_heads:
        raise ValueError(
            f"a width of {width} cannot be shared out among {n_heads} heads; choose a multiple "
            "or give head_width"
        )
    if n_heads % n_kv_heads:
        raise ValueError(
            f"{n_heads} heads cannot share {n_kv_heads} pairs of keys and values evenly; "
            "n_kv_heads must divide n_heads"
        )
