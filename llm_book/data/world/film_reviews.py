"""Film reviews from the generated world, with the derivation that says why each has its label.

A review's opinions add up. In 68 % of the reviews ("plain") every opinion counts, and the good
and bad words do not tie. In the others they tie, and a sentence decides in which one opinion is
conceded, denied or reported and the other counts. Validation resembles test: both have frames
and names of their own, so that what is chosen on validation is chosen for unseen sentences.
"""

import random
from dataclasses import dataclass, replace

from llm_book.data.world.decisive_frames import DECISIVE
from llm_book.data.world.frames import FACTS, OPENINGS, OPINIONS
from llm_book.data.world.grammar import Pair, Sentence, chance, pick, sample, shuffled
from llm_book.data.world.lexicon import (
    ADVERBIALS,
    ASPECTS,
    BAD,
    GOOD,
    NAME_SYLLABLES,
    PLACES,
    ROLES,
    THINGS,
    TITLE_THINGS,
)
from llm_book.shapes import Review

SPLITS = ("train", "validation", "test")
LANGUAGES = ("en", "zh")

NAME_SPLITS = ("train", "train", "train", "validation", "test")
"""The split of a name, by the sum of its syllables' numbers."""

NOISE = 0.06
"""Probability that a label is turned round, whatever the text says."""

ORDER_DECIDED = 0.32
"""Probability that a review's good and bad words tie and the order of the words decides."""

MAJORITIES = ((2, 1), (3, 1))
"""Opinions of the one and of the other sign in a plain review."""

BESIDE = 0.5
"""Probability that a tied review has an opinion of each sign beside its decisive sentence."""

FACT = 0.25
"""Probability of a sentence without an opinion."""


@dataclass(frozen=True)
class Derivation:
    """How a review came about: the same sentences in two languages, and what they add up to.

    kind: "plain", or what decides where good and bad words tie: "contrast", "negation", "reported".
    label: 1 positive, 0 negative. flipped: the label is noise, the opposite of what the text says.
    """

    id: str
    kind: str
    sentences: tuple[Sentence, ...]
    flipped: bool

    @property
    def english(self) -> str:
        """The review in English."""
        return " ".join(sentence.english for sentence in self.sentences)

    @property
    def chinese(self) -> str:
        """The review in Chinese, without spaces."""
        return "".join(sentence.chinese for sentence in self.sentences)

    @property
    def meaning(self) -> int:
        """What the text says: 1 where more of the opinions that count are good than bad."""
        return int(sum(polarity(s.words["y"]) for s in self.sentences if "y" in s.words) > 0)

    @property
    def label(self) -> int:
        """The label as given: what the text says, or the opposite where noise flipped it."""
        return 1 - self.meaning if self.flipped else self.meaning

    def explain(self) -> str:
        """One line an opinion: its sign, its word, whether it counts; then the sum of it."""
        lines = [
            f"{'+' if polarity(s.words[slot]) > 0 else '-'} {' = '.join(s.words[slot]):<24}"
            f"{'counts' if slot == 'y' else 'does not count (' + self.kind + ')'}"
            for s in self.sentences
            for slot in ("x", "y")
            if slot in s.words
        ]
        noise = ", label turned round by noise" if self.flipped else ""
        verdict = "positive" if self.meaning else "negative"
        return "\n".join([*lines, f"{self.kind}: {verdict}{noise}"])


_GOOD = frozenset(GOOD)


def polarity(opinion: Pair) -> int:
    """+1 for a good word, −1 for a bad one."""
    return 1 if opinion in _GOOD else -1


def derivations(n: int, seed: int = 0, split: str = "train") -> list[Derivation]:
    """`n` different reviews of a split as derivations; more of them begin with the same ones.

    Raises ValueError for a negative n and for an unknown split.
    """
    if n < 0:
        raise ValueError(f"{n} reviews cannot be made; ask for 0 or more.")
    _check("split", split, SPLITS)
    rng = random.Random(f"reviews {split} {seed}")  # a str is hashed with SHA-512 on every platform
    found: list[Derivation] = []
    texts: set[str] = set()
    while len(found) < n:
        derivation = _derivation(rng, split, f"world-{split}-{seed}-{len(found)}")
        english, chinese = derivation.english, derivation.chinese
        if english not in texts and chinese not in texts:
            found.append(derivation)
            texts |= {english, chinese}
    return found


def reviews(n: int, seed: int = 0, split: str = "train", language: str = "en") -> list[Review]:
    """`n` different film reviews; the same seed says the same, with the same ids, in "en" and "zh".

    Raises ValueError for a negative n, an unknown split or language.
    """
    _check("language", language, LANGUAGES)
    return [
        Review(d.english if language == "en" else d.chinese, d.label, d.id)
        for d in derivations(n, seed, split)
    ]


def twin(derivation: Derivation) -> Derivation:
    """The same words in another order, with the opposite label; it is exactly as probable.

    Raises ValueError for a plain review, where order decides nothing.
    """
    if derivation.kind == "plain":
        raise ValueError("A plain review has no twin; take one where kind is not 'plain'.")
    return replace(derivation, sentences=tuple(_turned_round(s) for s in derivation.sentences))


