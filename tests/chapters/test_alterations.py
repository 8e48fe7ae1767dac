"""Alter one character of a stored output, and the comparison sees it."""

import pytest

from tests.chapters.notebooks import code_cells, each_notebook, read, where
from tests.chapters.outputs import altered, compared_places, masked_spans, spread, texts
from tests.chapters.sample import chapter as sample
from tests.nbval_policy import outputs_differ

MOST = 1000  # digits altered in one output; a longer one is altered evenly


def unnoticed(cell) -> list[str]:
    """Alterations of a cell's stored outputs that the comparison lets pass."""
    found = []
    for text in texts(cell):
        for place in spread(compared_places(text.text), MOST):
            changed = text.replaced(cell.outputs, altered(text.text, place))
            if not outputs_differ(cell.outputs, changed, cell.metadata):
                found.append(text.text[max(0, place - 20) : place + 20])
    return found


@each_notebook()
def test_every_altered_numeral_of_a_chapter_is_noticed(chapter):
    notebook = read(chapter)
    assert [f"{where(chapter, c)}: {u}" for c in code_cells(notebook) for u in unnoticed(c)] == []
    places = [p for c in code_cells(notebook) for t in texts(c) for p in compared_places(t.text)]
    assert places, "no numeral is compared"


@each_notebook()
def test_a_chapter_compares_equal_to_itself_and_under_its_masks(chapter):
    for cell in code_cells(read(chapter)):
        assert outputs_differ(cell.outputs, cell.outputs, cell.metadata) == []
        for text in texts(cell):
            for start, end in masked_spans(text.text)[:5]:
                if text.text[:start].endswith(('data-measured="', 'src="')):
                    continue  # a view's payload and picture must still be read
                other = text.text[:start] + "9" + text.text[end:]
                changed = text.replaced(cell.outputs, other)
                assert outputs_differ(changed, cell.outputs, cell.metadata) == []


@each_notebook()
def test_every_claim_of_a_chapter_shows_its_band_unmasked(chapter):
    for cell in code_cells(read(chapter)):
        for text in texts(cell):
            for line in text.text.splitlines():
                if "(must " in line:
                    assert compared_places(line), f"{where(chapter, cell)}: {line}"


def test_every_altered_numeral_of_the_sample_is_noticed():
    cells = code_cells(sample())
    assert [u for cell in cells for u in unnoticed(cell)] == []
    assert sum(len(compared_places(t.text)) for c in cells for t in texts(c)) >= 20


@pytest.mark.parametrize("old", ["0.85", "…", "must", "reviews", "accuracy", "\n12"])
def test_words_bands_and_marks_are_compared_too(old):
    cell = next(c for c in code_cells(sample()) if c.source == "print(12)")
    (text,) = texts(cell)
    place = text.text.index(old)
    changed = text.replaced(cell.outputs, altered(text.text, place))
    assert outputs_differ(cell.outputs, changed)


def test_a_removed_mark_is_noticed():
    cell = next(c for c in code_cells(sample()) if c.source == "print(12)")
    (text,) = texts(cell)
    for mark in "⟨⟩":
        changed = text.replaced(cell.outputs, text.text.replace(mark, "", 1))
        assert outputs_differ(cell.outputs, changed)


def test_the_words_of_an_expected_error_are_compared():
    cell = next(c for c in code_cells(sample()) if c.source == "1 / 0")
    for text in texts(cell):
        changed = text.replaced(cell.outputs, altered(text.text, 3))
        assert outputs_differ(cell.outputs, changed)
    assert len(texts(cell)) == 2
