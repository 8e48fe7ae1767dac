"""Stored outputs are all there, compared almost everywhere, and show no machine."""

import platform

import pytest

from tests.chapters import stored
from tests.chapters.notebooks import code_cells, each_notebook, read, tags
from tests.chapters.outputs import compared_places, masked_characters
from tests.chapters.sample import cell, picture, printed, shown
from tests.chapters.sample import chapter as sample
from tests.nbval_policy import TRAINED


@each_notebook()
def test_the_stored_outputs_of_a_chapter_are_in_order(chapter):
    notebook = read(chapter)
    assert list(stored.faults(notebook)) == []
    print(f"{stored.compared_share(notebook):.0%} of the cells that print are compared,")
    print(f"{stored.masked_share(notebook):.1%} of the characters are masked")


@each_notebook()
def test_no_more_pictures_escape_the_comparison_of_pixels_than_the_list_says(chapter):
    tagged = [cell for cell in code_cells(read(chapter)) if TRAINED in tags(cell)]
    assert len(tagged) == stored.TRAINED_PICTURES.get(chapter.stem, 0)


def test_no_cell_escapes_the_comparison():
    assert len(stored.IGNORED_CELLS) == 0


def test_the_stored_outputs_of_the_sample_are_in_order():
    assert list(stored.faults(sample())) == []


def printing(notebook):
    return next(c for c in code_cells(notebook) if c.source == "print(12)")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda c: c.update(execution_count=None), "cells ran in the order"),
        (lambda c: c.update(execution_count=99), "cells ran in the order"),
        (lambda c: c.update(outputs=[printed("a file in /home/someone/x\n")]), "shows a path"),
        (lambda c: c.update(outputs=[printed("a file in C:\\data\\x\n")]), "shows a path"),
        (lambda c: c.update(outputs=[printed("<Model at 0x7f3a5c0b1d90>\n")]), "an address in"),
        (lambda c: c.outputs[0].update(name="stderr"), "writes to stderr"),
        (lambda c: c.metadata.update(tags=["nbval-ignore-output"]), "kept from the comparison"),
        (lambda c: c.metadata.update(tags=["nbval-skip"]), "kept from the comparison"),
        (lambda c: c.update(source="# NBVAL_IGNORE_OUTPUT\n1"), "kept from the comparison"),
        (lambda c: c.metadata.update(tags=["raises-exception"]), "raises nothing"),
        (lambda c: c.update(outputs=[printed("different on input 1, (3)\n")]), "differs from ours"),
        (lambda c: c.update(outputs=[printed("⟨" + "0" * 100 + "⟩\n")]), "are masked"),
        (lambda c: c.outputs.append(shown(text_plain="x" * 5_000_000)), "bytes; a chapter has"),
    ],
)
def test_what_must_not_be_stored_is_named(change, fault):
    notebook = sample()
    change(printing(notebook))
    assert any(fault in found for found in stored.faults(notebook))


def test_an_error_that_nobody_expected_is_named():
    notebook = sample()
    raising = next(c for c in code_cells(notebook) if c.source == "1 / 0")
    raising.metadata.tags = []
    assert any("ZeroDivisionError" in found for found in stored.faults(notebook))


def test_widget_state_is_named():
    notebook = sample()
    notebook.metadata["widgets"] = {}
    assert any("metadata.widgets" in found for found in stored.faults(notebook))


def test_the_name_of_the_machine_is_found(monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "marys-laptop")
    notebook = sample()
    printing(notebook).outputs = [printed("run on marys-laptop\n")]
    assert any("name of the machine" in found for found in stored.faults(notebook))


def test_cells_that_print_only_what_is_masked_are_not_compared():
    notebook = sample()
    for number in range(6):
        notebook.cells.append(cell(f"print({number})", printed("⟨1⟩\n")))
    assert any("of the cells that print are compared" in f for f in stored.faults(notebook))


def test_addresses_on_the_web_and_shapes_are_no_paths():
    notebook = sample()
    printing(notebook).outputs = [printed("https://example.org/home/x and a/tmp/b, 3/4\n")]
    assert list(stored.faults(notebook)) == []


def test_pictures_are_not_searched_for_paths():
    notebook = sample()
    drawing = next(c for c in code_cells(notebook) if "plot()" in c.source)
    drawing.outputs[0]["data"]["image/png"] = picture(3)
    assert list(stored.faults(notebook)) == []


@pytest.mark.parametrize(
    ("text", "masked", "digits"),
    [
        ("accuracy: ⟨0.912⟩ (must lie in 0.85 … 0.96)", 5, 6),
        ("time: ⟨1.93⟩ s, ⟨12⟩ MB", 6, 0),
        ('<p data-measured="0.5 is 50">7</p>', 9, 1),
        ("⟨open\n12⟩", 0, 2),
        ("⟨⟨1⟩⟩", 1, 0),
        ("no mark 42", 0, 2),
    ],
)
def test_only_what_stands_between_the_marks_is_masked(text, masked, digits):
    assert (masked_characters(text), len(compared_places(text))) == (masked, digits)
