"""The vocabulary: a fixed, two-way table between tokens and ids."""

from __future__ import annotations

import json
import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import SupportsIndex

from llm_book.text.saving import write_whole

PAD = "<pad>"
UNK = "<unk>"
FORMAT = "llm-book vocabulary 1"


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by id; the specials come first, `<pad>` as id 0 and `<unk>` as id 1 by default.

    It never changes once built: an id that meant one word in training and another afterwards
    would be an error that nothing reports. Raises ValueError where a token stands twice or the
    specials do not come first.
    """

    tokens: tuple[str, ...]
    specials: tuple[str, ...] = (PAD, UNK)
    _id_of: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.tokens[: len(self.specials)] != self.specials:
            raise ValueError(
                f"a vocabulary begins with its specials {self.specials}, this one begins with "
                f"{self.tokens[: len(self.specials)]}; put the specials first"
            )
        id_of = {token: i for i, token in enumerate(self.tokens)}
        if len(id_of) < len(self.tokens):
            twice = next(t for t, n in Counter(self.tokens).items() if n > 1)
            raise ValueError(f"the token {twice!r} stands twice in the vocabulary; give it once")
        object.__setattr__(self, "_id_of", id_of)

    @classmethod
    def build(
        cls,
        token_lists: Iterable[Sequence[str]],
        min_count: int = 1,
        max_size: int | None = None,
        specials: Sequence[str] = (PAD, UNK),
    ) -> Vocabulary:
        """The vocabulary of the tokens seen at least `min_count` times, most frequent first.

        Equal counts are ordered alphabetically, so the ids do not depend on the order of the
        texts. `max_size` bounds the whole vocabulary, specials included: it is the number of rows
        of the embedding. Build it from training texts only.
        """
        if min_count < 1:
            raise ValueError(f"min_count is {min_count}; it must be 1 or more")
        if max_size is not None and max_size < len(specials):
            raise ValueError(f"max_size {max_size} has no room for the {len(specials)} specials")
        counts: Counter[str] = Counter()
        for tokens in token_lists:
            if isinstance(tokens, str):
                raise TypeError(
                    f"build wants lists of tokens, a text came ({tokens[:20]!r}); tokenise it first"
                )
            counts.update(tokens)
        for special in specials:
            counts.pop(special, None)
        kept = [token for token, count in counts.items() if count >= min_count]
        kept.sort(key=lambda token: (-counts[token], token))
        room = None if max_size is None else max_size - len(specials)
        return cls((*specials, *kept[:room]), tuple(specials))

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._id_of

    def __getitem__(self, token: str) -> int:
        """The id of one token; that of `<unk>` where it is unknown. KeyError without `<unk>`."""
        return self.encode([token])[0]

    @property
    def words(self) -> tuple[str, ...]:
        """The tokens that are not specials, in the order of their ids."""
        return self.tokens[len(self.specials) :]

    def encode(self, tokens: Sequence[str]) -> list[int]:
        """One id for each token, `<unk>`'s for a token the vocabulary does not hold.

        Raises KeyError for such a token where the vocabulary was built without `<unk>`.
        """
        if isinstance(tokens, str):
            raise TypeError(
                f"encode wants a list of tokens, a text came ({tokens[:20]!r}); tokenise it first"
            )
        id_of, unknown = self._id_of, self._id_of.get(UNK)
        if unknown is not None:
            return [id_of.get(token, unknown) for token in tokens]
        try:
            return [id_of[token] for token in tokens]
        except KeyError as error:
            raise KeyError(
                f"the token {error.args[0]!r} is not in this vocabulary, which has no "
                f"{UNK}; build it with {UNK} among the specials"
            ) from None

    def decode(self, ids: Iterable[SupportsIndex]) -> list[str]:
        """The token of each id. Raises IndexError for an id outside 0 … len - 1."""
        return [self._token(operator.index(i)) for i in ids]

    def _token(self, i: int) -> str:
        if not 0 <= i < len(self.tokens):  # a negative index would count from the end, unnoticed
            raise IndexError(
                f"id {i} is outside this vocabulary, whose ids go from 0 to {len(self) - 1}; "
                "decode with the vocabulary that encoded"
            )
        return self.tokens[i]

    def save(self, path: str | Path) -> None:
        """Writes the vocabulary as JSON: beside `path` first, then renamed, so never by halves."""
        content = {"format": FORMAT, "specials": self.specials, "tokens": self.tokens}
        text = json.dumps(content, ensure_ascii=False, indent=0) + "\n"
        write_whole(path, text.encode("utf-8", "surrogatepass"))

    @classmethod
    def load(cls, path: str | Path) -> Vocabulary:
        """The vocabulary that `save` wrote. Raises ValueError where the file is not one."""
        try:
            content = json.loads(Path(path).read_bytes().decode("utf-8", "surrogatepass"))
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']!r}")
            tokens, specials = content["tokens"], content["specials"]
            if not all(isinstance(token, str) for token in [*tokens, *specials]):
                raise ValueError("a token is not a string")
            return cls(tuple(tokens), tuple(specials))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} does not hold a vocabulary ({error}); write it again with Vocabulary.save"
            ) from error
