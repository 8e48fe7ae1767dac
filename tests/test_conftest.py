"""The rules that every test runs under hold themselves."""

import os
import subprocess
import sys
from pathlib import Path

import jaxtyping
import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]

TESTS = """\
import pytest


@pytest.mark.needs_mirror
def test_marked():
    assert True


def test_with_the_fixture(mirror):
    assert mirror.is_dir()


@pytest.mark.needs_browser
def test_in_a_browser():
    pytest.skip("no browser")


def test_skipped_for_another_reason():
    pytest.skip("not on Tuesdays")
"""


def outcomes(folder: Path, **environment: str) -> list[str]:
    """Run four small tests under these rules; what became of each."""
    (folder / "test_small.py").write_text(TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-v", "--color=no"]
    kept = {name: value for name, value in os.environ.items() if "LLM_BOOK" not in name}
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-rN", str(folder)],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    words = [line.split() for line in done.stdout.splitlines() if "test_small.py::" in line]
    assert len(words) == 4, done.stdout + done.stderr
    return [line[1] for line in words]


def test_without_data_or_browser_such_tests_are_skipped(tmp_path):
    assert outcomes(tmp_path) == ["SKIPPED"] * 4


def test_a_skip_is_a_failure_where_the_thing_is_required(tmp_path):
    found = outcomes(tmp_path, LLM_BOOK_REQUIRE="mirror, browser")
    assert found == ["ERROR", "ERROR", "FAILED", "SKIPPED"]  # an error is a failure of the set-up


def test_where_there_is_data_such_tests_run(tmp_path):
    found = outcomes(tmp_path, LLM_BOOK_MIRROR=str(tmp_path), LLM_BOOK_REQUIRE="mirror")
    assert found == ["PASSED", "PASSED", "SKIPPED", "SKIPPED"]


def test_shapes_are_checked_on_every_call():
    from llm_book.shapes import text_mask

    assert text_mask(torch.tensor([1, 2]), 3).shape == (2, 3)
    with pytest.raises(jaxtyping.TypeCheckError):
        text_mask(torch.tensor([1.0, 2.0]), 3)


def test_an_int_may_stand_for_a_float():
    from llm_book.claims import written

    assert written(3) == "3.00"


def test_tests_run_on_one_thread():
    assert torch.get_num_threads() == 1
