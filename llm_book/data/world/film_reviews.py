"""Film reviews from the generated world, with the derivation that says why each has its label."""

import random
from dataclasses import dataclass, replace

from llm_book.data.world.decisive_frames import DECISIVE
from llm_book.data.world.frames import FACTS, OPENINGS, OPINIONS
from llm_book.data.world.grammar import Pair, Sentence, chance, pick, shuffled
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

NOISE = 0.06
"""Probability that a label is turned round, whatever the text says."""

ORDER_DECIDED = 0.3
"""Probability that a review's good and bad words tie and the order of the words decides."""

MAJORITIES = ((2, 1), (3, 1))
"""Opinions for and against in a plain review."""


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
        return " ".join(sentence.english for sentence in self.sentences)

    @property
    def chinese(self) -> str:
        return "".join(sentence.chinese for sentence in self.sentences)

    @property
    def meaning(self) -> int:
        """What the text says: 1 where more of the opinions that count are good than bad."""
        return int(sum(polarity(s.words["y"]) for s in self.sentences if "y" in s.words) > 0)

    @property
    def label(self) -> int:
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


def polarity(opinion: Pair) -> int:
    """+1 for a good word, −1 for a bad one."""
    return 1 if opinion in GOOD else -1


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


def reviews(
    n: int, seed: int = 0, split: str = "train", language: str = "en"
) -> list[Review]:
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
    aspects = shuffled(rng, ASPECTS)  # no aspect is spoken of twice
    body = _plain(rng, split, aspects) if kind == "plain" else _tied(rng, split, kind, aspects)
    sentences = (_sentence(rng, OPENINGS[split], _names(rng, split)), *shuffled(rng, body))
    return Derivation(name, kind, sentences, flipped=chance(rng, NOISE))


def _plain(rng: random.Random, split: str, aspects: list[Pair]) -> list[Sentence]:
    """Opinions of which more are of one sign than of the other, and perhaps a fact."""
    more, fewer = pick(rng, MAJORITIES)
    majority, minority = (GOOD, BAD) if chance(rng, 0.5) else (BAD, GOOD)
    words = shuffled(rng, majority)[:more] + shuffled(rng, minority)[:fewer]
    return [*_opinions(rng, split, words, aspects), *_facts(rng, split)]


def _tied(rng: random.Random, split: str, kind: str, aspects: list[Pair]) -> list[Sentence]:
    """A sentence whose order decides, perhaps one opinion of each sign beside it, and a fact."""
    good, bad = shuffled(rng, GOOD), shuffled(rng, BAD)
    counts, other = (good[0], bad[0]) if chance(rng, 0.5) else (bad[0], good[0])
    row = shuffled(rng, pick(rng, ADVERBIALS))
    fill = {
        "x": other, "y": counts, "u": row[0], "v": row[1],
        "a": aspects.pop(), "b": aspects.pop(), "p": _name(rng, split),
    }  # fmt: skip
    decisive = _sentence(rng, DECISIVE[kind][split], fill)
    beside = [good[1], bad[1]] if chance(rng, 0.5) else []
    return [decisive, *_opinions(rng, split, beside, aspects), *_facts(rng, split)]


def _opinions(
    rng: random.Random, split: str, words: list[Pair], aspects: list[Pair]
) -> list[Sentence]:
    frames = shuffled(rng, OPINIONS[split])
    return [
        _filled(frame, {
            "y": word, "a": aspects.pop(), "u": pick(rng, pick(rng, ADVERBIALS)),
            "p": _name(rng, split),
        })  # fmt: skip
        for frame, word in zip(frames, words, strict=False)
    ]


def _facts(rng: random.Random, split: str) -> list[Sentence]:
    return [_sentence(rng, FACTS[split], _names(rng, split))] if chance(rng, 0.5) else []


def _names(rng: random.Random, split: str) -> dict[str, Pair]:
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
    """A name that belongs to the split: most are met once, as names are in any text."""
    while True:
        numbers = [int(rng.random() * len(NAME_SYLLABLES)) for _ in range(3)]
        if NAME_SPLITS[sum(numbers) % len(NAME_SPLITS)] == split:
            english, chinese = zip(*(NAME_SYLLABLES[number] for number in numbers), strict=True)
            return "".join(english).capitalize(), "".join(chinese)


def _sentence(
    rng: random.Random, frames: tuple[Pair, ...], words: dict[str, Pair]
) -> Sentence:
    return _filled(pick(rng, frames), words)


def _filled(frame: Pair, words: dict[str, Pair]) -> Sentence:
    """The frame with the words that it has slots for."""
    used = {slot: pair for slot, pair in words.items() if "{" + slot + "}" in frame[0]}
    return Sentence(frame, used)


def _check(what: str, came: str, known: tuple[str, ...]) -> None:
    if came not in known:
        raise ValueError(f"There is no {what} {came!r}; take one of {', '.join(known)}.")
