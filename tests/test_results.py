"""The ledger takes finished runs that belong together, and nothing smaller than it has."""

import importlib
import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from llm_book import results
from llm_book.recipes.job import Job
from llm_book.results import LedgerError, accept, code_facts, thinned
from llm_book.runtime import Runtime
from tests.chapters.notebooks import code_cells, notebooks, read


def a_run(folder, seed=0, status="finished", tokens=1000, right=None, rival=None, **changes):
    """A run's folder with the least that makes a record."""
    folder = folder / f"toy-small-{seed}"
    folder.mkdir(parents=True)
    right = np.array([True] * 9 + [False]) if right is None else right
    run = {
        "schema": 1,
        "recipe": "toy",
        "preset": "small",
        "seed": seed,
        "status": status,
        "command": "llm-book run toy",
        "config": {"width": 3},
        "code": {"version": "0", "modules_sha256": "x"},
        "machine": {
            "gpu": None,
            "processor": "p",
            "threads": 1,
            "device": "cpu",
            "dtype": "float32",
        },
        "data": {"name": "toys", "content_sha256": "y"},
        "metrics": {"accuracy": float(right.mean()), "n": len(right)},
        "rivals": {},
        "seconds": 2.0,
        "tokens": tokens,
        "peak_memory_bytes": 10,
        "energy_joules": None,
    } | changes
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    curve = [
        {"index": i + 1, "loss": 1 / (i + 1), "learning_rate": 0.1, "memory": i} for i in range(500)
    ]
    (folder / "curve.jsonl").write_text(
        "".join(json.dumps(step) + "\n" for step in curve), encoding="utf-8"
    )
    rival = np.arange(10) < 6 if rival is None else rival
    np.savez(folder / "scores.npz", ours=right, rival=rival)
    return folder


def test_three_seeds_make_one_record_with_intervals(tmp_path):
    folders = [a_run(tmp_path, seed) for seed in (2, 0, 1)]
    record = results.read_json(accept(folders, tmp_path / "ledger"))
    assert record["seeds"] == [0, 1, 2]
    assert record["summary"]["accuracy_over_seeds"]["estimate"] == pytest.approx(0.9)
    assert record["summary"]["accuracy_over_texts"]["low"] < 0.9
    assert record["summary"]["margins"]["rival"]["estimate"] == pytest.approx(0.3)
    assert record["summary"]["tokens"] == 3000
    assert len(record["runs"][0]["curve"]["loss"]) <= results.CURVE_POINTS


def test_a_rival_with_seeds_of_its_own_is_averaged_over_them(tmp_path):
    folders = [
        a_run(tmp_path, seed, rival=np.arange(10) < n, rivals={"rival": {"accuracy": n / 10}})
        for seed, n in enumerate((2, 6))
    ]
    record = results.read_json(accept(folders, tmp_path / "ledger"))
    assert record["summary"]["margins"]["rival"]["estimate"] == pytest.approx(0.5)
    assert record["rivals"]["rival"]["accuracy"] == pytest.approx(0.4)


def test_a_record_has_the_peak_memory_of_training_and_the_note(tmp_path):
    path = accept([a_run(tmp_path)], tmp_path / "ledger", note="two at a time")
    record = results.read_json(path)
    assert record["summary"]["peak_memory_bytes"] == 499
    assert "(two at a time)" in results.Record("toy", record | {"recipe": "cells"}).caption


def test_a_run_on_another_device_is_not_joined(tmp_path):
    machine = {"gpu": "T4", "processor": "p", "threads": 1, "device": "cuda", "dtype": "float16"}
    folders = [a_run(tmp_path, 0), a_run(tmp_path, 1, machine=machine)]
    with pytest.raises(LedgerError, match="differ in machine"):
        accept(folders, tmp_path / "ledger")
    assert accept(folders[1:], tmp_path / "ledger").name == "toy.small.cuda.json"


