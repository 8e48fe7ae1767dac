"""When a text is finished, and where it is cut: end tokens and stop strings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Decode = Callable[[list[int]], str]


@dataclass(frozen=True)
class Stopping:
    """What ends a text before the last token that was asked for.

    ``end``: one token or several, none of them part of the text. ``strings``: one string or
    several, looked for in ``decode`` of the new tokens (not in the prompt), found also where they
    span tokens; the text is cut before them. ``decode`` alone gives texts beside the ids. Raises
    ValueError for an empty stop string and an end token below 0.
    """

    end: int | Sequence[int] | None = None
    strings: str | Sequence[str] = ()
    decode: Decode | None = None

    def __post_init__(self) -> None:
        if "" in self.all_strings:
            raise ValueError("a stop string is empty; it would stop every text before it begins")
        end_tokens(self.end)

    @property
    def ends(self) -> tuple[int, ...]:
        """The end tokens."""
        return end_tokens(self.end)

    @property
    def all_strings(self) -> tuple[str, ...]:
        """The stop strings."""
        return (self.strings,) if isinstance(self.strings, str) else tuple(self.strings)


def end_tokens(end: int | Sequence[int] | None) -> tuple[int, ...]:
    """None, one or several end tokens as a tuple. Raises ValueError for one below 0."""
    if end is None:
        return ()
    ends = (end,) if isinstance(end, int) else tuple(end)
    if any(token < 0 for token in ends):
        raise ValueError(f"end tokens {ends} came; a token is 0 or more, and None means no end")
    return ends


@dataclass
class NewText:
    """What one row has written: its new ids, their text where it can be decoded, why it stopped.

    ``reason`` is "end", "string" or, until one of these happens, "length". Raises ValueError for
    stop strings without ``decode``.
    """

    stopping: Stopping
    ids: list[int] = field(default_factory=list)
    text: str = ""
    reason: str = "length"

    def __post_init__(self) -> None:
        strings = self.stopping.all_strings
        if strings and self.stopping.decode is None:
            raise ValueError(
                f"stop strings {strings} are looked for in decoded text; give decode=, such as a "
                "tokenizer's decode"
            )

    @property
    def done(self) -> bool:
        """Whether nothing more belongs to it."""
        return self.reason != "length"

    def add(self, token: int) -> None:
        """Take one more token in, cut where it ends the text; nothing happens once done."""
        if self.done:
            return
        if token in self.stopping.ends:
            self.reason = "end"
            return
        self.ids.append(token)
        if self.stopping.decode is not None:
            self.text = self.stopping.decode(self.ids)
            place = first_of(self.stopping.all_strings, self.text)
            if place is not None:
                self._cut(self.stopping.decode, place)

    def _cut(self, decode: Decode, place: int) -> None:
        """Keep the text before ``place`` and the tokens that lie wholly before it."""
        self.text, self.reason = self.text[:place], "string"
        while len(decode(self.ids)) > place:
            self.ids.pop()


def first_of(strings: Sequence[str], text: str) -> int | None:
    """Where the first of the strings begins in the text; None where there is none."""
    places = [text.find(string) for string in strings if string in text]
    return min(places, default=None)


def held_back(strings: Sequence[str], text: str) -> int:
    """How many of the text's last characters may still turn out to begin one of the strings."""
    beginnings = (string[:n] for string in strings for n in range(1, len(string)))
    return max((len(part) for part in beginnings if text.endswith(part)), default=0)
