"""The run that tests vectors for associations: what is planted is found, what is absent is said."""

from dataclasses import replace

import pytest
import torch

from llm_book.data.bias_tests import WEAT_TESTS, WeatTest
from llm_book.data.glove import WordVectors
from llm_book.recipes import weat
from llm_book.recipes.job import Job
from llm_book.results import read_json
from llm_book.runtime import Runtime

SMALL = weat.PRESETS["small"]
NAME = "skip-gram, names and professions"


def a_job(folder, seed=0):
    return Job("weat", "small", seed, folder, Runtime(), say=lambda said: None)


def found(folder, strength):
    return weat.run(replace(SMALL, strength=strength), a_job(folder))["metrics"]


def test_a_planted_bias_is_found_and_its_absence_is_not(tmp_path):
    planted, twin = found(tmp_path / "planted", 0.8), found(tmp_path / "twin", 0.0)
    assert planted[f"{NAME}: covered"] == twin[f"{NAME}: covered"] == 1
    assert planted[f"{NAME}: effect size"] > 1.5 > abs(twin[f"{NAME}: effect size"])
    assert planted[f"{NAME}: p-value"] < 0.001 < twin[f"{NAME}: p-value"]


def test_the_run_names_its_data(tmp_path):
    weat.run(SMALL, a_job(tmp_path))
    document = read_json(tmp_path / "weat-small-0" / "run.json")
    assert document["data"]["report"].startswith("1 tests on vectors: ")
    assert document["data"]["report"].endswith("words of skip-gram, 24 wide")


def a_table(words):
    generator = torch.Generator().manual_seed(0)
    return WordVectors(tuple(words), torch.randn(len(words), 5, generator=generator))


def test_a_test_whose_words_are_missing_is_not_computed():
    lists = [tuple(f"{name}{i}" for i in range(5)) for name in "xyab"]
    test = WeatTest(0, *lists)
    words = [word for part in lists for word in part]
    assert weat.associated(a_table(words), test, 1000, 0).keys() > {"covered", "effect size"}
    four_of_five = [word for word in words if word != "y3"]
    assert weat.associated(a_table(four_of_five), test, 1000, 0)["covered"] == 0.8
    assert "effect size" in weat.associated(a_table(four_of_five), test, 1000, 0)
    three_of_five = [word for word in four_of_five if word != "y0"]
    assert weat.associated(a_table(three_of_five), test, 1000, 0) == {"covered": 0.6}


def test_every_published_test_has_a_name_and_glove_is_asked_in_lower_case(monkeypatch):
    assert weat.NAMES.keys() == WEAT_TESTS.keys()
    lists = {name: ("Amy", "rose") for four in WEAT_TESTS.values() for name in four}
    glove = a_table(["amy", "rose", "other"])
    monkeypatch.setattr(weat, "load_weat_lists", lambda: lists)
    monkeypatch.setattr(weat, "load_glove", lambda: glove)
    monkeypatch.setattr(weat, "load_weat_vectors", lambda: a_table(["Amy", "rose"]))
    tables, tests = weat.real()
    assert list(tests) == list(weat.NAMES.values())
    assert tables["GloVe"].words == ("Amy", "rose")
    assert tables["GloVe"]["Amy"].equal(glove["amy"])
    assert tables["word2vec"].words == ("Amy", "rose")


def test_senseless_settings_are_refused():
    with pytest.raises(ValueError, match="data is 'x'; choose 'world' or 'real'"):
        replace(SMALL, data="x")
