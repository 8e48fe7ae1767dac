"""How far word alignments are from a person's, or from a grammar that knows them."""

from collections.abc import Collection, Iterable, Sequence

from jaxtyping import Float
from torch import Tensor

Link = tuple[int, int]  # a position in the source and one in the target, counted from 0


def alignment_error_rate(
    found: Sequence[Collection[Link]],
    sure: Sequence[Collection[Link]],
    possible: Sequence[Collection[Link]] | None = None,
) -> float:
    """1 − (|A∩S| + |A∩P|) / (|A| + |S|) over a corpus, 0 best, 1 worst (Och and Ney 2003, eq. 24).

    One collection of links (source, target) a sentence pair; sure links count as possible, and
    without ``possible`` they are all that is. Raises ``ValueError`` for lists of unequal length and
    where neither a link was found nor one is sure.
    """
    allowed = [()] * len(sure) if possible is None else possible
    if not len(found) == len(sure) == len(allowed):
        raise ValueError(
            f"{len(found)} found, {len(sure)} sure and {len(allowed)} possible alignments do not "
            "match; give one of each a sentence pair"
        )
    agreed = links = 0
    for a, s, p in zip(map(set, found), map(set, sure), map(set, allowed), strict=True):
        agreed += len(a & s) + len(a & (s | p))
        links += len(a) + len(s)
    if not links:
        raise ValueError("no link was found and none is sure, so there is no rate; give a pair")
    return 1 - agreed / links


def links_from_attention(weights: Float[Tensor, "target source"]) -> set[Link]:
    """Each target position linked to the source position it attends to most (ties: the first)."""
    return set(zip(weights.argmax(dim=1).tolist(), range(len(weights)), strict=True))


def shifted(links: Iterable[Link], by: int) -> set[Link]:
    """The links with every target position moved ``by``; those that fall before 0 are dropped."""
    return {(source, target + by) for source, target in links if target + by >= 0}
