"""Byte-level byte-pair encoding: any text as ids, and back, without an unknown token.

A text is cut at its special tokens, then into pre-tokens by the split pattern; each pre-token is
written as UTF-8 bytes, and of the merges that fit, the earliest learned is applied until none fits.
Sennrich et al. (2016), section 3.2; Radford et al. (2019), section 2.2.
"""

from __future__ import annotations

import heapq
import operator
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise
from typing import SupportsIndex

from llm_book.text.bpe_training import (
    count_pieces,
    joined,
    learn_merges,
    segments,
    slices,
)
from llm_book.text.bpe_validation import byte_ids, ranks, special_ids, token_ids
from llm_book.text.specials import SpecialFinder, checked_specials
from llm_book.text.split import GPT2_SPLIT, Splitter
from llm_book.text.utf8 import utf8

REMEMBERED = 1 << 15  # pre-tokens whose ids are kept; then the memory starts afresh
LONGEST_REMEMBERED = 64  # characters; a longer pre-token hardly comes twice
SPECIALS = ("recognise", "refuse", "plain")
GONE = -1  # stands for a token that went into its left neighbour, and for the end
NO_SPECIALS = SpecialFinder(())


class BPETokenizer:
    """A byte-level BPE tokenizer from `tokens` (id → bytes), `merges` and special tokens.

    `merges` are pairs of byte strings, earliest learned first; every pair is made of single bytes
    and of results of earlier merges, and its own result has an id. Ids need not be contiguous.
    `specials` maps strings to ids, or lists strings: one whose bytes are among the tokens has that
    id, the others get the next free ids. A token that is neither a byte, nor a merge's result, nor
    a special is never encoded, only decoded. `pattern` cuts texts into pre-tokens (`regex`).

    Raises ValueError where a byte has no id, two ids have the same bytes, a merge has no result,
    comes too early or twice, or a special's id belongs to other bytes.
    """

    def __init__(
        self,
        tokens: Mapping[int, bytes],
        merges: Iterable[tuple[bytes, bytes]],
        specials: Mapping[str, int] | Sequence[str] = (),
        pattern: str = GPT2_SPLIT,
    ) -> None:
        self.specials: dict[str, int] = special_ids(specials, tokens)
        self.tokens = dict(tokens) | {i: utf8(special) for special, i in self.specials.items()}
        self.merges = [(left, right) for left, right in merges]
        self.splitter = Splitter(pattern)
        self._finder = SpecialFinder(self.specials)
        id_of = token_ids(self.tokens, set(self.specials.values()))
        self._byte_ids = byte_ids(id_of)
        self._rank_of, self._made = ranks(self.merges, id_of)
        self._ids_of = _Remembered(self._merged)

    @classmethod
    def train(
        cls,
        source: str | os.PathLike[str] | Iterable[str],
        vocab_size: int,
        specials: Sequence[str] = (),
        pattern: str = GPT2_SPLIT,
        min_count: int = 1,
    ) -> BPETokenizer:
        """The tokenizer learned from a text (string), a UTF-8 file (path) or a stream of chunks.

        `vocab_size` counts everything: 256 bytes (ids 0 … 255), the merges in the order learned,
        the specials last. It is smaller where the source has no more pairs that occur `min_count`
        times. Of equally frequent pairs the lexicographically greatest pair of byte strings is
        merged. Nothing is learned from specials or across them. Memory holds the counts of
        distinct pre-tokens, not the source.

        Raises ValueError for a `vocab_size` below 256 + specials and for a source without text.
        """
        specials = checked_specials(specials)
        room = vocab_size - 256 - len(specials)
        if room < 0:
            raise ValueError(
                f"vocab_size {vocab_size} has no room for 256 bytes and {len(specials)} specials; "
                f"give {256 + len(specials)} or more"
            )
        counts = count_pieces(source, Splitter(pattern), SpecialFinder(specials))
        if not counts:
            raise ValueError("the source holds no text to learn merges from; give some")
        learned = [(m.left, m.right) for m in islice(learn_merges(counts, min_count), room)]
        tokens = [bytes([byte]) for byte in range(256)] + [left + right for left, right in learned]
        ids = {special: len(tokens) + n for n, special in enumerate(specials)}
        return cls(dict(enumerate(tokens)), learned, ids, pattern)

    @property
    def pattern(self) -> str:
        """The split pattern, of the `regex` library."""
        return self.splitter.pattern

    @property
    def vocab_size(self) -> int:
        """The rows that an embedding needs: the greatest id + 1."""
        return max(self.tokens) + 1

    def encode(self, text: str, specials: str = "recognise") -> list[int]:
        """The ids of `text`.

        `specials` says what a special token's string in the text is: "recognise" (the default) its
        id; "refuse" an error, for texts that strangers write; "plain" text like any other. Of
        specials that begin at one place the longest counts. Raises ValueError for a lone
        surrogate.
        """
        return list(self.encode_iterable(slices(text), specials))

    def encode_iterable(self, stream: Iterable[str], specials: str = "recognise") -> Iterator[int]:
        """The ids of the joined stream, one by one, whatever its chunks are; specials as `encode`.

        Memory holds a chunk, what stands since the last place where the pattern may safely be cut
        (usually a word; a run of a million letters is one pre-token and is held whole), and at
        most 32,768 pre-tokens with their ids. With a pattern other than GPT-2's or GPT-4's no
        place is known to be safe, and the text between two specials is held.
        """
        if specials not in SPECIALS:
            raise ValueError(f"specials is {specials!r}; choose one of {', '.join(SPECIALS)}")
        finder = NO_SPECIALS if specials == "plain" else self._finder
        parts = segments(stream, self.splitter, finder)
        return chain.from_iterable(self._part(*part, specials == "refuse") for part in parts)

    def _part(self, text: str, special: bool, refuse: bool) -> Iterable[int]:
        """The ids of one special, or of a block of text."""
        if not special:
            return chain.from_iterable(map(self._ids_of.__getitem__, self.splitter.pieces(text)))
        if refuse:
            raise ValueError(
                f"the text holds the special token {text!r}; encode with specials='plain' to read "
                "it as text or specials='recognise' to give its id"
            )
        return (self.specials[text],)

    def decode(self, ids: Iterable[SupportsIndex], errors: str = "replace") -> str:
        """The text of `ids`; bytes that are no UTF-8 become U+FFFD, or `errors` as `bytes.decode`.

        Raises IndexError for an id that is not in the vocabulary.
        """
        return self.decode_bytes(ids).decode("utf-8", errors)

    def decode_bytes(self, ids: Iterable[SupportsIndex]) -> bytes:
        """The bytes of `ids`, which may end inside a character. Raises IndexError as `decode`."""
        try:
            return b"".join([self.tokens[operator.index(i)] for i in ids])
        except KeyError as error:
            raise IndexError(
                f"id {error} is not among the {len(self.tokens)} ids of this tokenizer; "
                "decode with the tokenizer that encoded"
            ) from None

    def pieces(self, text: str) -> list[tuple[bytes, int]]:
        """What `text` is cut into: the bytes of each token with its id."""
        return [(self.tokens[i], i) for i in self.encode(text)]

    def steps(self, piece: str) -> Iterator[list[bytes]]:
        """One pre-token as bytes, then after each merge, down to its tokens: for looking at."""
        parts = [bytes([byte]) for byte in utf8(piece)]
        yield parts
        rank_of = {pair: rank for rank, pair in enumerate(self.merges)}
        while fitting := [pair for pair in pairwise(parts) if pair in rank_of]:
            first = min(fitting, key=rank_of.__getitem__)
            parts = joined(parts, first, first[0] + first[1])
            yield parts

    def _merged(self, piece: str) -> list[int]:
        """The ids of one pre-token, the earliest merge first, the leftmost of its places first.

        Time n log n in its n bytes: a queue holds the merges that fit, and neighbours are linked.
        """
        ids = [self._byte_ids[byte] for byte in utf8(piece)] + [GONE]
        before = list(range(-1, len(ids) - 1))
        after = list(range(1, len(ids) + 1))
        rank_of = self._rank_of
        queue = [(rank_of[pair], i) for i, pair in enumerate(pairwise(ids)) if pair in rank_of]
        heapq.heapify(queue)
        while queue:
            rank, left = heapq.heappop(queue)
            right = after[left]
            if rank_of.get((ids[left], ids[right])) != rank:
                continue  # one of the two has gone into another token since
            ids[left], ids[right] = self._made[rank], GONE
            after[left] = following = after[right]
            before[following] = left
            for i, j in ((before[left], left), (left, following)):
                if (found := rank_of.get((ids[i], ids[j]))) is not None:
                    heapq.heappush(queue, (found, i))
        return [i for i in ids if i != GONE]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BPETokenizer) and self._content() == other._content()

    __hash__ = None  # type: ignore[assignment]

    def _content(self) -> tuple[object, ...]:
        return self.tokens, self.merges, self.specials, self.pattern

    def __repr__(self) -> str:
        return (
            f"BPETokenizer({len(self.tokens)} tokens, {len(self.merges)} merges, "
            f"specials={self.specials})"
        )


class _Remembered(dict[str, tuple[int, ...]]):
    """Pre-token → ids, found once and remembered, up to a bound."""

    def __init__(self, find: Callable[[str], list[int]]) -> None:
        self._find = find

    def __missing__(self, piece: str) -> tuple[int, ...]:
        ids = tuple(self._find(piece))
        if len(piece) <= LONGEST_REMEMBERED:
            if len(self) >= REMEMBERED:
                self.clear()
            self[piece] = ids
        return ids
