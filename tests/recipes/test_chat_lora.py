"""The run of LoRA beside full tuning: the same start and talks, rates chosen on validation."""

from dataclasses import replace

import pytest
import torch

from llm_book.recipes import chat_lora, chat_models
from llm_book.recipes.chat_lora import FULL, MAPS, NOTHING, OURS, UNTOUCHED, WORDS
from llm_book.recipes.job import Job
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime

TINY = replace(
    chat_lora.PRESETS["small"],
    n_talks=4, n_characters=2000, n_validation=500, vocab_size=280, width=16, n_layers=1,
    n_heads=2, windows=4, window=16, steps=6, evaluate_every=3, epochs=1, nothing_epochs=1, rank=1,
    context_length=192, longest=96,
)  # fmt: skip


def a_job(folder, seed=0, **more):
    return Job("chat_lora", "small", seed, folder, Runtime(), say=lambda said: None, **more)


@pytest.fixture(scope="module")
def corpus():
    return chat_models.load_corpus(TINY)


@pytest.fixture
def start(corpus):
    return chat_models.GPT(TINY.gpt(corpus.tokenizer.vocab_size), torch.Generator().manual_seed(0))


def test_runs_of_two_seeds_make_a_record_beside_all_rivals(tmp_path, corpus, monkeypatch):
    monkeypatch.setattr(chat_lora, "load_corpus", lambda config: corpus)
    monkeypatch.setattr(chat_lora, "FACTORS", (1.0,))
    documents = [chat_lora.run(TINY, a_job(tmp_path, seed)) for seed in (0, 1)]
    path = accept([tmp_path / f"chat_lora-small-{seed}" for seed in (0, 1)], tmp_path / "ledger")
    found = read_json(path)["summary"]["differences"]
    assert set(found) == {FULL, WORDS, NOTHING, UNTOUCHED}
    assert all("answer loss" in rival for rival in found.values())
    ours, full = documents[0]["metrics"], documents[0]["rivals"][FULL]
    assert ours["gap to full tuning"] == ours["answer loss"] / full["answer loss"] - 1
    assert full["trained share"] == 1 and ours["trained share"] < 1
    assert ours["optimiser bytes"] < full["optimiser bytes"]


def test_the_rate_is_the_one_that_validation_liked_and_the_test_part_has_no_say(
    tmp_path, corpus, start, monkeypatch
):
    def trial(way, rate, *_):
        at = chat_lora.FACTORS.index(rate / TINY.lora_rate)
        return {
            "learning rate": rate, "validation loss": (2.0, 1.0, 3.0)[at],
            "answer loss": (1.0, 9.0, 0.5)[at], "seconds": 1.0, "tokens": 10,
        }  # fmt: skip

    monkeypatch.setattr(chat_lora, "kept", trial)
    found = chat_lora.best(OURS, start, corpus, TINY, a_job(tmp_path))
    assert (found["learning rate"], found["answer loss"]) == (TINY.lora_rate, 9)
    assert (found["seconds in all"], found["tokens in all"]) == (3, 30)


def test_every_way_but_nothing_begins_as_the_pretrained_model(corpus, start):
    ids = corpus.read[None, :9]
    expected = start.eval()(ids)
    for way in (OURS, WORDS, FULL):
        assert torch.equal(chat_lora.learner(way, start, TINY).eval()(ids), expected), way
    assert not torch.equal(chat_lora.learner(NOTHING, start, TINY).eval()(ids), expected)


def test_detours_alone_are_trained_and_counted_as_by_hand(tmp_path, corpus, start):
    before = {name: weight.clone() for name, weight in start.state_dict().items()}
    model = chat_lora.learner(OURS, start, TINY)
    # Four maps from 16 to 16, one from 16 to 64 and one back, and the head: a number an end.
    vocabulary = start.config.vocab_size
    inner = 4 * 32 + 2 * 80
    assert chat_models.n_trained(model) == inner + 16 + vocabulary
    words = chat_lora.learner(WORDS, start, TINY)
    assert chat_models.n_trained(words) == inner + 16 * vocabulary
    assert words.head.weight is words.embedding.weight
    found = chat_lora.tuned(OURS, 0.01, start, corpus, TINY, a_job(tmp_path))
    tensors = 2 * len(MAPS[OURS])
    assert found["trained parameters"] == inner + 16 + vocabulary
    assert found["optimiser bytes"] == 2 * 4 * found["trained parameters"] + 4 * tensors
    assert all(torch.equal(before[name], weight) for name, weight in start.state_dict().items())


def test_tuning_lowers_the_answer_loss_in_every_way(tmp_path, corpus, start):
    config = replace(TINY, epochs=3, nothing_epochs=3)
    before = chat_lora.answer_loss(start, corpus, a_job(tmp_path))
    for way, rate in ((OURS, 5e-2), (WORDS, 1e-2), (FULL, 1e-2), (NOTHING, 1e-2)):
        found = chat_lora.tuned(way, rate, start, corpus, config, a_job(tmp_path))
        assert found["answer loss"] < before - 0.05, way


@pytest.mark.parametrize(
    ("loss", "trained", "holds"), [(1.01, 50, 1), (1.03, 50, 0), (1.0, 51, 0), (0.9, 1, 1)]
)
def test_the_claim_asks_for_a_near_loss_and_few_parameters_both(loss, trained, holds):
    ours = {"answer loss": loss, "trained parameters": trained}
    found = chat_lora.beside(ours, {"answer loss": 1.0, "trained parameters": 1000})
    assert found["near at few parameters"] == holds
    assert found["gap to full tuning"] == pytest.approx(loss - 1)
    assert chat_lora.sentence(found).endswith("yes" if holds else "no")


def test_a_killed_run_goes_on_behind_what_was_tuned(tmp_path, corpus, monkeypatch):
    monkeypatch.setattr(chat_lora, "load_corpus", lambda config: corpus)
    monkeypatch.setattr(chat_lora, "FACTORS", (1.0, 2.0))
    job, tuned = a_job(tmp_path), chat_lora.tuned

    def killed(way, *more):
        if way == WORDS:
            raise KeyboardInterrupt
        return tuned(way, *more)

    with monkeypatch.context() as once, pytest.raises(KeyboardInterrupt):
        once.setattr(chat_lora, "tuned", killed)
        chat_lora.run(TINY, job)
    assert read_json(job.folder / "run.json")["status"] == "stopped"
    again = []
    monkeypatch.setattr(
        chat_lora, "tuned", lambda way, *more: again.append(way) or tuned(way, *more)
    )
    assert chat_lora.run(TINY, replace(job, resume=True))["status"] == "finished"
    assert again == [WORDS] * 2 + [NOTHING] * 2


def test_lora_of_each_real_preset_has_at_most_a_twentieth_of_the_parameters():
    for name in ("cpu", "full"):
        config = chat_lora.PRESETS[name]
        with torch.device("meta"):
            start = chat_models.GPT(config.gpt(config.vocab_size))
            chat_lora.add_lora(start, MAPS[OURS], config.rank)
        trained = chat_models.n_trained(start)
        everything = sum(p.numel() for p in start.parameters()) - trained
        assert 0.01 < trained / everything <= chat_lora.FEW, name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rank": 17}, "choose from 1 to the width of the maps, 16"),
        ({"lora_rate": 0}, "lora_rate is 0"),
        ({"nothing_rate": -1}, "nothing_rate is -1"),
        ({"data": "x"}, "choose 'world' or 'real'"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)
