"""The sweep of sizes: one text for all, sizes as torch counts them, a killed run goes on."""

from dataclasses import replace

import numpy as np
import pytest

from llm_book.models.transformer import GPT
from llm_book.recipes import bpe_gpt
from llm_book.recipes.job import Job
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime

TINY = replace(
    bpe_gpt.PRESETS["small"],
    n_characters=20_000,
    n_held_out=600,
    vocab_size=280,
    sizes="4x1 8x1 16x1 32x1 48x1",
    head_width=4,
    context_length=16,
    batch_size=8,
    steps=60,
    learning_rate=6e-3,
)


def a_job(folder, seed=0, **more):
    return Job("bpe_gpt", "small", seed, folder, Runtime(), **{"say": lambda said: None} | more)


def test_the_presets_sweep_twelve_models_over_more_than_a_decade():
    for name, config in bpe_gpt.PRESETS.items():
        vocab = config.vocab_size
        parts = [bpe_gpt.parameter_terms(bpe_gpt.sizes(one, vocab, config)) for one in config.names]
        n = [sum(terms.values()) for terms in parts]
        assert len(n) == 12 and max(n) > 30 * min(n), name
    assert 80e6 < max(n) < 110e6


def test_parameters_are_those_of_the_model_and_the_tables_are_two_of_its_parts(tmp_path):
    corpus = bpe_gpt.load_corpus(TINY)
    job = a_job(tmp_path)
    job.folder.mkdir()
    tokens = bpe_gpt.encoded(corpus, TINY, job)
    model = GPT(bpe_gpt.sizes("16x1", tokens.vocab_size, TINY))
    stored = {"nats": np.array(50.0), "tokens": np.array(20), "seconds": np.array(1.0)}
    found = bpe_gpt.measured("16x1", stored, corpus, tokens, TINY)
    assert found.parameters == sum(p.numel() for p in model.parameters())
    tables = tokens.vocab_size * 16 + TINY.context_length * 16
    assert found.parameters_without_tables == found.parameters - tables
    assert found.flop == 6 * found.parameters * 60 * 8 * 16
    assert found.loss == 2.5


def test_held_out_texts_are_whole_and_never_learned_from(monkeypatch):
    novels = "\n\n".join(f"novel {i} says {i * 7} things." for i in range(30))
    monkeypatch.setattr(bpe_gpt, "load_novels", lambda size: novels)
    corpus = bpe_gpt.load_corpus(replace(TINY, data="novels", n_held_out=1000))
    assert corpus.facts["name"] == "novels"
    assert corpus.held_out.split("\n\n") == [f"novel {i} says {i * 7} things." for i in (9, 19, 29)]
    assert len(corpus.train.split("\n\n")) == 27
    assert not set(corpus.held_out.split("\n\n")) & set(corpus.train.split("\n\n"))
    monkeypatch.setattr(bpe_gpt, "LEAST", 3)
    short = bpe_gpt.load_corpus(replace(TINY, data="novels", n_held_out=34, n_characters=99))
    assert short.held_out == "novel 9 say\n\nnovel 19 sa\n\nnovel 29" and len(short.train) == 99


def test_short_texts_are_predicted_whole():
    corpus = bpe_gpt.load_corpus(TINY)
    known = bpe_gpt.world(TINY)[9::10]
    assert corpus.held_out == "\n\n".join(known)[: TINY.n_held_out]


def test_the_text_comes_back_from_its_tokens_and_the_bpe_knows_the_learned_part_only(tmp_path):
    corpus = bpe_gpt.load_corpus(TINY)
    job = a_job(tmp_path)
    job.folder.mkdir()
    tokens = bpe_gpt.encoded(corpus, TINY, job)
    tokenizer = bpe_gpt.BPETokenizer.train(corpus.train, TINY.vocab_size)
    assert tokenizer.decode(tokens.held_out.tolist()) == corpus.held_out
    assert tokenizer.decode(tokens.train.tolist()) == corpus.train
    assert tokens.vocab_size == 280


