"""The calculator computes arithmetic as Python does, and refuses everything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.generation.calculator import LARGEST, calculator

numbers = st.integers(0, 999).map(str) | st.decimals(0, 99, places=2).map(str)
expressions = st.recursive(
    numbers,
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(
        lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
    ),
    max_leaves=4,
)


@given(expressions)
def test_it_computes_what_python_computes(expression):
    value = eval(expression)
    if abs(value) < LARGEST:
        assert float(calculator(expression)) == pytest.approx(value, rel=1e-9, abs=1e-9)


def test_signs_division_and_whole_numbers():
    assert calculator("10 * 90 / 60") == "15"
    assert calculator(" -(2 - 5) ") == "3"
    assert calculator("1 / 3") == "0.3333333333333"
    assert calculator(str(LARGEST)) == str(LARGEST)


@pytest.mark.parametrize(
    "expression",
    ["__import__('os')", "2 ** 9", "9 // 2", "x", "True", "'a' * 9", "1 if 1 else 2", "(1, 2)"],
)
def test_what_is_no_arithmetic_is_not_computed(expression):
    with pytest.raises(ValueError, match=r"^only numbers, \+ - \* / and parentheses are computed"):
        calculator(expression)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("1 / 0", "nothing can be divided by 0"),
        ("1 / (2 - 2)", "nothing can be divided by 0"),
        (f"{LARGEST} + 1", "a number is larger than 1e[+]12"),
        (f"{LARGEST + 1}", "a number is larger than 1e[+]12"),
        ("1e999", "a number is larger"),
        ("", "'' is no arithmetic"),
        ("1 +", "is no arithmetic"),
        ("1" * 201, "201 characters are too many; write at most 200"),
    ],
)
def test_a_refusal_is_one_sentence_that_says_why(expression, why):
    with pytest.raises(ValueError, match=why) as refusal:
        calculator(expression)
    assert "\n" not in str(refusal.value) and str(refusal.value).endswith(".")
