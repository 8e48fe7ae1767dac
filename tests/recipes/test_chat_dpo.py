"""The run of DPO: what it prefers, by whom it is beaten, and what it says of its own cost."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from llm_book.data.chat import Example
from llm_book.data.instructions import Instruction, Preference
from llm_book.recipes import chat_dpo, chat_models, chat_pairs
from llm_book.recipes.chat_pairs import ACCURACY, Pair
from llm_book.recipes.job import Job
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime

TINY = replace(
    chat_dpo.PRESETS["small"],
    n_talks=4, n_characters=2000, n_validation=500, vocab_size=280, width=16, n_layers=1,
    n_heads=2, windows=4, window=16, steps=6, evaluate_every=3, epochs=1, preference_epochs=1,
    context_length=192, longest=96,
)  # fmt: skip


def a_job(folder, seed=0, **more):
    return Job("chat_dpo", "small", seed, folder, Runtime(), say=lambda said: None, **more)


@pytest.fixture(scope="module")
def corpus():
    return chat_models.load_corpus(TINY)


@pytest.fixture(scope="module")
def pairs(corpus):
    found = chat_pairs.pairs_of(TINY, corpus)
    return {part: of_part[:24] for part, of_part in found.items()}


@pytest.fixture
def model(corpus):
    return chat_dpo.GPT(TINY.gpt(corpus.tokenizer.vocab_size), torch.Generator().manual_seed(0))


def a_pair(chosen, rejected, original_chosen=True, asked="x"):
    context = (("user", asked),)
    return Pair(Example(context, chosen), Example(context, rejected), original_chosen)


def test_runs_of_two_seeds_make_a_record_and_a_killed_one_goes_on(tmp_path, corpus, monkeypatch):
    monkeypatch.setattr(chat_dpo, "load_corpus", lambda config: corpus)
    monkeypatch.setattr(chat_dpo, "FACTORS", (1.0, 3.0))
    job, preferring = a_job(tmp_path, 0), chat_dpo.preferring

    def killed(rate, *more):
        if rate > TINY.preference_rate:
            raise KeyboardInterrupt
        return preferring(rate, *more)

    with monkeypatch.context() as once, pytest.raises(KeyboardInterrupt):
        once.setattr(chat_dpo, "preferring", killed)
        chat_dpo.run(TINY, job)
    assert read_json(job.folder / "run.json")["status"] == "stopped"
    with monkeypatch.context() as once:
        once.setattr(chat_dpo, "tuned", lambda *_: pytest.fail("tuned again"))
        assert chat_dpo.run(TINY, replace(job, resume=True))["status"] == "finished"
    document = chat_dpo.run(TINY, a_job(tmp_path, 1))
    path = accept([tmp_path / f"chat_dpo-small-{seed}" for seed in (0, 1)], tmp_path / "ledger")
    found = read_json(path)["summary"]["differences"]
    guesses = {chat_dpo.BEFORE_SUM, chat_dpo.BEFORE_MEAN, chat_pairs.TFIDF}
    assert set(found) == guesses | {chat_dpo.BEFORE, "the longer reply", "the shorter reply"}
    assert all(ACCURACY in found[name] for name in guesses)
    assert {"answer loss", "characters a reply", "log p of the chosen"} <= set(
        found[chat_dpo.BEFORE]
    )
    assert document["metrics"]["KL a reply"] >= 0


def test_preferring_raises_the_chosen_above_the_rejected_and_leaves_the_reference(
    tmp_path, corpus, pairs, model
):
    config = replace(TINY, preference_epochs=8, batch_size=8)
    job, moved = a_job(tmp_path), chat_models.copied(model, 0.0)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    again = pairs | {"validation": pairs["train"]}
    found = chat_dpo.preferring(1e-2, again, corpus, config, job, moved)
    assert found["validation preference loss"] < 0.5 * math.log(2)
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    measured = chat_dpo.measured(moved, model, pairs["train"], corpus, config, job)
    assert measured[ACCURACY] > 0.8 and measured["reward margin"] > 0
    assert measured["preference loss"] == pytest.approx(found["validation preference loss"])
    assert measured["KL a reply"] > 0.01


def test_a_model_that_did_not_move_is_a_coin_and_costs_nothing(tmp_path, corpus, pairs, model):
    job = a_job(tmp_path)
    found = chat_dpo.measured(model, model, pairs["test"], corpus, TINY, job)
    before = chat_dpo.untouched(model, pairs["test"], corpus, TINY, job)[chat_dpo.BEFORE]
    assert found[ACCURACY] == 0.5
    assert found["preference loss"] == pytest.approx(math.log(2)) == before["preference loss"]
    assert found["KL a reply"] == 0 and found["chosen that fell"] == 0
    for name in ("answer loss", "characters a reply", "log p of the chosen"):
        assert found[name] == before[name], name


def test_a_worse_validation_loss_leaves_the_model_as_it_was(tmp_path, corpus, pairs, model):
    turned = [Pair(pair.rejected, pair.chosen, False) for pair in pairs["train"]]
    moved = chat_models.copied(model, 0.0)
    found = chat_dpo.preferring(
        5e-3, pairs | {"validation": turned}, corpus, TINY, a_job(tmp_path), moved
    )
    assert found["best epoch"] == 0
    assert found["validation preference loss"] == pytest.approx(math.log(2))
    assert torch.equal(moved.embedding.weight, model.embedding.weight)


def test_log_p_of_a_reply_is_the_sum_over_its_tokens_and_its_end(tmp_path, corpus, pairs, model):
    rows = chat_dpo.rows_of(pairs["test"][:5], corpus.template)[0]
    found = chat_dpo.totals(model, corpus.template, rows, a_job(tmp_path))
    model.eval().requires_grad_(False)
    for (prompt, reply), total in zip(rows, found, strict=True):
        ids = torch.tensor([[*prompt, *reply]])
        chances = model(ids)[0].log_softmax(dim=-1)
        expected = sum(
            chances[len(prompt) - 1 + place, token]
            for place, token in enumerate([*reply, corpus.template.end])
        )
        assert float(total) == pytest.approx(float(expected), rel=1e-4)


def test_the_divergence_is_that_of_pytorch_on_the_replies_alone(corpus, pairs, model):
    other = chat_dpo.GPT(model.config, torch.Generator().manual_seed(1))
    batch = corpus.template.batch(chat_dpo.rows_of(pairs["test"][:4], corpus.template)[0])
    with torch.no_grad():
        found = chat_dpo.divergences(model, other, batch)
        ours, theirs = (one.eval()(batch.ids).log_softmax(dim=-1) for one in (model, other))
    counted = batch.targets != chat_dpo.IGNORE
    for row, value in enumerate(found):
        expected = torch.nn.functional.kl_div(
            theirs[row][counted[row]], ours[row][counted[row]], log_target=True, reduction="sum"
        )
        assert float(value) == pytest.approx(float(expected), rel=1e-4)
        assert float(value) > 0


def test_real_pairs_stand_in_the_parts_of_their_instructions_and_ties_are_left_out(
    corpus, monkeypatch
):
    told = [
        Preference(f"Say {i}.", "", f"{i}", f"{i}, please" if i % 2 else f"{i}", f"{i}")
        if i % 2
        else Preference(f"Say {i}.", "", f"{i}", f"{i}", f"{i}, dope" if i else f"{i}")
        for i in range(200)
    ]
    asked = [Instruction(one.instruction, one.input, one.output) for one in told]
    monkeypatch.setattr(chat_pairs, "load_preferences", lambda: tuple(told))
    monkeypatch.setattr(chat_models, "load_instructions", lambda: tuple(asked))
    monkeypatch.setattr(chat_models, "load_taskmaster", lambda: ())
    config = replace(TINY, data="real", n_talks=1000)
    _, task = chat_models.orders(config)
    facts = {"content_sha256": "0", "report": "r"}
    corpus = replace(corpus, task=task, facts=facts)
    pairs = chat_pairs.pairs_of(config, corpus)
    assert sum(map(len, pairs.values())) == 199
    for part in chat_pairs.PARTS:
        known = {one.context for one in getattr(task, part)}
        assert {pair.chosen.context for pair in pairs[part]} <= known
        for pair in pairs[part]:
            assert pair.chosen.context == pair.rejected.context
            assert pair.original_chosen == pair.rejected.reply.endswith("dope")
    report = chat_pairs.facts(corpus, pairs)
    assert "99 prefer the answer as it was" in report["report"]


def test_a_tie_counts_one_half_and_both_kinds_of_pairs_are_told_apart():
    pairs = [a_pair("a", "b", kind) for kind in (True, True, False, False)]
    found = chat_pairs.scores([1, 0, -2, 3], pairs)
    assert found[ACCURACY] == 0.625
    assert found[f"{ACCURACY}, original chosen"] == 0.75
    assert found[f"{ACCURACY}, original rejected"] == 0.5
    assert found[f"{ACCURACY}, low"] < 0.5 < 0.625 < found[f"{ACCURACY}, high"]
    assert f"{ACCURACY}, original rejected" not in chat_pairs.scores([1], pairs[:1])


def test_length_guesses_by_characters_and_its_opposite_is_right_elsewhere():
    same = [a_pair("fine day", "bad day"), a_pair("a fine day", "a bad day indeed")] * 4
    tests = [a_pair("long", "no"), a_pair("so", "long"), a_pair("on", "no")]
    found = chat_pairs.classical({"train": same, "validation": same, "test": tests})
    assert found["the longer reply"][ACCURACY] == found["the shorter reply"][ACCURACY] == 0.5
    only = chat_pairs.classical({"train": same, "validation": same, "test": tests[:1]})
    assert (only["the longer reply"][ACCURACY], only["the shorter reply"][ACCURACY]) == (1, 0)


def test_the_linear_rival_learns_words_and_does_not_see_which_reply_stands_first():
    known = [a_pair(f"please take {i}", f"you fool take {i}") for i in range(12)]
    new = [a_pair("please wait", "you fool wait"), a_pair("wait", "you fool wait")]
    margins = chat_pairs.linear_margins({"train": known, "validation": known[:3], "test": new})
    assert (margins > 0).all()
    turned = [Pair(pair.rejected, pair.chosen, False) for pair in new]
    again = chat_pairs.linear_margins({"train": known, "validation": known[:3], "test": turned})
    assert again == pytest.approx(-np.asarray(margins))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"beta": 0}, "beta is 0"),
        ({"preference_rate": 0}, "preference_rate is 0"),
        ({"preference_epochs": 0}, "at least 1"),
        ({"data": "x"}, "choose 'world' or 'real'"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)
