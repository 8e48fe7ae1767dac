"""The run of dialogues: the model and retrieval answer and choose in the same places."""

from dataclasses import replace

import pytest
import torch

from llm_book.data.chat import Example
from llm_book.data.instructions import Instruction
from llm_book.data.taskmaster import Dialogue, Turn
from llm_book.recipes import chat_sft
from llm_book.recipes.job import Job
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime

TINY = replace(
    chat_sft.PRESETS["small"],
    n_talks=8, vocab_size=500, width=16, n_layers=1, n_heads=2, epochs=1,
)  # fmt: skip


def a_job(folder, seed=0, **more):
    return Job("chat_sft", "small", seed, folder, Runtime(), say=lambda said: None, **more)


def asked(*pairs):
    return [Example((("user", question),), reply) for question, reply in pairs]


def a_task(train, test):
    return chat_sft.Task("t", train, train, test)


def test_runs_of_two_seeds_make_a_record_beside_the_rival(tmp_path):
    for seed in (0, 1):
        document = chat_sft.run(TINY, a_job(tmp_path, seed))
        assert document["metrics"]["bookings, bits per byte"] > 0
    path = accept([tmp_path / f"chat_sft-small-{seed}" for seed in (0, 1)], tmp_path / "ledger")
    summary = read_json(path)["summary"]
    found = summary["differences"][chat_sft.RIVAL]
    assert set(found) == {f"bookings, {n}" for n in ("hits@1 of 10", "token F1", "exact match")}
    assert summary["metrics"]["bookings, answer loss"]["estimate"] > 0


def test_a_talk_stands_on_one_side_only_and_always_the_same():
    talks = [(("user", f"question {i % 900}"), ("assistant", f"{i}")) for i in range(1000)]
    task = chat_sft.divided("t", talks)
    parts = [{one.context for one in getattr(task, part)} for part in chat_sft.PARTS]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    assert len(set.union(*parts)) == 900
    assert 0.15 < len(parts[2]) / 900 < 0.25 and 0.06 < len(parts[1]) / 900 < 0.14
    assert chat_sft.divided("t", talks[::-1]).test[::-1] == task.test


def test_the_test_users_of_the_world_have_words_of_their_own():
    task = chat_sft.bookings(40)
    first = [{one.context[0] for one in part} for part in (task.train, task.validation, task.test)]
    assert not first[0] & first[1] and not first[0] & first[2] and not first[1] & first[2]


def test_real_sets_are_read(monkeypatch):
    said = [("user", "a latte"), ("assistant", "right?"), ("user", "yes"), ("assistant", "soon")]
    turns = tuple(Turn(*one, ()) for one in said)
    talks = (Dialogue("d", "Coffee", "", "", turns),)
    told = (Instruction("Repeat.", "a b", "a b"), Instruction("Name a fish.", "", "Cod."))
    monkeypatch.setattr(chat_sft, "load_taskmaster", lambda: talks)
    monkeypatch.setattr(chat_sft, "load_instructions", lambda: told)
    orders, answered = chat_sft.tasks_of(replace(TINY, data="real", n_talks=9))
    replies = [one.reply for part in chat_sft.PARTS for one in getattr(orders, part)]
    assert replies == ["right?", "soon"]
    contexts = {one.context for part in chat_sft.PARTS for one in getattr(answered, part)}
    assert contexts == {(("user", "Repeat.\na b"),), (("user", "Name a fish."),)}
    assert "2 of" in chat_sft.facts(TINY, [orders, answered])["report"]


def test_a_choice_has_the_true_reply_first_and_nine_others_that_differ():
    task = chat_sft.bookings(60)
    offered = chat_sft.choices(task)
    assert [replies[0] for replies in offered] == [one.reply for one in task.test]
    assert all(len(set(replies)) == len(replies) == 10 for replies in offered)
    turned = replace(task, test=task.test[::-1])
    assert chat_sft.choices(turned)[::-1] == offered


@pytest.mark.parametrize(
    ("scores", "hit"), [([3, 2, 1], 1), ([1, 2], 0), ([2, 2], 0.5), ([0, 0, 0, 0], 0.25)]
)
def test_a_tie_counts_as_a_draw_would(scores, hit):
    assert chat_sft.first_wins(scores) == hit


def test_retrieval_says_and_chooses_what_was_said_to_the_most_similar_user():
    known = asked(("a large latte please", "A latte, right?"), ("is it ready", "Ready soon."))
    new = asked(("one latte", "A latte?"), ("ready now", "It is ready."))
    said, hit = chat_sft.retrieved(a_task(known, new))
    assert said == ["A latte, right?", "Ready soon."]
    assert hit == [1, 1]


def test_training_learns_replies_by_heart_and_prefers_them(tmp_path):
    known = asked(("red", "stop"), ("green", "go on"), ("yellow", "wait a little"))
    config = replace(
        TINY, width=32, epochs=60, learning_rate=1e-2, patience=60, batch_size=3, longest=8
    )
    found = chat_sft.learned(a_task(known, known), config, a_job(tmp_path))
    assert found["said"] == [one.reply for one in known]
    assert found["hits"] == [1, 1, 1]
    assert found["facts"]["answer loss"] < 0.5


def test_training_gives_back_the_weights_that_validation_liked_best(tmp_path):
    known = asked(("red", "stop"), ("green", "go on"))
    task = chat_sft.Task("t", known, asked(("red", "go on"), ("green", "stop")), known)
    config = replace(TINY, width=32, epochs=40, learning_rate=1e-2, patience=3, batch_size=2)
    found = chat_sft.learned(task, config, a_job(tmp_path))["facts"]
    assert 1 <= found["best epoch"] < 37
    template, _ = chat_sft.template_of(task, config)
    assert chat_sft.learned(replace(task, test=task.validation), config, a_job(tmp_path))["facts"][
        "answer loss"
    ] == pytest.approx(found["validation loss"])
    assert template.room == config.context_length - config.longest


def test_a_reply_is_judged_by_the_mean_over_its_tokens(tmp_path):
    known = asked(("red", "stop"), ("green", "go on and on and on"))
    template, tokenizer = chat_sft.template_of(a_task(known, known), TINY)
    torch.manual_seed(0)
    model = chat_sft.GPT(chat_sft.GPTConfig(
        vocab_size=tokenizer.vocab_size, context_length=64, width=16, n_layers=1, n_heads=2
    ))  # fmt: skip
    rows, job = [template.row(one) for one in known], a_job(tmp_path)
    costs = [chat_sft.surprise_at(model, template, [row], job).loss for row in rows]
    found = chat_sft.log_probabilities(model, template, rows, job)
    assert found == pytest.approx([-cost for cost in costs], rel=1e-4)


def test_a_killed_run_goes_on_behind_what_was_answered(tmp_path, monkeypatch):
    job = a_job(tmp_path)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as once, pytest.raises(KeyboardInterrupt):
        once.setattr(chat_sft, "retrieved", killed)
        chat_sft.run(TINY, job)
    assert read_json(job.folder / "run.json")["status"] == "stopped"
    monkeypatch.setattr(chat_sft, "learned", lambda *_: pytest.fail("learned again"))
    assert chat_sft.run(TINY, replace(job, resume=True))["status"] == "finished"


@pytest.mark.parametrize(
    ("change", "said"),
    [({"data": "x"}, "choose"), ({"epochs": 0}, "least"), ({"longest": 256}, "has room")],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)
