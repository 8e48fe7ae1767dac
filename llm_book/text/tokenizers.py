"""From text to tokens: how a string is cut into the pieces that a model counts."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

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
    Source: Pennington et al. (2014), section 4.2.
    """

    lower: bool = True

    def tokenize(self, text: str) -> list[str]:
        """The tokens of `text` in order; none for an empty text. Time is linear in its length."""
        # NFC: an accented letter is one character, however the author's keyboard composed it.
        text = unicodedata.normalize("NFC", text).replace("’", "'").replace("\u00b4", "'")
        if self.lower:
            text = text.lower()
        return _pattern().findall(_html().sub(" ", text))


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
