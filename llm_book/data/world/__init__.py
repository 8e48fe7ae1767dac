"""A small generated world: the embedded data that every chapter can run on, offline.

One seed, any size, the same on every platform; English and Chinese say the same, derivation by
derivation; frames and names of the test split never occur in training.

What it makes, by the module that makes it:

film_reviews         reviews with sentiment: reviews, derivations, twin, the ceilings
storytelling         stories with exact probability and entropy: stories, story_log_prob, entropy
translation          sentence pairs with gold alignment, three ways to split: translation_pairs
task_dialogues       bookings, tickets, questions and answers in turns: dialogues
modular_arithmetic   questions that a program can check: arithmetic, is_right
passage_questions    passages, questions, answer spans or none: questions
classified_texts     topics, spam, intents: classes, class_names, class_ceiling, class_bag_ceiling
persons, fact_table  who lives where, works as, owns, likes, knows: people, facts

Planted truths, each with its negative control:

analogies            relations and similarities that must be found: analogy_corpus, planted_…
bias                 a bias of known strength, and its unbiased twin: bias_corpus, bias_test
canaries             secrets planted a known number of times: with_canaries
dirt                 copies, near copies and junk, row by row known: with_dirt
zipf_facts           facts asked for by Zipf's law, and what knowing some is worth: ZipfFacts

What it is made of: nouns, lexicon, names (words); frames, decisive_frames, scenes, relations,
clauses, conversation, class_tasks, relation_words (sentences); grammar, chances, aligned,
weighted_grammar, story_slots, story_numbers, story_parser, passages, tokens, requests (machinery).

Nothing measured on this world alone is a fact about language.
"""

from llm_book.data.world.analogies import (
    analogy_corpus,
    planted_analogies,
    planted_similarities,
    shuffled_corpus,
    unplanted_analogies,
)
from llm_book.data.world.bias import BiasTest, bias_corpus, bias_test
from llm_book.data.world.canaries import Canary, CanaryCorpus, with_canaries
from llm_book.data.world.classified_texts import (
    ClassText,
    class_bag_ceiling,
    class_ceiling,
    class_names,
    classes,
)
from llm_book.data.world.dirt import DirtyCorpus, with_dirt
from llm_book.data.world.fact_table import Fact, facts
from llm_book.data.world.film_reviews import (
    Derivation,
    bag_of_words_ceiling,
    bayes_ceiling,
    derivations,
    reviews,
    twin,
)
from llm_book.data.world.modular_arithmetic import ArithmeticQuestion, arithmetic, is_right
from llm_book.data.world.passage_questions import Answer, WorldQuestion, questions
from llm_book.data.world.persons import Person, people
from llm_book.data.world.storytelling import (
    Story,
    entropy,
    stories,
    story_entropy,
    story_grammar,
    story_log_prob,
    story_tokens,
    text_log_prob,
)
from llm_book.data.world.task_dialogues import Turn, WorldDialogue, dialogues
from llm_book.data.world.translation import TranslationPair, translation_pairs
from llm_book.data.world.zipf_facts import ZipfFacts

__all__ = [
    "Answer",
    "ArithmeticQuestion",
    "BiasTest",
    "Canary",
    "CanaryCorpus",
    "ClassText",
    "Derivation",
    "DirtyCorpus",
    "Fact",
    "Person",
    "Story",
    "TranslationPair",
    "Turn",
    "WorldDialogue",
    "WorldQuestion",
    "ZipfFacts",
    "analogy_corpus",
    "arithmetic",
    "bag_of_words_ceiling",
    "bayes_ceiling",
    "bias_corpus",
    "bias_test",
    "class_bag_ceiling",
    "class_ceiling",
    "class_names",
    "classes",
    "derivations",
    "dialogues",
    "entropy",
    "facts",
    "is_right",
    "people",
    "planted_analogies",
    "planted_similarities",
    "questions",
    "reviews",
    "shuffled_corpus",
    "stories",
    "story_entropy",
    "story_grammar",
    "story_log_prob",
    "story_tokens",
    "text_log_prob",
    "translation_pairs",
    "twin",
    "unplanted_analogies",
    "with_canaries",
    "with_dirt",
]
