"""The run of private reviews: ε is kept, nothing private chooses anything, a killed run goes on."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from llm_book.data.movie_reviews import MovieReview
from llm_book.recipes import private_sgd
from llm_book.recipes.job import Job
from llm_book.recipes.privacy_examiner import PARTS, beside, losses, right, scores
from llm_book.recipes.public_words import BagBatch, PublicWords
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime
from llm_book.shapes import Review

TINY = replace(
    private_sgd.PRESETS["small"], n_train=200, n_test=60, n_public=50, n_words=30, steps=4
)


@pytest.fixture(autouse=True)
def few_settings(monkeypatch):
    monkeypatch.setattr(private_sgd, "RATES", (10.0, 100.0))
    monkeypatch.setattr(private_sgd, "STRENGTHS", (1.0, 30.0))


def a_job(folder, seed=0, **more):
    return Job("private_sgd", "small", seed, folder, Runtime(), say=lambda said: None, **more)


def some(*texts, label=1):
    return [Review(text, label, f"{i}") for i, text in enumerate(texts)]


def some_bags(n=40, seed=0):
    generator = torch.Generator().manual_seed(seed)
    bags = torch.rand(n, 5, generator=generator)
    bags = bags / bags.norm(dim=1, keepdim=True)
    return BagBatch(bags, torch.randint(2, (n,), generator=generator))


def test_runs_of_two_seeds_make_a_record_and_no_epsilon_is_exceeded(tmp_path):
    for seed in (0, 1):
        private_sgd.run(TINY, a_job(tmp_path, seed))
    folders = [tmp_path / f"private_sgd-small-{seed}" for seed in (0, 1)]
    record = read_json(accept(folders, tmp_path / "ledger"))
    assert set(record["summary"]["differences"]) == {
        *(arm.name for arm in private_sgd.OPEN),
        private_sgd.MAJORITY,
        private_sgd.SAME_WORDS,
        private_sgd.TFIDF,
        private_sgd.PERTURBED,
    }
    for run in record["runs"]:
        found = run["metrics"]
        for epsilon in private_sgd.EPSILONS:
            spent = found[f"epsilon spent, ε ≤ {epsilon:g}"]
            assert 0.99 * epsilon < spent <= epsilon
            ends = [found[f"accuracy{end}, ε ≤ {epsilon:g}"] for end in (" low", "", " high")]
            assert ends == sorted(ends) and ends[0] < ends[2]
        noises = [found[f"noise, ε ≤ {epsilon:g}"] for epsilon in private_sgd.EPSILONS]
        assert noises == sorted(noises, reverse=True) and noises[-1] > 0


def test_a_killed_run_goes_on_to_the_same_numbers(tmp_path):
    expected = private_sgd.run(TINY, a_job(tmp_path / "whole"))

    def stop_at_the_second(said):
        if said.startswith("ε ≤ 2: learning rate"):
            raise KeyboardInterrupt

    torn = replace(a_job(tmp_path / "torn"), say=stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        private_sgd.run(TINY, torn)
    assert read_json(torn.folder / "run.json")["status"] == "stopped"
    written = (torn.folder / "epsilon-1.npz").stat().st_mtime_ns
    found = private_sgd.run(TINY, a_job(tmp_path / "torn", resume=True))
    assert (torn.folder / "epsilon-1.npz").stat().st_mtime_ns == written
    assert found["rivals"] == expected["rivals"]
    for name, value in expected["metrics"].items():
        assert "seconds" in name or found["metrics"][name] == value


def test_a_step_without_noise_is_plain_gradient_descent():
    examples, config = some_bags(), replace(TINY, rate=1.0, steps=3)
    found = private_sgd.learned(private_sgd.OPEN[1], 2.0, examples, config, seed=0)
    weights, bags = np.zeros(5), examples.bags.double().numpy()
    for _ in range(3):
        said = 1 / (1 + np.exp(-bags @ weights))
        weights -= 2.0 * bags.T @ (said - examples.labels.numpy()) / len(bags)
    np.testing.assert_allclose(found["weights"], weights, atol=1e-6)
    assert found["epsilon"] == np.inf and found["noise"] == 0


@pytest.mark.parametrize(("max_norm", "share"), [(1e-3, 1.0), (1.0, 0.0)])
def test_the_share_of_clipped_gradients_is_measured(max_norm, share):
    config = replace(TINY, max_norm=max_norm)
    assert private_sgd.learned(private_sgd.OPEN[0], 1.0, some_bags(), config, 0)["clipped"] == share


def test_the_rate_is_the_best_on_public_reviews_and_no_private_one_is_asked(tmp_path, monkeypatch):
    corpus = private_sgd.load_corpus(TINY)
    read = private_sgd.bags_of(corpus, TINY)
    monkeypatch.setattr(private_sgd, "public_auc", lambda weights, _: -np.abs(weights).max())
    job = a_job(tmp_path)
    job.folder.mkdir()
    assert private_sgd.trained(private_sgd.OPEN[0], read, TINY, job)["learning rate"] == 10
    others = replace(corpus, train=corpus.test, test=corpus.train, not_learned=corpus.test)
    again = private_sgd.bags_of(others, TINY)
    assert (again.public_held_out.rows != read.public_held_out.rows).nnz == 0


def test_public_reviews_are_drawn_up_to_the_number_of_private_ones():
    read = private_sgd.bags_of(private_sgd.load_corpus(TINY), TINY)
    assert len(read.public) == len(read.train) == 200
    assert len(read.public_held_out) == 10


def test_a_review_is_learned_or_not_but_never_both():
    corpus = private_sgd.load_corpus(TINY)
    parts = [{r.text for r in part} for part in (corpus.train, corpus.not_learned, corpus.test)]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    assert 3 < len(corpus.not_learned) < 30


def test_real_reviews_are_read(monkeypatch):
    train = [Review(f"train {i}", i % 2, f"train/{i}") for i in range(400)]
    test = [Review(f"test {i}", i % 2, f"test/{i}") for i in range(90)]
    films = tuple(MovieReview(f"{i}", i % 2, (f"film {i}", "end"), 0) for i in range(30))
    monkeypatch.setattr(private_sgd, "load_imdb", lambda: SimpleNamespace(train=train, test=test))
    monkeypatch.setattr(private_sgd, "load_movie_reviews", lambda: films)
    corpus = private_sgd.load_corpus(replace(TINY, data="imdb", n_public=20))
    assert len(corpus.train) == 200 and len(corpus.test) == 60 and len(corpus.public) == 20
    assert all(r.text.startswith("train ") for r in corpus.train + corpus.not_learned)
    assert {r.text for r in corpus.public} < {f"film {i}\nend" for i in range(30)}
    assert 20 < sum(r.label for r in corpus.test) < 40


def test_bags_hold_widespread_words_weighted_by_rarity_and_are_of_length_one():
    words = PublicWords.of(some("a b", "a c", "a b d"), 3)
    assert list(words.places) == ["a", "b", "c"]
    np.testing.assert_allclose(words.weights, np.log([4 / 4, 4 / 3, 4 / 2]))
    bags = words.bags(some("b c c", "x", "a"))
    lengths = np.linalg.norm(bags.rows.toarray(), axis=1)
    np.testing.assert_allclose(lengths, [1, 0, 0])
    ratio = bags.rows[0, 1] / bags.rows[0, 2]
    assert ratio == pytest.approx(np.log(4 / 3) / np.log(2)) and bags.n_tokens == 5
    assert bags.batch().bags.dtype == torch.float32
    with pytest.raises(ValueError, match="no public reviews"):
        PublicWords.of([], 3)


def test_an_examiner_counts_hits_and_costs_of_labels():
    read = private_sgd.bags_of(private_sgd.load_corpus(TINY), TINY)
    sure = {part: np.where(getattr(read, part).labels == 1, 0.9, 0.2) for part in PARTS}
    half = sure | {"test": 1 - sure["test"]}
    assert scores(sure, read)["accuracy"] == 1 and scores(half, read)["accuracy"] == 0
    positive = read.train.labels == 1
    np.testing.assert_allclose(losses(sure, read, "train")[positive], -np.log(0.9))
    np.testing.assert_allclose(losses(sure, read, "train")[~positive], -np.log(0.8))
    assert right(half, read, "train").all()
    found = beside([half, half], [sure, half], ["one", "two"], read)
    assert found["margin, one"]["estimate"] == 1 and found["margin, two"]["estimate"] == 0
    assert found["accuracy, one"] == 0


def test_noise_on_the_optimum_is_larger_for_a_smaller_epsilon(tmp_path):
    read = private_sgd.bags_of(private_sgd.load_corpus(TINY), TINY)
    job = a_job(tmp_path)
    job.folder.mkdir()
    open_, *private = (
        private_sgd.perturbed(epsilon, read, TINY, job) for epsilon in (None, 0.5, 1e3)
    )
    apart = [np.linalg.norm(weights - open_) for weights in private]
    assert apart[0] > 10 * apart[1] > 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": "x"}, "choose 'world' or 'imdb'"),
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"n_public": 9}, "n_public is 9; give at least 10"),
        ({"delta": 0.005}, r"below 1 / n_train \(5.0e-03\)"),
        ({"delta": 0.0}, "it must be above 0"),
        ({"rate": 2.0}, "rate is 2.0"),
        ({"max_norm": 0.0}, "max_norm is 0.0"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)


def test_another_device_is_refused(tmp_path):
    with pytest.raises(ValueError, match="device is mps; this recipe computes on the processor"):
        private_sgd.run(TINY, replace(a_job(tmp_path), runtime=Runtime("mps")))
