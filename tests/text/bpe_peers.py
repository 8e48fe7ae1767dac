"""The field's tokenizers built offline from ours, and a slow trainer to compare with."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

import tiktoken
from hypothesis import strategies as st

from llm_book.data.world import reviews
from llm_book.text.bpe import BPETokenizer

END = "<|endoftext|>"
SPECIALS = (END, "<|end|>", "<|end|><|end|>", "<|", "问<")

# Where rules meet: contractions, joiners, combining marks, NUL, line ends, runs of white space,
# letters younger than Unicode 16, pieces of specials.
FRAGMENTS = (
    *("'", "'s", "'ll", "'LL", "'re", "r", "e", "l", "don't", "\u017f", "a", "the", "The film"),
    *(" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\x1c", "\x85", "\u2028", "!\n\n"),
    *("1", "23", "4567", "²", "é", "e\u0301", "ß", "我不喜欢", "。", "が", "한국", "हिन्दी", "ไทย"),
    *("👩\u200d👩\u200d👧", "🏳️\u200d🌈", "🙂", "\x00", "\ufeff", "\u0558", "\U0003d000"),
    *(",", "...", "_", "<", "|", "|>", "<|", "end", "oftext", *SPECIALS),
)
texts = st.one_of(
    st.text(),
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=2)), max_size=14).map("".join),
)


@cache
def corpus() -> str:
    """English and Chinese from the generated world, with a special between two reviews."""
    both = (review.text for lang in ("en", "zh") for review in reviews(120, language=lang))
    return END.join(both) + "".join(FRAGMENTS)


@cache
def trained(pattern: str | None = None) -> BPETokenizer:
    """A tokenizer of 600 entries with overlapping specials."""
    more = {} if pattern is None else {"pattern": pattern}
    return BPETokenizer.train(corpus(), 600, SPECIALS, **more)


def as_tiktoken(tokenizer: BPETokenizer, specials: Mapping[str, int] | None = None):
    """The same ranks, pattern and specials in `tiktoken`."""
    special = set(tokenizer.specials.values())
    return tiktoken.Encoding(
        "ours",
        pat_str=tokenizer.pattern,
        mergeable_ranks={t: i for i, t in tokenizer.tokens.items() if i not in special},
        special_tokens=dict(tokenizer.specials if specials is None else specials),
    )


def pair_counts(words: Mapping[tuple[bytes, ...], int]) -> Counter[tuple[bytes, bytes]]:
    """How often each pair of neighbours occurs."""
    pairs: Counter[tuple[bytes, bytes]] = Counter()
    for word, times in words.items():
        for pair in pairwise(word):
            pairs[pair] += times
    return pairs


def in_bytes(counts: Mapping[str, int]) -> dict[tuple[bytes, ...], int]:
    """The words as tuples of single bytes."""
    return {tuple(bytes([b]) for b in word.encode()): times for word, times in counts.items()}


def slow_merges(counts: Mapping[str, int], n: int) -> list[tuple[bytes, bytes, int, bool]]:
    """The definition, everything counted anew at each step: pair, count, whether it was tied."""
    words, merges = in_bytes(counts), []
    for _ in range(n):
        if not (pairs := pair_counts(words)):
            break
        most = max(pairs.values())
        best = [pair for pair, count in pairs.items() if count == most]
        merges.append((*max(best), most, len(best) > 1))
        words = {slow_join(word, max(best)): times for word, times in words.items()}
    return merges


def slow_join(word: tuple[bytes, ...], pair: tuple[bytes, bytes]) -> tuple[bytes, ...]:
    """The word with the pair joined from the left."""
    out, i = [], 0
    while i < len(word):
        if word[i : i + 2] == pair:
            out.append(pair[0] + pair[1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return tuple(out)
