"""The run of CBOW: the planted is found, gensim stands beside, a killed run goes on."""

from dataclasses import replace

import pytest
import torch

from llm_book.data.word_pairs import Noise
from llm_book.models.word_vectors import CBOW
from llm_book.recipes import words_cbow
from llm_book.recipes.job import Job
from llm_book.recipes.word_vectors import Corpus
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime

TINY = replace(words_cbow.PRESETS["small"], n_texts=1000, width=16, epochs=1)
SMALL = replace(words_cbow.PRESETS["small"], n_texts=10_000)


def a_job(folder, seed=0, **more):
    return Job("words_cbow", "small", seed, folder, Runtime(), say=lambda said: None, **more)


def without_gensim(monkeypatch):
    monkeypatch.setattr(words_cbow, "find_spec", lambda name: None)


@pytest.mark.parametrize("rule", ["mean", "program"])
def test_what_was_planted_is_found_and_what_was_not_is_not(rule):
    corpus = words_cbow.load_corpus(SMALL)
    scores = corpus.tests(words_cbow.train(corpus, SMALL, 0, rule))
    assert scores["planted similarities"] > 0.6
    assert scores["planted analogies"] > 0.7
    assert scores["unplanted analogies"] < 0.2


def test_gensim_finds_the_same_with_the_same_settings():
    pytest.importorskip("gensim", reason="gensim is not installed")
    corpus = words_cbow.load_corpus(SMALL)
    scores = corpus.tests(words_cbow.train_gensim(corpus, SMALL, seed=0))
    assert scores["planted similarities"] > 0.6
    assert scores["planted analogies"] > 0.7


def test_each_way_of_stepping_has_its_rate():
    config = replace(TINY, learning_rate=0.01, mean_learning_rate=0.2)
    rates = {rule: config.stepping(rule).learning_rate for rule in ("mean", "program")}
    assert rates == {"mean": 0.2, "program": 0.01}


def test_training_reads_every_word_of_each_epoch_and_can_be_repeated():
    def learned(seed):
        generator = torch.Generator().manual_seed(seed)
        model, corpus = CBOW(4, 8, generator), Corpus([[0, 1, 2, 3] * 50], 4)
        config = replace(TINY, epochs=2).stepping("mean")
        steps = list(words_cbow.train_cbow(model, corpus, config, generator))
        assert steps[-1].words == steps[-1].of == 400
        return model.vectors

    assert torch.equal(learned(1), learned(1)) and not torch.equal(learned(1), learned(2))


def test_a_step_holds_fewer_blocks_where_words_are_frequent():
    few = Corpus([list(range(10)) * 10], 10)
    config = replace(TINY, negatives=3).stepping("program")
    config = replace(config, threshold=1.0, block=10, blocks=50, learning_rate=0.08)
    # Every word is a tenth of the text and of the noise: (1 + 3) / 10 means a word read.
    assert words_cbow.steady_blocks(few, config, Noise(few.counts)) == 12
    assert words_cbow.steady_blocks(few, replace(config, blocks=7), Noise(few.counts)) == 7
    assert words_cbow.steady_blocks(few, replace(config, learning_rate=9.0), Noise([1] * 10)) == 1
    assert words_cbow.steady_blocks(few, config, Noise([1] + [0] * 9)) == 1  # 0.1 + 3 means


def test_runs_of_several_seeds_make_a_record_with_every_number(tmp_path, monkeypatch):
    without_gensim(monkeypatch)
    for seed in (0, 1):
        words_cbow.run(TINY, a_job(tmp_path, seed))
    path = accept([tmp_path / f"words_cbow-small-{seed}" for seed in (0, 1)], tmp_path / "ledger")
    summary = read_json(path)["summary"]
    planted = summary["metrics"]["planted similarities"]
    assert planted["low"] < planted["estimate"] < planted["high"]
    assert summary["metrics"][words_cbow.SPEED]["estimate"] > 0
    assert set(summary["differences"]) == {words_cbow.PROGRAM}


def test_neighbours_are_shared_with_gensims_first_run(tmp_path, monkeypatch):
    monkeypatch.setattr(words_cbow, "find_spec", lambda name: "there")
    monkeypatch.setattr(words_cbow, "train_gensim", words_cbow.train)
    document = words_cbow.run(TINY, a_job(tmp_path))
    assert document["metrics"][words_cbow.SHARED] == 1  # ours stands in for gensim here
    rivals = document["rivals"]
    assert words_cbow.SHARED not in rivals["gensim"]
    assert all(0 < rivals[name][words_cbow.SHARED] <= 1 for name in rivals if name != "gensim")
    higher = {f"gensim, rate {rate}" for rate in words_cbow.HIGHER_RATES}
    assert set(rivals) == {words_cbow.PROGRAM, "gensim", words_cbow.AGAIN, *higher}


def test_a_killed_run_goes_on_behind_the_vectors_it_had(tmp_path, monkeypatch):
    without_gensim(monkeypatch)
    job = a_job(tmp_path)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(words_cbow, "tested", killed)
        with pytest.raises(KeyboardInterrupt):
            words_cbow.run(TINY, job)
    assert read_json(job.folder / "run.json")["status"] == "stopped"
    monkeypatch.setattr(words_cbow, "train", lambda *_: pytest.fail("trained again"))
    assert words_cbow.run(TINY, replace(job, resume=True))["status"] == "finished"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": "imdb"}, "choose 'world' or 'novels'"),
        ({"n_texts": 0}, "at least 1"),
        ({"epochs": 0}, "above 0"),
        ({"mean_learning_rate": 0.0}, "mean_learning_rate is 0.0; it must be above 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)
