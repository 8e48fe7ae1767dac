"""Two records beside each other: what differs is listed, what both hold is compared by seed."""

import json

import pytest
from typer.testing import CliRunner

from llm_book import results
from llm_book.cli import app
from llm_book.comparison import compared
from llm_book.results import LedgerError, Record, accept, read_json
from tests.test_results import a_run

run = CliRunner()


def a_record(folder, losses, **changes):
    """A record of toys, a seed for each loss."""
    runs = [
        a_run(folder, seed, **{"metrics": {"loss": loss, "parameters": 25_000}} | changes)
        for seed, loss in losses.items()
    ]
    for one in runs:
        (one / "scores.npz").unlink()
    path = accept(runs, folder / "ledger")
    return Record(folder.name, read_json(path))


def test_numbers_stand_with_their_intervals_and_their_difference_seed_by_seed(tmp_path):
    one = a_record(tmp_path / "one", {0: 2.0, 1: 3.0, 2: 4.0})
    other = a_record(tmp_path / "other", {0: 1.8, 1: 2.7, 2: 3.9})
    lines = compared(one, other).splitlines()
    assert lines[-2] == (
        "loss: 3.000 [0.5157, 5.484] | 2.800 [0.1826, 5.417]; seed by seed +0.2000 "
        "[-0.04843, +0.4484]"
    )
    assert lines[-1].startswith("parameters: 25,000 [25,000, 25,000] | 25,000 [25,000, 25,000]")
    assert lines[2] == "they differ in nothing but their numbers"


def test_a_record_beside_itself_differs_by_nothing(tmp_path):
    one = a_record(tmp_path / "one", {0: 2.0, 1: 3.0})
    assert "seed by seed 0 [0, 0]" in compared(one, one)


def test_what_differs_is_listed_and_other_seeds_are_not_subtracted(tmp_path):
    one = a_record(tmp_path / "one", {0: 2.0, 1: 3.0}, config={"width": 3, "gone": True})
    machine = {
        "gpu": "H100",
        "processor": "p",
        "threads": 1,
        "device": "cuda",
        "dtype": "bfloat16",
    }
    other = a_record(
        tmp_path / "other",
        {0: 2.0, 2: 3.0},
        preset="full",
        config={"width": 4, "new": 1},
        data={"name": "toys", "content_sha256": "f" * 64},
        code={"version": "0", "modules_sha256": "z"},
        machine=machine,
    )
    said = compared(one, other)
    assert said.split("they differ in\n")[1].splitlines()[:8] == [
        "    preset: small | full",
        "    config, width: 3 | 4",
        "    config, gone: True | none",
        "    data: toys, y | toys, ffffffffffff",
        "    code: 0, x | 0, z",
        "    device: cpu, float32, p, 1 thread(s) | cuda, bfloat16, H100",
        "    seeds: 0, 1 | 0, 2",
        "    config, new: none | 1",
    ]
    assert "seed by seed" not in said and "loss: 2.500 [" in said


def test_one_seed_has_no_interval(tmp_path):
    one, other = (a_record(tmp_path / name, {0: x}) for name, x in (("one", 2.0), ("other", 3.0)))
    assert "loss: 2.000 | 3.000; seed by seed -1.000\n" in compared(one, other)


def test_records_without_a_common_number_are_refused(tmp_path):
    one = a_record(tmp_path / "one", {0: 2.0})
    other = a_record(tmp_path / "other", {0: 2.0}, metrics={"BLEU": 0.3, "by hand": True})
    with pytest.raises(LedgerError, match="one and other have no number in common; compare"):
        compared(one, other)


def test_a_classifiers_record_is_compared_too(tmp_path):
    runs = [a_run(tmp_path, seed) for seed in (0, 1)]
    path = accept(runs, tmp_path / "ledger")
    answer = run.invoke(app, ["results", "compare", str(path), str(path)])
    assert answer.exit_code == 0, answer.output
    assert "accuracy: 0.9000 [0.9000, 0.9000] | 0.9000 [0.9000, 0.9000]" in answer.output


def test_records_are_found_by_name():
    first = results.names()[0]
    answer = run.invoke(app, ["results", "compare", first, first])
    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith(f"{first}: ") and "they differ in nothing" in answer.output


@pytest.mark.parametrize("command", ["compare", "draw"])
@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (None, "is unknown; give a record's file, or choose one of "),
        ({"a": 1}, "holds no record; `llm-book results accept` makes one of runs"),
        ([1], "cannot be read as a record (a list, no table of names)"),
        ({"schema": 1, "recipe": "toy"}, "is a run; `llm-book results accept` makes a record"),
        ({"schema": 9, "recipe": "toy"}, "has schema 9, this version of the book reads 1"),
    ],
)
def test_what_is_no_record_gets_one_sentence(tmp_path, command, document, sentence):
    path = tmp_path / "toy.json"
    if document is not None:
        path.write_text(json.dumps(document), encoding="utf-8")
    names = [str(path)] * (2 if command == "compare" else 1)
    answer = run.invoke(app, ["results", command, *names])
    assert answer.exit_code == 1
    assert sentence in answer.output and "Traceback" not in answer.output
