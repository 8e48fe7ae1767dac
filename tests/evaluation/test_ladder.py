"""A ladder's numbers and its table, against what a pencil gives."""

import pytest

from llm_book.evaluation.ladder import ladder_numbers, ladder_table, numbers_of


def a_rung(name, speed=None, loss=2.0, batch=4, packed=False, **more):
    own = {} if speed is None else {"tokens/s": speed, "positions/s": 2 * speed, "loss": loss}
    settings = {"batch_size": batch, "packed": packed, "dtype": name}
    return {"rung": name, "settings": settings, "numbers": own | more}


RUNGS = [
    a_rung("a", None, **{"out of memory at batch": 4}),
    a_rung("b", 100.0, memory=3_000_000_000),
    a_rung("c"),
    a_rung("d", 250.0, loss=2.25),
    a_rung("e", 500.0, loss=1.0, batch=8),
    a_rung("f", 400.0, loss=1.0, packed=True),
]
CHANGES = {name: f"changed {name}" for name in "abcdef"}


def test_shares_and_ratios_are_those_of_a_pencil():
    found = ladder_numbers(RUNGS, 10.0, {"float32": 5_000.0, "bfloat16": 10_000.0}, 20_000.0)
    assert found["MFU, b"] == pytest.approx(100 * 10 / 20_000)
    assert found["MFU, pads counted, b"] == pytest.approx(2 * 100 * 10 / 20_000)
    assert found["of matmul, d"] == pytest.approx(250 * 10 / 10_000)
    assert found["times the first, e"] == 5.0 and found["times the first, b"] == 1.0
    assert found["matmul FLOP/s, float32"] == 5_000 and found["FLOP per token"] == 10


def test_a_loss_is_compared_only_where_the_same_rows_were_read():
    found = ladder_numbers(RUNGS, 10.0, {"float32": 1.0})
    compared = {name[-1]: value for name, value in found.items() if name.startswith("loss less")}
    assert compared == {"b": 0.0, "d": 0.25}


def test_what_is_not_known_is_left_out():
    found = ladder_numbers(RUNGS, 10.0, {"float32": 1.0})
    assert not [name for name in found if name.startswith("MFU")]
    assert [name for name in found if name.endswith(", a")] == ["out of memory at batch, a"]
    assert not [name for name in found if name.endswith(", c")]
    assert None not in found.values()


def test_the_table_compares_each_rung_with_the_last_that_ran_and_with_the_first():
    numbers = ladder_numbers(RUNGS, 10.0, {"float32": 10_000.0}, 20_000.0)
    head, *lines = ladder_table(numbers, CHANGES).split("\n")
    assert head.split("  ")[0] == "rung" and "memory, GB" in head
    assert [line.split()[0] for line in lines] == list("abcdef")
    assert "out of memory at batch 4" in lines[0] and "left out here" in lines[2]
    assert lines[1].split()[3:] == ["100", "1.00", "1.00", "5.0", "%", "10.0", "%", "3.0"]
    assert lines[3].split()[3:7] == ["250", "2.50", "2.50", "12.5"]
    assert lines[4].split()[3:6] == ["500", "2.00", "5.00"]
    assert lines[5].split()[3:6] == ["400", "0.80", "4.00"]
    assert lines[5].split()[-1] == "–"


def test_columns_stand_below_their_heads():
    numbers = {"tokens/s, a": 1234567.0, "tokens/s, longer": 5.0}
    lines = ladder_table(numbers, {"a": "x", "longer": "much longer"}).split("\n")
    assert len({len(line) for line in lines}) == 1
    assert lines[1][: lines[0].index("what")].strip() == "a"
    end = lines[0].index("tokens/s") + len("tokens/s")
    assert lines[1][:end].endswith("1,234,567") or "1,234,567" in lines[1]


def test_a_run_and_a_record_of_it_give_the_same_numbers():
    assert numbers_of({"metrics": {"tokens/s, a": 2.0}}) == {"tokens/s, a": 2.0}
    record = {"summary": {"metrics": {"tokens/s, a": {"estimate": 2.0, "low": 1.0}}}}
    assert numbers_of(record) == {"tokens/s, a": 2.0}


def test_a_ladder_without_a_number_is_refused():
    with pytest.raises(ValueError, match="no rung has a number; give those of a run"):
        ladder_table({"MFU, a": 1.0}, CHANGES)
