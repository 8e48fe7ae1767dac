"""The run of a GPT of characters: it learns, its rivals count, a killed run goes on bit for bit."""

from dataclasses import replace

import pytest
import torch

from llm_book.recipes import shakespeare_gpt
from llm_book.recipes.job import Job
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime

TINY = replace(
    shakespeare_gpt.PRESETS["small"],
    n_characters=3000,
    width=16,
    n_layers=1,
    n_heads=2,
    context_length=16,
    batch_size=4,
    steps=12,
    evaluate_every=4,
)


def a_job(folder, seed=0, **more):
    return Job("shakespeare_gpt", "small", seed, folder, Runtime(), say=lambda said: None, **more)


def test_the_last_tenth_is_held_out_and_every_character_has_an_id():
    corpus = shakespeare_gpt.load_corpus(TINY)
    assert (len(corpus.train), len(corpus.validation)) == (2700, 300)
    assert corpus.tokenizer.decode(corpus.validation.tolist()) == corpus.validation_text


def test_runs_of_two_seeds_make_a_record_beside_both_rivals(tmp_path):
    for seed in (0, 1):
        shakespeare_gpt.run(TINY, a_job(tmp_path, seed))
    folders = [tmp_path / f"shakespeare_gpt-small-{seed}" for seed in (0, 1)]
    record = read_json(accept(folders, tmp_path / "ledger"))
    summary = record["summary"]
    assert set(summary["differences"]) == {"Kneser-Ney, 3 characters", "Kneser-Ney, 6 characters"}
    for one in record["runs"]:
        assert [entry["index"] for entry in one["validation"]] == [4, 8, 12]
        assert one["metrics"]["validation loss"] >= one["metrics"]["best validation loss"]
        assert one["metrics"]["bits per byte"] == pytest.approx(
            one["metrics"]["validation loss"] * 299 / 300 / 0.6931471805599453, rel=1e-6
        )


def test_training_makes_the_text_less_surprising(tmp_path):
    config = replace(TINY, steps=120, evaluate_every=60, learning_rate=1e-2)
    metrics = shakespeare_gpt.run(config, a_job(tmp_path))["metrics"]
    losses = [entry["loss"] for entry in a_job(tmp_path).validation.read()]
    assert losses[1] < losses[0] < 3.2 and metrics["best validation loss"] == min(losses)


def test_a_killed_run_goes_on_to_the_same_curve(tmp_path):
    whole = a_job(tmp_path / "whole")
    shakespeare_gpt.run(TINY, whole)
    torn = a_job(tmp_path / "torn")

    def stop_at_nine(said):
        if said.startswith("step     8"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shakespeare_gpt.run(TINY, replace(torn, say=stop_at_nine))
    assert read_json(torn.folder / "run.json")["status"] == "stopped"
    shakespeare_gpt.run(TINY, replace(torn, resume=True))
    alike = [[(s["index"], s["loss"]) for s in job.curve.read()] for job in (whole, torn)]
    assert alike[0] == alike[1] and len(alike[0]) == 12
    assert whole.validation.read() == torn.validation.read()


def test_rivals_that_count_more_characters_are_less_surprised():
    corpus = shakespeare_gpt.load_corpus(replace(TINY, n_characters=20_000))
    losses = [shakespeare_gpt.counted(corpus, order).loss for order in (1, 3, 6)]
    assert losses[0] > losses[1] > losses[2]


def test_both_sides_predict_the_same_characters(tmp_path):
    corpus = shakespeare_gpt.load_corpus(TINY)
    torch.manual_seed(0)
    model = shakespeare_gpt.build(TINY, corpus.tokenizer.vocab_size)
    ours = shakespeare_gpt.validate(model, corpus, TINY, a_job(tmp_path))
    assert ours.tokens == shakespeare_gpt.counted(corpus, 3).tokens == 299


def test_shakespeare_is_read_where_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(shakespeare_gpt, "load_tiny_shakespeare", lambda: "To be, or not. " * 10)
    corpus = shakespeare_gpt.load_corpus(replace(TINY, data="shakespeare"))
    assert corpus.facts["name"] == "shakespeare" and len(corpus.train) == 135


@pytest.mark.parametrize(
    ("change", "said"), [({"data": "x"}, "choose"), ({"evaluate_every": 0}, "at least 1")]
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)
