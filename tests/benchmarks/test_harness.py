"""A comparison's figures are what they are called."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def script(name: str) -> ModuleType:
    """One file of benchmarks/, imported as its neighbours import it."""
    folder = str(ROOT / "benchmarks")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


harness, everything = script("harness"), script("everything")


def test_sides_alternate_and_the_ratio_is_that_of_the_pairs() -> None:
    order: list[str] = []
    pairs = harness.paired(
        lambda: order.append("a"), lambda: order.append("b"), pairs=3, memory=False
    )
    assert order == ["a", "b", "a", "b", "b", "a", "a", "b"]
    assert len(pairs.ours) == len(pairs.peer) == 3
    assert harness.Pairs((1.0, 4.0, 9.0), (1.0, 2.0, 3.0)).ratio == 2.0


def test_work_per_second_turns_the_ratio_round() -> None:
    pairs = harness.Pairs((2.0,) * 5, (1.0,) * 5)
    slower = pairs.row("x", "<= 1.5", "peer")
    assert (slower.ours, slower.peer, slower.ratio, slower.met) == (2.0, 1.0, 2.0, False)
    rate = pairs.row("x", ">= 0.5", "peer", work=10, unit="words/s")
    assert (rate.ours, rate.peer, rate.ratio, rate.met) == (5.0, 10.0, 0.5, True)


def test_an_aim_that_cannot_be_read_is_refused() -> None:
    assert harness.reached(1.0, "") is None
    assert harness.reached(1.0, "<= 1.0") and harness.reached(1.0, ">= 1.0")
    with pytest.raises(ValueError, match=r"the aim '< 1' cannot be read; write '<= 0\.95'"):
        harness.reached(1.0, "< 1")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc, on Linux")
def test_peak_memory_sees_what_one_call_took() -> None:
    block = 80_000_000
    peak = harness.peak_memory(lambda: bytearray(b"x" * block))
    assert block <= peak < 3 * block  # the string and its copy


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc, on Linux")
def test_freed_memory_neither_hides_the_peak_nor_counts_as_it() -> None:
    block = 80_000_000
    freed = [bytes(2000) for _ in range(150_000)]  # 300 MB in small pieces: from the heap
    kept = bytes(2000)  # above them, so that the heap cannot shrink
    del freed
    peak = harness.peak_memory(lambda: bytearray(b"x" * block))
    assert len(kept) == 2000 and block <= peak < 3 * block


def test_a_row_without_a_peer_is_held_by_its_own_figure() -> None:
    row = harness.Row("x", 0.8, None, "s", None, "<= 1.0", "")
    assert row.met is True and row.as_dict()["met"] is True


def test_every_comparison_is_a_function_of_rows() -> None:
    found = everything.scripts([])
    assert found, "there is something to compare"
    for path in found:
        text = path.read_text(encoding="utf-8")
        assert "def rows(" in text and "main(rows)" in text, path.name


def test_the_page_is_made_from_the_results() -> None:
    rows = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    keys = {"name", "ours", "peer", "unit", "ratio", "aim", "met", "versions"}
    assert rows and all(keys <= set(row) for row in rows)
    for row in rows:
        figure = row["ours"] if row["ratio"] is None else row["ratio"]
        assert row["met"] == harness.reached(figure, row["aim"])
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert page == everything.table(rows)


def test_the_page_hides_no_miss() -> None:
    row = harness.Row("slow", 3.0, 1.0, "s", 3.0, "<= 2", "peer", note="why").as_dict()
    page = everything.table([row])
    assert "| slow | 3 | 1 (peer) | s | 3.00 | ≤ 2 | **no** | – / – |" in page
    assert "- **slow**: why" in page
