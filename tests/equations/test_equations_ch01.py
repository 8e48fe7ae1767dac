"""The numbered formulas of chapter 1, and its counting by hand beside the package's.

Each check computes the formula on its own at made-up inputs; ``tests/chapters/test_equations.py``
runs it, and runs it again on mutated partners.
"""

import itertools
import math
import random
import re
from collections import Counter
from functools import partial

import numpy as np
import pytest

from llm_book.data.world import stories, story_entropy, story_tokens
from llm_book.evaluation.memory import Precision
from llm_book.models.counting import NGramCounts
from llm_book.models.counting_add_k import AddK
from llm_book.models.counting_kneser_ney import KneserNey
from llm_book.models.transformer import GPTConfig
from tests.chapters.equations import Equation, partner
from tests.equations.test_equations import close

CHAPTER = "01_background"


def refused(call, message: str) -> None:
    """Raise where a call is not refused with a ValueError of this pattern."""
    try:
        call()
    except ValueError as error:
        assert re.fullmatch(message, str(error)), error
    else:
        raise AssertionError(f"nothing was refused with {message!r}")


def check_chain_rule(log_probability) -> None:
    rng = np.random.default_rng(0)
    joint = rng.random((2, 3, 2))
    joint /= joint.sum()

    def next_word(words):
        left = joint[tuple(words)]
        chances = left.reshape(len(left), -1).sum(1) / left.sum()
        return dict(enumerate(chances.tolist()))

    for words in itertools.product(range(2), range(3), range(2)):
        close(log_probability(next_word, words), np.log(joint[words]))


def check_mean_surprise(surprise_type) -> None:
    chances = np.random.default_rng(0).random(9)
    close(surprise_type(float(-np.log(chances).sum()), 9).loss, -np.log(chances).mean())


def check_story_floor(entropy) -> None:
    for seed, split, language in ((0, "train", "en"), (1, "test", "zh"), (2, "validation", "en")):
        tokens = story_tokens(seed, split, language)
        formula = story_entropy(seed, split) / (tokens + 1)
        close(entropy(seed, split, language), formula, 1e-12)
    close(entropy(), entropy(0, "train", "en"), 0)
    drawn = [-story.log_prob for story in stories(400)]
    spread = np.std(drawn) / math.sqrt(len(drawn)) / story_tokens()
    close(entropy(), np.mean(drawn) / (story_tokens() + 1), 4 * spread)
    refused(lambda: entropy(0, "train", "fr"), "There is no language 'fr'; .*")


def bigrams() -> Counter:
    rng = random.Random(0)
    words = [rng.choice("aaaabbcd") for _ in range(40)]
    return Counter(itertools.pairwise(words))


def check_add_k(add_k) -> None:
    counts = bigrams()
    for context, word, k in itertools.product("abcdz", "abcdz", (1, 0.3)):
        followed = sum(counts[context, other] for other in "abcd")
        formula = (counts[context, word] + k) / (followed + k * 7)
        close(add_k(counts, (context,), word, k, 7), formula, 1e-12)


def check_kneser_ney(kneser_ney) -> None:
    counts, discount, size = bigrams(), 0.6, 7
    different = {w: len({pair[0] for pair in counts if pair[1] == w}) for w in "abcd"}
    for context, word in itertools.product("abcdz", "abcdz"):
        kinds = sum(different.values())
        low = max(different.get(word, 0) - discount, 0) / kinds
        low += discount * len(different) / kinds / size
        followers = {w: counts[context, w] for w in "abcd" if counts[context, w]}
        total, formula = sum(followers.values()), low
        if total:
            formula = max(followers.get(word, 0) - discount, 0) / total
            formula += discount * len(followers) / total * low
        close(kneser_ney(counts, (context,), word, discount, size), formula, 1e-12)
    three = Counter(zip(words := "abcabdcab", words[1:], words[2:], strict=False))
    after = {
        pair: {t[2] for t in three if t[:2] == pair} for pair in itertools.product("abcd", "abcd")
    }
    for context, word in itertools.product(after, "abcd"):
        pairs = Counter(t[1:] for t in three)  # after how many words, one for each trigram
        low = kneser_ney(pairs, context[1:], word, discount, size)  # held to the formula above
        total, formula = sum(n for t, n in three.items() if t[:2] == context), low
        if total:
            formula = max(three[(*context, word)] - discount, 0) / total
            formula += discount * len(after[context]) / total * low
        close(kneser_ney(three, context, word, discount, size), formula, 1e-12)
    twice = Counter({("a", "b"): 1, ("a", "c"): 2})
    close(kneser_ney(twice, ("a",), "b", 1, 4), 0 + 2 / 3 * (2 / 2 / 4), 1e-12)


