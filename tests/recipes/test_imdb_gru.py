"""The recipe, run as a reader runs it: from a terminal, killed and resumed."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from llm_book.data.batches import pad
from llm_book.recipes.imdb_gru import PRESETS, Reader, build_model, load_corpus, some_of
from llm_book.results import recorded
from llm_book.shapes import Review
from llm_book.training.history import History

TINY = [
    "--set=n_train=320",
    "--set=n_validation=60",
    "--set=n_test=80",
    "--set=epochs=6",
    "--set=checkpoint_every=4",
    "--set=width=12",
    "--set=own_width=12",
    "--set=batch_size=32",
    "--set=patience=99",
]


def command(runs, *more) -> list[str]:
    return [
        *(sys.executable, "-m", "llm_book.cli", "run", "imdb_gru", "--device", "cpu"),
        *("--runs", str(runs), *TINY, *more),
    ]


def curve(runs) -> list[tuple]:
    """What must be the same bit for bit: everything but the clock."""
    steps = History(runs / "imdb_gru-small-0" / "curve.jsonl").read()
    return [(s["index"], s["loss"], s["learning_rate"], s["gradient_norm"]) for s in steps]


def outcome(runs) -> tuple:
    """The evaluations on the way and the numbers at the end."""
    folder = runs / "imdb_gru-small-0"
    document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return History(folder / "validation.jsonl").read(), document["metrics"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody disturbed."""
    runs = tmp_path_factory.mktemp("whole")
    done = subprocess.run(command(runs), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return runs, done.stdout


def killed_after(runs, steps: int) -> None:
    """Start a run and kill it, with no chance to tidy up, once it has done ``steps`` steps."""
    process = subprocess.Popen(command(runs), stdout=subprocess.DEVNULL)
    path = runs / "imdb_gru-small-0" / "curve.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists() and path.read_bytes().count(b"\n") >= steps:
            break
        time.sleep(0.002)
    assert process.poll() is None, "the run ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    process.wait()


def test_a_run_leaves_a_document_a_curve_and_its_rivals(whole):
    runs, said = whole
    document = json.loads((runs / "imdb_gru-small-0" / "run.json").read_text(encoding="utf-8"))
    assert document["status"] == "finished"
    assert 0 <= document["metrics"]["accuracy_low"] <= document["metrics"]["accuracy"] <= 1
    assert len(document["rivals"]) == 6
    assert document["peak_memory_bytes"] > 0 or sys.platform == "win32"
    assert document["config"]["n_train"] == 320
    assert len(curve(runs)) == 60
    assert "test accuracy" in said


def test_a_killed_run_resumes_to_the_same_curve_bit_for_bit(whole, tmp_path):
    killed_after(tmp_path, 30)
    resumed = subprocess.run(command(tmp_path, "--resume"), capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    assert "resumed after step" in resumed.stdout
    assert curve(tmp_path) == curve(whole[0])
    assert outcome(tmp_path) == outcome(whole[0])


def test_a_run_killed_before_its_first_checkpoint_begins_anew(whole, tmp_path):
    killed_after(tmp_path, 1)
    resumed = subprocess.run(command(tmp_path, "--resume"), capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    assert curve(tmp_path) == curve(whole[0])
    assert outcome(tmp_path) == outcome(whole[0])


def test_a_run_that_stopped_early_does_not_go_on_when_resumed(tmp_path):
    early = ["--set=patience=1", "--set=learning_rate=0.2"]
    first = subprocess.run(command(tmp_path, *early), capture_output=True, text=True)
    assert "stopped early" in first.stdout, first.stdout + first.stderr
    before = (curve(tmp_path), outcome(tmp_path))
    path = tmp_path / "imdb_gru-small-0" / "run.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(document | {"status": "running"}), encoding="utf-8")
    again = subprocess.run(command(tmp_path, *early, "--resume"), capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert (curve(tmp_path), outcome(tmp_path)) == before


def test_a_truncated_checkpoint_is_refused_and_the_one_before_it_used(whole, tmp_path):
    killed_after(tmp_path, 30)
    folder = tmp_path / "imdb_gru-small-0" / "checkpoints"
    newest = sorted(folder.glob("step-*"))[-1] / "tensors.safetensors"
    newest.write_bytes(newest.read_bytes()[:1000])
    resumed = subprocess.run(command(tmp_path, "--resume"), capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    assert f"checkpoint {newest.parent.name} is damaged" in resumed.stdout
    assert "the one before it is used" in resumed.stdout
    assert curve(tmp_path) == curve(whole[0])


def test_a_finished_run_is_not_run_again(whole):
    done = subprocess.run(command(whole[0], "--resume"), capture_output=True, text=True)
    assert "is finished already; nothing to do" in done.stdout


def test_a_run_is_not_resumed_with_other_settings(whole, tmp_path):
    killed_after(tmp_path, 6)
    done = subprocess.run(
        command(tmp_path, "--resume", "--set=width=13"), capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "was begun with another config; resume it with the same" in done.stderr


def test_any_text_gets_a_prediction():
    config = replace(PRESETS["small"], n_train=50, n_validation=5, n_test=5)
    corpus = load_corpus(config)
    reader = Reader.for_corpus(corpus, config)
    model = build_model(config, reader.vocabulary, seed=0).eval()
    texts = ["a fine film", "", "good " * 10_000, "这部电影好极了", "\0 🎬 <br />"]
    for text in texts:
        for ids in (reader.ids(text), reader.vocabulary.encode(reader.tokenizer.tokenize(text))):
            batch = pad([ids], [0])
            probability = torch.sigmoid(model(batch.ids, batch.lengths)).item()
            assert 0 < probability < 1


def test_a_long_review_keeps_its_beginning_and_its_end():
    config = replace(PRESETS["small"], n_train=50, n_validation=5, n_test=5)
    reader = Reader.for_corpus(load_corpus(config), config)
    words = reader.vocabulary.tokens[2:12]
    ids = reader.ids(" ".join(words[:5] * 100 + words[5:] * 100))
    assert len(ids) == config.max_tokens
    assert ids[0] == 2
    assert ids[-1] == 11


def test_a_record_was_made_on_the_texts_that_the_world_gives_today():
    for name in ("imdb_gru.small.cpu", "cells.small.cpu"):
        record = recorded(name)
        if record is not None:
            facts = load_corpus(PRESETS["small"]).facts
            assert record.document["data"]["content_sha256"] == facts["content_sha256"], name


@pytest.mark.parametrize("name", ["imdb_gru.small.cpu", "imdb_gru.full.cpu"])
def test_the_promised_records_are_there_with_three_seeds_and_six_rivals(name):
    document = recorded(name).document
    assert len(document["seeds"]) == 3
    assert len(document["summary"]["margins"]) == 6


def test_on_the_generated_reviews_the_gru_beats_every_bag_of_words():
    margins = recorded("imdb_gru.small.cpu").document["summary"]["margins"]
    assert all(margin["low"] > 0 for margin in margins.values())


def test_on_imdb_the_gru_is_above_what_would_mean_that_something_is_wrong():
    summary = recorded("imdb_gru.full.cpu").document["summary"]
    assert summary["accuracy_over_seeds"]["estimate"] > 0.89


def test_the_vocabulary_has_seen_the_training_split_only():
    corpus = load_corpus(replace(PRESETS["small"], n_train=200, n_validation=50, n_test=50))
    reader = Reader.for_corpus(corpus, PRESETS["small"])
    tokenized = [reader.tokenizer.tokenize(review.text) for review in corpus.train]
    seen = {token for tokens in tokenized for token in tokens}
    assert set(reader.vocabulary.words) <= seen


def test_a_part_of_sorted_reviews_holds_both_labels():
    texts = [Review(f"text {i}", int(i >= 500), str(i)) for i in range(1000)]
    part = some_of(texts, 200)
    assert 70 < sum(review.label for review in part) < 130
    assert some_of(texts, 5000) == texts


@pytest.mark.needs_mirror
def test_the_full_preset_reads_the_official_split(mirror):
    corpus = load_corpus(PRESETS["full"])
    assert len(corpus.test) == 25_000
    train = {review.text for review in corpus.train}
    validation = {review.text for review in corpus.validation}
    test = {review.text for review in corpus.test}
    assert not train & test
    assert not validation & test
    assert not train & validation
    assert np.mean([review.label for review in corpus.test]) == 0.5
    assert corpus.facts["content_sha256"].startswith("4b0bfdfe")
