"""Any text under a tokenizer, as a reader types it: its pieces, their ids, the merges of a word."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import groupby
from typing import Any, ClassVar

import numpy as np
import regex

from llm_book.claims import written
from llm_book.i18n import phrase, t
from llm_book.text.bpe import BPETokenizer
from llm_book.text.split import CL100K_SPLIT, GPT2_SPLIT
from llm_book.text.tokenizers import ByteTokenizer, CharTokenizer, WordTokenizer
from llm_book.text.unicode_age import as_in_unicode_16
from llm_book.text.utf8 import utf8
from llm_book.text.vocabulary import UNK
from llm_book.widgets import charts
from llm_book.widgets.records import Table, shown
from llm_book.widgets.render import View, view

Tokenizer = BPETokenizer | CharTokenizer | ByteTokenizer | WordTokenizer

SPLITS = {GPT2_SPLIT: "gpt2", CL100K_SPLIT: "cl100k"}  # those that the module has by hand
CODE_POINTS = 0x110000
LONGEST_TEXT = 20_000  # characters
EXAMPLE = "The cat doesn't like the rain. 猫不喜欢下雨。"
MOST_RIVALS = 5
ROWS = 20
WIDTH, LINE = 720, 44  # of the still picture
HUES = (
    (charts.BLUE, "#e0eef6"), (charts.ORANGE, "#f6e9e0"),
    (charts.GREEN, "#e0efe9"), (charts.PINK, "#f3e9ef"),
)  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """One token of a text: its bytes, how it is shown, its length in characters, its id."""

    bytes: bytes
    text: str
    size: int
    id: int | None
    special: bool = False


@dataclass(frozen=True, eq=False)
class TokeniserRecord:
    """A text and the tokenizers, with their names, that cut it; the first is the one in question.

    An empty name stands for what the tokenizer is: "264 merges", "bytes".
    """

    kind: ClassVar[str] = "tokeniser"
    text: str
    tokenizers: tuple[tuple[str, Tokenizer], ...]

    def with_text(self, text: str) -> "TokeniserRecord":
        """The same tokenizers over another text: what a kernel answers to one that types.

        ``view.live(lambda state: view.record.with_text(state["text"]))``
        """
        return tokeniser_record(self.tokenizers, text)

    def pieces(self) -> list[list[Piece]]:
        """What each tokenizer cuts the text into."""
        return [pieces(tokenizer, self.text) for _, tokenizer in self.tokenizers]

    def document(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "runs": len(_class_runs()[0]) if self._merging() else 0,
            "tokenizers": [
                {"name": name, **_described(tokenizer, self.text)}
                for name, tokenizer in self.tokenizers
            ],
        }

    def blob(self) -> bytes:
        columns: list[Sequence[int]] = list(_class_runs()) if self._merging() else []
        for tokenizer in self._merging():
            columns += _merge_table(tokenizer)
        return b"".join(map(_column, columns))

    def _merging(self) -> list[BPETokenizer]:
        return [one for _, one in self.tokenizers if isinstance(one, BPETokenizer)]

    def names(self, lang: str) -> list[str]:
        """What each tokenizer is called."""
        return [name or _kind_name(tokenizer, lang) for name, tokenizer in self.tokenizers]

    def sentence(self, lang: str) -> str:
        first, *others = self.pieces()
        if not first:
            return t("There is no token yet; type a text.", lang)
        said = [_said(self.text, first, lang)]
        for name, other in zip(self.names(lang)[1:], others, strict=True):
            count = _tokens(other, lang)
            said.append(phrase("Under “{name}” it is {tokens}.", lang, tokens=count, name=name))
        return " ".join(said)

    def still(self, lang: str) -> str:
        parts: list[str] = []
        bottom = 4.0
        for number, (name, cut) in enumerate(zip(self.names(lang), self.pieces(), strict=True)):
            heading = f"{name} · {_tokens(cut, lang)} · {_rate(self.text, cut, lang)}"
            parts.append(charts.text(8, bottom + 18, heading, more='font-weight="600"'))
            chips, bottom = _chips(cut, bottom + 26, 2 if number else 5, lang)
            parts += chips
        return charts.document(WIDTH, bottom + 4, parts, self.sentence(lang))

    def table(self, lang: str) -> Table:
        cut = self.pieces()
        if len(cut) == 1:
            head = (t("piece", lang), t("bytes", lang), t("id", lang))
            rows = [(p.text, p.bytes.hex(" "), _id(p)) for p in cut[0][:ROWS]]
            return Table(head, tuple(rows))
        return Table(
            (t("tokenizer", lang), t("tokens", lang), t("characters a token", lang)),
            tuple(
                (name, f"{len(one):,}", written(len(self.text) / len(one)) if one else "–")
                for name, one in zip(self.names(lang), cut, strict=True)
            ),
        )


def pieces(tokenizer: Tokenizer, text: str) -> list[Piece]:
    """What the tokenizer cuts the text into, specials recognised."""
    if isinstance(tokenizer, BPETokenizer):
        special = set(tokenizer.specials.values())
        return [_piece(token, i, i in special) for token, i in tokenizer.pieces(text)]
    if isinstance(tokenizer, ByteTokenizer):
        return [_piece(bytes([byte]), byte) for byte in tokenizer.encode(text)]
    if isinstance(tokenizer, CharTokenizer):
        return list(map(_whole, text, tokenizer.encode(text)))
    words = tokenizer.tokenize(text)
    known = tokenizer.vocabulary
    return list(map(_whole, words, known.encode(words) if known else [None] * len(words)))


def _piece(token: bytes, i: int, special: bool = False) -> Piece:
    """A token that may begin or end inside a character: those bytes stand as «e4 bd»."""
    text = token.decode("utf-8", "surrogateescape")
    spelled = re.sub(
        "[\udc80-\udcff]+",
        lambda run: f"«{run[0].encode('utf-8', 'surrogateescape').hex(' ')}»",
        text,
    )
    return Piece(token, visible(spelled), len(text), i, special)


def _whole(text: str, i: int | None) -> Piece:
    return Piece(utf8(text), visible(text), len(text), i)


def visible(text: str) -> str:
    """As ``shown``; what only joins its neighbours is written as its code points."""
    if re.fullmatch("[\u034f\u200c\u200d\ufe00-\ufe0f]+", text):
        text = "".join(f"\\u{ord(letter):04x}" for letter in text)
    return shown(text)


def _said(text: str, cut: Sequence[Piece], lang: str) -> str:
    """The sentence on one tokenizer; a longest piece is named where pieces differ from letters."""
    longest = max(cut, key=lambda piece: (not piece.special, piece.size))
    template = "The text is {tokens} for {characters} ({bytes}): {rate} characters a token."
    if longest.size > 1:
        template = (
            "The text is {tokens} for {characters} ({bytes}): {rate} characters a token; "
            "the longest piece is “{piece}”."
        )
    return phrase(
        template,
        lang,
        tokens=_tokens(cut, lang),
        characters=_counted(len(text), "1 character", "{count} characters", lang),
        bytes=_counted(len(utf8(text)), "1 byte", "{count} bytes", lang),
        rate=written(len(text) / len(cut)),
        piece=longest.text,
    )


def _counted(number: int, one: str, many: str, lang: str) -> str:
    return t(one, lang) if number == 1 else phrase(many, lang, count=f"{number:,}")


def _tokens(cut: Sequence[Piece], lang: str) -> str:
    return _counted(len(cut), "1 token", "{count} tokens", lang)


def _rate(text: str, cut: Sequence[Piece], lang: str) -> str:
    rate = written(len(text) / len(cut)) if cut else "–"
    return phrase("{rate} characters a token", lang, rate=rate)


def _kind_name(tokenizer: Tokenizer, lang: str) -> str:
    if isinstance(tokenizer, BPETokenizer):
        return phrase("{count} merges", lang, count=f"{len(tokenizer.merges):,}")
    kinds = {ByteTokenizer: "bytes", CharTokenizer: "characters", WordTokenizer: "words"}
    return t(kinds[type(tokenizer)], lang)


def _id(piece: Piece) -> str:
    return "–" if piece.id is None else str(piece.id)


def _chips(cut: Sequence[Piece], top: float, lines: int, lang: str) -> tuple[list[str], float]:
    """The pieces as boxes in so many lines from ``top`` down, and where they end."""
    if not cut:
        return [], top
    places = _places(cut, top, lines)
    bottom = places[-1][1] + LINE
    boxes = [_box(x, y, width) for x, y, width in places]
    names = [_words(x + w / 2, y + 16, p.text) for p, (x, y, w) in zip(cut, places, strict=False)]
    ids = [_words(x + w / 2, y + 31, _id(p)) for p, (x, y, w) in zip(cut, places, strict=False)]
    # What all boxes of a colour share is written once, or a page would double in size.
    groups = [
        f'<g fill="{tint}" stroke="{line}">{"".join(boxes[n :: len(HUES)])}</g>'
        for n, (line, tint) in enumerate(HUES)
    ]
    groups.append(f'<g text-anchor="middle" fill="{charts.INK}">{"".join(names)}')
    groups.append(f'<g font-size="11" fill="{charts.MUTED}">{"".join(ids)}</g></g>')
    if (left := len(cut) - len(places)) == 0:
        return groups, bottom
    said = phrase("{count} more pieces are not drawn.", lang, count=f"{left:,}")
    return [*groups, charts.text(8, bottom + 14, said, fill=charts.MUTED)], bottom + 24


def _places(cut: Sequence[Piece], top: float, lines: int) -> list[tuple[float, float, float]]:
    """Left end, top and width of as many pieces as the lines have room for."""
    found = []
    x, y = 8.0, top
    for piece in cut:
        width = min(max(_width(piece.text), 7.0 * len(_id(piece))) + 10, WIDTH - 16)
        if x + width > WIDTH - 8:
            x, y = 8.0, y + LINE
        if y >= top + LINE * lines:
            break
        found.append((x, y, width))
        x += width + 4
    return found


def _box(x: float, y: float, width: float) -> str:
    place = charts.place
    return (
        f'<rect x="{place(x)}" y="{place(y)}" width="{place(width)}" height="{LINE - 6}" rx="4"/>'
    )


def _words(x: float, y: float, said: str) -> str:
    return f'<text x="{charts.place(x)}" y="{charts.place(y)}">{escape(said, quote=False)}</text>'


def _width(text: str) -> float:
    """About how wide a text is, in pixels: half of the world's letters are twice as wide."""
    return sum(13.0 if unicodedata.east_asian_width(c) in "WF" else 7.4 for c in text)


