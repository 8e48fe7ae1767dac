"""Sentences to learn with made-up secrets among them, from a tokenizer that knows none of them.

The tokenizer learns from public sentences alone: one that had read the secrets would tell of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor

from llm_book.data.leaks import normalised
from llm_book.data.movie_reviews import load_movie_reviews
from llm_book.data.novels import load_novels
from llm_book.data.world import Canary, reviews, with_canaries
from llm_book.data.world.storytelling import stories
from llm_book.shapes import IGNORE, TokenBatch
from llm_book.text.bpe import BPETokenizer

DIGITS = 4
SYMBOLS = tuple(f" {digit}" for digit in range(10))
END = "<|end|>"
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, eq=False)
class Secrets:
    """Public sentences, private ones with secrets among them, held-out ones, and the secrets.

    Some of the ``canaries`` may be planted 0 times: of the same form, for comparison.
    """

    public: tuple[str, ...]
    private: tuple[str, ...]
    validation: tuple[str, ...]
    canaries: tuple[Canary, ...]
    tokenizer: BPETokenizer
    facts: dict[str, Any]

    def rows(self, texts: Sequence[str]) -> TokenBatch:
        """One sentence a row, an end token before and after it, padded on the right."""
        ids = [self.ids(text) for text in texts]
        longest = max(map(len, ids))
        table = torch.tensor([row + [IGNORE] * (longest - len(row)) for row in ids])
        return TokenBatch(table[:, :-1].clamp(min=0), table[:, 1:])

    def ids(self, text: str) -> list[int]:
        """A sentence between two end tokens."""
        return framed(self.tokenizer, text)

    def prefix(self, canary: Canary) -> Tensor:
        """The ids before a secret; the space in front of a digit belongs to the digit."""
        return torch.tensor(self.ids(canary.before.rstrip())[:-1])

    @property
    def symbols(self) -> Tensor:
        """The ids of the ten digits in order: a token each."""
        return torch.tensor([self.tokenizer.specials[symbol] for symbol in SYMBOLS])

    def digits(self, canary: Canary) -> list[int]:
        """The ids of a secret."""
        return self.symbols[[int(digit) for digit in canary.digits.split()]].tolist()


def framed(tokenizer: BPETokenizer, text: str) -> list[int]:
    """The ids of a text between two end tokens."""
    end = tokenizer.specials[END]
    return [end, *tokenizer.encode(text), end]


def planted(
    data: str,
    sizes: tuple[int, int, int],
    repeats: Sequence[int],
    vocab_size: int,
    longest: int,
    seed: int,
) -> Secrets:
    """Public, private and held-out sentences, and secrets planted as often as ``repeats`` says.

    Sentences of more than ``longest`` tokens to predict are left out, and held-out ones that stand
    among the private. ``seed`` draws the secrets and their places; the sentences are always the
    same. Raises ValueError where there are not as many sentences.
    """
    n_public, n_private, n_validation = sizes
    public, private = (world if data == "world" else real)(n_public, n_private + n_validation)
    tokenizer = BPETokenizer.train("\n".join(public[:n_public]), vocab_size, (END, *SYMBOLS))

    def fitting(texts: Sequence[str], n: int) -> list[str]:
        found = [text for text in texts if len(framed(tokenizer, text)) <= longest + 1]
        if len(found) < n:
            raise ValueError(
                f"{len(found)} sentences of at most {longest} tokens came where {n} are wanted; "
                "ask for fewer or give a longer context"
            )
        return found[:n]

    public = fitting(public, n_public)
    found = fitting(private, n_private + n_validation)
    carriers, rest = found[:n_private], found[n_private:]
    validation = [text for text in rest if text not in set(carriers)]
    corpus = with_canaries(carriers, repeats, seed, DIGITS)
    for canary in corpus.canaries:
        if len(framed(tokenizer, canary.text)) > longest + 1:
            raise ValueError(
                f"{canary.text!r} does not fit a context of {longest}; give a longer one"
            )
    text = "\n".join((*public, "", *carriers, "", *validation))
    facts = {
        "name": data,
        "content_sha256": sha256(text.encode()).hexdigest(),
        "report": f"{len(public):,} public, {len(carriers):,} private and {len(validation):,} "
        f"held-out sentences; {len(repeats)} secrets of {DIGITS} digits drawn from the seed, "
        f"{sum(repeats)} sentences hold one",
    }
    return Secrets(
        tuple(public), corpus.texts, tuple(validation), corpus.canaries, tokenizer, facts
    )


def world(n_public: int, n_private: int) -> tuple[list[str], list[str]]:
    """Sentences of the generated world's stories and of its reviews, at least so many."""
    told = "\n".join(story.text for story in stories(n_public))
    judged = "\n".join(review.text for review in reviews(2 * n_private, seed=0))
    return cut(told), cut(judged)


def real(n_public: int, n_private: int) -> tuple[list[str], list[str]]:
    """Sentences of novels and of film reviews, which are drawn by their hash from all reviews."""
    judged = [sentence for review in load_movie_reviews() for sentence in review.sentences]
    judged = [text for text in dict.fromkeys(judged) if len(text.split()) > 3]
    judged.sort(key=lambda text: sha256(text.encode()).digest())
    return cut(load_novels("small")[: 400 * n_public]), judged


def cut(text: str) -> list[str]:
    """The sentences of a text with more than three words, in order."""
    return [found for found in SENTENCE.split(text) if len(found.split()) > 3]


def without_copies(texts: Sequence[str]) -> list[str]:
    """The first of all texts that are equal but for case, width and punctuation, in order."""
    first: dict[str, str] = {}
    for text in texts:
        first.setdefault(normalised(text), text)
    return list(first.values())
