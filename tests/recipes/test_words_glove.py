"""The run of GloVe: the planted is found, the factorised counts stand beside, it can go on."""

from dataclasses import replace

import pytest
import torch

from llm_book.data.cooccurrence import cooccurrences
from llm_book.models.glove import GloVe
from llm_book.recipes import word_vectors, words_glove
from llm_book.recipes.job import Job
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime
from llm_book.text.vocabulary import Vocabulary
from llm_book.training import word_vector_losses

TINY = replace(words_glove.PRESETS["small"], n_texts=500, width=8, epochs=2)
SMALL = words_glove.PRESETS["small"]


def a_job(folder, seed=0, **more):
    return Job("words_glove", "small", seed, folder, Runtime(), say=lambda said: None, **more)


def test_what_was_planted_is_found_and_what_was_not_is_not(tmp_path):
    corpus = words_glove.load_corpus(SMALL.reading())
    pairs, _ = words_glove.counted(corpus, SMALL)
    scores = corpus.tests(words_glove.train(corpus, pairs, SMALL, a_job(tmp_path)))
    assert scores["planted similarities"] > 0.6
    assert scores["planted analogies"] > 0.4
    assert scores["unplanted analogies"] < 0.2


def test_the_factorised_counts_find_the_planted_too():
    corpus = words_glove.load_corpus(SMALL.reading())
    pairs, _ = words_glove.counted(corpus, SMALL)
    scores = corpus.tests(words_glove.factorised(corpus, pairs, SMALL))
    assert scores["planted similarities"] > 0.6
    assert scores["unplanted analogies"] < 0.2


def test_a_word_without_good_company_has_no_factorised_vector():
    text = ["a", "b", "c", "d"] * 20
    vocabulary = Vocabulary.build([text, ["alone"]], specials=())
    corpus = words_glove.Corpus([text, ["alone"]], vocabulary, dict, {})
    pairs, _ = words_glove.counted(corpus, TINY)
    table = words_glove.factorised(corpus, pairs, replace(TINY, width=2))
    assert "alone" not in table and len(table) == 4


def test_the_fast_trainer_is_the_plain_one(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    texts = [torch.randint(0, 12, (40,), generator=generator) for _ in range(5)]
    pairs = cooccurrences(texts, 3, 12)
    config = replace(TINY, epochs=3, batch=7, x_max=2.0)
    fast, plain = (GloVe(12, 5, torch.Generator().manual_seed(1)).double() for _ in range(2))
    begun = (torch.Generator().manual_seed(2) for _ in range(2))
    losses = list(words_glove.train_glove(fast, pairs, config, next(begun)))

    def loss(model, batch):
        predicted = model(batch.centres, batch.contexts)
        return word_vector_losses.weighted_squares(predicted, batch.counts, config.x_max)

    monkeypatch.setattr(word_vectors, "glove_loss", loss)
    expected = list(word_vectors.train_glove(plain, pairs, 3, next(begun), batch=7))
    assert losses == pytest.approx(expected, rel=1e-9) and losses[-1] < losses[0]
    torch.testing.assert_close(fast.vectors, plain.vectors, rtol=0, atol=1e-10)


def test_runs_of_two_seeds_make_a_record_beside_the_factorised_counts(tmp_path):
    for seed in (0, 1):
        words_glove.run(TINY, a_job(tmp_path, seed))
    path = accept([tmp_path / f"words_glove-small-{seed}" for seed in (0, 1)], tmp_path / "ledger")
    summary = read_json(path)["summary"]
    assert set(summary["differences"]) == {words_glove.RIVAL}
    found = summary["metrics"]
    assert found["pairs"]["estimate"] > 100 and found["pairs a second"]["estimate"] > 0
    assert found[words_glove.SPEED]["estimate"] > 0


def test_a_killed_run_goes_on_behind_the_vectors_it_had(tmp_path, monkeypatch):
    job = a_job(tmp_path)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(words_glove, "factorised", killed)
        with pytest.raises(KeyboardInterrupt):
            words_glove.run(TINY, job)
    assert read_json(job.folder / "run.json")["status"] == "stopped"
    monkeypatch.setattr(words_glove, "train", lambda *_: pytest.fail("trained again"))
    assert words_glove.run(TINY, replace(job, resume=True))["status"] == "finished"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": "imdb"}, "choose 'world' or 'novels'"),
        ({"min_count": 0}, "at least 1"),
        ({"width": 0}, "above 0"),
        ({"x_max": 0.0}, "x_max is 0.0; it must be above 0"),
        ({"batch": 0}, "batch is 0; it must be above 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)
