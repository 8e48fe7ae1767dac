"""Words that can be shown, numbers that are finite, a payload that comes back as it went."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_book.widgets.records import finite, labels, packed, shown, unpacked
from tests.widgets import hostile


@pytest.mark.parametrize(
    ("text", "as_shown"),
    [
        ("the", "the"),
        (" the", "␣the"),
        ("the  ", "the␣␣"),
        ("a b", "a b"),
        ("   ", "␣␣␣"),
        ("", ""),
        ("\n\t\r", "␊␉␍"),
        ("语言", "语言"),
        (hostile.SCRIPT, hostile.SCRIPT),
        (hostile.TURNED, "\\u202egnp.exe"),
        (hostile.HALF, "\\ud83d"),
        ("\x00\u200b\u2066\ufeff", "\\u0000\\u200b\\u2066\\ufeff"),
        ("👩🏽‍🚀", "👩🏽‍🚀"),
        (hostile.LONG, "x" * 24 + "… (10,000)"),
    ],
)
def test_a_token_is_shown_with_nothing_hidden_in_it(text, as_shown):
    assert shown(text) == as_shown


@given(st.text(max_size=80).map(lambda s: s + "\ud800"))
def test_whatever_is_shown_can_be_written_to_a_file(text):
    written = shown(text).encode("utf-8")
    assert written.decode("utf-8") == shown(text)


@pytest.mark.parametrize("wrong", [None, 3, b"bytes", ["a"]])
def test_what_is_no_text_is_refused(wrong):
    with pytest.raises(ValueError, match="is no text; give one string a token"):
        shown(wrong)


def test_one_string_is_no_list_of_tokens_and_no_tokens_are_none():
    with pytest.raises(ValueError, match="one string a token"):
        labels("the cat")
    with pytest.raises(ValueError, match="classes are empty; give at least one"):
        labels([], "classes")


@pytest.mark.parametrize(
    "numbers", [[1, 2.5], np.float32([1, 2.5]), torch.tensor([1, 2.5], dtype=torch.bfloat16)]
)
def test_numbers_come_from_lists_arrays_and_tensors(numbers):
    assert finite(numbers, "numbers").tolist() == [1.0, 2.5]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ([1, float("nan")], "weights hold NaN or infinity; give finite numbers"),
        ([1, float("-inf")], "weights hold NaN or infinity"),
        (["a"], "weights are no numbers"),
        ([[1], [1, 2]], "weights are no numbers"),
    ],
)
def test_what_is_not_finite_is_refused(wrong, why):
    with pytest.raises(ValueError, match=why):
        finite(wrong, "weights")


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8")),
        st.one_of(st.text(st.characters(codec="utf-8")), st.floats(allow_nan=False, width=32)),
    ).filter(lambda d: all(abs(v) < 1e300 for v in d.values() if isinstance(v, float))),
    st.binary(),
)
def test_a_payload_comes_back_as_it_went(document, blob):
    payload = packed(document, blob)
    assert unpacked(payload) == (document, blob)
    assert not set(payload) & set("\"<>&' ")


@pytest.mark.parametrize("wrong", ["", "not base64!", "AAAA", packed({"a": 1})[:-8]])
def test_a_damaged_payload_is_refused(wrong):
    with pytest.raises(ValueError, match="no payload of a widget"):
        unpacked(wrong)


def test_a_payload_holds_no_number_that_json_has_no_word_for():
    with pytest.raises(ValueError, match="JSON compliant"):
        packed({"loss": float("nan")})
