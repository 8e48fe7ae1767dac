"""What chapter 2 builds in simpler code gives what the package gives."""

import itertools
import math

import torch

from llm_book.models.attention import attend, attention_weights
from llm_book.shapes import IGNORE
from llm_book.text.bpe import BPETokenizer
from llm_book.text.bpe_training import learn_merges
from llm_book.training.losses import cross_entropy
from tests.chapters.equations import Equation, partner


def of_chapter(name: str):
    """A function that the chapter defines, surrounded by its imports and definitions."""
    return partner(Equation(f"02_core_concepts:{name}", print))


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_mean_surprise_is_the_packages_cross_entropy():
    mean_surprise = of_chapter("mean_surprise")
    for seed in range(5):
        logits = torch.randn(9, 6, generator=drawn(seed), dtype=torch.float64)
        targets = torch.randint(6, (9,), generator=drawn(seed + 100))
        targets[seed::3] = IGNORE
        ours = mean_surprise(logits.log_softmax(dim=-1), targets)
        torch.testing.assert_close(ours, cross_entropy(logits, targets))


def test_the_weighted_average_is_the_packages_attention():
    weighted_average = of_chapter("weighted_average")
    for seed in range(5):
        query, keys = torch.randn(2, 4, 3, generator=drawn(seed), dtype=torch.float64)
        values = torch.randn(4, 5, generator=drawn(seed + 100), dtype=torch.float64)
        found = [weighted_average(q, keys.tolist(), values.tolist()) for q in query.tolist()]
        weights, results = (
            torch.tensor([both[part] for both in found], dtype=torch.float64) for part in (0, 1)
        )
        torch.testing.assert_close(weights, attention_weights(query, keys))
        torch.testing.assert_close(results, attend(query, keys, values))


def test_the_merges_learned_by_hand_are_the_packages():
    learn = of_chapter("learn")
    for words in (
        {"low": 5, "lower": 2, "newest": 6, "widest": 3},
        {"banana": 2, "bandana": 1, "nab": 4},
        {"aaaa": 3, "aab": 3, "ba": 1},
    ):
        package = [(m.left.decode(), m.right.decode()) for m in learn_merges(words)]
        ours = learn([list(word) for word in words], list(words.values()), len(package))
        assert ours == package


def test_a_word_encoded_by_hand_has_the_packages_pieces():
    encode_by_hand = of_chapter("encode_by_hand")
    tokenizer = BPETokenizer.train("the cat sat on the mat, the cats sat on the mats " * 3, 290)
    for piece in ("cats", " the", " mattress", " 猫"):
        parts = encode_by_hand([bytes([byte]) for byte in piece.encode()], tokenizer.merges)
        assert parts == [token for token, _ in tokenizer.pieces(piece)]


def test_the_best_accuracy_is_reached_by_a_reader_who_looks_up():
    best_accuracy = of_chapter("best_accuracy")
    symbols, shots = 3, 2
    right = [
        1 if question in shown else 1 / symbols
        for *shown, question in itertools.product(range(symbols), repeat=shots + 1)
    ]
    assert math.isclose(best_accuracy(shots, symbols), sum(right) / len(right))
