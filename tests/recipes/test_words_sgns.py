"""The run of word vectors: the planted is found, gensim stands beside, a killed run goes on."""

from dataclasses import replace

import numpy as np
import pytest

from llm_book.evaluation.similarity import VectorTable
from llm_book.recipes import words_sgns
from llm_book.recipes.job import Job
from llm_book.results import Record, accept, read_json
from llm_book.runtime import Runtime

TINY = replace(words_sgns.PRESETS["small"], n_texts=2000, width=16, epochs=1)
SMALL = replace(words_sgns.PRESETS["small"], n_texts=10_000)


def a_job(folder, seed=0, **more):
    return Job("words_sgns", "small", seed, folder, Runtime(), say=lambda said: None, **more)


def without_gensim(monkeypatch):
    monkeypatch.setattr(words_sgns, "find_spec", lambda name: None)


def test_what_was_planted_is_found_and_what_was_not_is_not():
    corpus = words_sgns.load_corpus(SMALL)
    scores = corpus.tests(words_sgns.train(corpus, SMALL, seed=0))
    assert scores["planted similarities"] > 0.8
    assert scores["planted analogies"] > 0.9
    assert scores["unplanted analogies"] < 0.2


def test_gensim_finds_the_same_with_the_same_settings():
    pytest.importorskip("gensim", reason="gensim is not installed")
    corpus = words_sgns.load_corpus(SMALL)
    scores = corpus.tests(words_sgns.train_gensim(corpus, SMALL, seed=0))
    assert scores["planted similarities"] > 0.8
    assert scores["planted analogies"] > 0.9


def test_runs_of_several_seeds_make_a_record_with_every_number(tmp_path, monkeypatch):
    without_gensim(monkeypatch)
    for seed in (0, 1):
        words_sgns.run(TINY, a_job(tmp_path, seed))
    path = accept([tmp_path / f"words_sgns-small-{seed}" for seed in (0, 1)], tmp_path / "ledger")
    summary = read_json(path)["summary"]
    planted = summary["metrics"]["planted similarities"]
    assert planted["low"] < planted["estimate"] < planted["high"]
    assert summary["differences"] == {} and summary["seconds"] > 0
    assert "planted similarities" in Record("x", read_json(path)).headline


def test_differences_are_taken_seed_by_seed(tmp_path, monkeypatch):
    monkeypatch.setattr(words_sgns, "find_spec", lambda name: "there")
    monkeypatch.setattr(words_sgns, "train_gensim", words_sgns.train)
    for seed in (0, 1):
        words_sgns.run(TINY, a_job(tmp_path, seed))
    path = accept([tmp_path / f"words_sgns-small-{seed}" for seed in (0, 1)], tmp_path / "ledger")
    found = read_json(path)["summary"]["differences"]
    assert found["gensim"]["planted similarities"] == {"estimate": 0, "low": 0, "high": 0}
    shared = found["gensim, another seed"]
    assert set(shared) == {words_sgns.SHARED} and shared[words_sgns.SHARED]["estimate"] > 0


def test_a_killed_run_goes_on_behind_the_vectors_it_had(tmp_path, monkeypatch):
    without_gensim(monkeypatch)
    job = a_job(tmp_path)

    def killed(table):
        raise KeyboardInterrupt

    corpus = words_sgns.load_corpus(TINY)
    monkeypatch.setattr(words_sgns, "load_corpus", lambda _: replace(corpus, tests=killed))
    with pytest.raises(KeyboardInterrupt):
        words_sgns.run(TINY, job)
    assert read_json(job.folder / "run.json")["status"] == "stopped"

    def not_again(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(words_sgns, "train", not_again)
    monkeypatch.setattr(words_sgns, "load_corpus", lambda _: corpus)
    document = words_sgns.run(TINY, replace(job, resume=True))
    assert document["status"] == "finished"
    assert not list(job.folder.glob("writing-*"))


def test_vectors_come_back_as_they_were_written(tmp_path):
    table = VectorTable(["a", "猫"], np.array([[3.0, 4.0], [0.0, 2.0]]))
    job = a_job(tmp_path)
    job.folder.mkdir()
    first, seconds = words_sgns.kept(job, "x", lambda: table)
    read, again = words_sgns.kept(job, "x", lambda: pytest.fail("made again"))
    assert first.words == read.words == table.words and seconds == again > 0
    assert np.allclose(read.unit, table.unit, atol=1e-7)
    assert [path.name for path in job.folder.iterdir()] == ["x.npz"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": "imdb"}, "choose 'world' or 'novels'"),
        ({"n_texts": 0}, "at least 1"),
        ({"min_count": 0}, "at least 1"),
        ({"epochs": 0}, "above 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)


def test_novels_are_read_in_words_without_case(monkeypatch):
    monkeypatch.setattr(words_sgns, "load_novels", lambda size: "The Cat's tail.\n\nOh! 12 Été\n")
    for name in ("load_wordsim353", "load_simlex999", "load_google_analogies"):
        monkeypatch.setattr(words_sgns, name, lambda: None)
    sentences, _ = words_sgns.novels(replace(TINY, data="novels"))
    assert sentences == [["the", "cat's", "tail"], ["oh", "été"]]
