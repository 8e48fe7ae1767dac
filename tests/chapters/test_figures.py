"""Every picture has words, a caption and a number."""

import pytest
from nbformat.v4 import new_code_cell, new_output

from llm_book.widgets.sampling import sampling
from tests.chapters import figures
from tests.chapters.notebooks import code_cells, each_chapter, read
from tests.chapters.sample import chapter as sample
from tests.chapters.sample import printed


@each_chapter()
def test_every_picture_of_a_chapter_says_what_it_shows(chapter):
    assert list(figures.faults(read(chapter))) == []


def test_the_picture_of_the_sample_says_what_it_shows():
    assert list(figures.faults(sample())) == []


def drawing(notebook):
    return next(c for c in code_cells(notebook) if "plot()" in c.source)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda c: c.metadata.pop("mystnb"), "no alternative text"),
        (lambda c: c.metadata.mystnb.image.update(alt="wave"), "no alternative text"),
        (lambda c: c.metadata.mystnb.image.update(alt="A wave. " * 4), None),
        (lambda c: c.metadata.mystnb.figure.pop("caption"), "no caption"),
        (lambda c: c.metadata.mystnb.figure.update(name="wave"), "no name fig-"),
        (lambda c: c.outputs.append(printed("12\n")), "would swallow the text"),
        (lambda c: c.outputs.append(c.outputs[0]), "more than one picture"),
        (lambda c: c.update(source="plt.plot();"), "does not end with plt.show()"),
    ],
)
def test_a_picture_that_lacks_something_is_named(change, fault):
    notebook = sample()
    change(drawing(notebook))
    found = list(figures.faults(notebook))
    assert any(fault in one for one in found) if fault else found == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("![A](a.png)", "has no number"),
        ("<img src='a.png'>", "stands as <img>"),
        ("```{figure} a.png\n:name: fig-wave\n:alt: A wave as in the other\nA.\n```", "twice"),
        ("```{figure} a.png\n:name: fig-a\nA.\n```", "no alternative text"),
        ("```{figure} a.png\n:name: fig-a\n:alt: Two waves, one above the other\n```", "caption"),
    ],
)
def test_a_picture_in_markdown_is_held_to_the_same(text, fault):
    notebook = sample()
    notebook.cells[0].source += "\n\n" + text
    assert any(fault in found for found in figures.faults(notebook))


def showing(**figure):
    """A cell that ends in a view."""
    page = "text/html"
    output = new_output("display_data", data={page: sampling([1.0, 0.0], ["a", "b"]).html()})
    return new_code_cell("shown", outputs=[output], metadata={"mystnb": {"figure": figure}})


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda c: None, None),
        (lambda c: c.metadata.mystnb.figure.pop("caption"), "has no caption"),
        (lambda c: c.metadata.mystnb.figure.update(name="next"), "has no name fig-"),
        (lambda c: c.metadata.mystnb.figure.update(name="fig-wave"), "stands twice"),
        (lambda c: c.outputs.append(printed("12\n")), "shows a view and something else"),
        (lambda c: c.outputs.append(c.outputs[0]), "shows a view and something else"),
    ],
)
def test_a_view_needs_a_caption_and_a_number_as_a_picture_does(change, fault):
    notebook = sample()
    notebook.cells.append(showing(caption="What may come next.", name="fig-next"))
    change(notebook.cells[-1])
    found = list(figures.faults(notebook))
    assert any(fault in one for one in found) if fault else found == []
