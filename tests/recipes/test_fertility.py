"""The run that counts what a tokenizer's language costs: the same text on both sides."""

from dataclasses import replace

import pytest

from llm_book.recipes import fertility
from llm_book.recipes.job import Job
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime

TINY = replace(fertility.PRESETS["small"], n_characters=5000, vocab_size=400)


def a_job(folder, seed=0):
    return Job("fertility", "small", seed, folder, Runtime(), say=lambda said: None)


def test_each_language_is_cheapest_for_the_tokenizer_that_learned_from_it(tmp_path):
    costs = fertility.run(TINY, a_job(tmp_path))["metrics"]
    word, character, tax = zip(
        *(map(costs.get, fertility.costs_named(name)) for name in ("English", "Chinese", "both")),
        strict=True,
    )
    assert word[0] < word[2] < word[1]
    assert character[1] < character[2] < character[0]
    assert tax[1] < tax[2] < tax[0]


def test_the_record_has_one_seed_and_no_interval(tmp_path):
    fertility.run(TINY, a_job(tmp_path))
    path = accept([tmp_path / "fertility-small-0"], tmp_path / "ledger")
    summary = read_json(path)["summary"]["metrics"]
    assert summary["both: tokens an English word"]["low"] is None


def test_bytes_alone_cost_what_utf8_says():
    counted = {"English": "ab cde", "Chinese": "大小"}
    found = fertility.costs("bytes", lambda text: list(text.encode()), counted)
    assert list(found.values()) == [6 / 2, 6 / 2, 1]


def test_spaces_beside_chinese_are_taken_out_and_others_stay():
    text = "在 1999 年 ， Tesla Motors 成立"
    assert fertility.BESIDE_HAN.sub("", text) == "在1999年，Tesla Motors成立"


def test_senseless_settings_are_refused():
    with pytest.raises(ValueError, match="data is 'x'; choose 'world' or 'real'"):
        replace(TINY, data="x")
    with pytest.raises(ValueError, match="n_characters is 0"):
        replace(TINY, n_characters=0)
