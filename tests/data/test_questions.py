"""Questions: each answer stands where it is said to."""

import json

import pytest

from llm_book.data.questions import (
    Answer,
    Paragraph,
    Question,
    load_squad,
    load_xquad,
    read_squad,
)

CONTEXT = "The mill 磨坊 burnt in 1850."


def question(name="q1", start=21, text="1850", **changes):
    return {"id": name, "question": "When?", "answers": [{"answer_start": start, "text": text}],
            **changes}  # fmt: skip


def published(*questions, **changes):
    paragraph = {"context": CONTEXT, "qas": list(questions), **changes}
    return {"version": "1.1", "data": [{"title": "Mills", "paragraphs": [paragraph]}]}


def written(tmp_path, content):
    path = tmp_path / "q.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_paragraph_has_its_title_context_and_questions(tmp_path):
    first = question()
    first["answers"].append({"answer_start": 0, "text": "The"})
    content = published(first, question("q2", 9, "磨坊"))
    content["data"].append({"title": "Empty", "paragraphs": []})
    content["data"].append({"title": "Two", "paragraphs": [{"context": "x", "qas": []}]})
    assert read_squad(written(tmp_path, content)) == (
        Paragraph(
            "Mills",
            CONTEXT,
            (
                Question("q1", "When?", (Answer("1850", 21), Answer("The", 0))),
                Question("q2", "When?", (Answer("磨坊", 9),)),
            ),
        ),
        Paragraph("Two", "x", ()),
    )


@pytest.mark.parametrize("start", [20, 22, -4, 400])
def test_an_answer_beside_its_offset_is_refused_or_dropped(start, tmp_path):
    path = written(tmp_path, published(question(), question("q2", start)))
    with pytest.raises(
        ValueError, match=rf"q\.json, row 1: the answer '1850' to question q2 does .* {start}, wh"
    ):
        read_squad(path)
    (paragraph,) = read_squad(path, drop_misplaced=True)
    assert [q.id for q in paragraph.questions] == ["q1"]


def test_a_refusal_says_what_stands_at_the_offset(tmp_path):
    with pytest.raises(ValueError, match=r"at character 4, where 'mill' does"):
        read_squad(written(tmp_path, published(question(start=4))))
    with pytest.raises(ValueError, match=r"at character -1, where 'The ' does"):
        read_squad(written(tmp_path, published(question(start=-1))))


def test_a_question_keeps_its_right_answers_where_wrong_ones_are_dropped(tmp_path):
    both = question()
    both["answers"].append({"answer_start": 1, "text": "1850"})
    (paragraph,) = read_squad(written(tmp_path, published(both)), drop_misplaced=True)
    assert paragraph.questions[0].answers == (Answer("1850", 21),)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({}, "row 1: the object has no 'data'"),
        ({"data": [{"paragraphs": []}]}, "row 1: the object has no 'title'"),
        ({"data": [{"title": "x"}]}, "row 1: the object has no 'paragraphs'"),
        (published(question(answers=[])), "row 1: question q1 has no answer"),
        (published(question(text="")), "row 1: the answer '' to question q1 does not stand"),
        (published(question(id=3)), "row 1: 'id' is a value of type int"),
        (published(question(start="21")), "row 1: 'answer_start' is a value of type str"),
        (published(question(question=None)), "row 1: 'question' is a value of type NoneType"),
        (published(context=None), "row 1: 'context' is a value of type NoneType"),
    ],
)
def test_another_form_is_refused_by_paragraph(content, sentence, tmp_path):
    with pytest.raises(ValueError, match=rf"q\.json, {sentence}"):
        read_squad(written(tmp_path, content))


def test_the_paragraph_of_a_refusal_is_counted_over_all_articles(tmp_path):
    content = published(question())
    content["data"] += published(question(start=0))["data"]
    with pytest.raises(ValueError, match=r"q\.json, row 2: the answer"):
        read_squad(written(tmp_path, content))


@pytest.mark.parametrize("split", ["train", "dev"])
def test_squad_is_read_by_the_same_reader(split, tmp_path, monkeypatch):
    path, asked = written(tmp_path, published(question(), question("q2", 1))), []
    monkeypatch.setattr(
        "llm_book.data.questions.fetch", lambda name, progress: asked.append(name) or path
    )
    assert load_squad(split, drop_misplaced=True) == read_squad(path, drop_misplaced=True)
    assert asked == [f"qa/{split}-v1.1.json"]
    with pytest.raises(ValueError, match="question q2 does not stand"):
        load_squad(split)


def test_another_split_or_language_is_refused():
    with pytest.raises(ValueError, match=r"no public split 'test'; choose one of \('train', 'dev'"):
        load_squad("test")
    with pytest.raises(ValueError, match=r"not at hand in 'fr'; choose one of \('en', 'zh'\)"):
        load_xquad("fr")


def test_the_published_questions_are_parallel_and_their_offsets_right(mirror):
    english, chinese = (load_xquad(language, progress=False) for language in ("en", "zh"))
    for paragraphs in (english, chinese):
        questions = [q for paragraph in paragraphs for q in paragraph.questions]
        assert (len(paragraphs), len(questions)) == (240, 1_190)
        assert len({p.title for p in paragraphs}) == 48
    for paragraph in english + chinese:
        for q in paragraph.questions:
            for a in q.answers:
                assert paragraph.context[a.start : a.start + len(a.text)] == a.text
    ids = [[q.id for p in side for q in p.questions] for side in (english, chinese)]
    assert ids[0] == ids[1] and len(set(ids[0])) == 1_190