def _described(tokenizer: Tokenizer, text: str) -> dict[str, Any]:
    """What the module needs to know of a tokenizer beside its merges."""
    if isinstance(tokenizer, BPETokenizer):
        return {
            "kind": "merges",
            "split": SPLITS[tokenizer.pattern],
            "merges": len(tokenizer.merges),
            "specials": [[special, i] for special, i in tokenizer.specials.items()],
        }
    if isinstance(tokenizer, CharTokenizer):
        tokens = list(tokenizer.vocabulary.tokens)
        unknown = tokens.index(UNK) if UNK in tokens else None
        return {"kind": "characters", "tokens": tokens, "unknown": unknown}
    if isinstance(tokenizer, ByteTokenizer):
        return {"kind": "bytes"}
    cut = [[p.text, p.size, p.id, p.bytes.hex(" ")] for p in pieces(tokenizer, text)]
    return {"kind": "words", "pieces": cut}


def _merge_table(tokenizer: BPETokenizer) -> list[list[int]]:
    """Columns: the left and right symbol of each merge; each symbol's id less the symbol.

    A symbol is a byte, or 256 + the rank of the first merge that makes the same bytes.
    """
    special = set(tokenizer.specials.values())
    ordinary = sorted(tokenizer.tokens.items(), key=lambda item: item[0] not in special)
    id_of = {token: i for i, token in ordinary}  # of two ids with the same bytes the special's goes
    made = [bytes([byte]) for byte in range(256)] + [a + b for a, b in tokenizer.merges]
    symbol_of = {token: len(made) - 1 - n for n, token in enumerate(reversed(made))}
    left = [symbol_of[a] for a, _ in tokenizer.merges]
    right = [symbol_of[b] for _, b in tokenizer.merges]
    return [left, right, [id_of[token] - symbol for symbol, token in enumerate(made)]]


