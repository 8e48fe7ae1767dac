"""Every chapter has the same parts, in the same order."""

import re

import pytest

from tests.chapters import parts
from tests.chapters.markdown import equations, headings
from tests.chapters.notebooks import code_cells, each_chapter, read
from tests.chapters.sample import chapter as sample


@each_chapter()
def test_a_chapter_has_every_part(chapter):
    assert list(parts.faults(read(chapter))) == []


def test_the_sample_chapter_has_every_part():
    assert list(parts.faults(sample())) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("# 5 A sample", "5 A sample", "holds no title"),
        ("**Memory:**", "Memory:", "no line **Memory:**"),
        ("You will build one small thing", "short", "no promise"),
        ("## Borrowed ideas", "## Ideas", "the first section is 'Borrowed ideas'"),
        ("## What we saw", "## Seen", "the last sections are"),
        ("(sec-one)=\n", "", "'5.1 One' has no label"),
        ("(sec-two)=", "(sec-one)=", "'sec-one' stands twice"),
        ('<small lang="zh">一</small>', "", "under heading '5.1 One' no <small"),
        (":label: eq-sample\n", "", "an equation has no label"),
        (":label: eq-sample", ":label: sample", "begins with eq-"),
        (":::{exercise} ★ Count to 3", ":::{exercise} Count to 3", "begins with ★"),
        (":label: ex-2\n", "", "has no label ex-"),
        (":::{exercise} ★ Count to 5", ":::{note}", "4 exercises"),
        (": read it to see where it began.", "", "does not say why"),
        ("{cite:t}`", "{cite:t}`x", "is cited and is not in"),
        ("- {cite:t}", "{cite:t}", "lists 0 cited works"),
    ],
)
def test_a_part_that_is_missing_is_named(old, new, fault):
    notebook = sample()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace(old, new)
    assert any(fault in found for found in parts.faults(notebook))


def solution(notebook):
    return next(c for c in code_cells(notebook) if c.metadata.get("llm_book", {}).get("solves"))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda c: c.metadata.update(tags=[]), "no tag hide-cell"),
        (lambda c: c.metadata.pop("jupyter"), "no metadata jupyter.source_hidden"),
        (lambda c: c.metadata.pop("cellView"), "no Colab form"),
        (lambda c: c.update(source="ours(3)"), "no Colab form"),
        (lambda c: c.update(execution_count=None), "was not executed"),
        (lambda c: c.metadata.pop("llm_book"), "needs an answer cell and a solution cell"),
    ],
)
def test_a_solution_that_is_not_folded_everywhere_is_named(change, fault):
    notebook = sample()
    change(solution(notebook))
    assert any(fault in found for found in parts.faults(notebook))


def test_an_answer_cell_that_already_holds_an_answer_is_named():
    notebook = sample()
    answer = next(c for c in code_cells(notebook) if "def count1" in c.source)
    answer.outputs[0].text = "same as ours (1 input)\n"
    assert any("is stored with an answer" in found for found in parts.faults(notebook))


def test_a_chapter_without_its_table_of_claims_is_named():
    notebook = sample()
    for cell in code_cells(notebook):
        cell.source = re.sub(r"^table\(\)$", "claims", cell.source)
    assert any("ends with table()" in found for found in parts.faults(notebook))


def test_a_comment_in_code_is_no_heading():
    notebook = sample()
    notebook.cells[1].source += "\n\n```python\n# a comment\n```\n"
    assert len(headings(notebook)) == 7


def test_equations_are_found_in_both_ways_of_writing_them():
    notebook = sample()
    notebook.cells[3].source += "\n\n$$\nz = 1\n$$ (eq-other)\n\n$$ w = 1 $$\n"
    assert [e.label for e in equations(notebook)] == ["eq-sample", "eq-other", ""]
    assert equations(notebook)[0].partners == ("llm_book.i18n.t",)
