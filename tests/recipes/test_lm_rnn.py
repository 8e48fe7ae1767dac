"""The run of three language models of one size: they learn, a killed run goes on bit for bit."""

import re
from dataclasses import replace

import pytest
import torch

from llm_book.recipes import lm_rnn
from llm_book.recipes.job import Job
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime

TINY = replace(
    lm_rnn.PRESETS["small"],
    n_characters=4000,
    n_validation=1000,
    vocab_size=280,
    width=22,
    n_layers=1,
    n_heads=2,
    recurrent_layers=1,
    context_length=16,
    batch_size=4,
    steps=12,
    evaluate_every=4,
)
NAMES = (lm_rnn.OURS, *lm_rnn.RIVALS)


def a_job(folder, seed=0, **more):
    return Job("lm_rnn", "small", seed, folder, Runtime(), say=lambda said: None, **more)


def test_the_three_are_a_gpt_and_both_gated_networks():
    assert NAMES == ("LSTM", "GRU", "GPT")


def test_the_texts_share_no_story_and_the_tokenizer_knows_the_first_alone():
    corpus = lm_rnn.load_corpus(TINY)
    learned, predicted = lm_rnn.world(TINY)
    assert (len(learned), len(predicted)) == (4000, 1000) and corpus.validation_text == predicted
    assert not set(learned.split("\n")[:-1]) & set(predicted.split("\n")[:-1])
    tokenizer = lm_rnn.BPETokenizer.train(learned, 280)
    assert tokenizer.decode(corpus.validation.tolist()) == predicted
    assert tokenizer.vocab_size == corpus.vocab_size == 280


def test_every_tenth_novel_is_held_out_whole(monkeypatch):
    books = [f"Book {i}.\n" + f"It is number {i}. " * 50 + "\n" for i in range(12)]
    monkeypatch.setattr(lm_rnn, "load_novels", lambda size: "\n".join(books))
    config = replace(TINY, data="novels", n_characters=2000, n_validation=101)
    learned, predicted = lm_rnn.novels(config)
    assert len(learned) == 2000 and learned.startswith("Book 1.\n") and "Book 2.\n" in learned
    assert predicted.startswith("Book 0.\n") and "Book 10.\n" in predicted
    assert len(predicted) == 101
    whole, _ = lm_rnn.novels(replace(config, n_characters=10**6))
    assert not re.search(r"Book (0|10)\.", whole) and "Book 11.\n" in whole


def test_recurrent_networks_are_as_large_as_the_gpt():
    for config in (*lm_rnn.PRESETS.values(), TINY):
        with torch.device("meta"):
            sizes = [
                lm_rnn.n_parameters(lm_rnn.build(name, config, config.vocab_size)) for name in NAMES
            ]
        assert max(sizes) < 1.04 * min(sizes)
        assert all(abs(size / sizes[-1] - 1) <= 0.02 for size in sizes)


def test_the_width_that_fits_is_the_nearest_from_either_side():
    def size(width):
        return width**2

    assert [lm_rnn.fitting_width(size, budget) for budget in (0, 1, 81, 90, 91, 99)] == [
        *(1, 1, 9, 9, 10, 10)
    ]


def test_a_size_that_no_recurrent_network_has_is_refused():
    config = replace(TINY, width=2, recurrent_layers=40)
    with pytest.raises(ValueError, match="more than 2% apart; choose a greater width or fewer"):
        lm_rnn.build("LSTM", config, 280)


def test_runs_of_two_seeds_make_a_record_beside_all_rivals(tmp_path):
    for seed in (0, 1):
        lm_rnn.run(TINY, a_job(tmp_path, seed))
    folders = [tmp_path / f"lm_rnn-small-{seed}" for seed in (0, 1)]
    record = read_json(accept(folders, tmp_path / "ledger"))
    found = record["summary"]["differences"]
    assert set(found) == {"GRU", "GPT", lm_rnn.KNESER_NEY}
    assert {"validation loss", "bits per byte", "tokens a second"} <= set(found["GPT"])
    for one in record["runs"]:
        assert [entry["index"] for entry in one["validation"]] == [4, 8, 12]
        assert one["metrics"]["validation loss"] == pytest.approx(one["validation"][-1]["loss"])
        assert one["tokens"] == 3 * 12 * 4 * 16
    corpus, metrics = lm_rnn.load_corpus(TINY), record["runs"][0]["metrics"]
    nats = metrics["validation loss"] * (len(corpus.validation) - 1)
    n_bytes = len(corpus.validation_text.encode())
    assert metrics["bits per byte"] == pytest.approx(nats / 0.6931471805599453 / n_bytes)


@pytest.mark.parametrize("name", NAMES)
def test_training_makes_the_text_less_surprising(tmp_path, name):
    config = replace(TINY, steps=60, evaluate_every=20, learning_rate=1e-2)
    job = a_job(tmp_path)
    job.folder.mkdir()
    metrics = lm_rnn.learned(name, lm_rnn.load_corpus(config), config, job)
    losses = [entry["loss"] for entry in lm_rnn.part(job, name).validation.read()]
    assert losses[0] > losses[1] > losses[2] and losses[2] < 5.0
    assert metrics["best validation loss"] == min(losses)
    assert metrics["tokens a second"] > 0


@pytest.mark.parametrize("where", NAMES)
def test_a_killed_run_goes_on_to_the_same_curves(tmp_path, where):
    whole = a_job(tmp_path / "whole")
    expected = lm_rnn.run(TINY, whole)
    torn = a_job(tmp_path / "torn")

    def stop_at_nine(said):
        if said.startswith(f"{where}: step     8"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lm_rnn.run(TINY, replace(torn, say=stop_at_nine))
    assert read_json(torn.folder / "run.json")["status"] == "stopped"
    document = lm_rnn.run(TINY, replace(torn, resume=True))
    for name in NAMES:
        parts = [lm_rnn.part(job, name) for job in (whole, torn)]
        alike = [[(s["index"], s["loss"]) for s in job.curve.read()] for job in parts]
        assert alike[0] == alike[1] and len(alike[0]) == 12
        assert parts[0].validation.read() == parts[1].validation.read()
    for name, facts in expected["rivals"].items():
        assert facts["validation loss"] == document["rivals"][name]["validation loss"]


def test_counts_and_networks_predict_the_same_tokens(tmp_path):
    corpus = lm_rnn.load_corpus(TINY)
    torch.manual_seed(0)
    model = lm_rnn.build("GRU", TINY, corpus.vocab_size)
    ours = lm_rnn.validate(model, corpus, TINY, a_job(tmp_path))
    assert ours.tokens == lm_rnn.counted(corpus).tokens == len(corpus.validation) - 1


def test_each_kind_of_network_has_its_learning_rate():
    config = replace(TINY, learning_rate=1e-3, recurrent_learning_rate=2e-3)
    rates = [config.training(name).learning_rate for name in NAMES]
    assert rates == [2e-3, 2e-3, 1e-3]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": "x"}, "choose 'world' or 'novels'"),
        ({"evaluate_every": 0}, "evaluate_every is 0; it must be at least 1"),
        ({"n_validation": 0}, "n_validation is 0; it must be at least 1"),
        ({"n_heads": 3}, "heads"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)
