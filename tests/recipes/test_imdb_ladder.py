"""The rungs of sentiment: what is handed over, what is never read, what a killed run goes on to."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from llm_book.data.glove import WordVectors
from llm_book.recipes import imdb_gru, imdb_ladder
from llm_book.recipes.imdb_ladder import BAG, GLOVE, LANGUAGE_MODEL, LONGER, MIXED, OURS, RANDOM
from llm_book.recipes.job import Job
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime
from llm_book.shapes import Review

TINY = replace(
    imdb_ladder.PRESETS["small"],
    n_train=64,
    n_validation=24,
    n_test=32,
    own_width=6,
    width=5,
    batch_size=16,
    epochs=2,
    checkpoint_every=2,
    lm_epochs=2,
    lm_batch_size=16,
    lm_tokens=30,
    lm_drawn=12,
    lm_scored=6,
    longer_epochs=3,
)


def a_job(folder, seed=0, **more):
    return Job("imdb_ladder", "small", seed, folder, Runtime(), say=lambda said: None, **more)


def begun(folder, config=TINY):
    """A job whose folder is there, its reviews and their reader."""
    job = a_job(folder)
    job.folder.mkdir(parents=True)
    corpus = imdb_ladder.load_corpus(config)
    return job, corpus, imdb_ladder.Reader.for_corpus(corpus, config)


def with_glove(monkeypatch):
    """A configuration that begins from published vectors, which are drawn here, 3 wide."""

    corpus = imdb_ladder.load_corpus(TINY)
    words = imdb_ladder.Reader.for_corpus(corpus, TINY).vocabulary.words

    def load(width):
        drawn = torch.randn(len(words), width, generator=torch.Generator().manual_seed(5))
        return WordVectors(tuple(words), drawn)

    monkeypatch.setattr(imdb_gru, "load_glove", load)
    return replace(TINY, glove_width=3, own_width=3)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody disturbed, and its document."""
    job = a_job(tmp_path_factory.mktemp("whole"))
    return job, imdb_ladder.run(TINY, job)


def test_the_classifier_begins_with_the_very_weights_of_the_language_models(tmp_path):
    job, corpus, reader = begun(tmp_path)
    model = imdb_ladder.beginning(OURS, reader, corpus, TINY, job)
    kept = np.load(imdb_ladder.part(job, LANGUAGE_MODEL).folder / "weights.npz")
    weights = model.state_dict()
    handed = [name for name in weights if name.startswith(("embedding.", "recurrent."))]
    assert len(handed) == 9 and set(weights) - set(handed) == {"head.weight", "head.bias"}
    for name in handed:
        assert np.array_equal(weights[name].numpy(), kept[name]), name
    below = imdb_ladder.beginning(LONGER, reader, corpus, TINY, job).state_dict()
    assert all(not torch.equal(weights[name], below[name]) for name in handed)
    assert torch.equal(weights["head.weight"], below["head.weight"])


def test_the_language_models_begin_with_the_weights_of_the_rung_below(tmp_path, monkeypatch):
    job, corpus, reader = begun(tmp_path)
    monkeypatch.setattr(imdb_ladder, "read", lambda *_: None)
    model = imdb_ladder.pretrained(reader, corpus, TINY, job).state_dict()
    below = imdb_ladder.beginning(LONGER, reader, corpus, TINY, job).state_dict()
    for name in below:
        if not name.startswith("head."):
            assert torch.equal(model[name], below[name]), name


def test_pretraining_makes_the_neighbours_of_unseen_words_less_surprising(whole):
    metrics = whole[1]["metrics"]
    assert metrics["perplexity after"] < 0.8 * metrics["perplexity before"]


@torch.no_grad()
def test_perplexity_is_over_all_words_and_every_neighbour(tmp_path):
    job, corpus, reader = begun(tmp_path)
    torch.manual_seed(0)
    model = imdb_ladder.TwoWayLM(TINY.language_model(len(reader.vocabulary)))
    texts = imdb_ladder.whole(reader, corpus.validation[:3])
    found = imdb_ladder.surprise_at(model, texts, job)
    nats = 0.0
    for ids in texts:
        logits = model(torch.tensor([ids]), torch.tensor([len(ids)])) @ model.embedding.weight.T
        onwards, back = (logits + model.bias).log_softmax(-1)[0].unbind(dim=1)
        nats -= sum(
            float(onwards[i, ids[i + 1]] + back[i + 1, ids[i]]) for i in range(len(ids) - 1)
        )
    assert found.tokens == sum(2 * (len(ids) - 1) for ids in texts)
    assert found.nats == pytest.approx(nats, rel=1e-5)