def check_unseen_share(unseen_share) -> None:
    seen, held = list("abcabd"), list("abdcab")
    for n in (1, 2, 3):
        runs = ["".join(held[i : i + n]) for i in range(len(held) - n + 1)]
        close(unseen_share(held, seen, n), np.mean([run not in "".join(seen) for run in runs]))


def check_six_n_d(six_n_d) -> None:
    for n, d in ((3.0, 7.0), (175e9, 300e9), (0, 5), (5, 0)):
        close(six_n_d(n, d), 6 * n * d, 1e-9)
    for n, d in ((-1, 5), (5, -1)):
        refused(partial(six_n_d, n, d), f"{n} parameters and {d} tokens: .* may be negative")


def check_step_flop(step_flop) -> None:
    for n, d, f, v, batch, length in ((1, 4, 7, 3, 1, 1), (3, 8, 20, 11, 2, 5)):
        sizes = GPTConfig.gpt2(
            vocab_size=v, context_length=9, width=d, inner_width=f, n_layers=n, n_heads=2
        )
        maps = sum(a * b for a, b in [(d, d)] * 4 + [(d, f), (f, d)])
        forward = batch * length * 2 * (n * maps + d * v)
        for _ in range(n * batch * length):  # a position with every position, scores and values
            forward += 2 * length * d + 2 * length * d
        close(step_flop(sizes, batch, length), 3 * forward, 0)


def check_training_seconds(training_seconds) -> None:
    close(training_seconds(6e10, 3, 4e9, 0.5), 10.0)
    close(training_seconds(1e12, 10, 2e9, 0.4), 125.0)


def check_training_memory(training_memory) -> None:
    odd = Precision(weight=2, gradient=3, state=5, states=4, activation=7)
    for precision, numbers in ((odd, (2, 3, 4, 5, 7)), (None, (4, 4, 2, 4, 4))):
        weight, gradient, states, state, activation = numbers
        for trained in (None, 0, 11, 30):
            learns = 30 if trained is None else trained
            found = training_memory(30, 13, trained, precision)
            close(found.total, 30 * weight + learns * (gradient + states * state) + 13 * activation)
    close(training_memory(1).total, 16)
    for trained in (31, -1):
        call = partial(training_memory, 30, trained=trained)
        refused(call, f"{trained} of 30 parameters cannot learn; expected 0 <= trained <= all")


EQUATIONS = {
    "eq-chain-rule": Equation(f"{CHAPTER}:log_probability", check_chain_rule),
    "eq-mean-surprise": Equation(
        "llm_book.evaluation.language_modelling.Surprise.loss", check_mean_surprise
    ),
    "eq-story-floor": Equation("llm_book.data.world.storytelling.entropy", check_story_floor),
    "eq-add-k": Equation(f"{CHAPTER}:add_k", check_add_k),
    "eq-kneser-ney": Equation(f"{CHAPTER}:kneser_ney", check_kneser_ney),
    "eq-unseen-share": Equation(f"{CHAPTER}:unseen_share", check_unseen_share),
    "eq-six-n-d": Equation("llm_book.evaluation.accounting.six_n_d", check_six_n_d),
    "eq-step-flop": Equation(f"{CHAPTER}:step_flop", check_step_flop),
    "eq-training-time": Equation(f"{CHAPTER}:training_seconds", check_training_seconds),
    "eq-training-memory": Equation(
        "llm_book.evaluation.memory.training_memory", check_training_memory
    ),
}


@pytest.mark.parametrize("order", [1, 2, 3])
def test_counting_by_hand_is_the_packages(order):
    by_hand = {
        name: partner(Equation(f"{CHAPTER}:{name}", print))
        for name in ("counted", "add_k", "kneser_ney")
    }
    rng = random.Random(order)
    texts = [[rng.choice("aaabbcde") for _ in range(rng.randrange(1, 12))] for _ in range(9)]
    ids = {word: i for i, word in enumerate([*"abcdefg", "<end>"])}
    ids["<begin>"] = len(ids)
    counts = by_hand["counted"](texts, order)
    kept = NGramCounts([[ids[w] for w in text] for text in texts], order, 8, end=7)
    pairs = {
        "add_k": (0.3, AddK(kept, 0.3)),
        "kneser_ney": (0.7, KneserNey(kept, discounts=[0.7] * order)),
    }
    contexts = {ngram[:-1] for ngram in counts} | {("f",) * (order - 1)}
    for name, (setting, theirs) in pairs.items():
        for context in contexts:
            row = theirs.distribution([ids[w] for w in context])
            for word in [*"abcdef", "<end>"]:
                ours = by_hand[name](counts, context, word, setting, 8)
                assert abs(ours - row[ids[word]]) <= 1e-12, (name, context, word)
