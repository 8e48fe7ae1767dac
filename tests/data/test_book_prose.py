"""The frozen prose loads as it was frozen, and its questions are answered where they say."""

import importlib.util
import json
from pathlib import Path

import pytest

from llm_book.data.book_prose import (
    BookQuestion,
    answering_passages,
    load_book_prose,
    load_book_questions,
)

ROOT = Path(__file__).resolve().parents[2]
PAGE = """\
(sec-x)=
# A page

<small lang="zh">一页</small>

The **first** line of [a link](http://x.y) and `<pad>` by {cite:t}`elman1990finding`.

$$
x = 1
$$ (eq-x)

Partner: `llm_book.x`

## Sizes

| letter | counts |
|---|---|
| $V$ | entries |

- one
- two

```python
code
```
"""


@pytest.fixture(scope="module")
def script():
    """book/snapshot.py as a module."""
    spec = importlib.util.spec_from_file_location("snapshot", ROOT / "book" / "snapshot.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path):
    """A small book."""
    for folder in ("book", "chapters"):
        (tmp_path / folder).mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "9.9"\n', encoding="utf-8")
    (tmp_path / "book" / "preface.md").write_text(PAGE, encoding="utf-8")
    term = '- {en: nat, zh: 奈特, built: "4.4", means: "A unit of $x$."}\n'
    (tmp_path / "book" / "glossary.yml").write_text(term, encoding="utf-8")
    cells = [
        {"cell_type": "markdown", "source": ["# A chapter\n", "\n", "Its prose."]},
        {"cell_type": "code", "source": ["print(1)"], "outputs": [{"text": ["1"]}]},
    ]
    for name in ("01_one", "06_applications"):
        path = tmp_path / "chapters" / f"{name}.ipynb"
        path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return tmp_path


def test_the_script_freezes_prose_and_nothing_else_in_a_form_that_loads(script, tree):
    script.main(tree)
    prose = load_book_prose(tree / "llm_book" / "assets" / "prose")
    assert prose.edition == "9.9"
    assert [(p.id, p.heading, p.text) for p in prose.passages] == [
        (
            "preface/a-page/1",
            "A page",
            "The first line of a link and <pad> by elman1990finding.",
        ),
        ("preface/sizes/1", "Sizes", "letter; counts. $V$; entries. one two"),
        ("01_one/a-chapter/1", "A chapter", "Its prose."),
        ("glossary/nat/1", "nat", "nat, 奈特: A unit of $x$."),
    ]


def test_freezing_twice_gives_the_same_bytes(script, tree):
    rows = script.snapshot(tree)
    assert script.frozen(rows, "1") == script.frozen(script.snapshot(tree), "1")


def test_a_long_section_is_cut_between_blocks(script):
    blocks = [("H", "word " * 60, False), ("H", "more " * 60, False)]
    assert [row["id"] for row in script.passages("p", blocks)] == ["p/h/1", "p/h/2"]


def test_the_shipped_snapshot_loads_and_ids_differ():
    prose = load_book_prose()
    assert len(prose.passages) > 100
    assert len({passage.id for passage in prose.passages}) == len(prose.passages)
    assert {"preface", "notation", "glossary", "05_project"} <= {p.page for p in prose.passages}
    assert not any(p.page == "06_applications" for p in prose.passages)


def test_a_changed_snapshot_is_refused(script, tree):
    script.main(tree)
    folder = tree / "llm_book" / "assets" / "prose"
    path = folder / "passages.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Its prose", b"My prose"))
    with pytest.raises(ValueError, match="was frozen"):
        load_book_prose(folder)


def test_a_wrong_number_of_passages_is_refused(script, tree):
    script.main(tree)
    path = tree / "llm_book" / "assets" / "prose" / "snapshot.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(about | {"passages": 5}), encoding="utf-8")
    with pytest.raises(ValueError, match="4 passages came, 5 were frozen"):
        load_book_prose(path.parent)


def test_every_question_is_answered_in_one_passage_or_in_none():
    passages, asked = load_book_prose().passages, load_book_questions()
    answerable = [question for question in asked if question.answerable]
    assert len(answerable) >= 30 and len(asked) - len(answerable) >= 10
    assert len({question.text for question in asked}) == len(asked)
    lost = [q.text for q in answerable if len(answering_passages(q, passages)) != 1]
    assert lost == [], "the book no longer says so: change questions.json"


def test_the_words_of_an_answer_stand_in_its_passage():
    passages = load_book_prose().passages
    for question in load_book_questions():
        for place in answering_passages(question, passages):
            assert question.answer in passages[place].text


def test_a_question_without_an_answer_has_no_passage():
    assert answering_passages(BookQuestion("Who knows?"), load_book_prose().passages) == []
