"""The run that sorts texts: what is tested was not learned, both sides are scored alike."""

from dataclasses import replace

import numpy as np
import pytest

from llm_book.data.labelled_texts import LabelledText, LabelledTexts
from llm_book.recipes import classify
from llm_book.recipes.job import Job
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime

TINY = replace(classify.PRESETS["small"], n_texts=60, epochs=1, width=8, n_heads=2, n_layers=1)


def a_job(folder, seed=0, **more):
    return Job("classify", "small", seed, folder, Runtime(), say=lambda said: None, **more)


def texts(*pairs):
    return [LabelledText(*pair) for pair in pairs]


def test_a_text_stands_once_and_on_one_side():
    train = texts(("a", 0), ("b", 1), ("a", 0), ("c", 1))
    task = classify._of("t", ("x", "y"), train, texts(("c", 1), ("c", 1)))
    assert [text.text for text in task.train] == ["a", "b"]
    assert [text.text for text in task.test] == ["c"]


def test_a_fifth_is_tested_and_always_the_same():
    many = texts(*((f"text {i}", i % 2) for i in range(2000)))
    task = classify._split("t", ("x", "y"), many)
    assert 0.15 < len(task.test) / len(many) < 0.25
    assert classify._split("t", ("x", "y"), many[::-1]).test[::-1] == task.test
    assert not {t.text for t in task.test} & {t.text for t in task.train}
    assert len(task.test) + len(task.train) == len(many)


def test_runs_of_two_seeds_make_a_record_beside_the_rival(tmp_path):
    for seed in (0, 1):
        document = classify.run(TINY, a_job(tmp_path, seed))
        assert document["rivals"][classify.RIVAL]["topics, margin"]["low"] <= 1
    path = accept([tmp_path / f"classify-small-{seed}" for seed in (0, 1)], tmp_path / "ledger")
    summary = read_json(path)["summary"]
    found = summary["differences"][classify.RIVAL]["topics, accuracy"]
    assert found["low"] <= found["estimate"] <= found["high"]
    assert 0 <= summary["metrics"]["topics, accuracy"]["estimate"] <= 1


def test_more_training_tells_the_topics_apart(tmp_path):
    config = replace(TINY, n_texts=600, epochs=8, width=32, learning_rate=3e-3)
    [task] = classify.tasks_of(config)
    said, seconds, tokens = classify.learn(task, config, a_job(tmp_path))
    assert said.sum(axis=1) == pytest.approx(1) and seconds > 0
    assert tokens > 8 * len(task.train)
    assert classify.scores(task, said)["topics, accuracy"] > 0.4


def test_a_killed_run_goes_on_behind_what_was_answered(tmp_path, monkeypatch):
    job = a_job(tmp_path)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as once, pytest.raises(KeyboardInterrupt):
        once.setattr(classify, "tfidf_classes", killed)
        classify.run(TINY, job)
    assert read_json(job.folder / "run.json")["status"] == "stopped"
    monkeypatch.setattr(classify, "learn", lambda *_: pytest.fail("learned again"))
    assert classify.run(TINY, replace(job, resume=True))["status"] == "finished"


def test_a_rare_label_has_its_own_f1():
    task = classify.Task("SMS", ("ham", "spam"), [], texts(("a", 0), ("b", 1), ("c", 1)))
    found = classify.scores(task, np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]))
    assert found["SMS, accuracy"] == pytest.approx(2 / 3)
    assert found["SMS, F1 of spam"] == pytest.approx(2 / 3)  # precision 1, recall 1/2


def test_real_sets_are_read_and_split(monkeypatch):
    two = LabelledTexts(tuple(texts(*((f"t{i}", i % 2) for i in range(50)))), ("ham", "spam"))
    for name in ("load_sms_spam", "load_ag_news"):
        monkeypatch.setattr(classify, name, lambda: two)
    monkeypatch.setattr(classify, "load_banking77", lambda split: two)
    tasks = classify.tasks_of(replace(TINY, data="real", n_texts=7))
    assert [task.name for task in tasks] == ["SMS spam", "banking77", "AG News"]
    assert len(tasks[0].train) == 7 and len(tasks[1].test) == 50
    assert classify.content_hash(tasks) != classify.content_hash(tasks[:2])


@pytest.mark.parametrize(("change", "said"), [({"data": "x"}, "choose"), ({"epochs": 0}, "least")])
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)
