"""The run of planted secrets: copies expose, controls do not, ε is kept, a killed run goes on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from llm_book.data.movie_reviews import MovieReview
from llm_book.evaluation.memorisation import continuation_losses
from llm_book.evaluation.secret_spaces import secret_losses
from llm_book.models.transformer import GPT
from llm_book.recipes import canaries, planted_secrets
from llm_book.recipes.job import Job
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime
from llm_book.shapes import IGNORE

TINY = replace(
    canaries.PRESETS["small"],
    n_public=60, n_private=80, n_validation=20, n_each=1, n_controls=2, vocab_size=300,
    context_length=80, width=8, public_steps=2, steps=4, private_steps=2, batch_size=4,
    evaluate_every=2,
)  # fmt: skip


@pytest.fixture(autouse=True)
def short_secrets(monkeypatch):
    for module in (canaries, planted_secrets):
        monkeypatch.setattr(module, "DIGITS", 2)


def a_job(folder, seed=0, **more):
    job = Job("canaries", "small", seed, folder, Runtime(), say=lambda said: None, **more)
    return job


def test_runs_of_two_seeds_make_a_record_beside_all_ways(tmp_path):
    for seed in (0, 1):
        canaries.run(TINY, a_job(tmp_path, seed))
    folders = [tmp_path / f"canaries-small-{seed}" for seed in (0, 1)]
    record = read_json(accept(folders, tmp_path / "ledger"))
    found = record["summary"]["differences"]
    assert set(found) == {
        *(canaries.PUBLIC, canaries.ORDINARY, canaries.STOPPED),
        *(canaries.DEDUPLICATED, canaries.BOTH),
    }
    assert {f"exposure, planted {often}" for often in canaries.PLANTED} < set(
        found[canaries.ORDINARY]
    )
    for run in record["runs"]:
        assert 7.9 < run["metrics"]["epsilon spent"] <= 8.0
        assert run["metrics"]["noise"] > 0
        assert 0 <= run["metrics"]["exposure, planted 32"] <= np.log2(100)


def test_a_killed_run_goes_on_to_the_same_numbers(tmp_path):
    expected = canaries.run(TINY, a_job(tmp_path / "whole"))

    def stop_in_private(said):
        if said.startswith("private step"):
            raise KeyboardInterrupt

    torn = replace(a_job(tmp_path / "torn"), say=stop_in_private)
    with pytest.raises(KeyboardInterrupt):
        canaries.run(TINY, torn)
    assert read_json(torn.folder / "run.json")["status"] == "stopped"
    written = (torn.folder / "ordinary.npz").stat().st_mtime_ns
    found = canaries.run(TINY, a_job(tmp_path / "torn", resume=True))
    assert (torn.folder / "ordinary.npz").stat().st_mtime_ns == written
    assert found["metrics"] == expected["metrics"] and found["rivals"] == expected["rivals"]


def test_what_is_learned_often_is_exposed_and_said_and_what_is_not_is_not(tmp_path):
    config = replace(
        TINY, width=32, steps=150, public_steps=30, learning_rate=1e-2, batch_size=24,
        n_controls=12, private_steps=5,
    )  # fmt: skip
    secrets = canaries.secrets_of(config, 0)
    job = a_job(tmp_path)
    job.folder.mkdir()
    start = canaries.arrays_of(GPT(config.gpt(), torch.Generator().manual_seed(0)))
    rows = secrets.rows(secrets.private)
    ordinary = canaries.openly(start, rows, config.steps, secrets, config, job)
    found = canaries.measured("ordinary", ordinary, secrets, config, job)
    assert found["exposure, planted 32"] == pytest.approx(np.log2(100))
    assert found["said greedily, planted 32"] == found["likeliest of all, planted 32"] == 1
    assert found["exposure, planted 0"] < 3.5 and found["said greedily, planted 0"] < 0.5
    private = canaries.measured(
        "private", canaries.privately(start, rows, config, job), secrets, config, job
    )
    assert private["said greedily, planted 32"] == 0
    assert private["exposure, planted 32"] < found["exposure, planted 32"]


def test_secrets_stand_as_often_as_asked_and_their_controls_never():
    secrets = canaries.secrets_of(TINY, 3)
    for canary in secrets.canaries:
        assert secrets.private.count(canary.text) == canary.repeats
    copies = [canary.repeats for canary in secrets.canaries]
    assert copies == [0, 0, 1, 2, 4, 8, 16, 32]
    assert len(secrets.private) == 80 + 63
    assert not set(secrets.validation) & set(secrets.private)


def test_a_held_out_sentence_that_is_learned_too_is_left_out(monkeypatch):
    private = [f"sentence {i} is here" for i in range(99)] + ["sentence 5 is here"]
    monkeypatch.setattr(planted_secrets, "world", lambda *sizes: (private, private))
    secrets = canaries.secrets_of(TINY, 0)
    assert secrets.validation == tuple(private[80:99])


def test_the_seed_draws_the_secrets_and_nothing_else():
    one, other = (canaries.secrets_of(TINY, seed) for seed in (0, 1))
    assert one.facts == other.facts and one.public == other.public
    assert {c.text for c in one.canaries}.isdisjoint(c.text for c in other.canaries)
    assert one.tokenizer.merges == other.tokenizer.merges


def test_a_secret_is_a_token_a_digit_right_after_its_prefix():
    secrets = canaries.secrets_of(TINY, 0)
    canary = secrets.canaries[0]
    whole, prefix = secrets.ids(canary.text), secrets.prefix(canary).tolist()
    assert whole[: len(prefix) + 2] == prefix + secrets.digits(canary)
    assert [secrets.tokenizer.decode([i]) for i in secrets.symbols.tolist()] == [
        f" {digit}" for digit in range(10)
    ]
    rows = secrets.rows(["one two", canary.text])
    assert rows.targets[1, : len(whole) - 1].tolist() == whole[1:]
    assert rows.ids[1, : len(whole) - 1].tolist() == whole[:-1]
    short = len(secrets.ids("one two")) - 1
    assert (rows.targets[0, short:] == IGNORE).all() and (rows.targets[0, :short] >= 0).all()


def test_the_own_secret_is_ranked_by_what_its_own_text_costs():
    secrets = canaries.secrets_of(TINY, 0)
    model = GPT(TINY.gpt(), torch.Generator().manual_seed(1)).eval()
    canary = secrets.canaries[-1]
    losses = secret_losses(model, secrets.prefix(canary), secrets.symbols, 2)
    own = continuation_losses(model, secrets.prefix(canary), torch.tensor([secrets.digits(canary)]))
    place = int(canary.digits.replace(" ", ""))
    assert losses[place] == pytest.approx(own[0], rel=1e-5)
    found = canaries.exposures(model, secrets)
    assert found["first"][-1] == (np.sum(losses <= losses[place]) == 1)
    assert not found["first"].all()
    bits = found["bits"][-1]
    assert bits == pytest.approx(np.log2(100 / np.sum(losses <= losses[place])))


def test_copies_go_and_the_first_stays():
    texts = ["A b.", "c", "a B!", "d", "c"]
    assert planted_secrets.without_copies(texts) == ["A b.", "c", "d"]
    secrets = canaries.secrets_of(TINY, 0)
    once = planted_secrets.without_copies(secrets.private)
    assert all(once.count(c.text) == 1 for c in secrets.canaries if c.repeats)


def test_the_early_stop_is_where_validation_was_best(tmp_path):
    config = replace(TINY, steps=40, evaluate_every=4, learning_rate=0.05, batch_size=2)
    secrets = canaries.secrets_of(config, 0)
    said = []
    job = replace(a_job(tmp_path), say=said.append)
    start = canaries.arrays_of(GPT(config.gpt(), torch.Generator().manual_seed(0)))
    few = secrets.rows(secrets.private[:2])
    found = canaries.openly(start, few, 40, secrets, config, job)
    losses = [float(line.split()[-1]) for line in said]
    assert found["best step"] == 4 * (1 + int(np.argmin(losses))) < 40
    best = {k.removeprefix("best "): v for k, v in found.items() if k.startswith("best ")}
    loss = canaries.held_out_loss(canaries.model_of(best, config), secrets)
    assert loss == pytest.approx(min(losses), abs=1e-3)
    last = canaries.held_out_loss(canaries.model_of(found, config), secrets)
    assert last == pytest.approx(losses[-1], abs=1e-3) and last > loss


def test_real_sentences_are_read(monkeypatch):
    films = (MovieReview("a", 1, ("this is a film .", "no .", "what a very good film !"), 0),)
    monkeypatch.setattr(planted_secrets, "load_movie_reviews", lambda: films * 2)
    novel = "It was a dark night. He said so. The end of the story came!\nNone of us knew."
    monkeypatch.setattr(planted_secrets, "load_novels", lambda size: novel)
    public, private = planted_secrets.real(1, 1)
    assert public[:2] == ["It was a dark night.", "The end of the story came!"]
    assert sorted(private) == ["this is a film .", "what a very good film !"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": "x"}, "choose 'world' or 'reviews'"),
        ({"n_each": 0}, "n_each is 0; it must be at least 1"),
        ({"delta": 0.1}, "below 1 / n_private"),
        ({"private_rate": 0.0}, "rate is 0.0"),
        ({"n_heads": 3}, "heads"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)


def test_too_few_sentences_and_too_short_a_context_are_refused():
    with pytest.raises(ValueError, match="of at most 5 tokens came where 60 are wanted"):
        canaries.secrets_of(replace(TINY, context_length=5), 0)
    with pytest.raises(ValueError, match="does not fit a context of 30; give a longer one"):
        canaries.secrets_of(replace(TINY, context_length=30, n_public=5, n_private=5,
                                    n_validation=5), 0)  # fmt: skip


def test_another_device_is_refused(tmp_path):
    with pytest.raises(ValueError, match="device is mps; this recipe computes on the processor"):
        canaries.run(TINY, replace(a_job(tmp_path), runtime=Runtime("mps")))
