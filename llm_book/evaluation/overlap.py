"""How much of a reference a text retells in the same order: ROUGE-L."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

Tokens = Sequence[Hashable]


@dataclass(frozen=True)
class Overlap:
    """Longest common subsequence over the text (precision), over the reference (recall), and F.

    Each from 0 to 1; all 0 where nothing is shared or either side is empty.
    """

    precision: float
    recall: float
    f: float


def longest_common_subsequence(a: Tokens, b: Tokens) -> int:
    """Tokens of the longest list that comes from both by leaving tokens out.

    One row of the table is kept: memory grows with ``b``, time with the product.
    """
    best = [0] * (len(b) + 1)  # best[j]: of the tokens of a read so far and the first j of b
    for token in a:
        diagonal = 0
        for j, other in enumerate(b, 1):
            above = best[j]
            best[j] = diagonal + 1 if token == other else max(above, best[j - 1])
            diagonal = above
    return best[-1]


def rouge_l(hypothesis: Tokens, references: Sequence[Tokens], beta: float = 1.0) -> Overlap:
    """ROUGE-L of one text against the reference that gives the highest F (equation eq-rouge-l).

    F = (1 + β²) P R / (R + β² P); ``beta`` above 1 favours recall. The field's scripts use 1,
    Lin (2004) a large one. Equals Google's ``rouge_score`` on the same tokens. Raises
    ``ValueError`` for no reference, unsplit strings and a negative ``beta``.
    """
    if not beta >= 0:
        raise ValueError(f"beta is {beta}; expected 0 (precision), 1 (balanced) or more (recall)")
    if not references:
        raise ValueError("a text without a reference has no overlap; give at least one reference")
    for tokens in (hypothesis, *references):
        if isinstance(tokens, str):
            raise ValueError(
                f"{tokens[:40]!r} is a string; split it into words: text.split(), or into "
                "characters: list(text)"
            )
    return max((_overlap(hypothesis, r, beta) for r in references), key=lambda overlap: overlap.f)


def corpus_rouge_l(
    hypotheses: Sequence[Tokens], references: Sequence[Sequence[Tokens]], beta: float = 1.0
) -> Overlap:
    """The means of each text's ROUGE-L; one list of references a text.

    Raises ``ValueError`` as ``rouge_l`` does, and for lists of unequal length or none.
    """
    if len(hypotheses) != len(references) or not hypotheses:
        raise ValueError(
            f"{len(hypotheses)} texts and {len(references)} lists of references do not pair up; "
            "give one list of references a text, and at least one"
        )
    each = [rouge_l(h, several, beta) for h, several in zip(hypotheses, references, strict=True)]
    columns = ([o.precision for o in each], [o.recall for o in each], [o.f for o in each])
    return Overlap(*(float(np.mean(column)) for column in columns))


def _overlap(hypothesis: Tokens, reference: Tokens, beta: float) -> Overlap:
    shared = longest_common_subsequence(hypothesis, reference)
    if not shared:
        return Overlap(0.0, 0.0, 0.0)
    precision, recall = shared / len(hypothesis), shared / len(reference)
    weight = beta * beta
    return Overlap(
        precision, recall, (1 + weight) * precision * recall / (recall + weight * precision)
    )
