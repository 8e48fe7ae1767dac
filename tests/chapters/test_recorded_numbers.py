"""A number of a full run comes from a record, in the cell that prints it and in the text."""

import nbformat
import pytest

from llm_book import results
from tests.chapters.notebooks import each_notebook, read
from tests.chapters.recorded_numbers import records_named, unaccounted
from tests.chapters.sample import cell, printed
from tests.chapters.sample import chapter as sample


@each_notebook()
def test_every_record_that_a_chapter_reads_is_in_the_ledger(chapter):
    assert records_named(read(chapter)) <= set(results.names())


@each_notebook()
def test_the_text_beside_a_record_says_no_number_that_was_not_printed(chapter):
    assert unaccounted(read(chapter)) == []


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("It reaches 0.915, and a bag of words 0.9096.", []),
        ("It reaches 0.92, rounded.", []),
        ("It reaches 0.931.", ["0.931"]),
        ("It read 1,234.5 texts.\n\n## 5.3 Next\n\nThere 0.5 is said.", ["1,234.5"]),
    ],
)
def test_a_number_that_nothing_printed_is_named(text, without):
    notebook = sample()
    notebook.cells += [
        cell('recorded("imdb_gru.full.cpu")', printed("accuracy 0.9150 against 0.9096\n")),
        nbformat.v4.new_markdown_cell(text),
    ]
    assert records_named(notebook) == {"imdb_gru.full.cpu"}
    assert unaccounted(notebook) == without
