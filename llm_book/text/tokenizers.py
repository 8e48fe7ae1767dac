"""From text to tokens: how a string is cut into the pieces that a model counts."""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import SupportsIndex

from llm_book.text.utf8 import utf8
from llm_book.text.vocabulary import PAD, UNK, Vocabulary

HTML_SPACE = r"</?(?:br|p|hr|i|b|em|strong)\s*/?>"

# Scripts written without spaces: every character is a token of its own, because cutting them into
# words needs a dictionary. Kana, CJK ideographs with their extensions, compatibility forms.
UNSPACED = (
    "\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)


@dataclass(frozen=True)
class WordTokenizer:
    """Cuts text into words, numbers and punctuation marks, in the manner GloVe's vectors expect.

    The rules follow the Penn Treebank's, which GloVe's corpus was cut by, as far as reviews need:
    "don't" gives "do" "n't", "it's" gives "it" "'s", "well-made", "o'neill" and "1,000.50" stay
    whole, a run of dots or dashes is one token, any other mark stands alone. HTML's `<br />` is
    white space. A character of a script without spaces (Chinese, Japanese) is a token of its own.

    With `lower`, case is folded first: GloVe's 6B vectors know lower-case words only.
    Joined to a vocabulary it also gives ids, and `decode` puts a space between words: the white
    space of the text is not kept. Source: Pennington et al. (2014), section 4.2.
    """

    lower: bool = True
    vocabulary: Vocabulary | None = None

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        min_count: int = 1,
        max_size: int | None = None,
        specials: Sequence[str] = (PAD, UNK),
        lower: bool = True,
    ) -> WordTokenizer:
        """The tokenizer with the vocabulary of `texts`, built as `Vocabulary.build` says.

        Raises TypeError for a single text: the list [text] is meant.
        """
        if isinstance(texts, str):
            raise TypeError(
                f"train wants a list of texts, a text came ({texts[:20]!r}); give [text]"
            )
        cut = cls(lower).tokenize
        return cls(lower, Vocabulary.build(map(cut, texts), min_count, max_size, specials))

    def tokenize(self, text: str) -> list[str]:
        """The tokens of `text` in order; none for an empty text. Time is linear in its length."""
        # NFC: an accented letter is one character, however the author's keyboard composed it.
        text = unicodedata.normalize("NFC", text).replace("’", "'").replace("\u00b4", "'")
        if self.lower:
            text = text.lower()
        return _pattern().findall(_html().sub(" ", text))

    def encode(self, text: str) -> list[int]:
        """The id of each word of `text`, `<unk>`'s for a word the vocabulary does not hold.

        Raises ValueError without a vocabulary; KeyError for an unknown word where the vocabulary
        has no `<unk>`.
        """
        return self._joined().encode(self.tokenize(text))

    def decode(self, ids: Iterable[SupportsIndex]) -> str:
        """The words of `ids` with spaces between them; encoded again, known words give `ids`.

        Raises ValueError without a vocabulary; IndexError for an id outside it.
        """
        return " ".join(self._joined().decode(ids))

    @property
    def vocab_size(self) -> int:
        """Entries of the vocabulary, specials included. Raises ValueError without a vocabulary."""
        return len(self._joined())

    def _joined(self) -> Vocabulary:
        if self.vocabulary is None:
            raise ValueError(
                "this tokenizer has no vocabulary and knows no ids; join one: "
                "WordTokenizer(vocabulary=vocabulary), or WordTokenizer.train(texts)"
            )
        return self.vocabulary


@dataclass(frozen=True)
class CharTokenizer:
    """One id a character (a Unicode code point), from a vocabulary of characters.

    Raises ValueError where the vocabulary holds a token that is no special and no single character.
    """

    vocabulary: Vocabulary

    def __post_init__(self) -> None:
        for token in self.vocabulary.words:
            if len(token) != 1:
                raise ValueError(
                    f"the vocabulary holds {token!r}, which is not one character; "
                    "make it from characters: CharTokenizer.train(text)"
                )

    @classmethod
    def train(cls, text: str | Iterable[str], specials: Sequence[str] = ()) -> CharTokenizer:
        """The tokenizer of the characters in a text or a stream, by code point after the specials.

        Put `<unk>` among the specials where unseen characters may come. Raises ValueError where
        there is no character.
        """
        characters = set(chain.from_iterable(text)) - set(specials)
        if not characters:
            raise ValueError("the text holds no character to learn; give some")
        return cls(Vocabulary((*specials, *sorted(characters)), tuple(specials)))

    @property
    def vocab_size(self) -> int:
        """Entries of the vocabulary, specials included."""
        return len(self.vocabulary)

    def encode(self, text: str) -> list[int]:
        """The id of each character; `<unk>`'s for one not seen, KeyError where there is none."""
        return self.vocabulary.encode(list(text))

    def decode(self, ids: Iterable[SupportsIndex]) -> str:
        """The characters of `ids` joined. Raises IndexError for an id outside the vocabulary."""
        return "".join(self.vocabulary.decode(ids))


@dataclass(frozen=True)
class ByteTokenizer:
    """One id a byte of the text's UTF-8: 256 ids, nothing to learn, no unknown text."""

    @property
    def vocab_size(self) -> int:
        """256."""
        return 256

    def encode(self, text: str) -> list[int]:
        """The bytes of `text` as numbers. Raises ValueError for a lone surrogate."""
        return list(utf8(text))

    def decode(self, ids: Iterable[SupportsIndex], errors: str = "replace") -> str:
        """The text of the bytes; what is no UTF-8 becomes U+FFFD, or `errors` as `bytes.decode`.

        Raises IndexError for an id outside 0 … 255.
        """
        numbers = [operator.index(i) for i in ids]
        for i in numbers:
            if not 0 <= i < 256:
                raise IndexError(f"id {i} is no byte; a byte tokenizer's ids go from 0 to 255")
        return bytes(numbers).decode("utf-8", errors)


@cache
def _html() -> re.Pattern[str]:
    return re.compile(HTML_SPACE, re.IGNORECASE)


@cache
def _pattern() -> re.Pattern[str]:
    """One pattern, compiled at the first use."""
    return re.compile("|".join(_alternatives()))


def _alternatives() -> tuple[str, ...]:
    """What a token can be, in the order in which it is tried."""
    letter = rf"[^\W_{UNSPACED}]"
    word = rf"(?>(?:{letter}+[{_combining_marks()}]*)+)"  # atomic: no way back, so time is linear
    ending = rf"(?i:'(?:s|m|d|re|ve|ll))(?!{letter})"
    negation = rf"(?i:n't)(?!{letter})"
    return (
        r"[A-Za-z]++(?=[ .,!?;:)])",  # most tokens of an English text, found four times as fast
        r"\d+(?:[.,:]\d+)+",
        rf"{letter}+?(?={negation})",
        negation,
        rf"{word}(?:(?:-|(?!{ending})'){word})*",
        ending,
        r"\.\.+|--+",
        r"\S",
    )


@cache
def _combining_marks() -> str:
    """Vowel signs and accents that belong to the letter before them, which `\\w` does not match."""
    # Without them a Hindi or Thai word would fall apart at every vowel sign.
    marks = (chr(i) for i in range(0x300, 0x20000) if unicodedata.category(chr(i))[0] == "M")
    return "".join(marks)
