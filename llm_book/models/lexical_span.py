"""Pointing at an answer by a rule: where the passage says what the question says, look beside it.

A passage and a question are lists of tokens as they are written. Nothing is learned: the worth of
a word is its rarity, and the few settings are the caller's to choose.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Worth = Callable[[str], float]
Span = tuple[int, int]  # first and last token

NUMBER = re.compile(
    r"\b(when|how (many|much|long|old|far|large|tall|big)|(what|which) (year|date|century|"
    r"percent\w*|number|decade))\b|多少|几|何时|哪年|哪一年|什么时候|年份|百分比",
    re.IGNORECASE,
)
NAME = re.compile(r"\b(who|whom|whose|where)\b", re.IGNORECASE)
NUMBER_WORD = re.compile(
    "two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|forty|fifty|hundred|"
    "thousand|million|billion|[二三四五六七八九十百千万亿]",
    re.IGNORECASE,
)
UNIT_WORD = re.compile(
    "one|percent|january|february|march|april|may|june|july|august|september|october|november|"
    "december|[%一年月日个]",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Clues:
    """What the tokens of a passage have to do with a question; every list has one entry a token.

    ``sentence`` numbers the sentences. ``shared`` is true for what the question says too.
    ``overlap`` is the share of the question's worth that the token's sentence says, and
    ``closeness`` the same with each shared word divided by 1 + its distance in tokens.
    """

    sentence: list[int]
    shared: list[bool]
    overlap: list[float]
    closeness: list[float]


@dataclass(frozen=True)
class LexicalSpan:
    """The rule: among the runs of words that the question does not say, the best by three clues.

    A run's score is its sentence's overlap, plus ``near`` times its closeness, plus ``fits`` where
    it is the kind of thing that is asked for: figures for *when* and *how many*, capitals for *who*
    and *where*, else any words. Words compare by their first ``stem`` characters and are shared in
    runs of at least ``together``; those worth less than ``glue`` neither begin nor end a run. A
    run has at most ``longest`` tokens. Below an overlap of ``least`` the answer is nowhere.
    """

    stem: int = 6
    together: int = 1
    glue: float = 1.0
    near: float = 1.0
    fits: float = 0.5
    longest: int = 8
    least: float = 0.0

    def __call__(self, asked: Sequence[str], said: Sequence[str], worth: Worth) -> Span | None:
        """First and last token of the answer, or None where it is nowhere."""
        found = clues(asked, said, worth, self.stem, self.together)
        wanted = kind_asked(asked)
        best: tuple[float, Span | None] = (-1.0, None)
        for kind, (first, last) in self.runs(said, found, worth):
            closeness = max(found.closeness[first], found.closeness[last])
            score = found.overlap[first] + self.near * closeness + self.fits * (kind == wanted)
            if found.overlap[first] >= self.least and score > best[0]:
                best = score, (first, last)
        return best[1]

    def runs(self, said: Sequence[str], found: Clues, worth: Worth) -> list[tuple[str, Span]]:
        """Every run that could be an answer, with its kind: "words", "figures", "capitals"."""
        glue = [worth(stemmed(word, self.stem)) < self.glue for word in said]
        free = [
            not is_mark(word) and (is_glue or not shared)
            for word, shared, is_glue in zip(said, found.shared, glue, strict=True)
        ]
        figures, capitals = map(goes_with_figures, said), (word[0].isupper() for word in said)
        kinds = {
            "words": free,
            "figures": [a and b for a, b in zip(free, figures, strict=True)],
            "capitals": [a and b for a, b in zip(free, capitals, strict=True)],
        }
        runs = [
            (kind, run)
            for kind, chosen in kinds.items()
            for run in maximal_runs(chosen, found.sentence)
        ]
        return [
            (kind, span)
            for kind, run in runs
            if kind != "figures" or any(map(is_figure, said[run[0] : run[1] + 1]))
            if (span := run if kind == "figures" else self.trimmed(run, glue, found))
        ]

    def trimmed(self, run: Span, glue: Sequence[bool], found: Clues) -> Span | None:
        """The run without glue at its ends; of a long one the end nearer to shared words."""
        kept = [place for place in range(run[0], run[1] + 1) if not glue[place]]
        if not kept:
            return None
        first, last = kept[0], kept[-1]
        if last - first < self.longest:
            return first, last
        if found.closeness[first] >= found.closeness[last]:
            return first, first + self.longest - 1
        return last - self.longest + 1, last


def stemmed(word: str, stem: int) -> str:
    """The first ``stem`` characters in lower case: *flows* and *flowed* become one at 4."""
    return word.lower()[:stem]


def is_mark(word: str) -> bool:
    """Whether a token is punctuation."""
    return not any(character.isalnum() or character == "%" for character in word)


def is_figure(word: str) -> bool:
    """Whether a token is a number."""
    return any(map(str.isdigit, word)) or bool(NUMBER_WORD.fullmatch(word))


def goes_with_figures(word: str) -> bool:
    """Whether a token is a number, a month or a unit."""
    return is_figure(word) or bool(UNIT_WORD.fullmatch(word))


def kind_asked(asked: Sequence[str]) -> str:
    """What a question wants, by its question word: "figures", "capitals" or "words"."""
    spaced, unspaced = " ".join(asked), "".join(asked)
    if NUMBER.search(spaced) or NUMBER.search(unspaced):
        return "figures"
    return "capitals" if NAME.search(spaced) else "words"


def maximal_runs(chosen: Sequence[bool], sentence: Sequence[int]) -> list[Span]:
    """Runs of chosen tokens, each as long as it gets within its sentence."""
    found: list[Span] = []
    for place, is_chosen in enumerate(chosen):
        if not is_chosen:
            continue
        goes_on = found and found[-1][1] == place - 1 and sentence[place] == sentence[place - 1]
        if goes_on:
            found[-1] = found[-1][0], place
        else:
            found.append((place, place))
    return found


def sentence_numbers(said: Sequence[str]) -> list[int]:
    """The number of each token's sentence; a dot behind a single letter ends none (U. S.)."""
    numbers, number, before = [], 0, ""
    for word in said:
        numbers.append(number)
        initial = word == "." and len(before) == 1 and before.isupper()
        number += word in (".", "!", "?", "。", "！", "？") and not initial
        before = word
    return numbers


