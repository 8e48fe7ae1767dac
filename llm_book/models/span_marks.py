"""What a reader is told of each word of a passage before it has learned anything."""

from collections import Counter
from collections.abc import Sequence

from llm_book.models.lexical_span import Worth, clues, is_figure, is_mark, kind_asked, stemmed


def marked(asked: Sequence[str], said: Sequence[str], worth: Worth, stem: int) -> list[list[float]]:
    """Marks of each word said: what of the question it and its sentence say, what it looks like."""
    alone, pairs = (clues(asked, said, worth, stem, together) for together in (1, 2))
    most = max(alone.overlap, default=0) or 1.0
    names = [s and w[0].isupper() for w, s in zip(said, alone.shared, strict=True)]
    wanted = kind_asked(asked)
    named = Counter(n for n, is_name in zip(alone.sentence, names, strict=True) if is_name)
    return [
        [
            float(alone.shared[i]),
            float(pairs.shared[i]),
            alone.overlap[i],
            alone.overlap[i] / most,
            float(alone.overlap[i] == most),
            pairs.overlap[i],
            2 * alone.closeness[i],
            2 * pairs.closeness[i],
            float(named[alone.sentence[i]]),
            float(word[0].isupper()),
            float(is_figure(word)),
            float(is_mark(word)),
            float(wanted == "figures"),
            float(wanted == "figures" and is_figure(word)),
            float(wanted == "capitals" and word[0].isupper()),
            worth(stemmed(word, stem)) / 5,
        ]
        for i, word in enumerate(said)
    ]
