"""What every record holds to: finite numbers, words that can be shown, a payload for the page."""

import base64
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

LONGEST_LABEL = 48  # characters of a token or name that are shown


@dataclass(frozen=True)
class Table:
    """A small table of words and numbers: a row's first cell names the row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@runtime_checkable
class Record(Protocol):
    """What a view draws: numbers and words that were checked when it was made."""

    kind: ClassVar[str]  # the name of its module in ``static``, without ".js"

    def document(self) -> dict[str, Any]:
        """Everything the page draws from, as JSON has it; no NaN, no infinity."""
        ...

    def blob(self) -> bytes:
        """Numbers too many for JSON, in a form the module knows; mostly empty."""
        ...

    def sentence(self, lang: str) -> str:
        """What is to be seen, in words; the module computes the very same."""
        ...

    def still(self, lang: str) -> str:
        """A picture for where no script runs: one SVG document."""
        ...

    def table(self, lang: str) -> Table:
        """The most important numbers, at most twenty rows."""
        ...


def shown(text: Any, longest: int = LONGEST_LABEL) -> str:
    """A token or name as it can stand on a page, nothing in it invisible.

    Line ends and tabs become ␊, ␍ and ␉; a space at either end becomes ␣; other control characters,
    marks that turn the direction of writing, and halves of surrogate pairs are written as their
    code points. A text longer than ``longest`` keeps its beginning and says how long it is. Raises
    ``ValueError`` for what is no text.
    """
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is no text; give one string a token")
    if len(text) > longest:
        text = f"{text[: longest // 2]}… ({len(text):,})"
    text = _HIDDEN.sub(lambda m: _SIGNS.get(m[0], f"\\u{ord(m[0]):04x}"), text)
    inner = text.strip(" ")
    before = len(text) - len(text.lstrip(" ")) if inner else len(text)
    return "␣" * before + inner + "␣" * (len(text) - before - len(inner))


def prose(text: str) -> str:
    """A longer text as it can stand on a page: like ``shown``, but whole, with its line ends."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n")
    return _HIDDEN.sub(lambda m: m[0] if m[0] in "\n\t" else f"\\u{ord(m[0]):04x}", whole)


_SIGNS = {"\n": "␊", "\r": "␍", "\t": "␉"}
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"  # of these no XML can hold \ufffe and \uffff
)


def labels(texts: Sequence[Any], what: str = "tokens") -> tuple[str, ...]:
    """Every text as ``shown``. Raises ``ValueError`` where there is none, or for one string."""
    if isinstance(texts, str):
        raise ValueError(f"{what} came as one string; give a list with one string a token")
    found = tuple(shown(text) for text in texts)
    if not found:
        raise ValueError(f"{what} are empty; give at least one")
    return found


def finite(values: Any, what: str) -> np.ndarray:
    """An array of float64, from whatever holds numbers. Raises ``ValueError`` for NaN, infinity."""
    if hasattr(values, "detach"):  # a tensor, wherever it lives; NumPy knows no bfloat16
        values = values.detach().cpu().double().numpy()
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} are no numbers ({error}); give an array or a tensor") from error
    if not np.isfinite(array).all():
        raise ValueError(f"{what} hold NaN or infinity; give finite numbers")
    return array


def compact(values: Any) -> np.ndarray:
    """Numbers in four bytes each where that loses nothing, else in eight, little end first."""
    exact = np.asarray(values, dtype="<f8")
    short = exact.astype("<f4")
    return short if (short == exact).all() else exact


def packed(document: dict[str, Any], blob: bytes = b"") -> str:
    """Words and numbers as one attribute of a page: JSON, a zero, the blob; deflated, base64."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    raw = text.encode() + b"\0" + blob
    shortest = min(_deflated(raw), _deflated(raw, plain=True), key=len)
    return base64.b64encode(shortest).decode("ascii")


def _deflated(raw: bytes, plain: bool = False) -> bytes:
    """``plain`` looks for no repetitions: many numbers, all different, are smaller without."""
    strategy = zlib.Z_HUFFMAN_ONLY if plain else zlib.Z_DEFAULT_STRATEGY
    press = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9 if plain else 8, strategy)
    return press.compress(raw) + press.flush()


def unpacked(payload: str) -> tuple[dict[str, Any], bytes]:
    """What ``packed`` was given. Raises ``ValueError`` for what it did not make."""
    try:
        text, _, blob = zlib.decompress(base64.b64decode(payload, validate=True)).partition(b"\0")
        return json.loads(text), blob
    except (ValueError, zlib.error) as error:
        raise ValueError(f"this is no payload of a widget ({error})") from error
