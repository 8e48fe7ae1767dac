"""The run that points at answers: nothing of the test is learned, each part is measured apart."""

from dataclasses import replace

import pytest
import torch

from llm_book.data.questions import Answer, Paragraph, Question
from llm_book.data.span_batches import SpanRows
from llm_book.models.lexical_span import LexicalSpan
from llm_book.recipes import qa_span, span_tasks
from llm_book.recipes.job import Job
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime

TINY = replace(
    qa_span.PRESETS["small"], n_questions=60, epochs=1, embedding_width=8, width=8, patience=1
)


@pytest.fixture(autouse=True)
def few_settings_to_try(monkeypatch):
    monkeypatch.setattr(qa_span, "CHOICES", {"near": (1.0, 0.0), "least": (0.0, 0.4)})
    monkeypatch.setattr(qa_span, "SEARCHES", ((6, False), (6, True)))


def a_job(folder, seed=0, **more):
    return Job("qa_span", "small", seed, folder, Runtime(), say=lambda said: None, **more)


def a_task(questions, name="towns"):
    """Passages with a question each, in all three parts alike."""
    passages, asked = [], []
    for number, (context, text, answer) in enumerate(questions):
        passages.append(span_tasks.Passage.of(context))
        span = passages[-1].span(context.index(answer), answer)
        words = span_tasks.Passage.of(text).words
        asked.append(span_tasks.Asked(words, number, span, [answer]))
    return span_tasks.Task(name, passages, {part: asked for part in span_tasks.PARTS})


TOWNS = a_task(
    [
        ("Rome was founded in 753. It has hills.", "When was Rome founded?", "753"),
        ("Bonn was destroyed in 1945. It has a river.", "When was Bonn destroyed?", "1945"),
    ]
)


def paragraphs(n, language):
    said = {"en": ("Town {} was built in {}.", "When was town {} built?")}
    said["zh"] = ("城{} 建于 {} 年。", "城{}何时建成？")
    context, asked = said[language]
    made = []
    for i in range(n):
        text = context.format(i, 1000 + i)
        answer = Answer(str(1000 + i), text.index(str(1000 + i)))
        made.append(Paragraph("t", text, (Question(f"q{i}", asked.format(i), (answer,)),)))
    return tuple(made)


def test_a_paragraph_has_one_part_and_the_same_in_both_languages(monkeypatch):
    monkeypatch.setattr(span_tasks, "load_xquad", lambda language: paragraphs(400, language))
    english, chinese = span_tasks.xquad(1000)
    held = {}
    for part in span_tasks.PARTS:
        held[part] = {asked.passage for asked in english.parts[part]}
        assert held[part] == {asked.passage for asked in chinese.parts[part]}
    assert not held["test"] & held["train"] and not held["test"] & held["validation"]
    assert not held["train"] & held["validation"] and len(set().union(*held.values())) == 400
    assert 0.14 < len(held["test"]) / 400 < 0.26 and 0.05 < len(held["validation"]) / 400 < 0.16
    assert (english.unit, chinese.unit) == ("words", "characters")
    few, _ = span_tasks.xquad(5)
    assert len(few.parts["train"]) == 5 and len(few.parts["test"]) == len(held["test"])


def test_each_question_of_the_world_has_a_passage_that_holds_its_answer():
    [task] = span_tasks.world(60)
    sizes = {name: len(asked) for name, asked in task.parts.items()}
    assert sizes == {"train": 60, "validation": 6, "test": 6}
    passages = [one.passage for asked in task.parts.values() for one in asked]
    assert sorted(passages) == list(range(72))
    for one in task.parts["train"]:
        passage = task.passages[one.passage]
        assert [passage.said(one.span)] == (one.references or [""])