def _turned_round(sentence: Sentence) -> Sentence:
    if "x" not in sentence.words:
        return sentence
    words = sentence.words
    return replace(sentence, words={**words, "x": words["y"], "y": words["x"]})


def bayes_ceiling() -> float:
    """The best accuracy any reader can expect: 1 − noise.

    The text settles what it says, and a label differs from that with probability NOISE,
    independently of everything else.
    """
    return 1 - NOISE


def bag_of_words_ceiling() -> float:
    """The best accuracy without word order: (1 − q)(1 − noise) + q/2, with q = ORDER_DECIDED.

    Where a review's good and bad words do not tie, it is plain, and the bag of words says what
    the review says. Where they tie, order decides, and the twin has the same bag, the same
    probability and the opposite label: half is right, whatever the guess, noise or not. Twins
    have the same adjacent word pairs too, so the ceiling is the same for 1- and 2-grams.
    """
    return (1 - ORDER_DECIDED) * (1 - NOISE) + ORDER_DECIDED / 2


def _derivation(rng: random.Random, split: str, name: str) -> Derivation:
    kind = pick(rng, tuple(DECISIVE)) if chance(rng, ORDER_DECIDED) else "plain"
    body = _plain(rng, split) if kind == "plain" else _tied(rng, split, kind)
    if chance(rng, FACT):
        body.append(_filled(pick(rng, FACTS[split]), _names(rng, split)))
    opening = _filled(pick(rng, OPENINGS[split]), _names(rng, split))
    return Derivation(name, kind, (opening, *shuffled(rng, body)), flipped=chance(rng, NOISE))


def _plain(rng: random.Random, split: str) -> list[Sentence]:
    """Opinions of which more are of one sign than of the other."""
    more, fewer = pick(rng, MAJORITIES)
    majority, minority = (GOOD, BAD) if chance(rng, 0.5) else (BAD, GOOD)
    words = sample(rng, majority, more) + sample(rng, minority, fewer)
    return _opinions(rng, split, words, sample(rng, ASPECTS, len(words)))


def _tied(rng: random.Random, split: str, kind: str) -> list[Sentence]:
    """A sentence in which order decides, and perhaps one opinion of each sign beside it."""
    good, bad = sample(rng, GOOD, 2), sample(rng, BAD, 2)
    counts, other = (good[0], bad[0]) if chance(rng, 0.5) else (bad[0], good[0])
    a, b, *rest = sample(rng, ASPECTS, 4)
    u, v = sample(rng, pick(rng, ADVERBIALS), 2)
    words = {"x": other, "y": counts, "a": a, "b": b, "u": u, "v": v, "p": _name(rng, split)}
    decisive = _filled(pick(rng, DECISIVE[kind][split]), words)
    beside = [good[1], bad[1]] if chance(rng, BESIDE) else []
    return [decisive, *_opinions(rng, split, beside, rest)]


def _opinions(
    rng: random.Random, split: str, words: list[Pair], aspects: list[Pair]
) -> list[Sentence]:
    """One sentence an opinion word, each about another aspect."""
    frames = sample(rng, OPINIONS[split], len(words))
    return [
        _filled(frame, {"y": word, "a": aspect, "u": adverbial, "p": _name(rng, split)})
        for frame, word, aspect in zip(frames, words, aspects, strict=False)
        for adverbial in [pick(rng, pick(rng, ADVERBIALS))]
    ]


def _names(rng: random.Random, split: str) -> dict[str, Pair]:
    """What an opening or a fact may speak of."""
    thing, hero = pick(rng, TITLE_THINGS), _name(rng, split)
    return {
        "title": (f"The {thing[0]} of {hero[0]}", f"《{hero[1]}的{thing[1]}》"),
        "p": _name(rng, split),
        "q": _name(rng, split),
        "place": pick(rng, PLACES),
        "role": pick(rng, ROLES),
        "thing": pick(rng, THINGS),
    }


def _name(rng: random.Random, split: str) -> Pair:
    """A name that belongs to the split; most names are met once, as in any text."""
    while True:
        numbers = [int(rng.random() * len(NAME_SYLLABLES)) for _ in range(4)]
        if NAME_SPLITS[sum(numbers) % len(NAME_SPLITS)] == split:
            english, chinese = zip(*(NAME_SYLLABLES[number] for number in numbers), strict=True)
            return "".join(english).capitalize(), "".join(chinese)


def _filled(frame: Pair, words: dict[str, Pair]) -> Sentence:
    """The frame with the words that it has slots for."""
    used = {slot: pair for slot, pair in words.items() if "{" + slot + "}" in frame[0]}
    return Sentence(frame, used)


def _check(what: str, came: str, known: tuple[str, ...]) -> None:
    if came not in known:
        raise ValueError(f"There is no {what} {came!r}; take one of {', '.join(known)}.")
