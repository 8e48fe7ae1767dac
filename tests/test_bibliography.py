"""The bibliography is well-formed, and its graph of who built on whom goes back in time."""

import re
from collections import Counter
from pathlib import Path

import pytest

from llm_book.bibliography import Work, entries, parse_bibtex, plain, works
from tests.chapters.markdown import citations
from tests.chapters.notebooks import chapters, markdown_cells, read

ROOT = Path(__file__).resolve().parents[1]
ARXIV = re.compile(r"\d{4}\.\d{4,5}|[a-z-]+/\d{7}")
DOI = re.compile(r"10\.\d{4,9}/\S+")
ISBN = re.compile(r"97[89]-?[\d-]{10,13}")
URL = re.compile(r"https?://[\w.-]+\.[a-z]{2,}(/\S*)?")
each_work = pytest.mark.parametrize("work", works().values(), ids=lambda work: work.key)


def isbn_holds(isbn: str) -> bool:
    """Whether an ISBN of 13 digits ends in its own check digit."""
    digits = [int(sign) for sign in isbn if sign.isdigit()]
    weighted = sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return len(digits) == 13 and weighted % 10 == 0


def test_a_hundred_works_are_printed():
    assert len(works()) >= 100


def test_only_what_was_checked_is_printed():
    assert {key for key, entry in entries().items() if entry.checked} == set(works())
    assert set(entries()) - set(works())


@each_work
def test_a_work_can_be_found_by_a_well_formed_address(work: Work):
    forms = {"eprint": ARXIV, "doi": DOI, "isbn": ISBN, "url": URL}
    found = {name: work.fields[name] for name in forms if name in work.fields}
    assert found
    assert [name for name, value in found.items() if not forms[name].fullmatch(value)] == []
    if "isbn" in found:
        assert isbn_holds(found["isbn"])
    assert URL.fullmatch(work.address) or "isbn" in found
    assert "arXiv" in work.fields.get("archiveprefix", "arXiv")


@each_work
def test_a_work_has_an_annotation_of_one_line_and_a_topic(work: Work):
    said = work.annotation
    assert said.endswith(".") and 30 <= len(said) <= 200, said
    assert not re.search(r"[.!?] [A-Z]", said), "one sentence is enough"
    assert work.topic


@each_work
def test_no_latex_is_left_for_a_reader(work: Work):
    assert not [value for value in work.fields.values() if re.search(r"[\\{}]|--", value)]
    assert 1900 <= work.year <= 2030 and work.place


def test_no_line_stands_under_two_works():
    lines = Counter(work.annotation for work in works().values())
    assert [line for line, times in lines.items() if times > 1] == []


@each_work
def test_a_work_builds_on_printed_works_that_are_not_later(work: Work):
    assert set(work.builds_on) <= set(works())
    assert [key for key in work.builds_on if works()[key].year > work.year] == []
    assert len(set(work.builds_on)) == len(work.builds_on)


def test_nobody_builds_on_themselves_by_any_way_round():
    seen: set[str] = set()

    def visit(key: str, path: tuple[str, ...]) -> None:
        assert key not in path, f"a circle: {' → '.join((*path, key))}"
        if key not in seen:
            for other in works()[key].builds_on:
                visit(other, (*path, key))
            seen.add(key)

    for key in works():
        visit(key, ())


def test_every_work_that_a_chapter_cites_is_printed():
    cited = {
        key
        for path in chapters()
        for cell in markdown_cells(read(path))
        for key in citations(cell.source)
    }
    assert sorted(cited - set(works())) == []


def test_every_topic_has_its_heading_on_the_page():
    page = (ROOT / "book" / "bibliography.md").read_text(encoding="utf-8")
    asked = re.findall(r'topic == "(\w+)"', page)
    assert sorted(asked) == sorted({work.topic for work in works().values()})


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"Schmidhuber, J{\"u}rgen", "Schmidhuber, Jürgen"),
        (r"{\.I}rsoy", "İrsoy"),
        (r"Luk{\'a}{\v{s}}", "Lukáš"),
        (r"{\L}ukasz", "Łukasz"),
        (r"Patra{\c{s}}", "Patraş"),
        (r"Speech \& {Language}---a  note, 3--7", "Speech & Language—a note, 3–7"),
        ("vector \\copy", "vector \\copy"),
    ],
)
def test_latex_becomes_letters(latex: str, shown: str):
    assert plain(latex) == shown


def an_entry(**changed: str) -> str:
    fields = {"title": "T", "author": "B, A", "year": "2001"} | changed
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@misc{{b2001,\n{lines}\n}}\n"


def test_an_entry_is_read_as_a_reader_sees_it():
    work = parse_bibtex(an_entry(author="B, A and C, D", eprint="2001.00001", doi="10.1234/x"))
    (one,) = work.values()
    assert (one.key, one.kind, one.cited, one.place) == ("b2001", "misc", "B and C (2001)", "arXiv")
    assert one.address == "https://arxiv.org/abs/2001.00001"
    assert (one.builds_on, one.checked, one.topic) == ((), False, "")


@pytest.mark.parametrize(
    ("fields", "property_", "value"),
    [
        ({"author": "B, A"}, "cited", "B (2001)"),
        ({"author": "B, A and others"}, "cited", "B et al. (2001)"),
        ({"author": "B, A and C, D and E, F"}, "families", ("B", "C", "E")),
        ({"journal": "J", "note": "N"}, "place", "J"),
        ({"doi": "10.1/a<1>b"}, "address", "https://doi.org/10.1/a%3C1%3Eb"),
        ({"url": "https://x.org/y"}, "address", "https://x.org/y"),
        ({}, "address", ""),
        ({}, "place", ""),
        ({"builds_on": "a2000, b_c1999"}, "builds_on", ("a2000", "b_c1999")),
    ],
)
def test_what_a_work_says_of_itself(fields, property_, value):
    (one,) = parse_bibtex(an_entry(**fields)).values()
    assert getattr(one, property_) == value


@pytest.mark.parametrize("name", ["title", "author", "year"])
def test_an_entry_without_title_author_or_year_is_refused(name: str):
    with pytest.raises(ValueError, match=rf"the entry 'b2001' has no {name}; mend it"):
        parse_bibtex(an_entry(**{name: ""}))


def test_a_key_that_comes_twice_is_refused():
    with pytest.raises(ValueError, match="the entry 'b2001' stands twice; mend it"):
        parse_bibtex(an_entry() * 2)


def test_a_wrong_isbn_is_seen():
    assert isbn_holds("978-0262035613") and not isbn_holds("978-0262035614")
