"""What a BPE tokenizer is built from, checked: one sentence for each thing that cannot be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from llm_book.text.specials import checked_specials
from llm_book.text.utf8 import utf8

Merges = Sequence[tuple[bytes, bytes]]


def special_ids(
    specials: Mapping[str, int] | Collection[str], tokens: Mapping[int, bytes]
) -> dict[str, int]:
    """The id of each special: as given, or that of the token with its bytes, or the next free one.

    Raises ValueError where an id is negative, belongs to other bytes, or to two specials.
    """
    names = checked_specials(specials)
    if isinstance(specials, Mapping):
        return _checked_ids({name: int(specials[name]) for name in names}, tokens)
    id_of = {token: i for i, token in tokens.items()}
    free = max(tokens, default=-1) + 1
    ids = {}
    for name in names:
        if (found := id_of.get(utf8(name))) is None:
            found, free = free, free + 1
        ids[name] = found
    return ids


def _checked_ids(ids: dict[str, int], tokens: Mapping[int, bytes]) -> dict[str, int]:
    owner = {i: token for i, token in tokens.items()}
    for name, i in ids.items():
        if owner.setdefault(i, utf8(name)) != utf8(name):
            raise ValueError(
                f"the special token {name!r} has id {i}, which is that of {owner[i]!r}; "
                "give it an id of its own"
            )
    return ids


def token_ids(tokens: Mapping[int, bytes], special: Collection[int]) -> dict[bytes, int]:
    """The id of each token's bytes, specials aside where an ordinary token has the same bytes.

    Raises ValueError for a negative id, a token without bytes, and bytes that have two ids.
    """
    id_of: dict[bytes, int] = {}
    for i, token in sorted(tokens.items(), key=lambda item: item[0] in special):
        if i < 0:
            raise ValueError(f"the token {token!r} has id {i}; ids are 0 or more")
        if not token:
            raise ValueError(f"the token with id {i} has no bytes; leave it out")
        if id_of.setdefault(token, i) != i and i not in special:
            raise ValueError(
                f"the token {token!r} has two ids, {id_of[token]} and {i}; give it one"
            )
    return id_of


def byte_ids(id_of: Mapping[bytes, int]) -> list[int]:
    """The id of each of the 256 bytes. Raises ValueError where one has none."""
    missing = [bytes([byte]) for byte in range(256) if bytes([byte]) not in id_of]
    if missing:
        raise ValueError(
            f"{len(missing)} of the 256 single bytes have no id, {missing[0]!r} first; a "
            "byte-level tokenizer needs them all, or some texts could not be encoded"
        )
    return [id_of[bytes([byte])] for byte in range(256)]


def ranks(
    merges: Merges, id_of: Mapping[bytes, int]
) -> tuple[dict[tuple[int, int], int], list[int]]:
    """The rank of each pair of ids that a merge joins, and by rank the id that it makes.

    Raises ValueError where a merge uses what no earlier merge makes, makes bytes without an id, or
    stands twice.
    """
    known = {bytes([byte]) for byte in range(256)}
    rank_of: dict[tuple[int, int], int] = {}
    made: list[int] = []
    for rank, (left, right) in enumerate(merges):
        for part in (left, right):
            if part not in known:
                raise ValueError(
                    f"merge {rank}, {left!r} + {right!r}, uses {part!r}, which is no byte and no "
                    "result of an earlier merge; put the merges in the order learned"
                )
        if left + right not in id_of:
            raise ValueError(
                f"merge {rank}, {left!r} + {right!r}, makes {left + right!r}, which has no id; "
                "add it to the tokens"
            )
        if rank_of.setdefault((id_of[left], id_of[right]), rank) != rank:
            raise ValueError(f"merge {rank}, {left!r} + {right!r}, stands twice; give it once")
        known.add(left + right)
        made.append(id_of[left + right])
    return rank_of, made
