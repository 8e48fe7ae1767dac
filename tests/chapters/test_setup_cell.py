"""The first cell installs exactly the release that the notebook belongs to, or says why not."""

import sys
from types import SimpleNamespace

import nbformat
import pytest

from tests.chapters.notebooks import ROOT, code_cells, each_notebook, markdown_cells, read
from tests.chapters.sample import chapter as sample
from tests.chapters.setup_cell import (
    Extra,
    bring_up_to_date,
    extras,
    launch_line,
    published,
    setup_cell,
)
from tests.house.tracked import project

ADDRESS = "https://github.com/someone/a-book"


@each_notebook()
def test_the_first_code_cell_is_the_template(chapter):
    wanted = setup_cell(*published(), extras().get(chapter.stem))
    assert code_cells(read(chapter))[0].source == wanted


@each_notebook()
def test_the_launch_line_names_the_same_release(chapter):
    line = launch_line(chapter.relative_to(ROOT).as_posix(), *published())
    assert line in markdown_cells(read(chapter))[0].source.splitlines()


def run(cell: str, monkeypatch, installed: list[str]) -> list[list[str]]:
    """Run the cell where these versions are installed; what it asked pip for."""
    called: list[list[str]] = []
    found = [SimpleNamespace(version=version) for version in installed]
    monkeypatch.setattr("importlib.metadata.distributions", lambda name: found)
    monkeypatch.setattr("subprocess.check_call", called.append)
    exec(cell, {})
    return called


@pytest.mark.parametrize("installed", [[], ["0.0.9"]])
def test_a_missing_or_another_version_is_installed_from_the_release(monkeypatch, installed):
    monkeypatch.delitem(sys.modules, "llm_book", raising=False)
    calls = run(setup_cell("1.2.3", ADDRESS), monkeypatch, installed)
    assert [call[1:] for call in calls] == [
        ["-m", "pip", "install", "-q", "git+https://github.com/someone/a-book@v1.2.3"]
    ]


def test_nothing_is_installed_where_the_version_is_there(monkeypatch, capsys):
    assert run(setup_cell("1.2.3", ADDRESS), monkeypatch, ["1.2.3"]) == []
    assert capsys.readouterr().out.startswith("preset small · seed 0 · ⟨")


def test_a_restart_is_asked_for_where_the_old_version_is_in_use(monkeypatch):
    monkeypatch.setitem(sys.modules, "llm_book", SimpleNamespace())
    with pytest.raises(ImportError, match="restart the runtime, then run again"):
        run(setup_cell("1.2.3", ADDRESS), monkeypatch, ["0.0.9"])


def test_an_unpublished_book_says_so_in_one_sentence_and_asks_no_index(monkeypatch):
    calls = None
    with pytest.raises(ImportError, match="not published yet: run it from a clone"):
        calls = run(setup_cell("1.2.3", "https://github.com/example/llm-book"), monkeypatch, [])
    assert calls is None


WITH_EXTRA = Extra("frameworks", ("json", "no_such_module"))


@pytest.mark.parametrize("installed", [[], ["0.0.9"], ["1.2.3"]])
def test_a_missing_extra_is_installed_with_the_book(monkeypatch, installed):
    monkeypatch.delitem(sys.modules, "llm_book", raising=False)
    calls = run(setup_cell("1.2.3", ADDRESS, WITH_EXTRA), monkeypatch, installed)
    (call,) = calls
    assert call[-1] == f"llm-book[frameworks] @ git+{ADDRESS}@v1.2.3"


def test_nothing_is_installed_where_book_and_extra_are_there(monkeypatch):
    there = Extra("frameworks", ("json", "string"))
    assert run(setup_cell("1.2.3", ADDRESS, there), monkeypatch, ["1.2.3"]) == []


def test_what_a_chapter_imports_stands_in_the_extra_it_names():
    assert extras()
    for extra in extras().values():
        listed = "\n".join(project()["optional-dependencies"][extra.name])
        for module in extra.imports:
            assert f"{module}>=" in listed, module


def test_a_cell_with_an_extra_is_short_too():
    for extra in extras().values():
        lines = setup_cell(*published(), extra).splitlines()
        assert len(lines) <= 18 and max(map(len, lines)) <= 100


def test_the_cell_is_short_and_ends_with_the_one_visible_choice():
    lines = setup_cell(*published()).splitlines()
    assert len(lines) <= 15 and max(map(len, lines)) <= 100
    assert lines[-1].startswith('session = setup(preset="small")  # "full":')


def test_an_old_setup_cell_and_launch_line_are_brought_up_to_date():
    notebook = sample()
    place = "chapters/05_sample.ipynb"
    code_cells(notebook)[0].source = setup_cell("0.0.1", ADDRESS)
    title = notebook.cells[0]
    current = title.source
    title.source = current.replace(published()[0], "0.0.1")
    assert bring_up_to_date(notebook, place)
    assert code_cells(notebook)[0].source == setup_cell(*published())
    assert title.source == current
    assert not bring_up_to_date(nbformat.from_dict(notebook), place)
