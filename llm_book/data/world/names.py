"""Made-up names, so many that most are met once: four syllables whose sum decides the split."""

import random

from llm_book.data.world.film_reviews import NAME_SPLITS
from llm_book.data.world.grammar import Pair, pick
from llm_book.data.world.lexicon import NAME_SYLLABLES


def made_up_name(rng: random.Random, split: str) -> Pair:
    """A name that stands in one split only, as those of the film reviews do."""
    while True:
        numbers = [pick(rng, range(len(NAME_SYLLABLES))) for _ in range(4)]
        if NAME_SPLITS[sum(numbers) % len(NAME_SPLITS)] == split:
            english, chinese = zip(*(NAME_SYLLABLES[number] for number in numbers), strict=True)
            return "".join(english).capitalize(), "".join(chinese)
