"""Stories about the world's people, with the exact probability of each and their entropy.

Training and validation come from one grammar, about the same people: what is measured on
validation can be compared with the entropy. They share no text, for the sum of the numbers of a
story's choices, of which one is uniform, tells to which it belongs. The test split has people and
frames of its own.
"""

import random
from dataclasses import dataclass, replace
from functools import cache

from llm_book.data.world.chances import log_sum
from llm_book.data.world.persons import people
from llm_book.data.world.requests import LANGUAGES, check_known, check_request
from llm_book.data.world.scenes import PLOTS, SCENES
from llm_book.data.world.story_numbers import expected_tokens, grammar_entropy
from llm_book.data.world.story_parser import StoryParser
from llm_book.data.world.story_slots import slots, variables
from llm_book.data.world.weighted_grammar import Plot, Scene, StoryDerivation, StoryGrammar

PARTS = 8
"""One story in so many, of those that the training grammar has, is left to validation."""


@dataclass(frozen=True)
class Story:
    """A story: its `text` in a `language`, and where it comes from (`seed`, `split`).

    log_prob: the natural logarithm of its probability under the grammar of its seed and split;
    the same in both languages.
    """

    id: str
    text: str
    log_prob: float
    seed: int
    split: str
    language: str


@cache
def story_grammar(seed: int = 0, split: str = "train") -> StoryGrammar:
    """The grammar of a split's stories in the world of a seed; validation's is training's.

    Raises ValueError for an unknown split.
    """
    own = "train" if split == "validation" else split
    everybody = people(seed, own)  # refuses an unknown split
    scenes = {name: Scene(new, frames[own]) for name, (new, frames) in SCENES.items()}
    plots = tuple(Plot(weight, steps) for weight, steps in PLOTS)
    return StoryGrammar(variables(everybody), slots(), scenes, plots)


def stories(n: int, seed: int = 0, split: str = "train", language: str = "en") -> list[Story]:
    """`n` stories drawn from the grammar; more of them begin with the same ones.

    The same seed tells the same stories in "en" and "zh". Raises ValueError for a negative n, an
    unknown split or language.
    """
    check_request(n, "stories", split, language)
    grammar, side = story_grammar(seed, split), LANGUAGES.index(language)
    return [
        Story(
            id=f"story-{split}-{seed}-{number}",
            text=grammar.text(derivation)[side],
            log_prob=derivation.log_prob,
            seed=seed,
            split=split,
            language=language,
        )
        for number, derivation in enumerate(story_derivations(n, seed, split))
    ]


def story_derivations(n: int, seed: int = 0, split: str = "train") -> list[StoryDerivation]:
    """How those `n` stories came about. Raises ValueError for a negative n, an unknown split."""
    check_request(n, "stories", split)
    grammar = story_grammar(seed, split)
    rng = random.Random(f"stories {split} {seed}")
    return [_of_split(rng, grammar.draw(rng), split) for _ in range(n)]


def story_log_prob(story: Story) -> float:
    """ln P of a story, found by reading its text back: `text_log_prob` with where it comes from."""
    return text_log_prob(story.text, story.seed, story.split, story.language)


def text_log_prob(text: str, seed: int = 0, split: str = "train", language: str = "en") -> float:
    """ln P of any text under the grammar, in nats; minus infinity where it is no story of it.

    The probability is summed over all derivations (there is at most one). Raises ValueError for
    an unknown split or language.
    """
    check_known("language", language, LANGUAGES)
    found = _parser(seed, split, language).parses(text)
    return log_sum([derivation.log_prob for derivation in found])


def entropy(seed: int = 0, split: str = "train", language: str = "en") -> float:
    """The entropy of the stories in nats a token: a story's entropy over its expected tokens.

    One token a story is its end. No model of the tokens does better on the average; a story says
    the same in both languages, but not in as many tokens (see tokens: English words, Chinese
    characters). Raises ValueError for an unknown split or language.
    """
    check_known("language", language, LANGUAGES)
    return story_entropy(seed, split) / (story_tokens(seed, split, language) + 1)


def story_entropy(seed: int = 0, split: str = "train") -> float:
    """The entropy of one story in nats. Raises ValueError for an unknown split."""
    return grammar_entropy(story_grammar(seed, split))


@cache
def story_tokens(seed: int = 0, split: str = "train", language: str = "en") -> float:
    """The expected number of tokens of a story, its end not counted.

    Raises ValueError for an unknown split or language.
    """
    check_known("language", language, LANGUAGES)
    return expected_tokens(story_grammar(seed, split), language)


@cache
def _parser(seed: int, split: str, language: str) -> StoryParser:
    return StoryParser(story_grammar(seed, split), language)


def _of_split(rng: random.Random, drawn: StoryDerivation, split: str) -> StoryDerivation:
    """The drawn story, its time moved so that it belongs to the split.

    The times are equally probable, so every story of the split stays as probable as any other
    draw would make it, and its log_prob is independent of the split.
    """
    if split == "test":
        return drawn
    wanted = 0 if split == "validation" else 1 + int(rng.random() * (PARTS - 1))
    time = drawn.bindings["time"]
    moved = (time - checksum(drawn) + wanted) % PARTS + time // PARTS * PARTS
    return replace(drawn, bindings={**drawn.bindings, "time": moved})


def checksum(drawn: StoryDerivation) -> int:
    """The sum of the numbers of all choices, modulo PARTS: 0 for the stories of validation."""
    frames = sum(frame for _, frame in drawn.scenes)
    return (drawn.plot + frames + sum(drawn.bindings.values())) % PARTS