def _column(numbers: Sequence[int]) -> bytes:
    """Whole numbers as four planes of bytes, the lowest first: planes of zeros pack to nothing."""
    small = (np.asarray(numbers, dtype=np.int64) % 2**32).astype("<u4")
    return small.view(np.uint8).reshape(-1, 4).T.tobytes()


@cache
def _class_runs() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Unicode in runs, their lengths and classes: 1 letter, 2 number, 3 white space, 0 other.

    As the splitter has it. A browser knows an older or a younger Unicode and is not asked.
    """
    every = as_in_unicode_16("".join(map(chr, range(CODE_POINTS))))
    classes = np.zeros(CODE_POINTS, dtype=np.uint8)
    for number, pattern in enumerate((r"\p{L}+", r"\p{N}+", r"\s+"), start=1):
        for run in regex.finditer(pattern, every):
            classes[run.start() : run.end()] = number
    runs = [(len(list(run)), int(kind)) for kind, run in groupby(classes)]
    return tuple(length for length, _ in runs), tuple(kind for _, kind in runs)


def tokeniser_record(tokenizers: Sequence[tuple[str, Any]], text: Any) -> TokeniserRecord:
    """The record of a text under named tokenizers.

    Raises ``ValueError`` for what is no tokenizer of ``llm_book.text``, for a split pattern other
    than GPT-2's and GPT-4's, for a text that is too long or that a tokenizer cannot encode, and for
    a lone surrogate.
    """
    if not isinstance(text, str):
        raise ValueError(f"the text is {type(text).__name__}; give one string")
    if len(text) > LONGEST_TEXT:
        raise ValueError(
            f"the text has {len(text):,} characters and a page shows up to {LONGEST_TEXT:,}; "
            f"give its beginning: text[:{LONGEST_TEXT}]"
        )
    utf8(text)
    for _, tokenizer in tokenizers:
        _refuse_unfit(tokenizer)
        _refuse_unknown(tokenizer, text)
    return TokeniserRecord(text, tuple(tokenizers))


def _refuse_unfit(tokenizer: Any) -> None:
    if not isinstance(tokenizer, Tokenizer):
        raise ValueError(
            f"a {type(tokenizer).__name__} came; give a BPETokenizer, CharTokenizer, ByteTokenizer "
            "or WordTokenizer of llm_book.text"
        )
    if isinstance(tokenizer, CharTokenizer):
        utf8("".join(tokenizer.vocabulary.tokens))
    if not isinstance(tokenizer, BPETokenizer):
        return
    if tokenizer.pattern not in SPLITS:
        raise ValueError(
            f"the split pattern {shown(tokenizer.pattern)!r} is not known to the page; give a "
            "tokenizer with GPT2_SPLIT or CL100K_SPLIT of llm_book.text.split"
        )
    if tokenizer.vocab_size > 2**32:
        raise ValueError(
            f"the greatest id is {tokenizer.vocab_size - 1:,}; the page has room for ids below "
            f"{2**32:,}, number the tokens from 0"
        )


def _refuse_unknown(tokenizer: Tokenizer, text: str) -> None:
    try:
        pieces(tokenizer, text)
    except KeyError as error:
        raise ValueError(f"the text cannot be encoded: {error.args[0]}") from error


def tokeniser(
    tokenizer: Any,
    text: Any = None,
    *,
    title: str = "A text in tokens",
    lang: str | None = None,
    rivals: Any = None,
) -> View:
    """Any text under a tokenizer, typed in the page: pieces, ids, counts, merges one by one.

    ``tokenizer`` is a ``BPETokenizer``, ``CharTokenizer`` or ``ByteTokenizer``, whose ids the page
    computes by itself; a ``WordTokenizer`` is shown for ``text``, and for a text that is typed with
    a kernel only (``TokeniserRecord.with_text``). ``rivals`` maps names to further tokenizers that
    stand under the first. A field for text keeps of a line end, once one types, the line feed only.
    Without ``text`` an example is shown. Errors as for ``tokeniser_record``.
    """
    if not isinstance(rivals or {}, Mapping):
        raise ValueError(
            f'rivals came as {type(rivals).__name__}; give names: {{"500 merges": tokenizer}}'
        )
    if len(rivals or {}) > MOST_RIVALS:
        raise ValueError(f"{len(rivals)} rivals came; a page compares up to {MOST_RIVALS}")
    named = [("", tokenizer), *((_named(name), one) for name, one in (rivals or {}).items())]
    return view(tokeniser_record(named, EXAMPLE if text is None else text), title, lang)


def _named(name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"a rival is called {name!r}; give a few words that name it")
    return shown(name.strip())