def test_the_language_models_read_the_training_texts_whole_and_no_other(tmp_path, monkeypatch):
    job, corpus, reader = begun(tmp_path)
    seen, make = [], imdb_ladder.ShuffledBatches

    def batches(texts, *more, **named):
        seen.append(texts)
        return make(texts, *more, **named)

    monkeypatch.setattr(imdb_ladder, "ShuffledBatches", batches)
    imdb_ladder.pretrained(reader, corpus, TINY, job)
    (texts,) = seen
    encode, tokenize = reader.vocabulary.encode, reader.tokenizer.tokenize
    expected = [i for review in corpus.train for i in encode(tokenize(review.text))]
    assert [i for piece in texts for i in piece] == expected
    assert max(map(len, texts)) <= TINY.lm_tokens


def test_other_test_texts_leave_all_weights_the_same(whole, tmp_path):
    job, corpus, reader = begun(tmp_path)
    corpus = replace(corpus, test=[Review("never read before", 1, "x")])
    for name in TINY.rungs:
        weights = imdb_ladder.learned(name, reader, corpus, TINY, job).state_dict()
        expected = np.load(imdb_ladder.part(whole[0], name).folder / "weights.npz")
        for key in expected:
            assert np.array_equal(weights[key].numpy(), expected[key]), (name, key)


def test_the_control_has_its_own_epochs_and_no_early_stop_and_all_else_alike():
    control = imdb_ladder.settings(LONGER, TINY)
    assert control.epochs == TINY.longer_epochs and control.patience > 10**6
    assert replace(control, epochs=TINY.epochs, patience=TINY.patience) == TINY
    assert all(imdb_ladder.settings(name, TINY) == TINY for name in (RANDOM, GLOVE, OURS))


def test_the_lowest_rung_differs_in_glove_s_columns_alone(tmp_path, monkeypatch):
    config = with_glove(monkeypatch)
    job, corpus, reader = begun(tmp_path, config)
    low, above = (
        imdb_ladder.beginning(name, reader, corpus, config, job).state_dict()
        for name in (RANDOM, GLOVE)
    )
    words = "embedding.weight"
    assert not (low[words][1:, :3] == above[words][1:, :3]).any()
    assert torch.equal(low[words][:, 3:], above[words][:, 3:]) and not low[words][0].any()
    assert float(low[words][2:, :3].std() / above[words][2:, :3].std()) == pytest.approx(1, abs=0.2)
    assert all(torch.equal(low[name], above[name]) for name in low if name != words)


def test_with_glove_there_is_a_rung_more_and_margins_between_all(tmp_path, monkeypatch):
    config = with_glove(monkeypatch)
    metrics = imdb_ladder.run(config, a_job(tmp_path))["metrics"]
    assert config.rungs == (RANDOM, GLOVE, LONGER, OURS)
    for said in ("GloVe minus random", "longer minus GloVe", "pretrained minus GloVe"):
        assert metrics[f"{said}, low"] <= metrics[said] <= metrics[f"{said}, high"]


def test_a_run_tells_what_every_rung_reached(whole):
    document = whole[1]
    metrics = document["metrics"]
    assert metrics["n"] == 32 and metrics["accuracy"] == metrics[f"accuracy, {OURS}"]
    for name in (*TINY.rungs, MIXED):
        assert metrics[f"accuracy_low, {name}"] <= metrics[f"accuracy, {name}"]
        assert metrics[f"loss, {name}"] > 0 and 0 <= metrics[f"validation accuracy, {name}"] <= 1
        assert 0 <= metrics[f"expected_calibration_error, {name}"] <= 1
        gain = metrics[f"{name} minus bag"]
        accuracy = metrics[f"accuracy, {name}"] - document["rivals"][BAG]["accuracy"]
        assert gain == pytest.approx(accuracy)
    apart = metrics[f"accuracy, {OURS}"] - metrics[f"accuracy, {LONGER}"]
    assert metrics["pretrained minus longer"] == pytest.approx(apart)
    seconds = [metrics[f"seconds, {name}"] for name in (*TINY.rungs, LANGUAGE_MODEL)]
    assert document["seconds"] == pytest.approx(sum(seconds))
    corpus = imdb_ladder.load_corpus(TINY)
    assert document["tokens"] > 7 * sum(len(r.text.split()) for r in corpus.train)