def test_the_spaces_beside_chinese_answers_are_seen_by_nobody():
    marked, plain = "城 建于 1817 年 。", "城建于1817年。"
    found = [span_tasks.Passage.of(text) for text in (marked, plain)]
    assert found[0].words == found[1].words
    assert [one.said((2, 4)) for one in found] == ["于 1817 年", "于1817年"]
    words = qa_span.Vocabulary.build([], specials=("<pad>", "<unk>", qa_span.NOWHERE))
    asked = [span_tasks.Asked(list("何时建？"), i, (3, 3), ["1817"]) for i in (0, 1)]
    task = span_tasks.Task("zh", found, dict.fromkeys(span_tasks.PARTS, asked))
    one, other = qa_span.rows(task, asked, [0, 1], words).columns
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_span_holds_every_token_that_the_answer_touches():
    passage = span_tasks.Passage.of("From mid-May to the 1990s")
    assert passage.span(9, "May") == (1, 1)
    assert passage.said(passage.span(9, "May to")) == "mid-May to"
    assert passage.said(None) == ""


def test_runs_of_two_seeds_make_a_record_beside_the_rule(tmp_path):
    for seed in (0, 1):
        document = qa_span.run(TINY, a_job(tmp_path, seed))
    path = accept([tmp_path / f"qa_span-small-{seed}" for seed in (0, 1)], tmp_path / "ledger")
    summary = read_json(path)["summary"]
    assert set(summary["differences"][qa_span.RULE]) == {
        f"world, {place}, {metric}"
        for place in ("right passage", "BM25's first")
        for metric in ("exact match", "F1")
    }
    assert "LexicalSpan(" in document["rivals"][qa_span.RULE]["world, settings"]
    metrics = summary["metrics"]
    names = ("recall@1", "MRR", "recall@5")
    found = [metrics[f"world, BM25, {name}"]["estimate"] for name in names]
    assert 0 <= found[0] <= found[1] and found[0] <= found[2] <= 1


def test_reading_is_given_the_right_passage_and_the_chain_what_was_found(tmp_path, monkeypatch):
    monkeypatch.setitem(qa_span.SETS, "world", lambda n_questions: [TOWNS])
    monkeypatch.setattr(qa_span, "found_passages", lambda task: [[0, 1], [0, 1]])
    monkeypatch.setattr(qa_span, "tuned", lambda task: LexicalSpan())
    document = qa_span.run(TINY, a_job(tmp_path))
    rule = document["rivals"][qa_span.RULE]
    assert rule["towns, right passage, F1"] == 1
    assert rule["towns, BM25's first, F1"] == 0.5  # Bonn is asked of Rome's passage
    assert document["metrics"]["towns, BM25, recall@1"] == 0.5
    assert document["metrics"]["towns, BM25, MRR"] == 0.75


def test_bm25_finds_the_passage_that_names_the_town():
    assert [ranking[0] for ranking in qa_span.found_passages(TOWNS)] == [0, 1]


def test_what_is_looked_for_has_no_punctuation_and_pairs_if_asked():
    assert qa_span.terms(["Flows", "on", "?"], 4, pairs=False) == ["flow", "on"]
    assert qa_span.terms(["Flows", "on", "?"], 4, pairs=True) == ["flow", "on", "flow on"]


def test_only_training_and_validation_choose(tmp_path):
    other = replace(
        TOWNS, parts=TOWNS.parts | {"test": [replace(TOWNS.parts["test"][0], references=["hills"])]}
    )
    assert qa_span.tuned(other) == qa_span.tuned(TOWNS)
    assert other.worth(6)("rome") == TOWNS.worth(6)("rome")
    weights = [
        qa_span.learned(task, TINY, a_job(tmp_path))[0].state_dict() for task in (TOWNS, other)
    ]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_worth_is_counted_in_training_passages_alone():
    apart = replace(TOWNS, parts=TOWNS.parts | {"train": TOWNS.parts["train"][:1]})
    assert apart.worth(9)("bonn") > apart.worth(9)("rome")
    assert apart.worth(9)("bonn") == apart.worth(9)("never seen")


def test_chinese_answers_are_scored_by_characters():
    asked = [span_tasks.Asked([], 0, None, ["北京市"])]
    task = span_tasks.Task("zh", [], {"test": asked})
    exact, f1 = qa_span.per_question(task, ["北京"])
    assert (exact[0], f1[0]) == (0, pytest.approx(4 / 5))


