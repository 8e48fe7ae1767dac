"""A small generated world: the embedded data that every chapter can run on, offline.

lexicon           the words for its people, places, things and opinions, in English and Chinese
grammar           one derivation, two languages
frames            sentences whose words add up
decisive_frames   sentences in which word order decides
film_reviews      reviews put together from them, and the ceilings known by construction

Nothing measured on this world alone is a fact about language.
"""

from llm_book.data.world.film_reviews import (
    Derivation,
    bag_of_words_ceiling,
    bayes_ceiling,
    derivations,
    reviews,
    twin,
)

__all__ = [
    "Derivation",
    "bag_of_words_ceiling",
    "bayes_ceiling",
    "derivations",
    "reviews",
    "twin",
]