def clues(
    asked: Sequence[str], said: Sequence[str], worth: Worth, stem: int, together: int = 1
) -> Clues:
    """What each token of the passage has to do with the question."""
    question, passage = ([stemmed(word, stem) for word in words] for words in (asked, said))
    shared = _shared(question, passage, together)
    sentence = sentence_numbers(said)
    worths = {word: worth(word) for word in set(question) if not is_mark(word)}
    total = sum(worths.values()) or 1.0
    held: dict[int, dict[str, list[int]]] = {number: {} for number in sentence}
    for place, (word, is_shared) in enumerate(zip(passage, shared, strict=True)):
        if is_shared:
            held[sentence[place]].setdefault(word, []).append(place)
    closeness = [
        sum(
            worths[word] / (1 + min(abs(place - other) for other in places))
            for word, places in held[number].items()
        )
        for place, number in enumerate(sentence)
    ]
    overlap = {number: sum(worths[word] for word in words) for number, words in held.items()}
    return Clues(
        sentence,
        shared,
        [overlap[number] / total for number in sentence],
        [one / total for one in closeness],
    )


def _shared(question: Sequence[str], passage: Sequence[str], together: int) -> list[bool]:
    runs = {tuple(question[i : i + together]) for i in range(len(question) - together + 1)}
    shared = [False] * len(passage)
    for place in range(len(passage) - together + 1):
        run = tuple(passage[place : place + together])
        if run in runs:
            shared[place : place + together] = [not is_mark(word) for word in run]
    return shared