def test_the_command_names_no_folder_of_this_machine(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/x/llm-book", "run", "toy", "--runs", "/home/me", "--resume"])
    assert results.command_line() == "llm-book run toy --resume"


def test_the_record_is_named_after_recipe_preset_and_device(tmp_path):
    assert accept([a_run(tmp_path)], tmp_path / "ledger").name == "toy.small.cpu.json"


def test_runs_with_other_settings_or_data_are_not_joined(tmp_path):
    first = a_run(tmp_path, 0)
    for key, value in (("config", {"width": 4}), ("data", {"name": "other"})):
        second = a_run(tmp_path / key, 1, **{key: value})
        with pytest.raises(LedgerError, match=f"differ in {key}; a record joins runs"):
            accept([first, second], tmp_path / "ledger")


def test_a_stopped_run_is_not_recorded(tmp_path):
    with pytest.raises(LedgerError, match="toy-small-0 is stopped, not finished; run it again"):
        accept([a_run(tmp_path, status="stopped")], tmp_path / "ledger")


def test_a_run_with_other_settings_than_its_preset_is_not_recorded(tmp_path):
    run = a_run(tmp_path, changed=["epochs=1"])
    with pytest.raises(LedgerError, match="changed epochs=1; a record holds a preset as it is"):
        accept([run], tmp_path / "ledger")


def test_a_seed_counts_once(tmp_path):
    folders = [a_run(tmp_path / "a"), a_run(tmp_path / "b")]
    with pytest.raises(LedgerError, match="repeat a seed"):
        accept(folders, tmp_path / "ledger")


@pytest.mark.parametrize("smaller", ["fewer seeds", "fewer tokens"])
def test_a_smaller_run_never_replaces_a_larger_one(tmp_path, smaller):
    large = [a_run(tmp_path / "large", seed) for seed in (0, 1)]
    path = accept(large, tmp_path / "ledger")
    before = path.read_bytes()
    small = [a_run(tmp_path / "small", seed, tokens=500) for seed in (0, 1)]
    with pytest.raises(LedgerError, match="a smaller run does not replace a larger one"):
        accept(small if smaller == "fewer tokens" else large[:1], tmp_path / "ledger")
    assert path.read_bytes() == before
    assert accept(large, tmp_path / "ledger") == path


def test_no_run_and_no_document_are_said_so(tmp_path):
    with pytest.raises(LedgerError, match="no run was given"):
        accept([], tmp_path)
    with pytest.raises(LedgerError, match="cannot be read as a record"):
        accept([tmp_path / "nothing"], tmp_path)


def test_a_thinned_curve_keeps_its_mean_and_its_end():
    curve = [{"index": i, "loss": float(i), "learning_rate": 1.0} for i in range(1, 1001)]
    short = thinned(curve, points=100)
    assert len(short["loss"]) == 100
    assert np.mean(short["loss"]) == pytest.approx(500.5, rel=1e-3)
    assert short["index"][-1] == 1000


def test_the_hash_covers_what_the_recipe_imports_and_nothing_else(monkeypatch):
    code_facts.cache_clear()
    before = code_facts("llm_book.recipes.imdb_gru")["modules_sha256"]
    sources = results._sources("llm_book.recipes.imdb_gru", {})
    assert "llm_book.models.recurrent" in sources
    assert "llm_book.training.loop" in sources
    assert "llm_book.cli" not in sources
    assert not [name for name in sources if name.startswith("llm_book.data.world")]
    assert code_facts("llm_book.recipes.imdb_gru")["modules_sha256"] == before
    monkeypatch.setattr(
        results, "_sources", lambda module, found: sources | {"llm_book.models.recurrent": "x"}
    )
    code_facts.cache_clear()
    assert code_facts("llm_book.recipes.imdb_gru")["modules_sha256"] != before
    code_facts.cache_clear()


def test_a_run_is_moved_aside_and_not_lost(tmp_path):
    said = []
    job = Job("imdb_gru", "small", 0, tmp_path, Runtime(), say=said.append)
    job.folder.mkdir()
    (job.folder / "precious").write_text("x", encoding="utf-8")
    from llm_book.recipes.imdb_gru import PRESETS

    job.begin(PRESETS["small"], {"name": "none"})
    assert (tmp_path / "imdb_gru-small-0.earlier-1" / "precious").exists()
    assert said == ["imdb_gru-small-0 exists; the earlier run is now imdb_gru-small-0.earlier-1"]


def test_how_a_run_ended_stands_in_its_document(tmp_path):
    job = Job("imdb_gru", "small", 0, tmp_path, Runtime(), say=lambda sentence: None)
    job.folder.mkdir()
    with pytest.raises(OSError, match="disk full"), job.noting_how_it_ends({"status": "running"}):
        raise OSError("disk full")
    document = results.read_json(job.folder / "run.json")
    assert (document["status"], document["reason"]) == ("stopped", "disk full")


def test_every_record_in_the_package_can_be_read_and_says_where_it_comes_from():
    for name in results.names():
        record = results.recorded(name)
        assert record.document["schema"] == results.SCHEMA
        assert "seed(s) on" in record.caption
    assert results.recorded("there.is.none") is None


def test_every_record_names_its_data_by_the_hash_of_their_content():
    for name in results.names():
        data = results.recorded(name).document["data"]
        assert data["name"] and re.fullmatch("[0-9a-f]{64}", data["content_sha256"]), name


def test_a_record_has_the_settings_of_its_preset_or_is_shown_as_an_earlier_version():
    for name in results.names():
        record = results.recorded(name)
        document = record.document
        recipe, preset, device = name.rsplit(".", 2)
        assert (document["recipe"], document["preset"]) == (recipe, preset)
        assert document["machine"]["device"].partition(":")[0] == device
        presets = importlib.import_module(f"llm_book.recipes.{recipe}").PRESETS
        if preset not in presets or document["config"] != asdict(presets[preset]):
            assert record.caption.endswith(", recorded with an earlier version"), name


def test_every_record_is_read_by_a_chapter_or_a_page():
    root = Path(__file__).resolve().parents[1]
    texts = [page.read_text(encoding="utf-8") for page in root.glob("book/**/*.md")]
    for notebook in notebooks():
        texts += [cell.source for cell in code_cells(read(notebook))]

    def is_read(name):
        either = name, re.sub(r"\..*\.", ".{session.preset}.", name)  # the reader's choice of both
        return any(spelt in text for spelt in either for text in texts)

    assert [name for name in results.names() if not is_read(name)] == []


def test_what_only_writes_a_run_down_does_not_make_it_an_earlier_version():
    sources = results._sources("llm_book.recipes.imdb_gru", {})
    assert "llm_book.models.recurrent" in sources and "llm_book.training.loop" in sources
    assert not {"llm_book.results", "llm_book.recipes.job"} & set(sources)


def a_record_of_words(folder, seeds):
    found = []
    for seed in seeds:
        found.append(
            a_run(
                folder,
                seed,
                metrics={"rho": 0.4 + seed / 100, "pairs": 9},
                rivals={"gensim": {"rho": 0.5, "seconds": 3.0}},
            )
        )
        (found[-1] / "scores.npz").unlink()
    path = accept(found, folder / "ledger")
    return results.Record(path.stem, results.read_json(path))


def test_a_number_is_shown_with_its_interval_beside_each_rivals(tmp_path):
    record = a_record_of_words(tmp_path, (0, 1, 2))
    assert record.beside("rho") == (
        "rho: ours 0.410 [0.385, 0.435]\n    gensim 0.500; ours minus it -0.090 [-0.115, -0.065]"
    )
    assert record.beside("pairs", ours="both") == "pairs: both 9 [9, 9]"
    with pytest.raises(LedgerError, match="holds no 'BLEU'; it holds rho, pairs"):
        record.beside("BLEU")


def test_one_seed_is_shown_without_an_interval(tmp_path):
    assert a_record_of_words(tmp_path, [0]).beside("rho") == (
        "rho: ours 0.400\n    gensim 0.500; ours minus it -0.100"
    )
