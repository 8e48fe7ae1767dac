"""GPT-2's alphabet: one visible character for each of the 256 bytes.

Its files are text, with a space between the two halves of a merge, so that bytes such as the space
itself had to be given another face. Bytes that are visible in Latin-1 keep it; the others, in their
order, get the characters from U+0100 on: the space becomes "Ġ", the line end "Ċ".
Source: Radford et al. (2019), the code published with it.
"""

from __future__ import annotations

from functools import cache

VISIBLE = (*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), 256))


@cache
def character_of_byte() -> tuple[str, ...]:
    """The character of each byte 0 … 255."""
    invisible = [byte for byte in range(256) if byte not in VISIBLE]
    return tuple(
        chr(byte) if byte in VISIBLE else chr(256 + invisible.index(byte)) for byte in range(256)
    )


def to_alphabet(token: bytes) -> str:
    """The token in GPT-2's alphabet: b" dog" is "Ġdog"."""
    letters = character_of_byte()
    return "".join([letters[byte] for byte in token])


def from_alphabet(written: str) -> bytes:
    """The bytes that `to_alphabet` wrote. Raises ValueError for any other character."""
    try:
        return bytes([_byte_of_character()[letter] for letter in written])
    except KeyError as error:
        raise ValueError(
            f"{written!r} holds {error.args[0]!r}, which is no character of GPT-2's byte alphabet; "
            "the file is not that of a byte-level tokenizer"
        ) from None


@cache
def _byte_of_character() -> dict[str, int]:
    return {letter: byte for byte, letter in enumerate(character_of_byte())}
