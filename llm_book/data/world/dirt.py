"""A corpus with dirt in it of which every row is known: copies, near copies, junk."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from llm_book.data.world.analogies import shuffled_quickly
from llm_book.data.world.grammar import pick
from llm_book.data.world.requests import LANGUAGES, check_known, check_share

KINDS = ("clean", "copy", "near copy", "junk")

SLOGANS = {
    "en": ("CLICK HERE to subscribe", "Accept all cookies", "All rights reserved", "Read more"),
    "zh": ("点击此处订阅", "接受所有缓存", "版权所有", "阅读更多"),
}

NOISE = "#$%&*/<=>@[]^_{|}~0123456789"


@dataclass(frozen=True)
class DirtyCorpus:
    """Texts in random order; for each its kind (see KINDS) and, for copies, the original's row."""

    texts: tuple[str, ...]
    kinds: tuple[str, ...]
    originals: tuple[int | None, ...]

    def rows(self, kind: str) -> tuple[int, ...]:
        """Where the texts of a kind stand. Raises ValueError for an unknown kind."""
        check_known("kind", kind, KINDS)
        return tuple(row for row, own in enumerate(self.kinds) if own == kind)


def with_dirt(
    texts: Sequence[str],
    copies: float = 0.1,
    near_copies: float = 0.1,
    junk: float = 0.1,
    seed: int = 0,
    language: str = "en",
) -> DirtyCorpus:
    """The texts with copies, near copies and junk among them, as shares of their number.

    A near copy lacks one word of its original and has two neighbours exchanged (in Chinese:
    characters). Junk is noise, one word again and again, or slogans. Shares are rounded down.
    Raises ValueError for no texts, a share outside 0 … 1, an unknown language.
    """
    if not texts:
        raise ValueError("There are no texts to put dirt among; give one or more.")
    for what, share in (("copies", copies), ("near_copies", near_copies), ("junk", junk)):
        check_share(what, share)
    check_known("language", language, LANGUAGES)
    rng = random.Random(f"dirt {seed}")
    sources = range(len(texts))
    rows = [(text, "clean", number) for number, text in enumerate(texts)]
    for _ in range(int(copies * len(texts))):
        source = pick(rng, sources)
        rows.append((texts[source], "copy", source))
    for _ in range(int(near_copies * len(texts))):
        source = pick(rng, sources)
        rows.append((_nearly(rng, texts[source], language), "near copy", source))
    rows += [(_junk(rng, texts, language), "junk", -1) for _ in range(int(junk * len(texts)))]
    return _mixed(rng, rows)


def _mixed(rng: random.Random, rows: list[tuple[str, str, int]]) -> DirtyCorpus:
    order = [int(number) for number in shuffled_quickly(rng, [str(i) for i in range(len(rows))])]
    place = {number: row for row, number in enumerate(order)}
    mixed = [rows[number] for number in order]
    return DirtyCorpus(
        texts=tuple(text for text, _, _ in mixed),
        kinds=tuple(kind for _, kind, _ in mixed),
        # Clean texts come first in `rows`, so a source's number there is its own.
        originals=tuple(place[s] if "copy" in kind else None for _, kind, s in mixed),
    )


def _nearly(rng: random.Random, text: str, language: str) -> str:
    """One word less, and two neighbours exchanged."""
    glue = " " if language == "en" else ""
    words = text.split(" ") if language == "en" else list(text)
    if len(words) > 1:
        del words[pick(rng, range(len(words)))]
    if len(words) > 1:
        left = pick(rng, range(len(words) - 1))
        words[left], words[left + 1] = words[left + 1], words[left]
    return glue.join(words)


def _junk(rng: random.Random, texts: Sequence[str], language: str) -> str:
    kind = pick(rng, ("noise", "echo", "slogans"))
    if kind == "noise":
        return "".join(pick(rng, NOISE) for _ in range(20 + pick(rng, range(60))))
    glue = " " if language == "en" else ""
    if kind == "echo":
        text = pick(rng, texts)
        word = pick(rng, text.split(" ") if language == "en" else text)
        return glue.join([word] * (10 + pick(rng, range(30))))
    mark = ". " if language == "en" else "。"
    return mark.join(pick(rng, SLOGANS[language]) for _ in range(3 + pick(rng, range(5))))