class Certain(torch.nn.Module):
    """Logits that are given."""

    def __init__(self, start, end):
        super().__init__()
        self.logits = torch.tensor([start, end]).T[None]

    def forward(self, *inputs):
        return self.logits


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [
        ([0.0, 0, 5, 0, 0], [0.0, 0, 0, 5, 0], (1, 2)),
        ([5.0, 0, 0, 0, 0], [5.0, 0, 0, 0, 0], None),
        ([5.0, 0, 1, 0, 0], [0.0, 0, 5, 0, 0], (1, 1)),  # nowhere goes with nowhere alone
        ([0.0, 5, 0, 0, 0], [0.0, 0, 0, 1, 9], (1, 3)),  # a pair of 4 tokens is too long
        ([0.0, 0, 0, 5, 0], [0.0, 5, 0, 0, 1], (2, 3)),  # an end before its start is none
    ],
)
def test_the_best_pair_is_pointed_at(tmp_path, start, end, span):
    config = replace(TINY, longest=3)
    row = (
        torch.ones(1).long(),
        torch.ones(5).long(),
        torch.ones(5, 2),
        torch.zeros(5).long(),
        *[torch.tensor(0)] * 2,
    )
    found = qa_span.pointed(Certain(start, end), SpanRows([row]), config, a_job(tmp_path))
    assert found == [span]


def test_what_is_learned_stands_at_the_answer():
    task = TOWNS
    words = qa_span.Vocabulary.build([], specials=("<pad>", "<unk>", qa_span.NOWHERE))
    asked = [*task.parts["train"], replace(task.parts["train"][0], span=None)]
    read = qa_span.rows(task, asked, [one.passage for one in asked], words)
    batch = read.batch([0, 1, 2])
    assert batch.start.tolist() == batch.end.tolist() == [5, 5, 0]
    assert batch.said.shape == (3, 12) and batch.tokens == 11 + 12 + 11 and batch.weight == 3
    assert batch.said[:, 0].tolist() == [2, 2, 2] and not batch.marks[:, 0].any()


def test_training_makes_better_answers(tmp_path):
    rome, bonn = (passage.text for passage in TOWNS.passages)
    task = a_task(
        [
            (rome, "When was Rome founded?", "753"),
            (rome, "What has Rome?", "hills"),
            (bonn, "When was Bonn destroyed?", "1945"),
            (bonn, "What has Bonn?", "a river"),
        ]
    )
    passages = [0, 1, 2, 3]

    def f1(learning_rate):
        changed = replace(TINY, epochs=100, patience=100, width=16, learning_rate=learning_rate)
        model, vocabulary, _ = qa_span.learned(task, changed, a_job(tmp_path))
        read = qa_span.rows(task, task.parts["test"], passages, vocabulary)
        spans = qa_span.pointed(model, read, changed, a_job(tmp_path))
        return qa_span.per_question(task, qa_span.texts(task, passages, spans))[1].mean()

    assert f1(1e-2) == 1
    assert f1(1e-7) < 0.7


def test_a_killed_run_goes_on_behind_what_was_pointed_at(tmp_path, monkeypatch):
    job = a_job(tmp_path)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as once, pytest.raises(KeyboardInterrupt):
        once.setattr(qa_span, "paired_bootstrap", killed)
        qa_span.run(TINY, job)
    assert read_json(job.folder / "run.json")["status"] == "stopped"
    monkeypatch.setattr(qa_span, "learned", lambda *_: pytest.fail("learned again"))
    assert qa_span.run(TINY, replace(job, resume=True))["status"] == "finished"


def test_nowhere_is_the_empty_answer():
    assert qa_span.texts(TOWNS, [0, 1], [None, (0, 0)]) == ["", "Bonn"]


@pytest.mark.parametrize(("change", "said"), [({"data": "x"}, "choose"), ({"epochs": 0}, "least")])
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)