def test_the_bag_s_weight_is_chosen_on_validation(whole):
    job, document = whole
    corpus = imdb_ladder.load_corpus(TINY)
    ours = np.full(24, 0.5), np.full(32, 0.5)
    theirs = imdb_ladder.bag(corpus, job)
    labels = [review.label for review in corpus.validation]
    right = np.where(labels, 0.9, 0.1)
    (validation, test), weight = imdb_ladder.with_the_bag(ours, (right, theirs[1]), corpus)
    assert weight == 0 and validation == pytest.approx(right) and test == pytest.approx(theirs[1])
    assert len(theirs[0]) == 24 and len(theirs[1]) == 32
    found = (theirs[1] >= 0.5) == [review.label for review in corpus.test]
    assert found.mean() == document["rivals"][BAG]["accuracy"]


def test_runs_of_two_seeds_make_a_record_over_texts(whole, tmp_path):
    job = a_job(tmp_path, seed=1)
    imdb_ladder.run(TINY, job)
    record = read_json(accept([whole[0].folder, job.folder], tmp_path / "ledger"))
    summary = record["summary"]
    assert {RANDOM, LONGER, MIXED, BAG} <= set(summary["margins"])
    assert summary["margins"][BAG]["low"] <= summary["margins"][BAG]["estimate"]
    assert summary["accuracy_over_seeds"]["estimate"] == pytest.approx(
        np.mean([run["metrics"][f"accuracy, {OURS}"] for run in record["runs"]])
    )
    assert "neither those of validation and test" in record["data"]["language models read"]


@pytest.mark.parametrize(
    ("where", "after"),
    [(RANDOM, 1), (LONGER, 3), (LANGUAGE_MODEL, 2), (OURS, 3)],
)
def test_a_killed_run_goes_on_to_the_same_weights(whole, tmp_path, where, after):
    heard = []

    def stop(said):
        heard.append(said)
        if sum(one.startswith(f"{where}: step") for one in heard) == after:
            raise KeyboardInterrupt

    torn = a_job(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        imdb_ladder.run(TINY, replace(torn, say=stop))
    assert read_json(torn.folder / "run.json")["status"] == "stopped"
    said = []
    document = imdb_ladder.run(TINY, replace(torn, resume=True, say=said.append))
    rungs = (*TINY.rungs[: TINY.rungs.index(where)],) if where in TINY.rungs else TINY.rungs[:2]
    assert not [one for one in said if one.startswith(tuple(f"{name}: step" for name in rungs))]
    for key, value in whole[1]["metrics"].items():
        if not key.startswith("seconds"):
            assert document["metrics"][key] == value, key
    for name in (*TINY.rungs, LANGUAGE_MODEL):
        curves = [imdb_ladder.part(job, name).curve.read() for job in (whole[0], torn)]
        assert len({tuple((s["index"], s["loss"]) for s in curve) for curve in curves}) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": "x"}, "choose 'world' or 'imdb'"),
        ({"lm_epochs": 0}, "lm_epochs is 0; it must be at least 1"),
        ({"longer_epochs": 0}, "longer_epochs is 0; it must be at least 1"),
        ({"lm_tokens": 1}, "a piece needs at least 2 tokens"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)


@pytest.mark.needs_mirror
def test_the_real_preset_reads_the_official_split(mirror):
    facts = imdb_ladder.load_corpus(imdb_ladder.PRESETS["cpu"]).facts
    assert "25,000 test" in facts["report"] and facts["content_sha256"].startswith("4b0bfdfe")
