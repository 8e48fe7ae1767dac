"""Phrases in two languages at once that know which word says what: composition with alignment.

A rule is a row of words and holes for each language. Words with the same label ("who/1" and "的/1")
translate each other; a word without a label has no counterpart.
"""

from dataclasses import dataclass
from functools import cache

Link = tuple[int, int]  # a position among the English words, one among the Chinese


@dataclass(frozen=True)
class Phrase:
    """The words of a phrase in both languages, which translates which, and what it combines.

    combinations: the (verb, noun) and (colour, noun) pairs that meet in it, in English.
    """

    english: tuple[str, ...]
    chinese: tuple[str, ...]
    links: tuple[Link, ...]
    combinations: frozenset[tuple[str, str]] = frozenset()


def leaf(english: str, chinese: str) -> Phrase:
    """Words that translate each other as a whole: each is linked with each."""
    left, right = tuple(english.split()), tuple(chinese.split())
    return Phrase(left, right, tuple((i, j) for i in range(len(left)) for j in range(len(right))))


def compose(
    english: str,
    chinese: str,
    combination: tuple[str, str] | None = None,
    **parts: Phrase,
) -> Phrase:
    """One rule applied: the holes {name} filled with phrases, in each language's own order."""
    left, labels_left, starts_left = _laid_out(
        english, {name: part.english for name, part in parts.items()}
    )
    right, labels_right, starts_right = _laid_out(
        chinese, {name: part.chinese for name, part in parts.items()}
    )
    links = [(i, j) for i, label in labels_left for j, other in labels_right if label == other] + [
        (starts_left[name] + i, starts_right[name] + j)
        for name, part in parts.items()
        for i, j in part.links
    ]
    met = frozenset[tuple[str, str]]().union(*(part.combinations for part in parts.values()))
    return Phrase(left, right, tuple(sorted(links)), met | {combination} if combination else met)


def _laid_out(
    rule: str, parts: dict[str, tuple[str, ...]]
) -> tuple[tuple[str, ...], list[tuple[int, str]], dict[str, int]]:
    """The words of one side, (position, label) of those with a label, where each part starts."""
    words: list[str] = []
    labels: list[tuple[int, str]] = []
    starts: dict[str, int] = {}
    for word, label, hole in _rule(rule):
        if hole:
            starts[hole] = len(words)
            words += parts[hole]
            continue
        if label:
            labels.append((len(words), label))
        words.append(word)
    return tuple(words), labels, starts


@cache
def _rule(rule: str) -> tuple[tuple[str, str, str], ...]:
    """(word, label, hole) for each item of a rule; what an item has not is empty."""
    rows = []
    for item in rule.split():
        if item[0] == "{":
            rows.append(("", "", item[1:-1]))
        else:
            word, _, label = item.partition("/")
            rows.append((word, label, ""))
    return tuple(rows)