def test_wider_models_begin_with_logits_of_the_same_size_and_learn_more_slowly():
    scales = {n: bpe_gpt.sizes(n, 280, TINY).initial_scale for n in ("4x1", "16x1", "32x1")}
    assert scales["4x1"] == pytest.approx(2 * scales["16x1"])
    full = bpe_gpt.PRESETS["full"]
    assert bpe_gpt.sizes("768x12", 280, full).initial_scale == pytest.approx(0.02)
    assert bpe_gpt.learning_rate("64x2", full) == full.learning_rate
    assert bpe_gpt.learning_rate("256x5", full) == pytest.approx(full.learning_rate / 4)


def test_two_seeds_make_a_record_with_every_model_and_both_laws(tmp_path):
    for seed in (0, 1):
        bpe_gpt.run(TINY, a_job(tmp_path, seed))
    folders = [tmp_path / f"bpe_gpt-small-{seed}" for seed in (0, 1)]
    record = read_json(accept(folders, tmp_path / "ledger"))
    assert set(record["summary"]["metrics"]) == {
        *(f"{name}, validation loss" for name in TINY.names),
        *(
            f"{counted}: {what}"
            for counted in ("all", "without tables")
            for what in ("exponent with a floor", "floor", "exponent without a floor")
        ),
    }
    metrics = record["runs"][0]["metrics"]
    assert [model["name"] for model in metrics["models"]] == TINY.names
    losses = [model["loss"] for model in metrics["models"]]
    assert losses[0] > losses[-1] and metrics["4x1, validation loss"] == losses[0]
    assert metrics["intervals"]["all: floor"]["low"] >= 0
    assert record["summary"]["tokens"] == 2 * 5 * 60 * 8 * 16


def test_a_killed_run_goes_on_behind_the_models_it_has(tmp_path, monkeypatch):
    bpe_gpt.run(TINY, a_job(tmp_path / "whole"))
    trained, learned = [], bpe_gpt.learned

    def counting(name, *rest):
        trained.append(name)
        return learned(name, *rest)

    def stop_after_two(said):
        if said.startswith("8x1"):
            raise KeyboardInterrupt

    monkeypatch.setattr(bpe_gpt, "learned", counting)
    with pytest.raises(KeyboardInterrupt):
        bpe_gpt.run(TINY, a_job(tmp_path / "torn", say=stop_after_two))
    torn = tmp_path / "torn" / "bpe_gpt-small-0"
    assert read_json(torn / "run.json")["status"] == "stopped"
    document = bpe_gpt.run(TINY, a_job(tmp_path / "torn", resume=True))
    assert trained == TINY.names
    whole = read_json(tmp_path / "whole" / "bpe_gpt-small-0" / "run.json")
    losses = [[one["loss"] for one in run["metrics"]["models"]] for run in (whole, document)]
    assert losses[0] == losses[1]


def test_a_sweep_whose_loss_does_not_fall_fits_no_law():
    fields = dict.fromkeys(bpe_gpt.Model.__dataclass_fields__, 1) | {"name": "x"}
    models = [
        bpe_gpt.Model(**fields | {"parameters": n, "parameters_without_tables": n, "loss": n})
        for n in range(1, 7)
    ]
    with pytest.raises(ValueError, match="does not fall as x grows"):
        bpe_gpt.fitted(models)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"data": "x"}, "data is 'x'; choose 'world' or 'novels'"),
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"n_held_out": 0}, "n_held_out is 0"),
        ({"vocab_size": 255}, "vocab_size is 255; expected 256 to 65,536"),
        ({"vocab_size": 70_000}, "vocab_size is 70000; expected 256 to 65,536"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be above 0"),
        ({"sizes": "16x1 16"}, "size '16' is no width x layers; write e.g. 64x4"),
        ({"sizes": "16x0"}, "size '16x0' is no width x layers"),
        ({"sizes": "6x1"}, "the width of 6x1 is not made of heads 4 wide"),
        ({"sizes": "4x1 8x1 8x1 4x1 4x1"}, "sizes name 2 different models"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(TINY, **change)
