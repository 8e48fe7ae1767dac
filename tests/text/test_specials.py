"""Specials are found wherever a stream is cut, the leftmost and longest first."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.text.specials import SpecialFinder, checked_specials

few = st.lists(st.text("ab|", min_size=1, max_size=4), unique=True, max_size=4)


def expected(text: str, specials: list[str]) -> list[tuple[str, bool]]:
    """Longest first at each place, the rest in one piece."""
    if not specials:
        return [(text, False)] if text else []
    longest_first = sorted(specials, key=len, reverse=True)
    parts = re.split("(" + "|".join(map(re.escape, longest_first)) + ")", text)
    return [(part, n % 2 == 1) for n, part in enumerate(parts) if part]


def joined(parts) -> list[tuple[str, bool]]:
    """Neighbouring plain texts made one."""
    out: list[tuple[str, bool]] = []
    for text, special in parts:
        assert text
        if out and not special and not out[-1][1]:
            out[-1] = (out[-1][0] + text, False)
        else:
            out.append((text, special))
    return out


@given(st.text("ab|", max_size=20), few, st.data())
def test_specials_are_found_however_the_stream_is_cut(text, specials, data):
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    chunks = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    finder = SpecialFinder(specials)
    assert joined(finder.marked(chunks)) == expected(text, specials)
    assert joined(finder.marked(text)) == expected(text, specials)


def test_only_what_may_begin_a_special_waits():
    given_out = []

    def stream():
        for chunk in ("ab<", "|x", "<|en", "d|", ">c", "<|end|", "!"):
            yield chunk
            given_out.append("|")

    for part in SpecialFinder(["<|end|>", "|x|"]).marked(stream()):
        given_out.append(part)
    assert given_out == [
        ("ab", False), "|", ("<", False), "|", ("|x", False), "|", "|",
        ("<|end|>", True), ("c", False), "|", "|", ("<|end|!", False), "|",
    ]  # fmt: skip


def test_marks_of_regular_expressions_are_plain_characters():
    assert list(SpecialFinder(["a.*", "[x]"]).marked(["a.*abc[x]"])) == [
        ("a.*", True),
        ("abc", False),
        ("[x]", True),
    ]


def test_specials_are_checked():
    assert checked_specials(("<a>", "<b>")) == ["<a>", "<b>"]
    refused = {"": "is empty", "a": "'a' stands twice", "\ud800": "lone surrogate"}
    for special, sentence in refused.items():
        with pytest.raises(ValueError, match=sentence):
            checked_specials(["a", "b", special])
    with pytest.raises(TypeError, match="specials is the string 'abc'; give a list"):
        checked_specials("abc")


def test_of_several_specials_at_one_place_the_longest_counts():
    for specials in (["a", "ab", "b"], ["ab", "b", "a"]):
        assert list(SpecialFinder(specials).marked("xaba")) == [
            ("x", False),
            ("ab", True),
            ("a", True),
        ]
