"""A claim shows its value, holds it to its band, and is remembered."""

import re

import numpy as np
import pytest
import torch

from llm_book.claims import ClaimError, agree, claim, measured, reset, table, written


def test_a_claim_prints_its_value_between_the_marks_and_its_band_outside(capsys):
    claim("accuracy", 0.91234, within=(0.85, 0.96))
    assert capsys.readouterr().out == "accuracy: ⟨0.912⟩ (must lie in 0.85 … 0.96)\n"


def test_a_unit_stands_after_the_mark_so_that_it_is_compared(capsys):
    measured("an epoch", 1.934, "s")
    assert capsys.readouterr().out == "an epoch: ⟨1.93⟩ s\n"


@pytest.mark.parametrize("value", [0.849, 0.961, float("nan"), float("inf")])
def test_a_value_outside_its_band_stops_the_notebook(value):
    with pytest.raises(ClaimError, match=r"accuracy is .*; it must lie in 0\.85 … 0\.96"):
        claim("accuracy", value, within=(0.85, 0.96))


def test_the_ends_of_a_band_belong_to_it():
    claim("low", 0.85, within=(0.85, 0.96))
    claim("high", 0.96, within=(0.85, 0.96))
    assert [c.name for c in table().claims] == ["low", "high"]


def test_a_band_may_be_open_on_one_side(capsys):
    claim("gap", 0.2, within=(0.1, float("inf")))
    claim("error", 0.2, within=(-float("inf"), 0.5))
    assert capsys.readouterr().out.splitlines() == [
        "gap: ⟨0.200⟩ (must be at least 0.1)",
        "error: ⟨0.200⟩ (must be at most 0.5)",
    ]


def test_an_empty_band_is_refused():
    with pytest.raises(ValueError, match="empty; give"):
        claim("accuracy", 0.9, within=(0.96, 0.85))


def test_a_tensor_of_one_number_can_be_claimed(capsys):
    claim("loss", torch.tensor(0.5, requires_grad=True), within=(0, 1))
    assert "⟨0.500⟩" in capsys.readouterr().out


def test_the_marks_cannot_be_used_to_hide_words():
    with pytest.raises(ValueError, match="only the value may stand between them"):
        measured("⟨anything⟩", 1.0)
    with pytest.raises(ValueError, match="only the value may stand between them"):
        claim("time", 1.0, within=(0, 2), unit="⟨s⟩")


def test_agreement_is_printed_as_a_bound_not_as_digits(capsys):
    agree("our GRU and torch.nn", torch.ones(2, 3), np.ones((2, 3)) + 1e-7)
    assert capsys.readouterr().out == "our GRU and torch.nn: equal to 1e-05: yes\n"


def test_disagreement_says_how_large_it_is():
    with pytest.raises(ClaimError, match=r"differ by 0\.5; at most 1e-05"):
        agree("ours and theirs", [1.0, 2.0], [1.0, 2.5])


def test_results_of_different_shapes_do_not_agree():
    with pytest.raises(ClaimError, match=r"shapes \(2,\) and \(1,\) differ"):
        agree("ours and theirs", [1.0, 1.0], [1.0])


def test_not_a_number_agrees_with_nothing():
    with pytest.raises(ClaimError):
        agree("ours and theirs", [float("nan")], [float("nan")])


def test_half_precision_tensors_can_be_compared():
    agree("halves", torch.ones(3, dtype=torch.bfloat16), torch.ones(3))
    assert table().claims[0].demand == "equal to 1e-05"


def test_of_two_claims_with_one_name_the_last_wins():
    claim("loss", 0.5, within=(0, 1))
    claim("other", 0.1, within=(0, 1))
    claim("loss", 0.25, within=(0, 0.3))
    assert [(c.name, c.value, c.demand) for c in table().claims] == [
        ("loss", "⟨0.250⟩", "must lie in 0 … 0.3"),
        ("other", "⟨0.100⟩", "must lie in 0 … 1"),
    ]


def test_a_claim_that_fails_takes_its_earlier_success_out_of_the_table():
    claim("loss", 0.5, within=(0, 1))
    with pytest.raises(ClaimError):
        claim("loss", 2.0, within=(0, 1))
    assert table().claims == ()


def test_reset_forgets():
    measured("time", 1.0, "s")
    reset()
    assert table().claims == ()


def test_the_html_table_has_a_caption_and_names_its_rows_and_columns():
    claim("a < b", 0.9, within=(0.8, 1))
    page = table()._repr_html_()
    assert page.count("<caption>") == 1
    assert page.count('<th scope="col">') == 3
    assert '<th scope="row">a &lt; b</th><td>⟨0.900⟩</td>' in page


def test_every_form_of_the_table_shows_every_claim():
    claim("accuracy", 0.9, within=(0.8, 1))
    measured("time", 2.5, "s")
    agree("ours and theirs", 1.0, 1.0)
    made = table()
    for text in (repr(made), made._repr_markdown_(), made._repr_html_()):
        for word in ("accuracy", "⟨0.900⟩", "0.8 … 1", "⟨2.50⟩ s", "equal to 1e-05", "yes"):
            assert word in text


def test_a_table_is_what_it_was_when_it_was_made():
    claim("first", 0.9, within=(0.8, 1))
    made = table()
    claim("second", 0.9, within=(0.8, 1))
    assert len(made.claims) == 1


def test_the_table_speaks_chinese_where_asked(monkeypatch):
    monkeypatch.setenv("LLM_BOOK_LANG", "zh")
    claim("loss", 0.5, within=(0, 1))
    assert re.search("本章的断言与测量.*必须落在 0 … 1", table()._repr_html_(), re.DOTALL)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.91234, "0.912"),
        (1.934, "1.93"),
        (25000, "25,000"),
        (1.2e-7, "1.20e-07"),
        (0, "0"),
        (-0.5, "-0.500"),
        (99.96, "100.0"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_are_written_to_three_significant_digits(value, text):
    assert written(value) == text
