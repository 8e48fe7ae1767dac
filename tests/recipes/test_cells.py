"""The comparison of cells is between models of the same size."""

from dataclasses import replace

import pytest

from llm_book.models.classifier import ClassifierConfig, RecurrentClassifier
from llm_book.recipes import cells, imdb_gru
from llm_book.recipes.job import Job
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime

BASE = imdb_gru.PRESETS["small"]


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_weights_are_counted_as_torch_counts_them(cell):
    model = RecurrentClassifier(ClassifierConfig(50, 8, 12, cell=cell, engine="torch"))
    assert cells.n_weights(cell, 50, 8, 12) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("cell", cells.RIVALS)
def test_rivals_have_the_weights_of_the_gru_to_two_in_a_hundred(cell):
    gru = cells.n_weights("gru", 400, BASE.own_width, BASE.width)
    rival = cells.n_weights(cell, 400, BASE.own_width, cells.equal_width(cell, 400, BASE))
    assert rival == pytest.approx(gru, rel=0.02)


def test_a_run_compares_every_cell_under_both_budgets_and_can_be_recorded(tmp_path):
    config = replace(cells.PRESETS["small"], n_train=200, n_test=60, width=6, epochs=2)
    job = Job("cells", "small", 0, tmp_path / "runs", Runtime(), say=lambda sentence: None)
    document = cells.run(config, job)
    assert set(document["rivals"]) == {
        f"{cell}, equal {budget}" for cell in cells.RIVALS for budget in ("steps", "seconds")
    }
    for rival in document["rivals"].values():
        assert 0 <= rival["accuracy"] <= 1
        assert rival["margin"]["low"] <= rival["margin"]["high"]
    assert document["rivals"]["lstm, equal steps"]["epochs"] == 2
    record = read_json(accept([job.folder], tmp_path / "ledger"))
    assert set(record["summary"]["margins"]) == set(document["rivals"])
